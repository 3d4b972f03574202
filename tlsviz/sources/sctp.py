"""SCTP packets (RFC 9260), as tshark gives them in a reading of their own: it is told not to know the protocol.

Then the whole packet stands in ``data.data``, whatever carried it: of its chunks tshark's fields tell too little (which
payload belongs to which chunk, and none where another dissector wanted it). A second reading, only of captures where a
packet holds what may be a record of TLS. What is watched as it comes cannot be read twice: there tshark says which
frames carry SCTP, and their bytes are taken from what it was given. Checksums are not looked at: most network cards
compute them behind the place where a capture is made.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from tlsviz.connection.model import Endpoint
from tlsviz.sources.eapol import Again, captured
from tlsviz.sources.ek import ADDRESSES, FRAME, endpoint, epoch, transport_place
from tlsviz.sources.lifting import LINKS, carried
from tlsviz.sources.segments import Datagram, Said

FILTER = "(ip.proto == 132 or ipv6.nxt == 132 or ipv6.dstopts.nxt == 132 or udp.port == 9899) and data"
FIELDS = (*FRAME, *ADDRESSES, "data.data")
DISABLED = ("sctp",)
ALL = "sctp"
CAPTURED = "sctp"
"""All of it, for tshark and for libpcap."""

DATA, INIT, INIT_ACK, SACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, SHUTDOWN_COMPLETE = 0, 1, 2, 3, 6, 7, 8, 14
NR_SACK, I_DATA, FORWARD_TSN, I_FORWARD_TSN = 16, 64, 192, 194
REFLECTED = 1
"""The T bit of ABORT and SHUTDOWN COMPLETE: the verification tag is the one that the sender got."""
_LAST, _FIRST, _UNORDERED = 1, 2, 4
HEADER, _CHUNK = 12, 4
_COMMON = struct.Struct(">HHI")
_DATA, _I_DATA = struct.Struct(">IHHI"), struct.Struct(">IHHII")
_CAUSES = (
    *("", "invalid stream", "missing parameter", "stale cookie", "out of resource", "address not resolvable"),
    *("unrecognized chunk", "invalid parameter", "unrecognized parameters", "no user data", "cookie while closing"),
    *("restart with new addresses", "ended by the user", "protocol violation"),
)
"""Why an association is aborted, by code (RFC 9260 3.3.10)."""
_DIRECT = re.compile(r":(?:ip|ipv6|ipv6\.dstopts|udp):data$")
_PROTOCOL = 132


class Chunk(NamedTuple):
    """A chunk of a packet; ``missing`` bytes at the end of its ``body`` were not captured."""

    kind: int
    flags: int
    body: bytes
    missing: int


class Packet(NamedTuple):
    """A packet's common header and its chunks."""

    source: int
    destination: int
    tag: int
    chunks: tuple[Chunk, ...]


class Piece(NamedTuple):
    """A DATA or I-DATA chunk: a user message, or a part of one. Numbers are as on the wire.

    ``number`` is the stream sequence number (16 bits), or I-DATA's message identifier (32 bits: ``interleaved``, RFC
    8260 2.1), where ``place`` counts the parts. ``frame`` and ``time``: when it came.
    """

    tsn: int
    stream: int
    number: int
    first: bool
    last: bool
    unordered: bool
    interleaved: bool
    place: int
    data: bytes
    missing: int
    frame: int
    time: float


def packet(data: bytes) -> Packet | None:
    """An SCTP packet; None if it is none. What does not look like a chunk ends it."""
    if len(data) < HEADER + _CHUNK:
        return None
    source, destination, tag = _COMMON.unpack_from(data)
    return Packet(source, destination, tag, tuple(_chunks(data)))


def _chunks(data: bytes) -> Iterator[Chunk]:
    at = HEADER
    while at + _CHUNK <= len(data):
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < _CHUNK:
            return
        body = data[at + _CHUNK : at + length]
        yield Chunk(data[at], data[at + 1], body, length - _CHUNK - len(body))
        at += length + -length % 4


