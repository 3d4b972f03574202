"""The engine that follows one connection: give it chunks, gaps and marks, get the model.

Sans-IO and deterministic: what comes out depends on the bytes, their times and packets, and the key log, never on how
the bytes were cut into chunks. It never raises on what a peer sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tlsviz.connection import inferred, opening, summary
from tlsviz.connection.half import Assembled, Half, Part
from tlsviz.connection.keys import KeyRing
from tlsviz.connection.model import (
    Connection,
    Endpoint,
    Hole,
    Message,
    PlacedMark,
    Protection,
    Provenance,
    Record,
    SentCertificate,
    Volume,
)
from tlsviz.connection.prelude import Preludes
from tlsviz.connection.runs import Runs
from tlsviz.connection.stream import RawRecord
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.protection import Unopened
from tlsviz.tls import suites, views
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_content, decode_handshake, decode_ssl2, message_type
from tlsviz.tls.records import decode_record_header, decode_ssl2_record_header
from tlsviz.wire.buffers import Buffer, join
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input, Mark, Sender
from tlsviz.wire.nodes import Node, notes
from tlsviz.wire.text import plural

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
CONTENT = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data", 24: "heartbeat"}
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, EARLY_DATA = 22, 23, 42
CERTIFICATE_LIMIT = 100
RECORD_COUNT_LIMIT = 20000


@dataclass(slots=True)
class Facts:
    """What the handshake has said so far."""

    client_hello: views.ClientHello | None = None
    server_hello: views.ServerHello | None = None
    latest_client_hello: views.ClientHello | None = None
    version: int | None = None
    hello_retry: bool = False
    group: int | None = None
    server_scheme: int | None = None
    alpn: str | None = None
    early_accepted: bool | None = None
    early_sent: bool = False
    client_certificate: bool = False
    session_resumed: bool = False
    server_done: bool = False

    @property
    def tls13(self) -> bool:
        return self.version is not None and summary.is_tls13(self.version)


@dataclass(slots=True)
class Engine:
    """Follows one connection. ``server_name``: what the user asked for, when no hello says it."""

    id: int = 0
    client: Endpoint = Endpoint("", 0)
    server: Endpoint = Endpoint("", 0)
    keylog: KeyLog = field(default_factory=KeyLog)
    tcp_stream: int | None = None
    server_name: str | None = None
    facts: Facts = field(default_factory=Facts)
    messages: list[Message] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    marks: list[PlacedMark] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    certificates: list[SentCertificate] = field(default_factory=list)
    runs: Runs = field(default_factory=Runs)
    preludes: Preludes = field(default_factory=Preludes)
    _ring: KeyRing = field(init=False)
    _halves: dict[Sender, Half] = field(init=False)
    _order: int = 0
    start: float | None = None
    last: float = 0.0
    _handshake: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._ring = KeyRing(self.keylog)
        self._halves = {CLIENT: Half(CLIENT), SERVER: Half(SERVER)}

    # -- input ---------------------------------------------------------------------------------------------

    def receive(self, item: Input) -> list[Message]:
        """Takes the next thing that happened; returns the messages that it completed."""
        before = len(self.messages)
        self._clock(item.time)
        if isinstance(item, Mark):
            self.marks.append(PlacedMark(self._next_order(), item))
        elif isinstance(item, Gap):
            self._lose(item)
        else:
            self._feed(item)
        return self.messages[before:]

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come: what is incomplete is shown as such."""
        if time is not None:
            self._clock(time)
        for half in self._halves.values():
            raw = half.stream.rest()
            if raw is not None:
                self._record(half, raw)
            self._flush(half, "the capture ends in the middle of it")

    @property
    def is_tls(self) -> bool | None:
        """True once either side has sent TLS, False when neither can any more, None while undecided."""
        syncs = {half.stream.sync for half in self._halves.values()}
        if "tls" in syncs or self.records:
            return True
        return False if syncs == {"not_tls"} else None

    def volume(self, sender: Sender) -> Volume:
        """How much application data that side has sent."""
        half = self._halves[sender]
        return Volume(half.data_records, half.data_bytes)

    @property
    def secrets(self) -> tuple[tuple[str, bytes], ...]:
        """What the key log has for this connection."""
        random = self._ring.client_random
        found = {**self.keylog.labels(random), **self._ring.used} if random else {}
        return tuple(sorted(found.items()))

    def connection(self) -> Connection:
        """The model of what is known now."""
        return summary.connection(self)

    # -- bytes to records ----------------------------------------------------------------------------------

    def _feed(self, chunk: Chunk) -> None:
        half = self._halves[chunk.sender]
        undecided = half.stream.sync == "undecided"
        half.stream.feed(chunk.data, chunk.time, chunk.packets)
        if undecided:
            half.stream.decide()
            self.preludes.add(chunk, half.stream, self._next_order)
        while (raw := half.stream.take()) is not None:
            self._record(half, raw)

    def _lose(self, gap: Gap) -> None:
        half = self._halves[gap.sender]
        for raw in half.stream.lose(gap.length):
            self._record(half, raw)
        self._flush(half, f"{plural(gap.length, 'byte')} that follow are not in the capture")
        half.uncertain = True
        self.holes.append(Hole(self._next_order(), gap.time, gap.sender, gap.length))

    def _record(self, half: Half, raw: RawRecord) -> None:
        if raw.stray:
            self._stray(half, raw)
        elif raw.ssl2:
            self._ssl2(half, raw)
        elif self._protected(half, raw):
            self._open(half, raw)
        else:
            self._clear(half, raw)

    def _stray(self, half: Half, raw: RawRecord) -> None:
        buffer = Buffer("wire", raw.data)
        self.holes.append(Hole(self._next_order(), raw.time, half.sender, len(raw.data), buffer))
        half.uncertain = True

    def _ssl2(self, half: Half, raw: RawRecord) -> None:
        wire = Buffer("wire", raw.data)
        index = self._keep(half, raw, wire, decode_ssl2_record_header(raw.data[:2]), None, None, None)
        body = raw.data[2:]
        tree = decode_ssl2(body, self._context(half))
        part = Part(wire, 2, len(raw.data), index, raw.packets, False, False)
        half.add(part)
        made = half.rest()
        if made is not None:
            self._message(half, raw.time, tree.name, tree, made)
            self._client_hello(tree, body)

    def _protected(self, half: Half, raw: RawRecord) -> bool:
        if self.facts.tls13:
            return raw.content_type == APPLICATION_DATA
        if half.phase == "application":
            return True
        return raw.content_type == APPLICATION_DATA and self.facts.version is None

    def _open(self, half: Half, raw: RawRecord) -> None:
        wire = Buffer("wire", raw.data)
        tls13 = self.facts.tls13 or half.phase in ("clear", "early")
        if tls13:
            opened, protection = opening.open_13(half, self._ring, raw)
        else:
            opened, protection = opening.open_12(half, raw)
        if opened is None:
            self._opaque(half, raw, wire, protection)
            return
        plaintext = opening.plain_buffer(opened, wire)
        if opened.content_type == APPLICATION_DATA:
            self._data(half, raw, wire, plaintext, protection)
            return
        index = self._keep(half, raw, wire, None, plaintext, opened.content_type, protection)
        self._content(
            half,
            raw,
            opened.content_type,
            Part(plaintext, 0, len(plaintext.data), index, raw.packets, True, True),
        )

    def _clear(self, half: Half, raw: RawRecord) -> None:
        wire = Buffer("wire", raw.data)
        if raw.content_type == APPLICATION_DATA:
            self._data(half, raw, wire, None, None)
            return
        index = self._keep(half, raw, wire, None, None, None, None)
        part = Part(wire, 5, len(raw.data), index, raw.packets, False, False)
        self._content(half, raw, raw.content_type, part)
        if raw.missing:
            self._flush(half, f"{plural(raw.missing, 'byte')} of it are not in the capture")

    def _keep(
        self,
        half: Half,
        raw: RawRecord,
        wire: Buffer,
        header: Node | None,
        plaintext: Buffer | None,
        inner: int | None,
        protection: Protection | None,
        kept: bool = True,
    ) -> int:
        """Remembers a record; returns its index (that of the last one when there are too many)."""
        if len(self.records) < RECORD_COUNT_LIMIT:
            over = raw.length > 16384 + (2048 if protection or self._protected(half, raw) else 0)
            self.records.append(
                Record(
                    len(self.records),
                    half.sender,
                    raw.time,
                    raw.packets,
                    raw.content_type,
                    raw.version,
                    raw.length,
                    wire,
                    header or decode_record_header(raw.data[:5]),
                    half.epoch,
                    kept,
                    raw.missing,
                    plaintext,
                    inner,
                    protection,
                    "longer than any record may be (RFC 8446 5.1)" if over else None,
                )
            )
        return len(self.records) - 1

    # -- records to messages -------------------------------------------------------------------------------

    def _content(self, half: Half, raw: RawRecord, content_type: int, part: Part) -> None:
        """The content of a record that can be read: in the clear, or decrypted."""
        if content_type == HANDSHAKE:
            half.add(part)
            while (made := half.next_message()) is not None:
                self._handshake_message(half, raw.time, made)
            return
        data = part.buffer.data[part.start : part.end]
        tree = decode_content(content_type, data, self._context(half))
        buffer = join([(part.buffer, part.start, part.end)])
        made = Assembled(buffer, (part.record,), part.packets, part.decrypted, part.protected, True)
        self._message(half, raw.time, tree.name, tree, made, CONTENT.get(content_type, tree.name))
        if content_type == CHANGE_CIPHER_SPEC and not self._compatibility(half):
            self._change_cipher_spec(half)

    def _handshake_message(self, half: Half, time: float, made: Assembled) -> None:
        data = made.buffer.data
        kind = message_type(data)
        if kind in ("server_hello", "hello_retry_request"):
            self._server_hello(half, data)
        tree = decode_handshake(data, self._context(half))
        self._message(half, time, tree.name, tree, made)
        self._learn(half, tree, data)
        if kind not in ("hello_request", "key_update", "new_session_ticket") and len(self._handshake) < 1 << 22:
            self._handshake += data

    def _message(
        self, half: Half, time: float, kind: str, tree: Node, made: Assembled, content: str = "handshake"
    ) -> None:
        self._clock(time)
        data = made.buffer.data
        header = 4 if content == "handshake" and not kind.startswith("ssl2") else 0
        provenance: Provenance = "decrypted" if made.decrypted else "wire"
        fault = next(notes(tree), None)
        note = None if fault is None else f"{fault.name}: {fault.note}"
        if not made.complete:
            note = note or "cut short"
        self.messages.append(
            Message(
                len(self.messages),
                self._next_order(),
                time,
                half.sender,
                content,
                kind,
                max(len(data) - header, 0),
                provenance,
                made.protected,
                made.packets,
                hashlib.sha256(data).hexdigest(),
                made.buffer,
                tree,
                made.records,
                summary.alert(tree) if kind == "alert" else None,
                note,
            )
        )

    def _flush(self, half: Half, why: str) -> None:
        """Shows a handshake message whose end never came."""
        made = half.rest()
        if made is None:
            return
        tree = decode_handshake(made.buffer.data, self._context(half))
        self._message(half, self.last, tree.name, tree, made)
        self.messages[-1] = summary.with_note(self.messages[-1], why)
        self._learn(half, tree, made.buffer.data)

    def _opaque(self, half: Half, raw: RawRecord, wire: Buffer, protection: Protection) -> None:
        """A protected record that cannot be opened: what it is is known from the outside, or inferred."""
        if raw.content_type == APPLICATION_DATA:
            if self.facts.tls13:
                self._infer(half, raw)
            self._data(half, raw, wire, None, protection)
            return
        index = self._keep(half, raw, wire, None, None, None, protection)
        name = "encrypted_handshake" if raw.content_type == HANDSHAKE else CONTENT.get(raw.content_type, "alert")
        leaf = Node("encrypted_data", 5, len(raw.data), raw.data[5:], "cannot be read without the keys")
        tree = Node(name, 5, len(raw.data), None, None, (leaf,))
        content = CONTENT.get(raw.content_type, "handshake")
        self.messages.append(
            Message(
                len(self.messages),
                self._next_order(),
                raw.time,
                half.sender,
                content,
                name,
                raw.length,
                "wire",
                True,
                raw.packets,
                hashlib.sha256(raw.data[5:]).hexdigest(),
                wire,
                tree,
                (index,),
                None,
                protection.why if protection.status == "failed" else None,
            )
        )

    def _infer(self, half: Half, raw: RawRecord) -> None:
        for kind in inferred.messages(half.sender, raw.length, self.facts.server_hello, self.messages):
            self.messages.append(
                Message(
                    len(self.messages),
                    self._next_order(),
                    raw.time,
                    half.sender,
                    "alert" if kind == "alert" else "handshake",
                    kind,
                    0,
                    "inferred",
                    True,
                    raw.packets,
                )
            )

    def _data(
        self,
        half: Half,
        raw: RawRecord,
        wire: Buffer,
        plaintext: Buffer | None,
        protection: Protection | None,
    ) -> None:
        size = len(plaintext.data) if plaintext is not None else raw.length
        early = half.phase == "early" or (half.sender == CLIENT and self.facts.server_hello is None)
        if early and half.sender == CLIENT:
            self.facts.early_sent = True
        opaque = self.facts.tls13 and plaintext is None
        half.data_records += 1
        half.data_bytes += size
        keep = self.runs.room(half.sender, len(raw.data))
        index = None
        if keep:
            index = self._keep(half, raw, wire, None, plaintext, 23 if plaintext else None, protection)
        self.runs.add(
            half.sender,
            raw.time,
            size,
            raw.packets,
            plaintext if keep else None,
            early,
            opaque,
            index,
            self._next_order,
        )

    # -- what messages mean --------------------------------------------------------------------------------

    def _learn(self, half: Half, tree: Node, data: bytes) -> None:
        """Takes from a handshake message what the engine and the summary need."""
        facts = self.facts
        kind = tree.name
        if kind == "client_hello":
            self._client_hello(tree, data)
        elif kind == "hello_retry_request":
            facts.hello_retry = True
        elif kind == "encrypted_extensions":
            self._encrypted_extensions(tree, data)
        elif kind == "certificate":
            self._certificates(half, tree, data)
        elif kind == "server_key_exchange":
            facts.group = views.key_exchange_group(tree) or facts.group
            facts.server_scheme = views.signature_scheme(tree)
        elif kind == "certificate_verify" and half.sender == SERVER:
            facts.server_scheme = views.signature_scheme(tree)
        elif kind == "server_hello_done":
            facts.server_done = True
        elif kind == "client_key_exchange":
            self._ring.premaster = self.keylog.rsa_premaster(data[6:14]) or self.keylog.rsa_premaster(data[4:12])
        elif kind == "finished":
            self._finished(half)
        elif kind == "end_of_early_data":
            self._advance(half, "handshake")
        elif kind == "key_update" and half.secret is not None:
            self._key_update(half)

    def _client_hello(self, tree: Node, data: bytes) -> None:
        hello = views.client_hello(tree, data)
        facts = self.facts
        facts.client_hello = facts.client_hello or hello
        facts.latest_client_hello = hello
        if not (facts.hello_retry and facts.server_hello is None):
            self._handshake.clear()
        self._ring.client_random = hello.random

    def _server_hello(self, half: Half, data: bytes) -> None:
        """Reads the choice before the message is decoded, because its own form depends on the version."""
        tree = decode_handshake(data, self._context(half))
        hello = views.server_hello(tree, data)
        facts = self.facts
        if hello.is_retry:
            facts.version = facts.version or hello.version
        if hello.is_retry or tree.name != "server_hello":
            return
        if facts.server_hello is None:
            facts.server_hello = hello
        facts.version = hello.version
        facts.group = hello.group or facts.group
        facts.alpn = facts.alpn or hello.alpn
        client = facts.latest_client_hello
        if not facts.tls13:
            same = client is not None and bool(hello.session_id) and hello.session_id == client.session_id
            facts.session_resumed = same
        ring = self._ring
        ring.server_random = hello.random
        ring.version = hello.version
        ring.suite = suites.suite(hello.cipher_suite)
        codes = {code for code, _ in hello.extensions}
        ring.encrypt_then_mac = ENCRYPT_THEN_MAC in codes
        ring.extended_master_secret = EXTENDED_MASTER_SECRET in codes

    def _encrypted_extensions(self, tree: Node, data: bytes) -> None:
        self.facts.early_accepted = any(code == EARLY_DATA for code, _ in views.extension_list(tree, data))
        self.facts.alpn = self.facts.alpn or views.selected_protocol(tree, data)

    def _certificates(self, half: Half, tree: Node, data: bytes) -> None:
        found = views.certificates(tree, data)
        if half.sender == CLIENT and found:
            self.facts.client_certificate = True
        already = sum(1 for sent in self.certificates if sent.sender == half.sender)
        if already:
            return
        for index, (der, _) in enumerate(found[:CERTIFICATE_LIMIT]):
            self.certificates.append(SentCertificate(half.sender, index, der, len(self.messages) - 1))

    def _compatibility(self, half: Half) -> bool:
        """Whether a ChangeCipherSpec means nothing: TLS 1.3's disguise for middleboxes (RFC 8446 D.4)."""
        if self.facts.tls13:
            return True
        if self.facts.version is not None or half.sender == SERVER:
            return False
        hello = self.facts.client_hello
        offers13 = hello is not None and any(summary.is_tls13(version) for version in hello.versions)
        return offers13 and not any(message.type == "client_key_exchange" for message in self.messages)

    # -- keys ----------------------------------------------------------------------------------------------

    def _change_cipher_spec(self, half: Half) -> None:
        """TLS 1.2 and earlier: from here on this side's records are protected with the new keys."""
        half.phase, half.opener, half.opened, half.uncertain = "application", None, False, False
        half.epoch += 1
        if half.sender == SERVER and not self.facts.server_done:
            self.facts.session_resumed = True
        try:
            half.opener = self._ring.opener_12(half.sender, bytes(self._handshake))
        except Unopened as reason:
            half.locked = reason.why

    def _finished(self, half: Half) -> None:
        if self.facts.tls13:
            self._advance(half, "application")

    def _advance(self, half: Half, phase: str) -> None:
        """TLS 1.3: this side changes to the next key."""
        try:
            found = self._ring.openers_13(half.sender, phase)
        except Unopened as reason:
            half.locked = reason.why
            return
        half.phase = "application" if phase == "application" else "handshake"
        half.epoch += 1
        half.secret, half.opener = found[0] if found else (None, None)

    def _key_update(self, half: Half) -> None:
        half.generation += 1
        try:
            assert half.secret is not None
            half.secret, half.opener = self._ring.updated(half.sender, half.secret, half.generation)
            half.epoch += 1
        except Unopened as reason:
            half.opener, half.locked = None, reason.why

    # -- small things --------------------------------------------------------------------------------------

    def _context(self, half: Half) -> Context:
        suite = self.facts.server_hello.cipher_suite if self.facts.server_hello else None
        return Context(half.sender, self.facts.version, suite)

    def _next_order(self) -> int:
        self._order += 1
        return self._order

    def _clock(self, time: float) -> None:
        if self.start is None or time < self.start:
            self.start = time if self.start is None else self.start
        self.last = max(self.last, time)
