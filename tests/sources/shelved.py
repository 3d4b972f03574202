"""Packets that are followed one by one, and what is told of their connections before the end."""

from __future__ import annotations

from collections.abc import Iterator

import pcap_writer as w
from dialogue import Dialogue
from spoils import moved

from tlsviz.connection.judge import Evidence
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.entries import Entry
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.plan import Plan
from tlsviz.sources.segments import Packet
from tlsviz.sources.shelving import Shelving
from tlsviz.sources.spool import Spool

Packets = list[Packet]


def closed(said: Dialogue) -> Packets:
    """A dialogue with a farewell from both sides, a millisecond a packet."""
    found = w.packets(said)
    last = found[-1]
    back = last._replace(
        source=last.destination,
        destination=last.source,
        sequence=last.acknowledgement,
        acknowledgement=last.sequence + 1,
    )
    return [each._replace(time=index / 1000) for index, each in enumerate([*found, back])]


def at(packets: Packets, port: int, start: float) -> Packets:
    """The same from another client port, ``start`` seconds later."""
    return [each._replace(time=each.time + start) for each in moved(packets, port)]


def numbered(packets: Packets) -> Iterator[Packet]:
    """The packets as frames of one capture."""
    streams: dict[frozenset[object], int] = {}
    for number, packet in enumerate(packets, 1):
        stream = streams.setdefault(frozenset((packet.source, packet.destination)), len(streams))
        yield packet._replace(number=number, stream=stream)


def shelving(told: list[Entry], plan: Plan | None = None) -> Shelving:
    """What follows packets, and tells of a connection once it is over."""
    return Shelving(KeyLog(), Opinions((), None, Evidence()), Spool(), told.append, strict=True, plan=plan)


def fed(packets: Packets) -> tuple[Shelving, list[Entry]]:
    """What followed the packets to their end, and what it told."""
    told: list[Entry] = []
    following = shelving(told)
    for packet in numbered(packets):
        following.take(packet)
    following.end()
    return following, told
