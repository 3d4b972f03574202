"""Connections of a capture are given before its end; what the trace says in the end is the same."""

from __future__ import annotations

import random
from pathlib import Path

import pcap_writer as w
import pytest
from certificate_makers import NOW, ec_key, make
from dialogue import Dialogue, make_client, make_server, shake
from shelved import Packets, at, closed, fed, numbered, shelving

from tlsviz.connection.rows import Row, row
from tlsviz.pki import stores
from tlsviz.sources.background import Listed, Loading, read_capture
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.entries import Entry
from tlsviz.sources.feeding import Mapped
from tlsviz.sources.memory import recalled
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.segments import ACK, RST
from tlsviz.sources.shelf import Kept
from tlsviz.sources.shelving import PATIENCE


@pytest.fixture(scope="module")
def frames() -> Packets:
    return closed(shake())


def given(packets: Packets) -> tuple[list[tuple[int, Row]], list[Row]]:
    """What was given, after how many packets; and what it is in the end."""
    told: list[Entry] = []
    early: list[tuple[int, Row]] = []
    following = shelving(told)
    for packet in numbered(packets):
        following.take(packet)
        early += [(packet.number, entry.row) for entry in told]
        told.clear()
    following.end()
    return early, [entry.row for _, entry in sorted(following.entries.items())]


def test_a_closed_connection_is_given_with_its_last_packet(frames: Packets) -> None:
    one, two = at(frames, 40001, 0), at(frames, 40002, 5)
    early, last = given([*one, *two])
    assert [count for count, _ in early] == [len(one), len(one) + len(two)]
    assert [row for _, row in early] == last


def test_a_reset_closes_too(frames: Packets) -> None:
    end = frames[-1]._replace(flags=RST | ACK)
    early, last = given([*frames[:-2], end])
    assert [row for _, row in early] == last


def test_what_stays_open_is_given_after_a_while_and_again_when_it_closes(frames: Packets) -> None:
    other = at(frames, 40001, PATIENCE + 1)
    end = [frames[-2]._replace(time=PATIENCE + 3), frames[-1]._replace(time=PATIENCE + 4)]
    early, last = given([*frames[:-2], *other, *end])
    assert [row.client.port for _, row in early] == [40000, 40001, 40000]
    assert early[0][0] <= len(frames)
    assert [early[2][1], early[1][1]] == last


def test_waiting_bytes_keep_a_connection_from_being_given(frames: Packets) -> None:
    data = next(index for index, each in enumerate(frames) if each.payload and each.source.port == 443)
    early, last = given([*frames[:data], *frames[data + 1 :]])
    assert early == []
    assert len(last) == 1 and "capture_lost" in " ".join(last[0].findings)


def spoiled(frames: Packets) -> list[Packets]:
    """The same connection in many ways, side by side."""
    chance = random.Random(5)
    half = len(frames) // 2
    shuffled = sorted(range(len(frames)), key=lambda index: index + (chance.random() * 5 if index > 6 else 0))
    again = frames[half : half + 3]
    return [
        frames,
        frames[:-2],
        [*frames[:-2], frames[-1]._replace(flags=RST | ACK)],
        [*frames, frames[-1]._replace(flags=RST | ACK)],
        [*frames, *again, frames[-2]],
        [*frames[:half], *frames[half + 1 :]],
        [frames[index]._replace(time=index / 1000) for index in shuffled],
        [each for each in frames if each.source.port == 443],
        [frames[0]._replace(flags=ACK, sequence=5), *frames[half:]],
        [each._replace(time=each.time * 400) for each in frames],
        [frames[0], frames[1]],
    ]


