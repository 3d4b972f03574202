"""Ways in which an IP packet travels: each wraps one, and says with which kind of link (LINKTYPE_*, tcpdump.org)."""

from __future__ import annotations

import struct
from collections.abc import Callable

ETHERNET = 1
_MACS = bytes.fromhex("020000000002020000000001")


def kind(ip: bytes) -> bytes:
    """The EtherType of an IP packet."""
    return b"\x86\xdd" if ip[0] >> 4 == 6 else b"\x08\x00"


def ethernet(payload: bytes, ether_type: bytes = b"\x08\x00") -> bytes:
    return _MACS + ether_type + payload


def plain(ip: bytes) -> bytes:
    return ethernet(ip, kind(ip))


def checked(header: bytes) -> bytes:
    """An IPv4 header with its checksum."""
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack(">H", ~total & 0xFFFF) + header[12:]


def ipv4(payload: bytes, protocol: int, back: bool = False) -> bytes:
    """An IPv4 packet from 198.51.100.1 to 198.51.100.2, or ``back``."""
    ends = (b"\xc6\x33\x64\x01", b"\xc6\x33\x64\x02")[:: -1 if back else 1]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + b"".join(ends)
    return checked(header) + payload


def udp(payload: bytes, port: int) -> bytes:
    return ipv4(struct.pack(">HHHH", 50000, port, 8 + len(payload), 0) + payload, 17)


def tagged(*tags: tuple[int, int]) -> Callable[[bytes], bytes]:
    """Ethernet with VLAN tags: tag protocol and VLAN."""

    def wrap(ip: bytes) -> bytes:
        return _MACS + b"".join(struct.pack(">HH", *tag) for tag in tags) + kind(ip) + ip

    return wrap


def snap(ip: bytes) -> bytes:
    return b"\xaa\xaa\x03\0\0\0" + kind(ip) + ip


def wlan(qos: bool) -> Callable[[bytes], bytes]:
    """A data frame of 802.11 from a station to the access point."""

    def wrap(ip: bytes) -> bytes:
        control = b"\x88\x01" if qos else b"\x08\x01"
        header = control + b"\0\0" + _MACS + b"\x02\0\0\0\0\x03" + b"\0\0" + (b"\0\0" if qos else b"")
        return header + snap(ip)

    return wrap


def pppoe(ip: bytes) -> bytes:
    protocol = b"\x00\x57" if ip[0] >> 4 == 6 else b"\x00\x21"
    return ethernet(struct.pack(">BBHH", 0x11, 0, 1, len(ip) + 2) + protocol + ip, b"\x88\x64")


def mpls(labels: int) -> Callable[[bytes], bytes]:
    def wrap(ip: bytes) -> bytes:
        stack = b"".join(struct.pack(">I", (16 + n) << 12 | (n == labels - 1) << 8 | 64) for n in range(labels))
        return ethernet(stack + ip, b"\x88\x47")

    return wrap


def behind_options(ip: bytes) -> bytes:
    """An IPv6 packet with hop-by-hop and destination options (RFC 8200 4); IPv4 with padding options."""
    if ip[0] >> 4 == 6:
        options = b"\x3c\0\1\4\0\0\0\0" + b"\x06\0\1\4\0\0\0\0"
        length = int.from_bytes(ip[4:6], "big") + len(options)
        return plain(ip[:4] + struct.pack(">HB", length, 0) + ip[7:40] + options + ip[40:])
    length = int.from_bytes(ip[2:4], "big") + 4
    return plain(checked(b"\x46" + ip[1:2] + struct.pack(">H", length) + ip[4:20] + b"\1\1\1\0") + ip[20:])


def atomic(ip: bytes) -> bytes:
    """An IPv6 packet with a fragment header that is all of it (RFC 6946)."""
    if ip[0] >> 4 != 6:
        return plain(ip)
    length = int.from_bytes(ip[4:6], "big") + 8
    return plain(ip[:4] + struct.pack(">HB", length, 44) + ip[7:40] + b"\x06\0\0\0\0\0\0\1" + ip[40:])


_VXLAN, _GENEVE = b"\x08\0\0\0\0\0\x2a\0", b"\0\0\x65\x58\0\0\x2a\0"
_ERSPAN = b"\x10\0\x88\xbe\0\0\0\1" + b"\x10\0\0\1\0\0\0\1"

