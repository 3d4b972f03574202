"""Carved captures of transfers to which something was done: lost, late, contradicting, hostile; all read alike."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import shake
from spoils import moved
from transfers import Frames, assert_equal, captured, left_out, loaded, timed

from tlsviz.connection.model import Trace
from tlsviz.sources.segments import ACK, FIN, RST, SYN

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here"),
]

SHARED = Path(__file__).parents[3] / "shared" / "captures"
SOME = ("mercury/tls_sgt.pcap", "ipfixprobe/tls.pcap", "_negative/wireshark/tcp-badsegments.pcap")
"""One direction in frames that are not read here; a clock that goes back; segments that contradict each other."""

Spoil = Callable[[Frames], Frames]
Both = tuple[Trace, Trace]


@pytest.fixture(scope="module", params=["1.3", "1.2"])
def frames(request: pytest.FixtureRequest) -> Frames:
    return captured(request.param)


def middle(packets: Frames) -> int:
    """A packet with data, deep in the first download."""
    return [i for i, packet in enumerate(packets) if len(packet.payload) == 1000][80]


def lost(packets: Frames) -> Frames:
    at = middle(packets)
    return packets[:at] + packets[at + 1 :]


def lost_for_long(packets: Frames) -> Frames:
    at = middle(packets)
    return packets[:at] + packets[at + 30 :]


def repeated(packets: Frames) -> Frames:
    at = middle(packets)
    return packets[: at + 9] + packets[at : at + 4] + packets[at + 9 :]


def late(packets: Frames) -> Frames:
    at = middle(packets)
    return packets[:at] + packets[at + 1 : at + 12] + [packets[at]] + packets[at + 12 :]


def shuffled(packets: Frames) -> Frames:
    chance = random.Random(7)
    order = sorted(range(len(packets)), key=lambda index: index + (chance.random() * 6 if index > 8 else 0))
    return [packets[index] for index in order]


def overlapping(packets: Frames) -> Frames:
    at = middle(packets)
    one, two = packets[at], packets[at + 1]
    both = one._replace(payload=one.payload[500:] + two.payload[:500], sequence=one.sequence + 500)
    return [*packets[: at + 1], both, *packets[at + 1 :]]


def keep_alive(packets: Frames) -> Frames:
    at = middle(packets)
    one = packets[at]
    return [*packets[:at], one._replace(sequence=one.sequence - 1, payload=b"\x00"), *packets[at:]]


def cut_packet(packets: Frames) -> Frames:
    at = middle(packets)
    one = packets[at]
    return [*packets[:at], one._replace(payload=one.payload[:60], missing=940), *packets[at + 1 :]]


def wrapped(packets: Frames) -> Frames:
    def moved(number: int, shift: int) -> int:
        return (number + shift) & 0xFFFFFFFF

    client = packets[0].source
    shifts = {True: 0xFFFFFFFF - 3000, False: 0xFFFFFFFF - 90_000}
    return [
        packet._replace(
            sequence=moved(packet.sequence, shifts[packet.source == client]),
            acknowledgement=moved(packet.acknowledgement, shifts[packet.source != client]) if packet.flags & ACK else 0,
        )
        for packet in packets
    ]


def no_beginning(packets: Frames) -> Frames:
    return packets[12:]


def one_sided(packets: Frames) -> Frames:
    return [packet for packet in packets if packet.source.port == 443]


def asked_twice(packets: Frames) -> Frames:
    return [packets[0], packets[0], packets[1], packets[1], *packets[2:]]


def reset(packets: Frames) -> Frames:
    at = middle(packets)
    one = packets[at]
    return [*packets[:at], one._replace(payload=b"", flags=RST | ACK)]


def reused(packets: Frames) -> Frames:
    again = [
        packet._replace(
            sequence=packet.sequence + 5_000_000,
            acknowledgement=packet.acknowledgement + 5_000_000 if packet.flags & ACK else 0,
        )
        for packet in packets
    ]
    return packets + again


def gone_mad(packets: Frames) -> Frames:
    """In the middle of a download something that is no record."""
    at = middle(packets)
    size = len(packets[at].payload)
    return [*packets[:at], packets[at]._replace(payload=b"\xff" * size), *packets[at + 1 :]]


def broken_header(packets: Frames) -> Frames:
    """A record that is none begins in the middle of a download."""
    at, header = next(
        (index, place)
        for index, packet in enumerate(packets)
        if index > middle(packets) and (place := packet.payload.find(b"\x17\x03\x03\x0b\xb8")) > 0
    )
    one = packets[at]
    return [
        *packets[:at],
        one._replace(payload=one.payload[:header] + b"\x99" + one.payload[header + 1 :]),
        *packets[at + 1 :],
    ]


def fast_open(packets: Frames) -> Frames:
    syn = next(packet for packet in packets if packet.flags == SYN)
    hello = next(packet for packet in packets if packet.payload)
    return [syn._replace(payload=hello.payload), *[packet for packet in packets if packet not in (syn, hello)]]


def tiny(packets: Frames) -> Frames:
    """Every segment of the handshake byte by byte, the rest in pieces of seven."""
    out: Frames = []
    for index, packet in enumerate(packets[:70]):
        step = 1 if index < 12 else 97
        if not packet.payload:
            out.append(packet)
        for start in range(0, len(packet.payload), step):
            piece = packet.payload[start : start + step]
            out.append(packet._replace(payload=piece, sequence=packet.sequence + start))
    return out


def answered_first(packets: Frames) -> Frames:
    """The server's SYN-ACK stands before the SYN."""
    return [packets[1], packets[0], *packets[2:]]