@pytest.mark.tshark
def test_the_trace_is_the_same_with_and_without(tmp_path: Path, frames: Packets) -> None:
    old = closed(shake("1.2"))
    every = [
        packet
        for number, packets in enumerate([*spoiled(frames), *spoiled(old)])
        for packet in at(packets, 41000 + number, number * 0.0003)
    ]
    every.sort(key=lambda packet: packet.time)
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, every)))
    whole = recalled(load_capture(path, strict=True))
    told: dict[int, Row] = {}
    order: list[int] = []

    def found(kept: Kept) -> None:
        told[kept.row.id] = kept.row
        order.append(kept.row.id)

    assert list_capture(path, strict=True, found=found) == whole
    assert [told[number] for number in range(len(whole.connections))] == list(map(row, whole.connections))
    assert len(order) > len(whole.connections) > 10  # some came twice: they were not over yet
    assert read_capture(path) == whole
    with Loading(path) as loading:
        events = [event for event in loading if isinstance(event, Listed)]
    assert [kept.row.id for event in events for kept in event.kept] == order


def test_what_was_over_goes_on_when_more_comes(frames: Packets) -> None:
    """The engine is gone by then: another one is given everything anew."""
    late = frames[-1]._replace(flags=RST | ACK, time=99.0, payload=b"")
    _, told = fed([*frames, late])
    assert [entry.row.duration for entry in told] == [frames[-1].time - frames[0].time, 99.0 - frames[0].time]


def test_what_was_over_is_not_looked_at_again(frames: Packets) -> None:
    _, told = fed(frames)
    assert len(told) == 1


@pytest.mark.tshark
def test_a_verdict_that_comes_later_is_what_others_know_of_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection shows the intermediate that the second lacks, but is over only after it."""
    root = make("root", ec_key(1), ca=True)
    between = make("between", ec_key(2), root, ca=True)
    leaf = make("server.test", ec_key(3), between, names=("server.test",))
    said = []
    for above in ([between], [], []):
        server = make_server()
        server.use_certificate(leaf.cert)
        server.use_privatekey(leaf.key)
        for each in above:
            server.add_extra_chain_cert(each.cert)
        said.append(closed(shake("1.2", resume=Dialogue(context=make_client("1.2"), server_context=server))))
    first, second, third = said
    first = [*first[:-2], *(each._replace(time=each.time + 2) for each in first[-2:])]
    path = tmp_path / "a.pcap"
    every = [*at(first, 40001, 1e6), *at(second, 40002, 1e6 + 1), *at(third, 40003, 1e6 + 5)]
    path.write_bytes(w.pcap(map(w.frame, sorted(every, key=lambda packet: packet.time))))
    monkeypatch.setattr(stores, "mozilla", lambda: stores.from_ders("Mozilla", [root.der]))
    monkeypatch.setattr(stores, "system", lambda: stores.from_ders("system", []))
    options = OpenOptions(at=NOW)
    whole = recalled(load_capture(path, options, strict=True))
    assert [one.public for one in whole.connections[2].earlier] == [True, True]
    assert list_capture(path, options, strict=True) == whole


def test_what_is_told_of_an_open_connection_holds_what_tshark_was_not_shown(tmp_path: Path, frames: Packets) -> None:
    path = tmp_path / "open.pcap"
    later = [packet for number in (2, 3) for packet in at(frames, 40000 + number, number * PATIENCE)]
    every = list(numbered([*at(frames[:-2], 40001, 0), *later]))
    path.write_bytes(w.pcap(map(w.frame, every)))
    told: list[Entry] = []
    with Mapped(path) as mapped:
        mapped.look_through()
        assert mapped.plan is not None
        shown = [packet for packet, kept in zip(every, mapped.plan.keep, strict=True) if kept]
        following = shelving(told, mapped.plan)
        assert [packet.source.port for packet in shown] == [40001, 40002, 40003]
        for packet in shown:
            following.take_all([packet])
        # Behind the last frame that tshark is shown, nothing has to wait for more of them.
        early = [(entry.row.client.port, entry.over) for entry in told]
        assert early == [(40001, False), (40002, True), (40003, True)]
        open_ = told[0].row
        following.end()
    final = next(entry.row for entry in following.entries.values() if entry.row.client.port == 40001)
    assert (open_.suite, open_.complete, open_.size) == (final.suite, True, final.size)
