"""Every link and tunnel that tshark knows: connections are as without it, carved or not; copies break nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from dialogue import Dialogue, shake
from encapsulations import ETHERNET, WRAPS, fragments, plain, tagged
from pcap_writer import ip_packet, mixed, packets, pcap

from tlsviz.connection.model import Connection, Endpoint, Trace
from tlsviz.sources.capture import load_capture
from tlsviz.sources.carve import plan
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.segments import Packet
from tlsviz.wire.chunks import SERVER, Chunk

pytestmark = pytest.mark.tshark

PORT = 41000
RECORD = b"\x17\x03\x03\x40\x00" + bytes(0x4000)


@cache
def handshake(version: str = "1.3", records: int = 0) -> Dialogue:
    """A handshake, and behind it so many long records of the server."""
    made = shake(version)
    last = made.chunks[-1].time
    made.chunks += [Chunk(SERVER, last + n / 100, RECORD) for n in range(records)]
    return made


def six(packet: Packet) -> Packet:
    """The packet between IPv6 addresses."""

    def end(old: Endpoint) -> Endpoint:
        return Endpoint("2001:db8::" + old.address.rpartition(".")[2], old.port)

    return packet._replace(source=end(packet.source), destination=end(packet.destination))


def read(path: Path, data: bytes, carve: bool = True) -> Trace:
    path.write_bytes(data)
    return load_capture(path, OpenOptions(carve=carve), strict=True)


def said(connection: Connection) -> tuple[object, ...]:
    """What must be the same however the packets travelled."""
    messages = tuple((message.type, message.sender, message.sha256, message.time) for message in connection.messages)
    runs = tuple((run.sender, run.records, run.bytes) for run in connection.application)
    marks = tuple((placed.order, placed.mark.kind) for placed in connection.marks)
    return messages, runs, marks, connection.holes, connection.duration, connection.ja4


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[tuple[int, bool], Connection]]:
    """By whether it was carved: the connections of a capture with all ways, by client port and whether it is IPv6."""
    sets = []
    for number, (link, wrap) in enumerate(WRAPS.values()):
        found = packets(handshake(), PORT + number)
        ways = [found, [six(packet) for packet in found]]
        frames = [(packet.time, wrap(ip_packet(packet))) for way in ways for packet in way]
        sets.append((link, [(when, data, len(data)) for when, data in frames]))
    data = mixed(sets)
    path = tmp_path_factory.mktemp("ways") / "all.pcapng"
    traces = {carve: read(path, data, carve) for carve in (True, False)}
    return {
        carve: {(each.client.port, ":" in each.client.address): each for each in trace.connections}
        for carve, trace in traces.items()
    }


@pytest.mark.parametrize("name", WRAPS)
@pytest.mark.parametrize("carve", [True, False], ids=["carved", "whole"])
def test_a_connection_is_the_same_whatever_carries_it(
    name: str, carve: bool, everything: dict[bool, dict[tuple[int, bool], Connection]]
) -> None:
    number = list(WRAPS).index(name)
    for ipv6 in (False, True):
        wanted = everything[False][PORT, ipv6]
        assert wanted.complete
        assert said(everything[carve][PORT + number, ipv6]) == said(wanted)


def test_fragments_are_put_together(tmp_path: Path) -> None:
    found = packets(handshake())
    whole = pcap([(each.time, data := plain(ip_packet(each)), len(data)) for each in found])
    cut = pcap(
        (each.time, part, len(part))
        for number, each in enumerate(found)
        for part in (fragments(ip_packet(each), number + 1) if len(each.payload) > 600 else [plain(ip_packet(each))])
    )
    (wanted,) = read(tmp_path / "whole.pcap", whole).connections
    for carve in (True, False):
        (got,) = read(tmp_path / "cut.pcap", cut, carve).connections
        assert said(got) == said(wanted)


def copies(name: str) -> bytes:
    """A long connection of which every packet is in the capture twice: plain, and a moment later as ``name`` has it."""
    link, wrap = WRAPS[name]
    assert link == ETHERNET
    out = []
    for packet in packets(handshake("1.3", 40)):
        ip = ip_packet(packet)
        out += [(packet.time, plain(ip)), (packet.time + 1e-6, wrap(ip))]
    return pcap((when, data, len(data)) for when, data in out)


@pytest.mark.parametrize("name", ["Ethernet", "VLAN", "ERSPAN", "VXLAN"])
def test_copies_change_nothing(name: str, tmp_path: Path) -> None:
    single = pcap((each.time, data := plain(ip_packet(each)), len(data)) for each in packets(handshake("1.3", 40)))
    made = plan(single)
    assert made is not None and made.carved
    (wanted,) = read(tmp_path / "single.pcap", single, carve=False).connections
    assert wanted.server_data.bytes > 40 * 0x4000
    for carve in (True, False):
        (got,) = read(tmp_path / "copies.pcap", copies(name), carve).connections
        assert [message.sha256 for message in got.messages] == [message.sha256 for message in wanted.messages]
        assert got.server_data == wanted.server_data and not got.holes


def shifted(packet: Packet, by: int) -> Packet:
    """The packet with its client's sequence numbers moved."""
    if packet.source.port != 443:
        return packet._replace(sequence=packet.sequence + by)
    return packet._replace(acknowledgement=packet.acknowledgement + by)


def test_two_vlans_with_the_same_ends_one_after_the_other(tmp_path: Path) -> None:
    """tshark 4.0 looks at no VLAN: that they are two it knows by their sequence numbers."""
    one, two = packets(handshake("1.3")), packets(handshake("1.2"))
    later = one[-1].time - two[0].time + 1
    frames = [(each.time, tagged((0x8100, 5))(ip_packet(each))) for each in one]
    frames += [(each.time + later, tagged((0x8100, 6))(ip_packet(shifted(each, 50_000)))) for each in two]
    data = pcap((when, raw, len(raw)) for when, raw in frames)
    for carve in (True, False):
        trace = read(tmp_path / "vlans.pcap", data, carve)
        assert [str(each.version) for each in trace.connections] == ["TLS 1.3", "TLS 1.2"]
        assert all(each.complete for each in trace.connections)
