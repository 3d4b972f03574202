"""The books of a QUIC connection: packets are entered in the place of records."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlsviz.connection.half import Assembled, Half
from tlsviz.connection.ledger import RECORD_COUNT_LIMIT, Ledger
from tlsviz.connection.model import Alert, CodePoint, Message, Protection, Record
from tlsviz.connection.stream import RawRecord
from tlsviz.tls import registry
from tlsviz.wire.buffers import Buffer, join
from tlsviz.wire.nodes import Node

FATAL = 2
"""Alerts have no level in QUIC: they all close the connection (RFC 9001 4.8)."""


@dataclass(slots=True, eq=False, repr=False)
class Books(Ledger):
    """A `Ledger` that knows packets."""

    def packet(
        self,
        half: Half,
        raw: RawRecord,
        kind: str,
        header: Node,
        *,
        plaintext: Buffer | None = None,
        protection: Protection | None = None,
        note: str | None = None,
        wire: Buffer | None = None,
    ) -> int:
        """Enters a packet; returns its index (the last one's, once there are too many to keep)."""
        if len(self.records) < RECORD_COUNT_LIMIT:
            self.records.append(
                Record(
                    index=len(self.records),
                    sender=half.sender,
                    time=raw.time,
                    packets=raw.packets,
                    content_type=raw.content_type,
                    version=raw.version,
                    length=raw.length,
                    buffer=wire or Buffer("wire", raw.data),
                    header=header,
                    epoch=half.epoch,
                    missing=raw.missing,
                    plaintext=plaintext,
                    inner_type=None if plaintext is None else raw.content_type,
                    protection=protection,
                    note=note,
                    packet_type=kind,
                )
            )
        return len(self.records) - 1

    def alert(self, half: Half, raw: RawRecord, frame: Node, code: int, made: Assembled) -> Message:
        """Enters the TLS alert that a CONNECTION_CLOSE carries; its tree is that frame."""
        buffer = join([(made.buffer, frame.start, frame.end)])
        tree = moved(frame, -frame.start)._replace(name="alert")
        message = self.message(half, raw.time, tree, made._replace(buffer=buffer), "alert")
        stated = Alert(
            CodePoint(FATAL, 1, registry.alert_levels.get(FATAL)), CodePoint(code, 1, registry.alerts.get(code))
        )
        message = replace(message, alert=stated)
        if self.messages and self.messages[-1].index == message.index:
            self.messages[-1] = message
        return message


def moved(node: Node, by: int) -> Node:
    """The tree in an address space that begins ``-by`` bytes later."""
    children = tuple(moved(child, by) for child in node.children)
    return node._replace(start=node.start + by, end=node.end + by, children=children)
