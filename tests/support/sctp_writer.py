"""TLS and DTLS put into SCTP (RFC 3436, RFC 6083): associations as packets (RFC 9260), to be spoiled and written."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from tlsviz.connection.model import Endpoint
from tlsviz.sources.segments import Datagram, Said
from tlsviz.wire.chunks import CLIENT, Chunk

INIT, INIT_ACK, SACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = (
    *(1, 2, 3, 6, 7, 8, 10, 11),
    14,
)
DATA, I_DATA = 0, 64
LAST, FIRST, UNORDERED = 1, 2, 4
Frame = tuple[float, bytes, int]


@cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        return value

    return tuple(map(entry, range(256)))


def crc32c(data: bytes) -> int:
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


class Sent(NamedTuple):
    """A packet of an association: ``back``: the server's; ``way``: which of the ends' addresses it goes between."""

    time: float
    back: bool
    tag: int
    chunks: tuple[bytes, ...]
    ports: tuple[int, int] = (40000, 3868)
    way: int = 0

    @property
    def has_data(self) -> bool:
        return any(each[0] in (DATA, I_DATA) for each in self.chunks)

    def packet(self, sound: bool = True) -> bytes:
        """Common header and chunks; ``sound``: with the right checksum."""
        ports = self.ports[::-1] if self.back else self.ports
        body = b"".join(each + bytes(-len(each) % 4) for each in self.chunks)
        head = struct.pack(">HHI", *ports, self.tag)
        check = crc32c(head + bytes(4) + body) if sound else 0xDEADBEEF
        return head + struct.pack("<I", check) + body

    def frame(self, sound: bool = True, six: bool = False) -> Frame:
        """In Ethernet and IP."""
        packet = self.packet(sound)
        return self.carried(packet, 132, six)

    def datagram(self, number: int = 1) -> Datagram:
        """As tshark gives it."""
        ends = [Endpoint(f"10.0.{self.way}.{at + 1}", port) for at, port in enumerate(self.ports)]
        source, target = ends[::-1] if self.back else ends
        return Datagram(number, self.time, 0, source, target, self.packet(sound=False), sctp=Said("packet"))

    def in_udp(self) -> Frame:
        """In UDP (RFC 6951)."""
        packet = self.packet()
        return self.carried(struct.pack(">HHHH", 9899, 9899, 8 + len(packet), 0) + packet, 17, False)

    def carried(self, packet: bytes, protocol: int, six: bool) -> Frame:
        if six:
            ends = [bytes(14) + bytes([self.way, number]) for number in (1, 2)]
            head, kind = struct.pack(">IHBB", 6 << 28, len(packet), protocol, 64), b"\x86\xdd"
        else:
            ends = [bytes([10, 0, self.way, number]) for number in (1, 2)]
            size = 20 + len(packet)
            head, kind = struct.pack(">BBHHHBBH", 0x45, 0, size, 0, 0, 64, protocol, 0), b"\x08\x00"
        data = bytes(12) + kind + head + b"".join(ends[::-1] if self.back else ends) + packet
        return self.time, data, len(data)


def chunk(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">BBH", kind, flags, 4 + len(body)) + body


def sack(tsn: int) -> bytes:
    return chunk(SACK, struct.pack(">IIHH", tsn & 0xFFFFFFFF, 65536, 0, 0))


class Association:
    """Writes an association's packets: `begin`, then `say` or `talk`, then `end`; ``sent`` has them.

    ``message``, ``part``: the most bytes of a user message, and of a chunk; ``bundle``: chunks in a packet; ``tsns``
    and ``number``: where TSNs and the streams' numbers begin.
    """

    def __init__(
        self,
        message: int = 1200,
        part: int = 1200,
        bundle: int = 1,
        tsns: tuple[int, int] = (1000, 77),
        number: int = 0,
        ppid: int = 0,
        interleaved: bool = False,
        ports: tuple[int, int] = (40000, 3868),
        tags: tuple[int, int] = (0xAAAA0001, 0xBBBB0002),
        ways: int = 1,
    ) -> None:
        self.message, self.part, self.bundle, self.ppid = message, part, bundle, ppid
        self.interleaved, self.ports, self.tags, self.ways = interleaved, ports, tags, ways
        self.first = tsns
        self.next = list(tsns)
        self.numbers: dict[tuple[bool, int], int] = {}
        self.number = number
        self.sent: list[Sent] = []

    def put(self, time: float, back: bool, *chunks: bytes, tag: int | None = None) -> None:
        """``tag``: the one of the receiver, if not another."""
        known = self.tags[1 - back] if tag is None else tag
        self.sent.append(Sent(time, back, known, chunks, self.ports, len(self.sent) % self.ways))

    def begin(self, time: float) -> None:
        hello = [struct.pack(">IIHHI", tag, 65536, 10, 10, tsn) for tag, tsn in zip(self.tags, self.first, strict=True)]
        self.put(time - 0.004, False, chunk(INIT, hello[0]), tag=0)
        self.put(time - 0.003, True, chunk(INIT_ACK, hello[1] + struct.pack(">HH", 7, 12) + b"a cookie"))
        self.put(time - 0.002, False, chunk(COOKIE_ECHO, b"a cookie"))
        self.put(time - 0.001, True, chunk(COOKIE_ACK))

    def parts(self, back: bool, stream: int, message: bytes, flags: int = 0) -> list[bytes]:
        """The chunks of a user message."""
        number = self.numbers.get((back, stream), self.number)
        if not flags & UNORDERED:
            self.numbers[back, stream] = number + 1
        pieces = [message[at : at + self.part] for at in range(0, len(message), self.part)]
        found = []
        for at, piece in enumerate(pieces):
            bits = flags | FIRST * (at == 0) | LAST * (at + 1 == len(pieces))
            tsn = self.next[back] & 0xFFFFFFFF
            self.next[back] += 1
            if self.interleaved:
                head = struct.pack(">IHHII", tsn, stream, 0, number & 0xFFFFFFFF, at or self.ppid)
                found.append(chunk(I_DATA, head + piece, bits))
            else:
                found.append(chunk(DATA, struct.pack(">IHHI", tsn, stream, number & 0xFFFF, self.ppid) + piece, bits))
        return found

    def say(self, time: float, back: bool, stream: int, data: bytes, flags: int = 0) -> None:
        """Bytes as user messages: before them what was received, and the same from the other side behind them."""
        chunks: list[bytes] = []
        for at in range(0, len(data), self.message):
            chunks += self.parts(back, stream, data[at : at + self.message], flags)
        for at in range(0, len(chunks), self.bundle):
            self.put(time, back, *self.acknowledges(back), *chunks[at : at + self.bundle])
        self.put(time + 0.0001, not back, sack(self.next[back] - 1))

    def acknowledges(self, back: bool) -> list[bytes]:
        return [sack(self.next[not back] - 1)]

    def talk(self, chunks: Iterable[Chunk], stream: int = 0) -> None:
        for each in chunks:
            self.say(each.time, each.sender != CLIENT, stream, each.data)

    def end(self, time: float) -> None:
        self.put(time, False, chunk(SHUTDOWN, struct.pack(">I", self.next[1] - 1 & 0xFFFFFFFF)))
        self.put(time + 0.001, True, chunk(SHUTDOWN_ACK))
        self.put(time + 0.002, False, chunk(SHUTDOWN_COMPLETE))


def conversation(chunks: Sequence[Chunk], stream: int = 0, **how: object) -> list[Sent]:
    """A whole association around one conversation; ``how`` as for `Association`."""
    made = Association(**how)  # type: ignore[arg-type]
    made.begin(chunks[0].time)
    made.talk(chunks, stream)
    made.end(chunks[-1].time + 0.01)
    return made.sent
