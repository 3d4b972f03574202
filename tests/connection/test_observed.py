"""What is remembered of servers while connections come: equal to looking at all of them, and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlsviz.connection import observations
from tlsviz.connection.model import CodePoint, Connection, Endpoint, Offered, Source, Trace, changed
from tlsviz.connection.observations import MAX_EARLIER, Observed, observe, remembering, whom
from tlsviz.connection.observed import Observation

SUITE = CodePoint(0x1301, 2, "TLS_AES_128_GCM_SHA256")


def shaken(number: int, start: float, name: str = "www.lab.test", **fields: object) -> Connection:
    """A connection that can be remembered."""
    server = Endpoint("192.0.2.1", 443)
    known: dict[str, object] = {"offered": Offered(cipher_suites=(SUITE,)), "cipher_suite": SUITE, "complete": True}
    return Connection(id=number, start=start, server=server, server_name=name, **{**known, **fields})  # type: ignore[arg-type]


def looked_up(connection: Connection, known: Sequence[Connection]) -> tuple[Observation, ...]:
    """The same by its definition: of all others those with the server, before; the latest, oldest first."""
    seen = [one for one in map(observe, known) if one is not None and (one.server, one.port) == whom(connection)]
    before = [one for one in seen if one.time < round(connection.start, 3)]
    return tuple(sorted(before, key=lambda one: one.time)[-MAX_EARLIER:])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 250), st.sampled_from(["a.test", "b.test"])), max_size=260))
def test_connections_in_order_of_their_start_find_what_looking_at_all_finds(what: list[tuple[int, str]]) -> None:
    made = [shaken(number, 1e9 + tenths / 3, name) for number, (tenths, name) in enumerate(what)]
    whole = remembering(Trace(Source("capture", "x"), tuple(made)))
    assert [each.id for each in whole.connections] == [each.id for each in made]
    observed = Observed()
    single = {each.id: observed.follow(each) for each in sorted(made, key=lambda each: each.start)}
    for connection, found in zip(made, whole.connections, strict=True):
        assert found.earlier == single[connection.id].earlier == looked_up(connection, made)


def test_nobody_is_before_himself_however_his_time_is_rounded() -> None:
    made = tuple(shaken(number, 1e9 + number + 0.0004) for number in range(3))
    found = remembering(Trace(Source("capture", "x"), made)).connections
    assert [len(each.earlier) for each in found] == [0, 1, 2]


def test_what_is_known_from_elsewhere_counts_too() -> None:
    known = observe(shaken(9, 5.0))
    assert known is not None
    (found,) = remembering(Trace(Source("live", "x"), (shaken(0, 6.0),)), [known]).connections
    assert found.earlier == (known,)
    (found,) = remembering(Trace(Source("live", "x"), (shaken(0, 4.0),)), [known]).connections
    assert found.earlier == ()


def test_many_with_one_server_are_looked_at_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(observations, "observe", lambda connection: asked.append(1) or observe(connection))
    observed = Observed()
    for number in range(1_000):
        observed.follow(shaken(number, float(number)))
    assert len(asked) == 1_000
    assert all(len(seen) <= 2 * MAX_EARLIER for seen in observed._of.values())


@pytest.mark.parametrize("step", [0.0, -1.0])
def test_no_order_of_times_makes_it_grow(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "MOST_AT_ONCE", 200)
    observed = Observed()
    for number in range(1_000):
        observed.follow(shaken(number, 1e6 + number * step))
    assert len(observed._of["www.lab.test", 443]) <= 200


def test_nor_do_many_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "MOST_SERVERS", 10)
    observed = Observed()
    for number in range(100):
        observed.follow(shaken(number, float(number), f"n{number}.test"))
    assert len(observed._of) == 10


def test_the_same_offers_are_kept_once() -> None:
    one, two = observe(shaken(0, 1.0)), observe(shaken(1, 2.0))
    assert one is not None and two is not None
    assert one.offered[1] == (0x1301,) and one.offered[1] is two.offered[1]


def test_a_changed_copy_is_what_replace_makes() -> None:
    before = shaken(3, 7.0, history="CS", secrets=(("x", b"y"),))
    after = changed(before, id=4, resumed=True)
    assert after == replace(before, id=4, resumed=True) and before == shaken(
        3, 7.0, history="CS", secrets=(("x", b"y"),)
    )
    assert all(getattr(changed(before), each.name) is getattr(before, each.name) for each in fields(Connection))
    with pytest.raises(AttributeError):
        changed(before, no_such_field=1)