def piece(chunk: Chunk, frame: int, time: float) -> Piece | None:
    """What a DATA or I-DATA chunk says; None for other chunks, and where its header is cut."""
    form = {DATA: _DATA, I_DATA: _I_DATA}.get(chunk.kind)
    if form is None or len(chunk.body) < form.size:
        return None
    tsn, stream, number, *rest = form.unpack_from(chunk.body)
    first, last = bool(chunk.flags & _FIRST), bool(chunk.flags & _LAST)
    place = tsn
    if chunk.kind == I_DATA:
        number, place = rest[0], 0 if first else rest[1]
    unordered = bool(chunk.flags & _UNORDERED)
    data = chunk.body[form.size :]
    return Piece(
        tsn, stream, number, first, last, unordered, chunk.kind == I_DATA, place, data, chunk.missing, frame, time
    )


def acknowledged(chunk: Chunk) -> int | None:
    """Up to which TSN the sender of a chunk has all that the other side sent, None if it does not say."""
    if chunk.kind not in (SACK, NR_SACK, SHUTDOWN) or len(chunk.body) < 4:
        return None
    return int.from_bytes(chunk.body[:4], "big")


def abandoned(chunk: Chunk) -> int | None:
    """Up to which TSN the sender of a chunk will not send anything again (RFC 3758), None if it does not say."""
    if chunk.kind not in (FORWARD_TSN, I_FORWARD_TSN) or len(chunk.body) < 4:
        return None
    return int.from_bytes(chunk.body[:4], "big")


def opening(chunk: Chunk) -> tuple[int, int] | None:
    """INIT's or INIT ACK's initiate tag and initial TSN, None for other chunks."""
    if chunk.kind not in (INIT, INIT_ACK) or len(chunk.body) < 16:
        return None
    return int.from_bytes(chunk.body[:4], "big"), int.from_bytes(chunk.body[12:16], "big")


def cause(chunk: Chunk) -> str:
    """Why an ABORT ends the association, "" if it does not say."""
    code = int.from_bytes(chunk.body[:2], "big")
    return _CAUSES[code] if code < len(_CAUSES) else f"cause {code}"


# -- from tshark -------------------------------------------------------------------------------------------------


def parse(layers: dict[str, Any]) -> Datagram | None:
    """The packet of a frame's fields; None without one, or with one that only ICMP quotes."""
    protocols = layers["frame_protocols"][0]
    data = layers.get("data_data")
    if not data or "icmp" in protocols or not _DIRECT.search(protocols):
        return None
    names = [name for name in protocols.split(":") if name in ("ip", "ipv6")]
    family = names[-1]
    source, target = layers[f"{family}_src"][-1], layers[f"{family}_dst"][-1]
    return _datagram(layers, source, target, bytes.fromhex(data[0].replace(":", "")))


def lifted(layers: dict[str, Any], again: Again) -> Datagram | None:
    """The packet of a frame of which tshark tells no more than its place; None where the frame is not plain."""
    protocols = layers["frame_protocols"][0]
    place = transport_place(protocols)
    if place is None or place[2] != "sctp":
        return None
    family = place[0]
    size = LINKS.get(protocols.partition(f":{family}:sctp")[0])
    if size is None:
        return None
    frame = captured(again(int(layers["frame_file_off"][0]), 1 << 16))
    found = carried(frame[size:], family == "ipv6", _PROTOCOL)
    return None if found is None else _datagram(layers, *found)


def _datagram(layers: dict[str, Any], source: str, target: str, data: bytes) -> Datagram | None:
    if len(data) < HEADER:
        return None
    one, two, _ = _COMMON.unpack_from(data)
    number, time = int(layers["frame_number"][0]), epoch(layers["frame_time_epoch"][0])
    ends: tuple[Endpoint, Endpoint] = endpoint(source, str(one)), endpoint(target, str(two))
    return Datagram(number, time, 0, *ends, data, sctp=Said("packet"))
