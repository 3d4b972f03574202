"""Writing what happened as a pcapng: real times, TCP framing made to fit, the secrets inside.

Live handshakes have no packets of their own (the kernel keeps them), so Ethernet, IP and TCP (or UDP) headers are made:
sequence numbers, checksums and flags are right, hardware addresses and segment borders are invented.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tlsviz
from tlsviz.connection.tcp import ACK, FIN, PSH, RST, SYN
from tlsviz.errors import TlsvizError
from tlsviz.sources.private import private_file
from tlsviz.wire.chunks import CLIENT, SERVER, Bulk, Chunk, Gap, Input, Mark, Sender, other
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from tlsviz.sources.tape import Tape

SECTION_HEADER, INTERFACE, ENHANCED_PACKET, SECRETS = 0x0A0D0D0A, 1, 6, 10
COMMENT, END = 1, 0
TLS_KEY_LOG = 0x544C534B
ETHERNET = 1
TCP, UDP = 6, 17

MSS = 1460
WINDOW = 65535

_MAC: dict[Sender, bytes] = {CLIENT: bytes.fromhex("020000000001"), SERVER: bytes.fromhex("020000000002")}
_FIRST_SEQUENCE: dict[Sender, int] = {CLIENT: 0x10000000, SERVER: 0x20000000}


def save(path: Path, tapes: Sequence[Tape], comment: str, secrets: bool = True) -> None:
    """Writes the tapes as one pcapng file, packets in the order of time. Raises TlsvizError if it cannot be written.

    ``secrets``: put the key log into a Decryption Secrets Block, so that every reader can decrypt; the file is then
    for its owner alone.
    """
    data = pcapng(tapes, comment, secrets)
    try:
        with private_file(path) if secrets else path.open("wb") as file:
            file.write(data)
    except OSError as error:
        why = error.strerror or str(error)
        raise TlsvizError(f"Cannot write {shorten(str(path), 80)}", why, "Give another file to --save.") from None


def pcapng(tapes: Sequence[Tape], comment: str, secrets: bool = True) -> bytes:
    """The whole file's bytes (draft-ietf-opsawg-pcapng): section, interface, secrets, packets."""
    out = [section_block(comment), interface_block("tlsviz")]
    lines = b"".join(line.rstrip(b"\n") + b"\n" for tape in tapes for line in tape.keylog)
    if secrets and lines:
        out.append(secrets_block(lines))
    timed = [packet for number, tape in enumerate(tapes) for packet in _Framing(tape, number).packets()]
    timed.sort(key=lambda packet: packet[0])
    out += [_packet(time, data) for time, data in timed]
    return b"".join(out)


# -- blocks ------------------------------------------------------------------------------------------------


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def secrets_block(lines: bytes) -> bytes:
    """A Decryption Secrets Block with the lines of a key log, in little-endian order."""
    return _block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(lines)) + _pad(lines))


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _pad(value)


def section_block(comment: str) -> bytes:
    """A Section Header Block in little-endian order."""
    application = 4
    options = _option(COMMENT, comment.encode()[:1000])
    options += _option(application, f"tlsviz {tlsviz.__version__}".encode()) + _option(END, b"")
    return _block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface_block(title: str, link: int = ETHERNET) -> bytes:
    """An Interface Description Block of a link type (LINKTYPE_*), whose clock counts nanoseconds."""
    name, resolution = 2, 9
    options = _option(name, title.encode()) + _option(resolution, bytes([9])) + _option(END, b"")
    return _block(INTERFACE, struct.pack("<HHI", link, 0, 0) + options)


def _packet(time: float, data: bytes) -> bytes:
    # Seconds and fraction apart: in one product a float would lose the nanoseconds.
    seconds = int(time)
    return packet_block(seconds * 1_000_000_000 + round((time - seconds) * 1e9), data, len(data))


