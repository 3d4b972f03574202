"""Writes small captures: pcap and pcapng in both byte orders, Ethernet, IPv4 and IPv6, TCP."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

from dialogue import Dialogue

from tlsviz.connection.model import Endpoint
from tlsviz.sources.segments import ACK, FIN, SYN, Packet
from tlsviz.wire.chunks import CLIENT

SERVER_END = Endpoint("192.0.2.1", 443)

Frame = tuple[float, bytes, int]
"""Time, captured bytes, original length."""


def packets(dialogue: Dialogue, port: int = 40000, prelude: list[tuple[str, bytes]] | None = None) -> list[Packet]:
    """The dialogue as TCP packets of at most 1,000 bytes, SYNs and a FIN around it."""
    client = Endpoint("10.0.0.1", port)
    ends = {True: (client, SERVER_END), False: (SERVER_END, client)}
    following_byte = {True: 1000, False: 2000}
    out: list[Packet] = []

    def say(mine: bool, data: bytes, flags: int, when: float) -> None:
        ack = following_byte[not mine] if flags & ACK else 0
        out.append(Packet(0, when, 0, *ends[mine], following_byte[mine], ack, flags, data))
        following_byte[mine] += len(data) + bool(flags & (SYN | FIN))

    first = dialogue.chunks[0].time
    say(True, b"", SYN, first - 0.02)
    say(False, b"", SYN | ACK, first - 0.01)
    for sender, data in prelude or []:
        say(sender == CLIENT, data, ACK, first - 0.005)
    for chunk in dialogue.chunks:
        for start in range(0, len(chunk.data), 1000):
            say(chunk.sender == CLIENT, chunk.data[start : start + 1000], ACK, chunk.time)
    say(True, b"", FIN | ACK, dialogue.chunks[-1].time)
    return out


def ip_packet(packet: Packet) -> bytes:
    """The packet as IPv4 or IPv6, by its addresses; ``missing`` bytes are counted in the lengths only."""
    size = 20 + len(packet.payload) + packet.missing
    tcp = struct.pack(
        ">HHIIBBHHH",
        packet.source.port,
        packet.destination.port,
        packet.sequence,
        packet.acknowledgement,
        5 << 4,
        packet.flags,
        packet.window,
        0,
        0,
    )
    source = ipaddress.ip_address(packet.source.address).packed
    destination = ipaddress.ip_address(packet.destination.address).packed
    if len(source) == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 6, 0)
    else:
        header = struct.pack(">IHBB", 0x60000000, size, 6, 64)
    return header + source + destination + tcp + packet.payload


def frame(packet: Packet) -> Frame:
    """The packet in an Ethernet frame."""
    kind = b"\x86\xdd" if ":" in packet.source.address else b"\x08\x00"
    data = bytes(12) + kind + ip_packet(packet)
    return packet.time, data, len(data) + packet.missing


def pcap(frames: Iterable[Frame], order: str = "<", nanoseconds: bool = False, link: int = 1) -> bytes:
    magic, unit = (0xA1B23C4D, 10**9) if nanoseconds else (0xA1B2C3D4, 10**6)
    out = bytearray(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link))
    for time, data, length in frames:
        ticks = round(time * unit)
        out += struct.pack(order + "IIII", ticks // unit, ticks % unit, len(data), length) + data
    return bytes(out)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<", *links: int) -> bytes:
    """A section header, and an interface of each link type; of Ethernet where none is named."""
    header = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    return header + b"".join(block(1, struct.pack(order + "HHI", link, 0, 262144), order) for link in links or (1,))


def secrets(text: bytes, order: str = "<", kind: int = 0x544C534B) -> bytes:
    return block(10, struct.pack(order + "II", kind, len(text)) + text, order)


def enhanced(frames: Iterable[Frame], order: str = "<", interface: int = 0) -> bytes:
    out = b""
    for time, data, length in frames:
        ticks = round(time * 10**6)
        head = struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length)
        out += block(6, head + data, order)
    return out


def mixed(sets: list[tuple[int, list[Frame]]]) -> bytes:
    """A pcapng file with an interface for each link type and its frames, the frames of all by turns."""
    found = [(frame, number) for number, (_, frames) in enumerate(sets) for frame in frames]
    found.sort(key=lambda each: each[0][0])
    return section("<", *(link for link, _ in sets)) + b"".join(enhanced([one], "<", number) for one, number in found)


def pcapng(frames: Iterable[Frame], order: str = "<") -> bytes:
    return section(order) + enhanced(frames, order)