WRAPS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "Ethernet": (ETHERNET, plain),
    "Ethernet, padded": (ETHERNET, lambda ip: plain(ip) + bytes(max(46 - len(ip), 0)) + b"\x13\x37\x13\x37"),
    "VLAN": (ETHERNET, tagged((0x8100, 5))),
    "two VLANs": (ETHERNET, tagged((0x88A8, 5), (0x8100, 6))),
    "three VLANs": (ETHERNET, tagged((0x9100, 5), (0x8100, 6), (0x8100, 7))),
    "802.3 with SNAP": (ETHERNET, lambda ip: ethernet(snap(ip), struct.pack(">H", len(ip) + 8))),
    "PPPoE": (ETHERNET, pppoe),
    "MPLS": (ETHERNET, mpls(1)),
    "two labels of MPLS": (ETHERNET, mpls(2)),
    "IP in IP": (ETHERNET, lambda ip: ethernet(ipv4(ip, 41 if ip[0] >> 4 == 6 else 4))),
    "GRE": (ETHERNET, lambda ip: ethernet(ipv4(b"\0\0" + kind(ip) + ip, 47))),
    "GRE with key, Ethernet inside": (ETHERNET, lambda ip: ethernet(ipv4(b"\x20\0\x65\x58\0\0\0\7" + plain(ip), 47))),
    "ERSPAN": (ETHERNET, lambda ip: ethernet(ipv4(_ERSPAN + plain(ip), 47))),
    "VXLAN": (ETHERNET, lambda ip: ethernet(udp(_VXLAN + plain(ip), 4789))),
    "VXLAN, VLAN inside": (ETHERNET, lambda ip: ethernet(udp(_VXLAN + tagged((0x8100, 9))(ip), 4789))),
    "Geneve": (ETHERNET, lambda ip: ethernet(udp(_GENEVE + plain(ip), 6081))),
    "GTP-U": (ETHERNET, lambda ip: ethernet(udp(struct.pack(">BBHI", 0x30, 255, len(ip), 7) + ip, 2152))),
    "options": (ETHERNET, behind_options),
    "an atomic fragment": (ETHERNET, atomic),
    "loopback, little-endian": (0, lambda ip: struct.pack("<I", 30 if ip[0] >> 4 == 6 else 2) + ip),
    "loopback, big-endian": (0, lambda ip: struct.pack(">I", 24 if ip[0] >> 4 == 6 else 2) + ip),
    "OpenBSD's loopback": (108, lambda ip: struct.pack(">I", 24 if ip[0] >> 4 == 6 else 2) + ip),
    "PPP": (9, lambda ip: b"\xff\x03" + (b"\0\x57" if ip[0] >> 4 == 6 else b"\0\x21") + ip),
    "Cisco HDLC": (104, lambda ip: b"\x0f\0" + kind(ip) + ip),
    "raw IP": (101, lambda ip: ip),
    "802.11": (105, wlan(False)),
    "802.11 with QoS": (105, wlan(True)),
    "802.11 behind radiotap": (127, lambda ip: b"\0\0\x08\0\0\0\0\0" + wlan(True)(ip)),
    "Linux cooked": (113, lambda ip: b"\0\0\0\1\0\6" + _MACS[:6] + b"\0\0" + kind(ip) + ip),
    "Linux cooked, VLAN": (113, lambda ip: b"\0\0\0\1\0\6" + _MACS[:6] + b"\0\0\x81\0\0\5" + kind(ip) + ip),
    "Linux cooked 2": (276, lambda ip: kind(ip) + b"\0\0\0\0\0\2\0\1\0\6" + _MACS[:6] + b"\0\0" + ip),
}
"""By name: the kind of link, and what a packet is there."""


def fragments(ip: bytes, identifier: int, size: int = 504) -> list[bytes]:
    """An IPv4 packet in fragments of ``size`` bytes (a multiple of 8), the last one first."""
    body = ip[20:]
    found = []
    for start in range(0, len(body), size):
        more = 0x2000 if start + size < len(body) else 0
        part = body[start : start + size]
        length = struct.pack(">HHH", 20 + len(part), identifier, more | start // 8)
        found.append(plain(checked(ip[:2] + length + ip[8:20]) + part))
    return found[::-1]
