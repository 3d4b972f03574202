"""Captures read with and without carving are equal, whatever was done to them; and carving leaves frames out."""

from __future__ import annotations

import random
import shutil
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.model import Trace
from tlsviz.sources.capture import OpenOptions, load_capture
from tlsviz.sources.carve import plan
from tlsviz.sources.feeding import Mapped
from tlsviz.sources.packets import read_packets
from tlsviz.sources.segments import ACK, FIN, RST, SYN, Packet
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here"),
]

SHARED = Path(__file__).parents[3] / "shared" / "captures"
SOME = ("mercury/tls_sgt.pcap", "ipfixprobe/tls.pcap", "_negative/wireshark/tcp-badsegments.pcap")
"""One direction in frames that are not read here; a clock that goes back; segments that contradict each other."""

Frames = list[Packet]
Spoil = Callable[[Frames], Frames]


def record(size: int, kind: int = 23) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, size) + random.Random(size).randbytes(size)


def transfer(version: str) -> Dialogue:
    """A handshake and a long download, an upload, another download; the last chunks are the farewells."""
    said = shake(version)
    last = said.chunks[-1].time
    at = next(
        index for index, chunk in enumerate(said.chunks) if chunk.sender == SERVER and index > len(said.chunks) - 4
    )
    pieces = [
        (SERVER, 120, 3000),
        (CLIENT, 30, 700),
        (SERVER, 1, 40),
        (SERVER, 40, 5000),
        (CLIENT, 1, 30),
        (SERVER, 9, 16000),
    ]
    bulk = [Chunk(sender, last, record(size) * count) for sender, count, size in pieces]  # type: ignore[arg-type]
    return Dialogue(chunks=[*said.chunks[:at], *bulk, *said.chunks[at:]], keylog=said.keylog)


@pytest.fixture(scope="module", params=["1.3", "1.2"])
def frames(request: pytest.FixtureRequest) -> Frames:
    """The packets of a transfer, with bare acknowledgements, a millisecond apart."""
    out: Frames = []
    for packet in w.packets(transfer(request.param)):
        out.append(packet)
        if len(packet.payload) == 1000 and len(out) % 3 == 0:
            back = packet.sequence + len(packet.payload)
            out.append(Packet(0, 0, 0, packet.destination, packet.source, packet.acknowledgement, back, ACK, b""))
    return timed(out)


def timed(packets: Frames) -> Frames:
    return [packet._replace(time=1_700_000_000 + index / 1000) for index, packet in enumerate(packets)]


def loaded(path: Path, carve: bool) -> Trace:
    return load_capture(path, OpenOptions(carve=carve), strict=True)


def assert_equal(path: Path) -> None:
    carved = loaded(path, True)
    assert carved == loaded(path, False)
    assert carved.connections


def left_out(path: Path) -> int:
    """How many frames the plan leaves out."""
    with Mapped(path) as mapped:
        mapped.look_through()
        assert mapped.plan is not None
        return mapped.plan.keep.count(0)


# -- formats and links -------------------------------------------------------------------------------------


def raw(packet: Packet) -> w.Frame:
    data = w.ip_packet(packet)
    return packet.time, data, len(data)


def tagged(packet: Packet) -> w.Frame:
    time, data, size = w.frame(packet)
    return time, data[:12] + b"\x88\xa8\x00\x05\x81\x00\x00\x07" + data[12:], size + 8


def cooked(packet: Packet) -> w.Frame:
    data = bytes(14) + b"\x08\x00" + w.ip_packet(packet)
    return packet.time, data, len(data)


def cooked2(packet: Packet) -> w.Frame:
    data = b"\x08\x00" + bytes(18) + w.ip_packet(packet)
    return packet.time, data, len(data)


def loopback(packet: Packet) -> w.Frame:
    data = b"\x02\x00\x00\x00" + w.ip_packet(packet)
    return packet.time, data, len(data)


