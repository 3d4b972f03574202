"""The engine that follows one connection: give it chunks, gaps and marks, get the model.

Sans-IO and deterministic: what comes out depends on the bytes, their times and packets, and the key log, never on how
the bytes were cut into chunks. It never raises on what a peer sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tlsviz.connection import inferred, opening, summary, tds
from tlsviz.connection.facts import Facts
from tlsviz.connection.half import MESSAGE_LIMIT, Assembled, Half, Part
from tlsviz.connection.inner import unpacked
from tlsviz.connection.keys import KeyRing
from tlsviz.connection.ledger import CONTENT, Ledger
from tlsviz.connection.model import Connection, Endpoint, Hole, Message, PlacedMark, Protection, Secrets, Volume
from tlsviz.connection.prelude import Preludes
from tlsviz.connection.runs import Runs
from tlsviz.connection.stream import RawRecord
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.protection import Opened
from tlsviz.tls import registry
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_content, decode_handshake, decode_ssl2
from tlsviz.tls.records import decode_ssl2_record_header
from tlsviz.wire.buffers import Buffer, join
from tlsviz.wire.chunks import CLIENT, SERVER, Bulk, CannotCountError, Chunk, Gap, Input, Mark, Sender
from tlsviz.wire.text import plural

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
HOLE_LIMIT, STRAY_KEPT = 1000, 4096
"""How many breaks of a stream are kept, and how many bytes of each that are no TLS."""
_ENDS = ("fin", "rst", "shutdown", "abort")
SHORTEST_SEALED = 16
"""An alert in the clear has two bytes; with any MAC or tag it has at least as many as this."""


def hole(gap: Gap, order: int) -> Hole:
    """A gap in its place among everything that happened."""
    packet = gap.packets[0] if gap.packets else None
    return Hole(order, gap.time, gap.sender, gap.length, cut=bool(gap.packets), offset=gap.offset, packet=packet)


@dataclass(slots=True, eq=False, repr=False)
class Engine:
    """Follows one connection. ``server_name``: what the user asked for, when no hello says it."""

    transport: ClassVar[str] = "tcp"

    id: int = 0
    client: Endpoint = Endpoint("", 0)
    server: Endpoint = Endpoint("", 0)
    keylog: KeyLog = field(default_factory=KeyLog)
    tcp_stream: int | None = None
    server_name: str | None = None
    ledger: Ledger = field(default_factory=Ledger)
    marks: list[PlacedMark] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    runs: Runs = field(default_factory=Runs)
    preludes: Preludes = field(default_factory=Preludes)
    start: float | None = None
    last: float = 0.0
    facts: Facts = field(init=False)
    _halves: dict[Sender, Half] = field(init=False)
    _packets: dict[Sender, tds.Unwrapping] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = Facts(KeyRing(self.keylog))
        self._halves = {CLIENT: Half(CLIENT), SERVER: Half(SERVER)}

    # -- input ---------------------------------------------------------------------------------------------

    def receive(self, item: Input) -> list[Message]:
        """Takes the next thing that happened; returns the messages that it completed."""
        before = len(self.ledger.messages)
        self._clock(item.time)
        if isinstance(item, Mark):
            if item.kind in _ENDS and self._halves[item.sender].stream.sync in ("tls", "lost"):
                self._end(self._halves[item.sender])
            self.marks.append(PlacedMark(self.ledger.next_order(), item))
        elif isinstance(item, Gap):
            self._lose(item)
        elif isinstance(item, Bulk):
            self._count(item)
        else:
            self._feed(item)
        return self.ledger.messages[before:]

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come: what is incomplete is shown as such."""
        if time is not None:
            self._clock(time)
        self.preludes.answered()
        for half in self._halves.values():
            self._end(half)

    def _end(self, half: Half) -> None:
        """Nothing more of one side will come."""
        raw = half.stream.rest()
        if raw is not None:
            self._record(half, raw._replace(cut=True))
        self._flush(half, "the bytes end in the middle of it")

    # -- output --------------------------------------------------------------------------------------------

    @property
    def is_tls(self) -> bool | None:
        """True once either side has sent TLS, or the server declined to; False when neither can any more, else None."""
        syncs = {half.stream.sync for half in self._halves.values()}
        if "tls" in syncs or self.ledger.records or self.preludes.declined:
            return True
        return False if syncs == {"not_tls"} else None

    @property
    def upgraded(self) -> bool:
        """Whether the client spoke plaintext first and then TLS."""
        stream = self._halves[CLIENT].stream
        return stream.sync in ("tls", "lost") and bool(stream.prelude)

    def volume(self, sender: Sender) -> Volume:
        """How much application data that side has sent."""
        half = self._halves[sender]
        return Volume(half.data_records, half.data_bytes)

    @property
    def secrets(self) -> tuple[Secrets, ...]:
        """What is known of each handshake's secrets, the first one's first."""
        ring = self.facts.ring
        return (*ring.past, ring.secrets())

    def connection(self) -> Connection:
        """The model of what is known now."""
        return summary.connection(self)

    # -- bytes to records ----------------------------------------------------------------------------------

    def _feed(self, chunk: Chunk) -> None:
        half = self._halves[chunk.sender]
        if self._packets or (chunk.data[:1] == tds.START and chunk.sender == CLIENT and half.stream.fresh):
            chunk = self._unwrapped(chunk)
        undecided = half.stream.sync == "undecided"
        half.stream.feed(chunk.data, chunk.time, chunk.packets)
        if undecided:
            half.stream.decide()
            self.preludes.add(chunk, half.stream, self.ledger.next_order)
        while (raw := half.stream.take()) is not None:
            self._record(half, raw)

    def _unwrapped(self, chunk: Chunk) -> Chunk:
        """The chunk without the headers of TDS packets (SQL Server), which no TLS record begins like."""
        self._packets = self._packets or {CLIENT: tds.Unwrapping(), SERVER: tds.Unwrapping()}
        return chunk._replace(data=self._packets[chunk.sender].unwrapped(chunk.data))

    def _lose(self, gap: Gap) -> None:
        half = self._halves[gap.sender]
        for raw in half.stream.lose(gap.length):
            self._record(half, raw)
        if half.opener is not None and half.stream.sync == "lost":
            half.opener.lose()
        self._flush(half, f"{plural(gap.length, 'byte') if gap.length else 'bytes'} that follow are missing")
        half.uncertain = True
        self.holes.append(hole(gap, self.ledger.next_order()))

    def _record(self, half: Half, raw: RawRecord) -> None:
        self._clock(raw.time)
        if raw.stray:
            self._stray(half, raw)
        elif raw.ssl2:
            self._ssl2(half, raw)
        elif self._protected(half, raw):
            self._open(half, raw)
        else:
            self._clear(half, raw)

    def _stray(self, half: Half, raw: RawRecord) -> None:
        half.uncertain = True
        last = self.holes[-1] if self.holes else None
        if last is not None and last.stray and len(self.holes) >= HOLE_LIMIT:
            self.holes[-1] = last._replace(length=last.length + len(raw.data))
            return
        kept = Buffer("wire", raw.data[:STRAY_KEPT])
        self.holes.append(Hole(self.ledger.next_order(), raw.time, half.sender, len(raw.data), kept))

    def _ssl2(self, half: Half, raw: RawRecord) -> None:
        wire = Buffer("wire", raw.data)
        index = self.ledger.record(half, raw, wire, header=decode_ssl2_record_header(raw.data[:2]))
        body = join([(wire, 2, len(raw.data))])
        tree = decode_ssl2(body.data, self._context(half))
        made = Assembled(body, (index,), raw.packets, False, False, True)
        message = self.ledger.message(half, raw.time, tree, made)
        self.facts.learn(half, tree, body.data, message.index)

    def _protected(self, half: Half, raw: RawRecord) -> bool:
        if self.facts.tls13:
            return raw.content_type == APPLICATION_DATA
        if half.phase == "application" or self._seems_sealed(half, raw):
            return True
        return raw.content_type == APPLICATION_DATA and self.facts.version is None

    def _seems_sealed(self, half: Half, raw: RawRecord) -> bool:
        """Whether a record is protected although no change of keys was seen: the capture began too late for it."""
        if raw.content_type == ALERT:
            return raw.length >= SHORTEST_SEALED
        if self._meant_something(half, raw):
            self.facts.change_cipher_spec(half)
            return True
        if raw.content_type != HANDSHAKE or half.pending or self.facts.client_hello or self.facts.server_hello:
            return False
        size = int.from_bytes(raw.data[6:9], "big")
        return registry.handshake_types.get(raw.data[5] if len(raw.data) > 5 else 0) is None or size > MESSAGE_LIMIT

    def _meant_something(self, half: Half, raw: RawRecord) -> bool:
        """Whether a client's ChangeCipherSpec, taken for TLS 1.3's disguise, was none.

        Without the server's side the version is not known; but in TLS 1.3 only a second ClientHello may follow in the
        clear.
        """
        if half.sender != CLIENT or raw.content_type != HANDSHAKE or self.facts.version is not None or half.pending:
            return False
        said = next((message for message in reversed(self.ledger.messages) if message.sender == CLIENT), None)
        return said is not None and said.type == "change_cipher_spec" and raw.data[5:6] != b"\x01"

    def _open(self, half: Half, raw: RawRecord) -> None:
        wire = Buffer("wire", raw.data)
        if self.facts.tls13 or half.phase != "application":
            opened, protection = opening.open_13(half, self.facts.ring, raw)
        else:
            opened, protection = opening.open_12(half, raw)
        if opened is None:
            self._opaque(half, raw, wire, protection)
            return
        self._inside(half, raw, wire, opened, protection)

    def _inside(self, half: Half, raw: RawRecord, wire: Buffer, opened: Opened, protection: Protection) -> None:
        """What a protected record held."""
        plaintext = opening.plain_buffer(opened, wire, raw.header)
        kind = opened.content_type
        if kind == APPLICATION_DATA:
            self._data(half, raw, wire, plaintext, protection)
            return
        index = self.ledger.record(half, raw, wire, plaintext=plaintext, inner=kind, protection=protection)
        self._content(half, raw, kind, Part(plaintext, 0, len(plaintext.data), index, raw.packets, True, True))

    def _clear(self, half: Half, raw: RawRecord) -> None:
        wire = Buffer("wire", raw.data)
        if raw.content_type == APPLICATION_DATA:
            self._data(half, raw, wire, None, None)
            return
        index = self.ledger.record(half, raw, wire)
        part = Part(wire, raw.header, len(raw.data), index, raw.packets, False, False, raw.holes)
        self._content(half, raw, raw.content_type, part)
        if raw.missing and not raw.holes:
            self._flush(half, f"{plural(raw.missing, 'byte')} of it are missing")

    # -- records to messages -------------------------------------------------------------------------------

    def _content(self, half: Half, raw: RawRecord, content_type: int, part: Part) -> None:
        """The content of a record that can be read: in the clear, or decrypted."""
        if content_type == HANDSHAKE:
            half.add(part)
            while (made := half.next_message()) is not None:
                self._handshake(half, raw.time, made)
            return
        buffer = join([(part.buffer, part.start, part.end)])
        tree = decode_content(content_type, buffer.data, self._context(half))
        made = Assembled(buffer, (part.record,), part.packets, part.decrypted, part.protected, True)
        self.ledger.message(half, raw.time, tree, made, CONTENT.get(content_type, tree.name))
        if content_type == CHANGE_CIPHER_SPEC and self._changes_keys(half, raw):
            self.facts.change_cipher_spec(half)

    def _changes_keys(self, half: Half, raw: RawRecord) -> bool:
        """Whether a ChangeCipherSpec is what its name says."""
        return not self.facts.means_nothing(half)

    def _handshake(self, half: Half, time: float, made: Assembled) -> None:
        data = made.buffer.data
        context = self._context(half)
        tree = decode_handshake(data, context)
        if made.complete and tree.name in ("server_hello", "hello_retry_request"):
            self.facts.choose(tree, data)
        tree, inner = unpacked(tree, made.buffer, context)
        message = self.ledger.message(half, time, tree, made, inner=inner)
        if not made.damaged:
            self.facts.learn(half, tree, data, message.index, inner)

    def _flush(self, half: Half, why: str) -> None:
        """Shows a handshake message whose end never came."""
        made = half.rest()
        if made is not None:
            self._handshake(half, self.last, made)
            self.ledger.add_note(why)

    def _opaque(self, half: Half, raw: RawRecord, wire: Buffer, protection: Protection) -> None:
        """A protected record that stays closed: what it is is known from the outside, or inferred."""
        if raw.content_type != APPLICATION_DATA:
            self.ledger.sealed(half, raw, wire, protection)
            return
        if self.facts.tls13:
            facts = self.facts
            early = facts.ring.early_data and facts.early_accepted is not False
            kinds = inferred.messages(half.sender, raw.length, facts.server_hello, self.ledger.sealed_kinds, early)
            for kind in (each for each in kinds if not raw.cut or each == "encrypted_extensions"):
                self.ledger.inferred(half, raw, kind)
        self._data(half, raw, wire, None, protection)

    def _count(self, bulk: Bulk) -> None:
        """Application data records that were counted before they came here: nobody could read them anyway."""
        half, facts = self._halves[bulk.sender], self.facts
        if half.opener is not None or not half.stream.between_records or facts.server_hello is None:
            raise CannotCountError
        self._clock(bulk.last_time)
        half.data_records += bulk.records
        half.data_bytes += bulk.bytes
        self.runs.count(bulk, opaque=facts.tls13, order=self.ledger.next_order())
        self.ledger.order += bulk.records - 1

    def _data(
        self, half: Half, raw: RawRecord, wire: Buffer, plaintext: Buffer | None, protection: Protection | None
    ) -> None:
        facts = self.facts
        early = half.sender == CLIENT and (
            half.phase == "early"
            or (half.phase == "clear" and facts.server_hello is None and facts.offers13() and not self._missed_answer())
        )
        facts.early_sent = facts.early_sent or early
        size = len(plaintext.data) if plaintext is not None else raw.length - raw.missing * raw.cut
        half.data_records += 1
        half.data_bytes += size
        index = None
        if self.runs.room(half.sender, len(raw.data)):
            inner = None if plaintext is None else APPLICATION_DATA
            index = self.ledger.record(half, raw, wire, plaintext=plaintext, inner=inner, protection=protection)
        self.runs.add(
            half.sender,
            raw,
            size,
            plaintext if index is not None else None,
            early=early,
            opaque=facts.tls13 and plaintext is None,
            index=index,
            order=self.ledger.next_order(),
        )

    # -- small things --------------------------------------------------------------------------------------

    def _missed_answer(self) -> bool:
        """Whether the server's hello may be among what the capture lacks."""
        return self._halves[SERVER].uncertain

    def _context(self, half: Half) -> Context:
        suite = self.facts.server_hello.cipher_suite if self.facts.server_hello else None
        return Context(half.sender, self.facts.version, suite)

    def _clock(self, time: float) -> None:
        if self.start is None:
            self.start = time
        if time > self.last:
            self.last = time
