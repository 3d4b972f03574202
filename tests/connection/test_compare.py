"""Comparing connections: what counts as a difference, what stands beside what, and that nothing is too odd."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsviz.connection.align import MAX_STEPS, field_pairs, matches
from tlsviz.connection.compare import HIDDEN, Difference, compare, pick
from tlsviz.connection.model import CodePoint, Connection, Offered, Source, Trace
from tlsviz.errors import UsageError
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.wire.nodes import Node

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def trace(name: str) -> Trace:
    return load_capture(CAPTURES / name, OpenOptions(ca=CAPTURES / "ca.pem"))


def told(one: Connection, other: Connection) -> dict[str, Difference]:
    return {difference.what: difference for difference in compare(one, other).differences}


@pytest.fixture(scope="module")
def resumed() -> tuple[Connection, Connection]:
    first, second = trace("resumption.pcapng").connections[:2]
    return first, second


@pytest.fixture(scope="module")
def tls13() -> Connection:
    return trace("tls13.pcapng").connections[0]


def test_a_connection_is_like_itself(tls13: Connection) -> None:
    found = compare(tls13, tls13)
    assert found.alike and not found.differences
    assert {pair.standing for pair in found.pairs} == {"same"}


def test_first_and_resumed(resumed: tuple[Connection, Connection]) -> None:
    found = compare(*resumed)
    by_name = {one.what: one for one in found.differences}
    assert (by_name["resumed"].left, by_name["resumed"].right) == ("no", "yes")
    assert by_name["extensions"].kind == "new" and by_name["extensions"].right == "pre_shared_key"
    gone = [found.left.messages[pair.left.index].type for pair in found.pairs if pair.left and pair.standing == "gone"]
    assert gone == ["certificate", "certificate_verify", "new_session_ticket"]
    hello = next(pair for pair in found.pairs if pair.left and pair.left.title == "ClientHello")
    standings = {one.name: one.standing for one in found.fields(hello) if one.depth <= 1}
    assert standings["random"] == "fresh"
    assert standings["pre_shared_key"] == "new"
    assert standings["cipher_suites"] == "same"


def test_the_other_way_round_it_is_the_mirror(resumed: tuple[Connection, Connection]) -> None:
    there, back = told(*resumed), told(*reversed(resumed))
    assert there.keys() == back.keys()
    assert all((one.left, one.right) == (back[what].right, back[what].left) for what, one in there.items())


def test_what_cannot_be_read_is_not_gone(tls13: Connection) -> None:
    sealed = trace("tls13-no-keys.pcapng").connections[0]
    found = told(tls13, sealed)
    assert found["alpn"].right == HIDDEN
    assert found["server_certificate"].right == HIDDEN
    assert "server_bytes" not in found
    assert "server_name" not in found


def test_versions_suites_and_round_trips(tls13: Connection) -> None:
    found = told(tls13, trace("tls12.pcapng").connections[0])
    assert (found["version"].left, found["version"].right) == ("TLS 1.3", "TLS 1.2")
    assert found["round_trips"].left == "1" and found["round_trips"].right == "2"
    assert found["no_post_quantum_group"].kind == "new"
    assert next(iter(found)) == "version", "what was agreed comes before everything that follows from it"


def point(code: int) -> CodePoint:
    return CodePoint(code, 2, "GREASE" if code & 0x0F0F == 0x0A0A else f"number {code}")


@pytest.mark.parametrize(
    ("left", "right", "kinds"),
    [
        ([0x0A0A, 1, 2, 3], [1, 0x1A1A, 2, 3], []),
        ([1, 2, 3], [1, 3], ["gone"]),
        ([1, 3], [1, 2, 3], ["new"]),
        ([1, 2, 3, 4, 5], [1, 3, 4, 5, 2], ["moved"]),
        ([1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1], ["moved"]),
        ([1, 2], [2, 7], ["gone", "new"]),
    ],
    ids=["grease", "gone", "new", "one moved", "another order", "both"],
)
def test_lists_of_the_hello(tls13: Connection, left: list[int], right: list[int], kinds: list[str]) -> None:
    one, other = (replace(tls13, offered=Offered(cipher_suites=tuple(map(point, codes)))) for codes in (left, right))
    found = [each.kind for each in compare(one, other).differences if each.what == "cipher_suites"]
    assert found == kinds


def test_a_moved_field_is_marked_where_it_stands() -> None:
    def message(*values: int) -> Node:
        parts = [Node("suite", place, place + 1, value) for place, value in enumerate(values)]
        return Node("list", 0, len(values), None, None, tuple(parts))

    pairs = field_pairs(message(1, 2, 3, 4), bytes([1, 2, 3, 4]), message(2, 3, 9, 1), bytes([2, 3, 9, 1]))
    assert [(pair.left and pair.left.value, pair.right and pair.right.value, pair.standing) for pair in pairs] == [
        (1, 1, "moved"),
        (2, 2, "same"),
        (3, 3, "same"),
        (4, None, "gone"),
        (None, 9, "new"),
    ]


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_matches_are_a_common_subsequence(left: list[int], right: list[int]) -> None:
    found = matches(left, right)
    assert all(left[one] == right[other] for one, other in found)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))
    assert len(found) == _longest(tuple(left), tuple(right))


def _longest(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """The length of a longest common subsequence, row by row."""
    row = [0] * (len(right) + 1)
    for one in left:
        last = 0
        for place, other in enumerate(right):
            last, row[place + 1] = row[place + 1], last + 1 if one == other else max(row[place], row[place + 1])
    return row[-1]


def test_endless_ladders_are_cut(tls13: Connection) -> None:
    run = tls13.application[0]
    long = replace(tls13, application=tuple(run._replace(order=1000 + place) for place in range(3000)))
    assert len(compare(long, tls13).pairs) <= 2 * MAX_STEPS


def test_which_two_are_compared(resumed: tuple[Connection, Connection]) -> None:
    both = Trace(Source("capture", "two"), resumed)
    one = Trace(Source("capture", "one"), resumed[:1])
    assert pick(both, None) == resumed
    assert pick(both, None, 1) == (resumed[1], resumed[0])
    assert pick(one, both) == (resumed[0], resumed[0])
    assert pick(one, both, None, 1) == resumed
    for wrong in ((one, None), (both, one, 7), (Trace(Source("capture", "none")), both)):
        with pytest.raises(UsageError):
            pick(*wrong)


def test_nothing_compared_with_nothing() -> None:
    found = compare(Connection(), Connection())
    assert found.alike and not found.pairs
