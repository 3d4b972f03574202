"""The books of a connection: its records and messages, each entered once, in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from tlsviz.connection.half import Assembled, Half
from tlsviz.connection.model import Alert, CodePoint, Inner, Message, Protection, Record
from tlsviz.connection.stream import RawRecord
from tlsviz.tls import dtls, registry
from tlsviz.tls.records import MAX_CIPHERTEXT, MAX_PLAINTEXT, decode_record_header
from tlsviz.tls.views import header_length
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import Sender
from tlsviz.wire.nodes import Node, first_note
from tlsviz.wire.text import plural

CONTENT = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data", 24: "heartbeat", 26: "ack"}
RECORD_COUNT_LIMIT = 20000
MESSAGE_COUNT_LIMIT = 10000
"""A long connection has some dozens of messages; what sends more is only counted."""


@dataclass(slots=True, eq=False, repr=False)
class Ledger:
    """Enters records and messages; ``order`` counts everything that gets a place."""

    messages: list[Message] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    order: int = 0
    sealed_kinds: set[tuple[Sender, str]] = field(default_factory=set)
    """Who has sent which protected messages so far."""
    dropped: int = 0
    """How many messages came when there were too many to keep."""

    def next_order(self) -> int:
        """The next place among everything that happened."""
        self.order += 1
        return self.order

    def record(
        self,
        half: Half,
        raw: RawRecord,
        wire: Buffer,
        *,
        header: Node | None = None,
        plaintext: Buffer | None = None,
        inner: int | None = None,
        protection: Protection | None = None,
    ) -> int:
        """Enters a record; returns its index (the last one's, once there are too many to keep)."""
        if len(self.records) < RECORD_COUNT_LIMIT:
            limit = MAX_PLAINTEXT if protection is None else MAX_CIPHERTEXT
            self.records.append(
                Record(
                    index=len(self.records),
                    sender=half.sender,
                    time=raw.time,
                    packets=raw.packets,
                    content_type=raw.content_type,
                    version=raw.version,
                    length=raw.length,
                    buffer=wire,
                    header=header or _header(raw),
                    epoch=half.epoch if raw.epoch is None else raw.epoch,
                    missing=raw.missing,
                    plaintext=plaintext,
                    inner_type=inner,
                    protection=protection,
                    note=f"longer than the {limit} bytes that a record may have" if raw.length > limit else None,
                )
            )
        return len(self.records) - 1

    def message(
        self,
        half: Half,
        time: float,
        tree: Node,
        made: Assembled,
        content: str = "handshake",
        inner: Inner | None = None,
    ) -> Message:
        """Enters a message that can be read."""
        data = made.buffer.data
        header = header_length(tree) if content == "handshake" and not tree.name.startswith("ssl2") else 0
        fault = first_note(tree)
        note = f"{fault.name}: {fault.note}" if fault is not None else None
        if made.damaged:
            note = f"{plural(made.damaged, 'byte')} of it are missing; zeros stand in for them"
        return self._enter(
            Message(
                index=len(self.messages),
                order=self.next_order(),
                time=time,
                sender=half.sender,
                content_type=content,
                type=tree.name,
                length=max(len(data) - header, 0),
                provenance="decrypted" if made.decrypted else "wire",
                encrypted=made.protected,
                packets=made.packets,
                sha256=None if made.damaged else hashlib.sha256(data).hexdigest(),
                buffer=made.buffer,
                tree=tree,
                records=made.records,
                alert=alert(tree) if tree.name == "alert" else None,
                note=note,
                whole=made.complete,
                inner=inner,
            )
        )

    def sealed(self, half: Half, raw: RawRecord, wire: Buffer, protection: Protection) -> Message:
        """Enters a protected record of TLS 1.2 or earlier that stays closed: its type is all that can be seen."""
        index = self.record(half, raw, wire, protection=protection)
        content = CONTENT.get(raw.content_type, "handshake")
        kind = "encrypted_handshake" if content == "handshake" else content
        leaf = Node(
            "encrypted_data", raw.header, len(raw.data), raw.data[raw.header :], "cannot be read without the keys"
        )
        return self._enter(
            Message(
                index=len(self.messages),
                order=self.next_order(),
                time=raw.time,
                sender=half.sender,
                content_type=content,
                type=kind,
                length=raw.length,
                provenance="wire",
                encrypted=True,
                packets=raw.packets,
                sha256=hashlib.sha256(raw.data[raw.header :]).hexdigest(),
                buffer=wire,
                tree=Node(kind, raw.header, len(raw.data), None, None, (leaf,)),
                records=(index,),
                note=protection.why if protection.status == "failed" else None,
            )
        )

    def inferred(self, half: Half, raw: RawRecord, kind: str) -> Message:
        """Enters a message that must be there although it cannot be seen."""
        return self._enter(
            Message(
                index=len(self.messages),
                order=self.next_order(),
                time=raw.time,
                sender=half.sender,
                content_type="alert" if kind == "alert" else "handshake",
                type=kind,
                length=0,
                provenance="inferred",
                encrypted=True,
                packets=raw.packets,
            )
        )

    def add_note(self, why: str) -> None:
        """Says one more thing about what is wrong with the message entered last."""
        last = self.messages[-1]
        note = f"{last.note}; {why}" if last.note else why
        self.messages[-1] = replace(last, note=note)

    def add_record_note(self, index: int, why: str) -> None:
        """Says what is wrong with a record."""
        record = self.records[index]
        note = f"{record.note}; {why}" if record.note else why
        self.records[index] = replace(record, note=note)

    def _enter(self, message: Message) -> Message:
        if message.encrypted:
            self.sealed_kinds.add((message.sender, message.type))
        if len(self.messages) < MESSAGE_COUNT_LIMIT:
            self.messages.append(message)
        else:
            self.dropped += 1
        return message


def _header(raw: RawRecord) -> Node:
    data = raw.data[: raw.header]
    return decode_record_header(data) if raw.epoch is None else dtls.decode_record_header(data)


def alert(tree: Node) -> Alert | None:
    """Level and description of an alert that can be read."""
    level, description = tree.child("level"), tree.child("description")
    if level is None or description is None:
        return None
    if not isinstance(level.value, int) or not isinstance(description.value, int):
        return None
    return Alert(
        CodePoint(level.value, 1, registry.alert_levels.get(level.value)),
        CodePoint(description.value, 1, registry.alerts.get(description.value)),
    )
