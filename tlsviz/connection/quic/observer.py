"""A QUIC connection as somebody sees it who has no key but those of Initial packets, which everybody has."""

from __future__ import annotations

from dataclasses import replace

from tlsviz.connection.model import Connection, Protection, Record, Volume
from tlsviz.connection.quic.engine import QuicEngine
from tlsviz.wire.chunks import Chunk, Input

MADE_OF_PACKETS = ("retry", "version_negotiation", "closed")
"""Marks that the engine makes of packets, as far as it can read them."""


def without_keys(connection: Connection, why: str) -> Connection:
    """The packets, followed once more by an engine that has no key log. ``why``: why sealed packets stay closed."""
    engine = QuicEngine(connection.id, connection.client, connection.server, tcp_stream=connection.tcp_stream)
    happened: list[tuple[float, Input]] = [
        *(
            (record.time, Chunk(record.sender, record.time, record.buffer.data, record.packets))
            for record in connection.records
        ),
        *((p.mark.time, p.mark) for p in connection.marks if p.mark.kind not in MADE_OF_PACKETS),
    ]
    for _, item in sorted(happened, key=lambda pair: pair[0]):
        engine.receive(item)
    engine.finish(connection.end)
    seen = engine.connection()
    return replace(
        seen,
        start=connection.start,
        duration=connection.duration,
        records=tuple(_closed(record, why) for record in seen.records),
        client_data=_most(seen.client_data, connection.client_data),
        server_data=_most(seen.server_data, connection.server_data),
    )


def _closed(record: Record, why: str) -> Record:
    if record.protection is None or record.protection.status != "not_provable":
        return record
    return replace(record, protection=Protection("not_provable", why))


def _most(seen: Volume, counted: Volume) -> Volume:
    """Packets that were only counted, not kept, count here too."""
    return Volume(max(seen.records, counted.records), max(seen.bytes, counted.bytes))
