"""Packets lifted out of the file are those that tshark would have written; what is not plain is left to it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import pcap_writer as w
import pytest

from tlsviz.connection.model import Endpoint
from tlsviz.sources.carve import plan
from tlsviz.sources.feeding import Feed
from tlsviz.sources.lifting import HiddenError
from tlsviz.sources.segments import ACK, RST, Datagram, Packet

A, B = Endpoint("10.0.0.1", 40000), Endpoint("192.0.2.1", 443)
A6, B6 = Endpoint("2001:db8::1", 40000), Endpoint("2001:db8::2", 443)
PACKETS = [
    Packet(1, 1700000000.25, 7, A, B, 1000, 2000, ACK, b"\x16\x03\x01"),
    Packet(2, 1700000000.5, 7, B, A, 2000, 1003, ACK, b""),
    Packet(3, 1700000000.75, 8, A6, B6, 5, 0xFFFFFFFF, ACK, b"six"),
]


def fields(packet: Packet, protocols: str) -> dict[str, Any]:
    return {
        "frame_number": [str(packet.number)],
        "frame_time_epoch": [f"{packet.time:.9f}"],
        "frame_protocols": [protocols],
        "tcp_stream": [str(packet.stream)],
        "tcp_seq_raw": [str(packet.sequence)],
    }


def lifted(file: bytes, layers: Iterable[dict[str, Any]]) -> list[Packet | Datagram | None]:
    found = plan(file)
    assert found is not None
    found.keep[:] = b"\1" * len(found.keep)
    lift = Feed(file, found, lifted=True).lifting
    assert lift is not None
    return [lift(each) for each in layers]


def family(packet: Packet) -> str:
    return "ipv6" if ":" in packet.source.address else "ip"


@pytest.mark.parametrize("make", [w.pcap, w.pcapng])
@pytest.mark.parametrize("order", ["<", ">"])
def test_packets_are_lifted_out_of_frames(make: Any, order: str) -> None:
    file = make([w.frame(packet) for packet in PACKETS], order)
    layers = [fields(packet, f"eth:ethertype:{family(packet)}:tcp:data") for packet in PACKETS]
    assert lifted(file, layers) == PACKETS


def test_links() -> None:
    one = PACKETS[0]
    data = w.ip_packet(one)
    ahead = {
        "raw": (101, b""),
        "null": (0, b"\x02\0\0\0"),
        "sll:ethertype": (113, bytes(14) + b"\x08\x00"),
        "eth:ethertype:vlan:ethertype": (1, bytes(12) + b"\x81\x00\0\x05\x08\x00"),
    }
    for name, (link, header) in ahead.items():
        file = w.pcap([(one.time, header + data, len(header + data))], link=link)
        assert lifted(file, [fields(one, f"{name}:ip:tcp")]) == [one], name


def test_padding_of_the_frame_is_no_payload() -> None:
    time, data, _ = w.frame(PACKETS[1])
    file = w.pcap([w.frame(PACKETS[0]), (time, data + bytes(6), len(data) + 6)])
    assert lifted(file, [fields(PACKETS[1], "eth:ethertype:ip:tcp")]) == [PACKETS[1]]


def test_what_a_reset_carries_is_only_counted() -> None:
    reset = PACKETS[0]._replace(flags=RST)
    file = w.pcap([w.frame(reset)])
    assert lifted(file, [fields(reset, "eth:ethertype:ip:tcp")]) == [reset._replace(payload=b"", missing=3)]


def test_datagrams() -> None:
    udp = struct.pack(">HHHH", 40000, 443, 8 + 4, 0) + b"quic"
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + bytes((10, 0, 0, 1, 192, 0, 2, 1)) + udp
    file = w.pcap([(1.5, ip, len(ip))], link=101)
    layers = {"frame_number": ["1"], "frame_time_epoch": ["1.5"], "frame_protocols": ["raw:ip:udp:data"]}
    said = {"udp_stream": ["3"], "udp_length": ["12"]}
    assert lifted(file, [layers | said]) == [Datagram(1, 1.5, 3, A, B, b"quic")]
    with pytest.raises(HiddenError):
        lifted(file, [layers | said | {"udp_length": ["13"]}])


def test_what_an_icmp_message_quotes_is_no_packet() -> None:
    assert lifted(w.pcap([w.frame(PACKETS[0])]), [fields(PACKETS[0], "eth:ethertype:ip:icmp:ip:tcp")]) == [None]


@pytest.mark.parametrize(
    "protocols",
    ["eth:ethertype:ip:gre:ip:tcp", "eth:ethertype:mpls:ip:tcp", "eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:tcp"],
)
def test_tunnels_are_left_to_tshark(protocols: str) -> None:
    with pytest.raises(HiddenError):
        lifted(w.pcap([w.frame(PACKETS[0])]), [fields(PACKETS[0], protocols)])


@pytest.mark.parametrize(
    ("place", "byte"),
    [(14, 0x46), (14 + 6, 0x20), (14 + 9, 17), (14 + 2, 0xFF), (14 + 20 + 12, 0x40), (14 + 20 + 12, 0xF0)],
    ids=["options", "fragment", "not TCP", "cut short", "short header", "header beyond the packet"],
)
def test_what_is_not_plain_is_left_to_tshark(place: int, byte: int) -> None:
    time, data, length = w.frame(PACKETS[0])
    changed = data[:place] + bytes([byte]) + data[place + 1 :]
    with pytest.raises(HiddenError):
        lifted(w.pcap([(time, changed, length)]), [fields(PACKETS[0], "eth:ethertype:ip:tcp")])


def test_another_place_than_tsharks_is_not_taken() -> None:
    layers = fields(PACKETS[0], "eth:ethertype:ip:tcp")
    for said in ({"tcp_seq_raw": ["1001"]}, {"tcp_seq_raw": []}):
        with pytest.raises(HiddenError):
            lifted(w.pcap([w.frame(PACKETS[0])]), [layers | said])
