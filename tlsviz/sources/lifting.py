"""Packets lifted out of the mapped file: tshark says which frames hold TCP or UDP, in which layers, of which stream.

Writing every payload out as hexadecimal digits takes tshark as long as all the rest that it does for us, and reading
them takes us as long again; the bytes stand in the file. Only plain frames are lifted: no tunnel, fragment, option
or extension header, nothing cut short. For all others there is what tshark writes.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from struct import Struct

from tlsviz.connection.model import Endpoint
from tlsviz.sources.ek import epoch, transport_place
from tlsviz.sources.frames import FORGET, Data, let_go
from tlsviz.sources.segments import RST, Datagram, Packet

FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.protocols",
    "tcp.stream",
    "tcp.seq_raw",
    "udp.stream",
    "udp.length",
)
"""What is asked of tshark. Sequence number and length prove that the same place was found."""

LINKS = {"eth:ethertype": 14, "eth:ethertype:vlan:ethertype": 18, "sll:ethertype": 16, "raw": 0, "null": 4}
"""What may stand before IP (and EAPOL), as tshark names it, and its length."""
_IPV4 = Struct(">BxHxxHxBxx4s4s")
_IPV6 = Struct(">B3xHBx16s16s")
_TCP = Struct(">HHIIHH")
_UDP = Struct(">HHH2x")
_PROTOCOLS = {"tcp": (6, 20), "udp": (17, 8)}
PCAP_HEADER, BLOCK_HEADER = 16, 28
ENHANCED_PACKET = {b"\x06\0\0\0": Struct("<20xI"), b"\0\0\0\x06": Struct(">20xI")}
"""A block of a packet, by its first bytes, and how many bytes it holds (pcapng)."""


class HiddenError(Exception):
    """A packet that is not plain: only tshark can find its payload."""


class Lifting:
    """Lifts packets out of a file. ``starts`` and ``ends``: where its frames are; ``numbers``: those that tshark sees.

    ``kind``: pcap or pcapng.
    """

    def __init__(self, data: Data, kind: str, starts: array[int], ends: array[int], numbers: array[int]) -> None:
        self._data = data
        self._pcap = kind == "pcap"
        self._starts = starts
        self._ends = ends
        self._numbers = numbers
        self._forget = FORGET

    def __call__(self, layers: Mapping[str, Sequence[str]]) -> Packet | Datagram | None:
        """The packet of one frame's fields, numbered as in the file; None if it has none that counts.

        Raises `HiddenError`.
        """
        place = _plain(layers["frame_protocols"][0])
        if place is None:
            return None
        number = self._numbers[int(layers["frame_number"][0]) - 1]
        at, stop = self._bytes(number)
        try:
            return self._packet(layers, number, at + place[0], stop, *place[1:])
        except (KeyError, IndexError):
            raise HiddenError from None  # tshark has seen only a part of the header

    def _bytes(self, number: int) -> tuple[int, int]:
        """Where a frame's captured bytes start and stop."""
        start, end = self._starts[number - 1], self._ends[number - 1]
        if end > self._forget:
            self._forget = let_go(self._data, end)
        if self._pcap:
            return start + PCAP_HEADER, end
        held = ENHANCED_PACKET.get(self._data[start : start + 4])
        if held is None:
            raise HiddenError
        at = start + BLOCK_HEADER
        return at, min(at + held.unpack_from(self._data, start)[0], end - 4)

    def _packet(
        self, layers: Mapping[str, Sequence[str]], number: int, at: int, stop: int, six: bool, kind: str
    ) -> Packet | Datagram:
        data = self._data
        protocol, shortest = _PROTOCOLS[kind]
        held = _held(data, at, stop, six, protocol)
        if held is None or not held[2] + shortest <= held[3] <= stop:
            raise HiddenError
        one, two, header, end = held
        time = epoch(layers["frame_time_epoch"][0])
        if kind == "udp":
            source, destination, size = _UDP.unpack_from(data, header)
            if not shortest <= size <= end - header or size != int(layers["udp_length"][0]):
                raise HiddenError
            stream = int(layers["udp_stream"][0])
            payload = data[header + shortest : header + size]
            return Datagram(number, time, stream, endpoint(one, source), endpoint(two, destination), payload)
        found = tcp_packet(data, header, end, (one, two), number, time, int(layers["tcp_stream"][0]))
        if found is None or found.sequence != int(layers["tcp_seq_raw"][0]):
            raise HiddenError
        return found


def tcp_packet(
    data: Data, header: int, end: int, addresses: tuple[bytes, bytes], number: int, time: float, stream: int
) -> Packet | None:
    """The TCP packet whose header is at ``header`` and whose payload ends at ``end``, as tshark gives it.

    None where the header says a length that it cannot have.
    """
    source, destination, sequence, acknowledgement, flags, window = _TCP.unpack_from(data, header)
    begin = header + (flags >> 12) * 4
    if not header + 20 <= begin <= end:
        return None
    # What a reset carries tshark does not show either: it is no part of the stream.
    payload, missing = (b"", end - begin) if flags & RST else (data[begin:end], 0)
    return Packet(
        number,
        time,
        stream,
        endpoint(addresses[0], source),
        endpoint(addresses[1], destination),
        sequence,
        acknowledgement,
        flags & 0xFFF,
        payload,
        missing,
        window,
    )


@lru_cache(maxsize=1024)
def _plain(protocols: str) -> tuple[int, bool, str] | None:
    """How many bytes stand before IP, whether it is IPv6, and which protocol counts; None if none does."""
    place = transport_place(protocols)
    if place is None or place[2] == "sctp":
        return None
    family, ip, kind, index = place
    before, found, _ = protocols.partition(f":{family}:{kind}")
    if ip or index or not found or before not in LINKS:
        raise HiddenError
    return LINKS[before], family == "ipv6", kind


def carried(data: bytes, six: bool, protocol: int) -> tuple[str, str, bytes] | None:
    """What a plain IP packet carries, between which addresses; None where it is not plain, or carries another."""
    held = _held(data, 0, len(data), six, protocol)
    if held is None:
        return None
    one, two, begin, end = held
    return endpoint(one, 0).address, endpoint(two, 0).address, data[begin:end]


def _held(data: Data, at: int, stop: int, six: bool, protocol: int) -> tuple[bytes, bytes, int, int] | None:
    """The addresses of a plain IP packet at ``at``, and where what it carries begins, and ends by its header.

    None where it is not plain, carries another protocol, or its header is not all here.
    """
    begin = at + (40 if six else 20)
    if begin > stop:
        return None
    if six:
        version, length, kind, one, two = _IPV6.unpack_from(data, at)
        plain, end = version >> 4 == 6, begin + length
    else:
        version, length, fragment, kind, one, two = _IPV4.unpack_from(data, at)
        plain, end = version == 0x45 and not fragment & 0x3FFF, at + length
    return (one, two, begin, end) if plain and kind == protocol else None


@lru_cache(maxsize=65536)
def endpoint(address: bytes, port: int) -> Endpoint:
    """An end by its address, of 4 or 16 bytes."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    return Endpoint(socket.inet_ntop(family, address), port)
