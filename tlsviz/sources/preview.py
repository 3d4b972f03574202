"""The first connections of a large capture, before tshark has begun: what its first bytes hold of plain TCP flows.

They are followed as all others are, and stand in a list until the reading itself comes to them and takes their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tlsviz.connection.model import Endpoint
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.entries import Entry
from tlsviz.sources.frames import Framing, framing
from tlsviz.sources.lifting import tcp_packet
from tlsviz.sources.links import tcp_of
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.segments import ACK, SYN, Packet
from tlsviz.sources.shelving import Shelving
from tlsviz.sources.spool import Spool

LOOKED_AT = 1 << 20
"""Bytes at the beginning of the file."""
ENOUGH = 40
"""Connections: about as many as a screen has lines."""


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
    flows: dict[tuple[Endpoint, Endpoint], tuple[int, int]] = {}
    """By who sends to whom: the stream, and with which number it begins (-1 for the side that is called)."""
    streams = 0
    for number, frame in enumerate(framed, 1):
        place = tcp_of(data, frame)
        if place is None:
            continue
        addresses, header, end = place
        half = len(addresses) // 2
        both = addresses[:half], addresses[half:]
        packet = tcp_packet(data, header, end, both, number, framed.time(frame), 0)
        if packet is None:
            continue
        ends = packet.source, packet.destination
        if packet.flags & (SYN | ACK) == SYN and ends[0] != ends[1]:
            known = flows.get(ends)
            if known is None or known[1] != packet.sequence:
                flows[ends], flows[ends[::-1]] = (streams, packet.sequence), (streams, -1)
                streams += 1
        if (flow := flows.get(ends)) is not None:
            yield packet._replace(stream=flow[0])
