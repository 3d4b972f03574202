"""The first connections of a large capture, before tshark has begun: what its first bytes hold of plain TCP flows.

They are followed as all others are, and stand in a list until the reading itself comes to them and takes their place.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from tlsviz.connection.model import Endpoint
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.entries import Entry
from tlsviz.sources.frames import Framing, framing
from tlsviz.sources.lifting import endpoint
from tlsviz.sources.links import LOCATE, tcp_place
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.segments import ACK, RST, SYN, Packet
from tlsviz.sources.shelving import Shelving
from tlsviz.sources.spool import Spool

LOOKED_AT = 1 << 20
"""Bytes at the beginning of the file."""
ENOUGH = 40
"""Connections: about as many as a screen has lines."""
_TCP = struct.Struct(">HHIIHH")


def preview(path: Path, opinions: Opinions, spool: Spool, told: Callable[[Entry], None]) -> None:
    """Tells of connections that complete their handshake in the first bytes of a file, `ENOUGH` at most.

    Of none once the file gives keys, which change what is to be said.
    """
    with path.open("rb") as file:
        framed = framing(file.read(LOOKED_AT))
    known: set[float] = set()

    def tell(entry: Entry) -> None:
        if entry.row.complete and (entry.first in known or len(known) < ENOUGH):
            known.add(entry.first)
            told(entry)

    shelving = Shelving(KeyLog(), opinions, spool, tell)
    for packet in packets(framed):
        if len(known) == ENOUGH or framed.found.secrets:
            return
        shelving.take(packet)
    shelving.tell()


def packets(framed: Framing) -> Iterator[Packet]:
    """The packets of flows that begin with a SYN, as tshark gives them; nothing of tunnels, fragments and the like.

    Their streams are numbered as they come, which tshark may do otherwise.
    """
    data = framed.data
    flows: dict[bytes, tuple[int, int, Endpoint, Endpoint]] = {}
    streams = 0
    for number, frame in enumerate(framed, 1):
        _, begin, stop, _, link, _ = frame
        locate = LOCATE.get(link)
        at = locate(data, begin, stop) if locate is not None else None
        place = tcp_place(data, at, stop) if at is not None else None
        if place is None:
            continue
        addresses, header, end = place
        one, two, sequence, acknowledgement, flags, window = _TCP.unpack_from(data, header)
        payload = header + (flags >> 12) * 4
        if not header + 20 <= payload <= end:
            continue
        half = len(addresses) // 2
        ends = addresses[:half] + data[header : header + 2], addresses[half:] + data[header + 2 : header + 4]
        if flags & (SYN | ACK) == SYN and ends[0] != ends[1]:
            known = flows.get(ends[0] + ends[1])
            if known is None or known[1] != sequence:
                source, destination = endpoint(addresses[:half], one), endpoint(addresses[half:], two)
                flows[ends[0] + ends[1]] = streams, sequence, source, destination
                flows[ends[1] + ends[0]] = streams, -1, destination, source
                streams += 1
        if (flow := flows.get(ends[0] + ends[1])) is not None:
            stream, _, source, destination = flow
            reset = bool(flags & RST)
            yield Packet(
                number,
                framed.time(frame),
                stream,
                source,
                destination,
                sequence,
                acknowledgement,
                flags & 0xFFF,
                b"" if reset else data[payload:end],
                end - payload if reset else 0,
                window,
            )