FORMATS: dict[str, Callable[[Frames], bytes]] = {
    "pcap": lambda packets: w.pcap(map(w.frame, packets)),
    "big endian": lambda packets: w.pcap(map(w.frame, packets), ">"),
    "nanoseconds": lambda packets: w.pcap(map(w.frame, packets), nanoseconds=True),
    "pcapng": lambda packets: w.pcapng(map(w.frame, packets)),
    "pcapng, big endian": lambda packets: w.pcapng(map(w.frame, packets), ">"),
    "two sections": lambda packets: w.pcapng(map(w.frame, packets[:99])) + w.pcapng(map(w.frame, packets[99:])),
    "raw IP": lambda packets: w.pcap(map(raw, packets), link=101),
    "VLAN": lambda packets: w.pcap(map(tagged, packets)),
    "Linux cooked": lambda packets: w.pcap(map(cooked, packets), link=113),
    "Linux cooked 2": lambda packets: w.pcap(map(cooked2, packets), link=276),
    "loopback": lambda packets: w.pcap(map(loopback, packets), link=0),
}


@pytest.mark.parametrize("frames", ["1.3"], indirect=True)
@pytest.mark.parametrize("name", FORMATS)
def test_formats(tmp_path: Path, frames: Frames, name: str) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(FORMATS[name](frames))
    assert left_out(path) > len(frames) * 0.5
    assert_equal(path)


@pytest.mark.parametrize("frames", ["1.3"], indirect=True)
def test_the_first_pass_reads_clocks_as_tshark_does(tmp_path: Path, frames: Frames) -> None:
    """Of sections in either byte order, and far beyond what a calendar has."""
    path = tmp_path / "a.pcapng"
    half = len(frames) // 2
    path.write_bytes(w.pcapng(map(w.frame, frames[:half]), ">") + w.pcapng(map(w.frame, frames[half:])))
    assert_equal(path)
    for late in (500e9, 1.2e13):
        far = [packet._replace(time=packet.time + late) for packet in frames[half:]]
        path.write_bytes(w.pcapng(map(w.frame, [*frames[:half], *far])))
        assert_equal(path)


@pytest.mark.parametrize("frames", ["1.3"], indirect=True)
def test_ipv6(tmp_path: Path, frames: Frames) -> None:
    path = tmp_path / "a.pcap"
    to6 = {address: f"2001:db8::{number}" for number, address in enumerate({p.source.address for p in frames}, 1)}
    path.write_bytes(
        w.pcap(
            w.frame(
                packet._replace(
                    source=packet.source._replace(address=to6[packet.source.address]),
                    destination=packet.destination._replace(address=to6[packet.destination.address]),
                )
            )
            for packet in frames
        )
    )
    assert left_out(path) > len(frames) * 0.5
    assert_equal(path)


@pytest.mark.parametrize("version", ["1.3", "1.2"])
def test_of_a_plain_connection_tshark_sees_how_it_begins(tmp_path: Path, version: str) -> None:
    packets = timed(list(w.packets(shake(version))))
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, packets)))
    with Mapped(path) as mapped:
        mapped.look_through()
        assert mapped.plan is not None
        shown = [packet for packet, kept in zip(packets, mapped.plan.keep, strict=True) if kept]
        assert shown == [*packets[:2], next(each for each in packets if each.payload)]
        assert sum(map(len, mapped.plan.taken.values())) + len(shown) == len(packets)
    assert_equal(path)


# -- spoiled -----------------------------------------------------------------------------------------------


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


def at_port(packets: Frames, port: int) -> Frames:
    """The same, from another client port."""
    own = {40000: port}
    return [
        packet._replace(
            source=packet.source._replace(port=own.get(packet.source.port, packet.source.port)),
            destination=packet.destination._replace(port=own.get(packet.destination.port, packet.destination.port)),
        )
        for packet in packets
    ]


