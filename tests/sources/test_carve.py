"""Captures in every format read with and without carving are equal; and carving leaves frames out."""

from __future__ import annotations

import shutil
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import shake
from transfers import Frames, assert_equal, captured, left_out, loaded, timed

from tlsviz.sources.capture import load_capture
from tlsviz.sources.carve import plan
from tlsviz.sources.feeding import Mapped
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.packets import read_packets
from tlsviz.sources.segments import ACK, SYN, Packet
from tlsviz.wire.chunks import CLIENT, SERVER

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here"),
]


@pytest.fixture(scope="module", params=["1.3", "1.2"])
def frames(request: pytest.FixtureRequest) -> Frames:
    return captured(request.param)


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
def test_of_a_plain_connection_tshark_sees_the_syn(tmp_path: Path, version: str) -> None:
    packets = timed(list(w.packets(shake(version))))
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, packets)))
    with Mapped(path) as mapped:
        mapped.look_through()
        assert mapped.plan is not None
        shown = [packet for packet, kept in zip(packets, mapped.plan.keep, strict=True) if kept]
        assert shown == packets[:1]
        assert sum(map(len, mapped.plan.taken.values())) + len(shown) == len(packets)
    assert_equal(path)


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


@pytest.mark.parametrize("muted", [("10.0.0.1", "192.0.2.1"), ("192.0.2.1",)])
def test_windows_that_were_never_open_keep_nothing(tmp_path: Path, frames: Frames, muted: tuple[str, ...]) -> None:
    """Programs that write captures say 0 from the SYN on; then a window of 0 is no reason to look closer."""
    path = tmp_path / "a.pcap"
    ends = {packet.source.address for packet in frames}
    assert ends >= set(muted)
    path.write_bytes(w.pcap(map(w.frame, frames)))
    usual = left_out(path)
    path.write_bytes(w.pcap(w.frame(p._replace(window=0) if p.source.address in muted else p) for p in frames))
    assert left_out(path) == usual
    assert_equal(path)


@pytest.mark.parametrize("said", [SYN, SYN | ACK])
def test_windows_that_close_later_are_looked_at(tmp_path: Path, frames: Frames, said: int) -> None:
    """Whose SYN had a window means a later 0, whatever the other side's SYN said."""
    path = tmp_path / "a.pcap"
    open_end = next(packet.source for packet in frames if packet.flags & (SYN | ACK) == said)
    made = [p._replace(window=0) if p.source != open_end or not p.flags & SYN else p for p in frames]
    path.write_bytes(w.pcap(map(w.frame, made)))
    assert_equal(path)
    (connection,) = loaded(path, True).connections
    assert connection.tcp is not None
    assert {each.sender for each in connection.tcp.stalls} == {SERVER if said == SYN else CLIENT}