def packet_block(stamp: int, data: bytes, length: int, interface: int = 0) -> bytes:
    """An Enhanced Packet Block: ``stamp`` in nanoseconds, ``length`` as it was on the wire."""
    head = struct.pack("<IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(data), length)
    return _block(ENHANCED_PACKET, head + _pad(data))


# -- frames ------------------------------------------------------------------------------------------------


@dataclass
class _Framing:
    """Makes the packets of one tape, keeping both sides' sequence numbers."""

    tape: Tape
    number: int = 0
    _next: dict[Sender, int] = field(init=False)
    _identification: int = 0

    def __post_init__(self) -> None:
        offset = self.number << 16
        self._next = {side: start + offset for side, start in _FIRST_SEQUENCE.items()}
        self._addresses = {
            CLIENT: _address(self.tape.client.address, self.tape.server.address, "192.0.2.1"),
            SERVER: _address(self.tape.server.address, self.tape.client.address, "192.0.2.2"),
        }
        self._ports = {CLIENT: self.tape.client.port or 49152 + self.number, SERVER: self.tape.server.port}

    def packets(self) -> Iterator[tuple[float, bytes]]:
        """Each packet with its time, in seconds."""
        opened = False
        for item in _last_attempt(self.tape.inputs):
            if isinstance(item, Bulk):
                continue  # live connections are never counted
            if self.tape.transport != "tcp":
                if isinstance(item, Chunk):
                    yield item.time, self._datagram(item.sender, item.data)
                continue
            if isinstance(item, Mark):
                opened = opened or item.kind in ("syn", "connected")
                yield from self._mark(item)
                continue
            if not opened:
                opened = True
                yield from self._mark(Mark("syn", CLIENT, item.time))
                yield from self._mark(Mark("connected", SERVER, item.time))
            yield from self._stream(item)

    def _mark(self, mark: Mark) -> Iterable[tuple[float, bytes]]:
        time, sender = mark.time, mark.sender
        if mark.kind == "syn":
            yield time, self._frame(CLIENT, SYN, b"", start=True)
        elif mark.kind == "connected":
            self._next[CLIENT] += 1
            yield time, self._frame(SERVER, SYN | ACK, b"", start=True)
            self._next[SERVER] += 1
            yield time, self._frame(CLIENT, ACK, b"")
        elif mark.kind == "refused":
            self._next[CLIENT] += 1
            yield time, self._frame(SERVER, RST | ACK, b"")
        elif mark.kind == "rst":
            yield time, self._frame(sender, RST | ACK, b"")
        elif mark.kind == "fin":
            yield time, self._frame(sender, FIN | ACK, b"")
            self._next[sender] += 1

    def _stream(self, item: Chunk | Gap) -> Iterable[tuple[float, bytes]]:
        if isinstance(item, Gap):
            self._next[item.sender] += item.length
            return
        for at in range(0, len(item.data), MSS):
            part = item.data[at : at + MSS]
            push = PSH if at + MSS >= len(item.data) else 0
            yield item.time, self._frame(item.sender, ACK | push, part)
            self._next[item.sender] += len(part)

    def _frame(self, sender: Sender, flags: int, data: bytes, start: bool = False) -> bytes:
        """An Ethernet frame with one TCP segment; ``start``: with the options of a SYN."""
        receiver = other(sender)
        options = struct.pack(">BBH", 2, 4, MSS) if start else b""
        head = struct.pack(
            ">HHIIBBHHH",
            self._ports[sender],
            self._ports[receiver],
            self._next[sender] & 0xFFFFFFFF,
            self._next[receiver] & 0xFFFFFFFF if flags & ACK else 0,
            (20 + len(options)) << 2,
            flags,
            WINDOW,
            0,
            0,
        )
        return self._around(sender, TCP, head + options + data, 16)

    def _datagram(self, sender: Sender, data: bytes) -> bytes:
        """An Ethernet frame with one UDP datagram."""
        head = struct.pack(">HHHH", self._ports[sender], self._ports[other(sender)], 8 + len(data), 0)
        return self._around(sender, UDP, head + data, 6)

    def _around(self, sender: Sender, protocol: int, segment: bytes, place: int) -> bytes:
        """The Ethernet frame around a segment, whose checksum stands at ``place``."""
        receiver = other(sender)
        source, destination = self._addresses[sender], self._addresses[receiver]
        pseudo = source.packed + destination.packed
        if source.version == 4:
            pseudo += struct.pack(">BBH", 0, protocol, len(segment))
        else:
            pseudo += struct.pack(">IHBB", len(segment), 0, 0, protocol)
        segment = segment[:place] + struct.pack(">H", checksum(pseudo + segment)) + segment[place + 2 :]
        kind, packet = self._packet(source, destination, protocol, segment)
        return _MAC[receiver] + _MAC[sender] + kind + packet

    def _packet(self, source: Address, destination: Address, protocol: int, segment: bytes) -> tuple[bytes, bytes]:
        """The EtherType and the IP packet around a segment."""
        self._identification = (self._identification + 1) & 0xFFFF
        if source.version == 6:
            head = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64)
            return b"\x86\xdd", head + source.packed + destination.packed + segment
        length = 20 + len(segment)
        head = struct.pack(">BBHHHBBH", 0x45, 0, length, self._identification, 0x4000, 64, protocol, 0)
        head += source.packed + destination.packed
        return b"\x08\x00", head[:10] + struct.pack(">H", checksum(head)) + head[12:] + segment


def _last_attempt(inputs: Sequence[Input]) -> Sequence[Input]:
    """From the last SYN on: attempts at other addresses before it were other connections."""
    last = max((at for at, item in enumerate(inputs) if isinstance(item, Mark) and item.kind == "syn"), default=0)
    return inputs[last:]


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str, peer: str, stand_in: str) -> Address:
    """The address, or a documentation address (RFC 5737, 3849) of the peer's family where it is not known."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ipaddress.ip_address("2001:db8::" + stand_in[-1] if ":" in peer else stand_in)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