Both = tuple[Trace, Trace]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory, frames: Frames) -> Both:
    """One capture with a connection for each kind of spoiling, read with carving and without."""
    path = tmp_path_factory.mktemp("spoiled") / "a.pcap"
    every = [at_port(spoil(frames), 40000 + index) for index, spoil in enumerate(SPOILS)]
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
    others = at_port(frames, 40001)
    mixed = [packet for pair in zip(frames, others, strict=True) for packet in pair]
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, timed(mixed))))
    assert left_out(path) > len(mixed) * 0.5
    assert_equal(path)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not here")
def test_captures_from_elsewhere(name: str) -> None:
    assert_equal(SHARED / name)


# -- what must not be counted ------------------------------------------------------------------------------


def test_what_can_be_decrypted_is_read_whole(tmp_path: Path) -> None:
    said = shake("1.2", answer=b"HTTP/1.1 200 OK\r\n\r\n" + bytes(300_000))
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    path.write_bytes(w.pcap(map(w.frame, timed(w.packets(said)))))
    keys.write_bytes(b"\n".join(said.keylog))
    assert left_out(path)
    carved = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True)
    whole = load_capture(path, OpenOptions(keylogs=(keys,), carve=False), strict=True)
    assert carved == whole
    assert carved.connections[0].server_data.bytes > 300_000


def test_a_counted_record_that_does_not_fit_is_read_whole(
    tmp_path: Path, frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the first pass is wrong about a connection, that one is read again; if about all, the file is."""
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, frames)))
    expected = loaded(path, False)

    def shifted(data: bytes) -> object:
        made = plan(data)
        assert made is not None
        for sides in made.carved.values():
            for side in sides:
                side[:] = [carved._replace(start=carved.start + 1) for carved in side]
        return made

    monkeypatch.setattr("tlsviz.sources.feeding.plan", shifted)
    assert loaded(path, True) == expected

    def misplaced(data: bytes) -> object:
        made = plan(data)
        assert made is not None
        made.carved = {first + 1: sides for first, sides in made.carved.items()}
        return made

    monkeypatch.setattr("tlsviz.sources.feeding.plan", misplaced)
    assert loaded(path, True) == expected


def test_whoever_stops_reading_stops_the_feed(tmp_path: Path, frames: Frames) -> None:
    """A bug, or a cancelled loading, must not leave a thread that waits for tshark to read on."""
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, frames)) + b"".join(w.pcap(map(w.frame, frames))[24:] for _ in range(9)))

    def take(packets: list[Packet], reading: object) -> None:
        raise ZeroDivisionError

    with Mapped(path) as mapped:
        mapped.look_through()
        assert mapped.plan is not None
        mapped.plan.keep = bytearray(b"\1" * len(mapped.plan.keep))
        with pytest.raises(ZeroDivisionError):
            read_packets(path, take, feed=mapped.feed(mapped.plan))
    assert "feed" not in {thread.name for thread in threading.enumerate()}


def test_formats_that_are_not_read_here_go_to_tshark(tmp_path: Path, frames: Frames) -> None:
    path = tmp_path / "a.snoop"
    path.write_bytes(b"snoop\0\0\0" + struct.pack(">II", 2, 4))
    with Mapped(path) as mapped:
        assert mapped.look_through().plan is None


@pytest.mark.parametrize("link", [101, 1])
def test_an_ip_packet_without_room_for_tcp_at_the_end_of_the_file(link: int) -> None:
    """The longest header of IPv4, and what it says is TCP's ends with the file."""
    for size in range(60, 80):
        ip = struct.pack(">BBH4xBBxx8x40x", 0x4F, 0, size, 64, 6) + bytes(size - 60)
        packet = (bytes(12) + b"\x08\0" if link == 1 else b"") + ip
        file = struct.pack("<IHHiIIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link, 1, 2, len(packet), len(packet))
        found = plan(file + packet)
        assert found is not None
        assert list(found.keep) == [1]
