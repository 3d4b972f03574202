"""Connections of a capture are given before its end; what the trace says in the end is the same."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.background import Found, Loading, read_capture
from tlsviz.sources.capture import load_capture
from tlsviz.sources.following import PATIENCE, Following
from tlsviz.sources.opinions import Opinion
from tlsviz.sources.segments import ACK, RST, Packet

Packets = list[Packet]


@pytest.fixture(scope="module")
def frames() -> Packets:
    """A handshake with a farewell from both sides, a millisecond a packet."""
    return closed(shake())


def closed(said: Dialogue) -> Packets:
    found = w.packets(said)
    last = found[-1]
    back = last._replace(
        source=last.destination,
        destination=last.source,
        sequence=last.acknowledgement,
        acknowledgement=last.sequence + 1,
    )
    return [each._replace(time=index / 1000) for index, each in enumerate([*found, back])]


def at(packets: Packets, port: int, start: float) -> Packets:
    return [
        each._replace(
            time=each.time + start,
            source=each.source._replace(port=port) if each.source.port == 40000 else each.source,
            destination=each.destination._replace(port=port) if each.destination.port == 40000 else each.destination,
        )
        for each in packets
    ]


def given(packets: Packets) -> tuple[list[tuple[int, Connection]], list[Connection]]:
    """What was given, after how many packets; and the connections in the end."""
    early: list[tuple[int, Connection]] = []
    count = 0

    def judge(connection: Connection) -> Opinion:
        early.append((count, connection))
        return Opinion(connection, ())

    following = Following(KeyLog(), strict=True, early=judge)
    streams: dict[frozenset[object], int] = {}
    for number, packet in enumerate(packets):
        count = number + 1
        stream = streams.setdefault(frozenset((packet.source, packet.destination)), len(streams))
        following.take(packet._replace(number=count, stream=stream))
    following.end()
    return early, list(following.finished(lambda connection, _: connection))


def test_a_closed_connection_is_given_with_its_last_packet(frames: Packets) -> None:
    one, two = at(frames, 40001, 0), at(frames, 40002, 5)
    early, last = given([*one, *two])
    assert [count for count, _ in early] == [len(one), len(one) + len(two)]
    assert [connection for _, connection in early] == last


def test_a_reset_closes_too(frames: Packets) -> None:
    end = frames[-1]._replace(flags=RST | ACK)
    early, last = given([*frames[:-2], end])
    assert [connection for _, connection in early] == last
    assert last[0].marks[-1].mark.kind == "rst"


def test_what_stays_open_is_given_after_a_while_and_again_when_it_closes(frames: Packets) -> None:
    other = at(frames, 40001, PATIENCE + 1)
    end = [frames[-2]._replace(time=PATIENCE + 3), frames[-1]._replace(time=PATIENCE + 4)]
    early, last = given([*frames[:-2], *other, *end])
    assert [connection.id for _, connection in early] == [0, 1, 0]
    assert early[0][0] <= len(frames)
    assert [early[2][1], early[1][1]] == last


def test_waiting_bytes_keep_a_connection_from_being_given(frames: Packets) -> None:
    data = next(index for index, each in enumerate(frames) if each.payload and each.source.port == 443)
    early, last = given([*frames[:data], *frames[data + 1 :]])
    assert early == []
    assert len(last) == 1 and last[0].holes


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
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
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
    whole = load_capture(path, strict=True)
    told: dict[int, Connection] = {}
    order: list[int] = []

    def found(connection: Connection) -> None:
        told[connection.id] = connection
        order.append(connection.id)

    assert load_capture(path, strict=True, found=found) == whole
    assert tuple(told[number] for number in range(len(whole.connections))) == whole.connections
    assert len(order) > len(whole.connections) > 10  # some came twice: they were not over yet
    assert read_capture(path) == whole
    with Loading(path) as loading:
        events = [event for event in loading if isinstance(event, Found)]
    assert [event.connection.id for event in events] == order


def test_an_early_judgement_is_kept_only_while_nothing_happens(frames: Packets) -> None:
    """The final judge gets the early one of the connection that stayed as it was, and none of the other."""
    late = frames[-1]._replace(flags=RST | ACK, time=99.0, payload=b"")
    still = at(frames, 40001, 0)
    judged: list[tuple[int, bool]] = []
    following = Following(KeyLog(), strict=True, early=lambda connection: Opinion(connection, ()))
    for number, packet in enumerate([*frames, *still, late]):
        stream = 0 if 40000 in (packet.source.port, packet.destination.port) else 1
        following.take(packet._replace(number=number + 1, stream=stream))
    following.end()

    def judge(connection: Connection, before: Opinion | None) -> Connection:
        judged.append((connection.id, before is not None))
        return connection

    assert len(list(following.finished(judge))) == 2
    assert judged == [(0, False), (1, True)]