def both_open(packets: Frames) -> Frames:
    """Both sides send a SYN, and acknowledge the other's (RFC 9293 3.5)."""
    one, two = packets[:2]
    first = two._replace(flags=SYN, acknowledgement=0)
    return [one, first, one._replace(flags=SYN | ACK, acknowledgement=two.sequence + 1), *packets[1:]]


def alone(packets: Frames) -> Frames:
    """A host that talks to its own port."""
    end = packets[0].source
    return [packet._replace(source=end, destination=end) for packet in packets]


def closed_early(packets: Frames) -> Frames:
    """The client closes its side in the middle of a download, which goes on; its FIN comes twice."""
    at = middle(packets)
    one = packets[at]
    fin = one._replace(
        source=one.destination,
        destination=one.source,
        sequence=one.acknowledgement,
        acknowledgement=one.sequence,
        flags=FIN | ACK,
        payload=b"",
    )
    rest = [each for each in packets[at:] if each.source == one.source]
    return [*packets[:at], fin, *rest[:9], fin, *rest[9:]]


def crossed(packets: Frames) -> Frames:
    """Of every few packets the last comes first, so that answers stand before what they answer."""
    return [*packets[:8], *(each for at in range(8, len(packets), 5) for each in (packets[at : at + 5][::-1]))]


SPOILS: list[Spoil] = [
    answered_first,
    both_open,
    alone,
    closed_early,
    crossed,
    lost,
    lost_for_long,
    repeated,
    late,
    shuffled,
    overlapping,
    keep_alive,
    cut_packet,
    wrapped,
    no_beginning,
    one_sided,
    asked_twice,
    reset,
    reused,
    gone_mad,
    broken_header,
    fast_open,
    tiny,
]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory, frames: Frames) -> Both:
    """One capture with a connection for each kind of spoiling, read with carving and without."""
    path = tmp_path_factory.mktemp("spoiled") / "a.pcap"
    every = [moved(spoil(frames), 40000 + index) for index, spoil in enumerate(SPOILS)]
    path.write_bytes(w.pcap(map(w.frame, timed([packet for packets in every for packet in packets]))))
    return loaded(path, True), loaded(path, False)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_spoiled(spoiled: Both, spoil: Spoil) -> None:
    port = 40000 + SPOILS.index(spoil)
    carved, whole = ([c for c in trace.connections if c.client.port == port] for trace in spoiled)
    assert carved == whole
    assert len(whole) == {no_beginning: 0, reused: 2}.get(spoil, 1)


def short_header(time: float, data: bytes) -> tuple[float, bytes]:
    """TCP's data offset points into its own header: to tshark there is no payload."""
    return time, data[:46] + bytes([4 << 4]) + data[47:]


def in_the_future(time: float, data: bytes) -> tuple[float, bytes]:
    """The capture's clock jumps ahead for a moment."""
    return time + 5000, data


@pytest.mark.parametrize("odd", [short_header, in_the_future])
def test_odd_segments_in_the_middle_of_a_record(
    tmp_path: Path, odd: Callable[[float, bytes], tuple[float, bytes]]
) -> None:
    frames = w.packets(shake("1.2", answer=bytes(60_000)))
    found = list(map(w.frame, timed(frames)))
    middle = [index for index, packet in enumerate(frames) if packet.source.port == 443 and len(packet.payload) == 1000]
    for index in middle[10:14]:
        time, data, size = found[index]
        found[index] = (*odd(time, data), size)
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(found))
    whole = loaded(path, False)
    assert loaded(path, True).connections == whole.connections
    assert len(whole.connections) == 1


def test_interleaved(tmp_path: Path, frames: Frames) -> None:
    """Several connections at once: each keeps its place and its frames."""
    others = moved(frames, 40001)
    mixed = [packet for pair in zip(frames, others, strict=True) for packet in pair]
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, timed(mixed))))
    assert left_out(path) > len(mixed) * 0.5
    assert_equal(path)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not here")
def test_captures_from_elsewhere(name: str) -> None:
    assert_equal(SHARED / name)
