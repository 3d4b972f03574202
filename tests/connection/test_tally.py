"""Rows counted by facet and by time."""

from __future__ import annotations

import pytest

from tlsviz.connection.filters import parse, term
from tlsviz.connection.model import CodePoint, Connection
from tlsviz.connection.rows import Row, row
from tlsviz.connection.tally import FACETS, SLICES, count, ordered, summarize

X25519, HYBRID = CodePoint(29, 2, "x25519"), CodePoint(4588, 2, "X25519MLKEM768")


def rows(*starts: float) -> list[Row]:
    return [
        row(
            Connection(
                id=number,
                start=start,
                server_name=f"{'abc'[number % 3]}.example",
                group=(X25519, HYBRID, None)[number % 3],
                complete=number % 2 == 0,
            )
        )
        for number, start in enumerate(starts)
    ]


def test_counts_are_those_of_the_filters_that_pick_them() -> None:
    found = rows(*range(20))
    counted = count(found)
    for facet in FACETS:
        for value, number in counted[facet.key].items():
            fits = parse(term(facet.key, value)).matches
            assert sum(fits(each, 0.0) for each in found) == number, (facet.key, value)


def test_the_most_frequent_come_first() -> None:
    assert ordered(count(rows(1, 2, 3, 4))["sni"]) == (("a.example", 2), ("b.example", 1), ("c.example", 1))


def test_a_summary_of_nothing() -> None:
    found = summarize(())
    assert (found.connections, found.slices, found.post_quantum_share) == (0, (), None)


def test_the_share_of_post_quantum_is_of_those_that_are_known() -> None:
    found = summarize(rows(1, 2, 3, 4))
    assert (found.post_quantum, found.classical) == (1, 2)
    assert found.post_quantum_share == pytest.approx(1 / 3)
    assert (found.connections, found.incomplete) == (4, 2)


@pytest.mark.parametrize("span", [0.0, 0.0004, 0.7, 59.9, 60.0, 61.0, 3600.0, 90_000.0, 1e9])
def test_slices_hold_every_connection_once(span: float) -> None:
    starts = [1e9 + span * part / 16 for part in range(17)]
    found = summarize(rows(*starts))
    assert sum(each.total for each in found.slices) == 17
    assert 1 <= len(found.slices) <= SLICES + 1
    assert found.slices[0].total and found.slices[-1].total
    assert len(found.slices) > SLICES // 3 or span < 0.03
