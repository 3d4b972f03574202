"""The engine for QUIC: give it datagrams, get the same model that the other carriers give.

Sans-IO, deterministic and total like `connection.engine.Engine`, from which it takes everything that is TLS's. What
differs: packets stand where records stand, each says by its type which keys seal it, and the handshake travels in
CRYPTO frames whose offsets put it in order. A packet that comes before its keys can be known waits for them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

from tlsviz.connection import inferred
from tlsviz.connection.engine import APPLICATION_DATA, HANDSHAKE, HOLE_LIMIT, STRAY_KEPT, Engine
from tlsviz.connection.half import Assembled, Half, Part
from tlsviz.connection.model import Hole, PlacedMark, Protection
from tlsviz.connection.quic.books import Books
from tlsviz.connection.quic.crypto_stream import CryptoStream
from tlsviz.connection.quic.keys import FIRST_IDS, REPEATED, PacketOpener
from tlsviz.connection.stream import RawRecord
from tlsviz.crypto.quic import OpenedPacket, retry_holds
from tlsviz.tls.quic import frames, versions
from tlsviz.tls.quic.packets import Packet, decode_header, packets
from tlsviz.tls.quic.versions import INITIAL, ONE_RTT, RETRY, VERSION_NEGOTIATION, ZERO_RTT
from tlsviz.wire.buffers import Buffer, Piece, join
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Mark, Sender, other
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import plural

WAITING = 64
"""How many packets wait at most for keys that may still come."""
MARKS_KEPT = 200
ALIENS = 20
"""After so many datagrams without any packet of QUIC no more is expected."""
_LEVELS = {INITIAL: 0, ZERO_RTT: 1, versions.HANDSHAKE: 2, ONE_RTT: 3}


class _Waiting(NamedTuple):
    """A packet of a datagram, which may have to wait for its keys."""

    sender: Sender
    time: float
    data: bytes
    packets: tuple[int, ...]


@dataclass(slots=True, eq=False, repr=False)
class QuicEngine(Engine):
    """Follows one QUIC connection; each `Chunk` is the payload of one UDP datagram."""

    transport: ClassVar[str] = "quic"
    ledger: Books = field(default_factory=Books)
    opener: PacketOpener = field(init=False)
    _levels: dict[tuple[Sender, str], Half] = field(default_factory=dict)
    _streams: dict[tuple[Sender, str], CryptoStream] = field(default_factory=dict)
    _ids: dict[Sender, list[bytes]] = field(default_factory=dict)
    """The connection IDs that each side chose for itself, as its long headers say."""
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _aliens: int = 0
    _started: bool = False
    _retried: bool = False
    _begun: bytes | None = None
    """The connection ID with which the client began anew last."""
    _last_run: tuple[Sender, str, bool] | None = None

    def __post_init__(self) -> None:
        Engine.__post_init__(self)
        self.opener = PacketOpener(self.facts.ring)

    # -- what every engine does ------------------------------------------------------------------------------

    @property
    def is_tls(self) -> bool | None:
        """True once a packet of QUIC has come, False when none can any more, None while undecided."""
        if self._started:
            return True
        return False if self._aliens >= ALIENS else None

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come: what waits for keys stays closed, what is incomplete is shown as such."""
        if time is not None:
            self._clock(time)
        while self._waiting and self._started:
            self._read(self._waiting.popleft(), patient=False)
        for (sender, level), stream in self._streams.items():
            self._bridge(sender, level, stream)
        for half in self._levels.values():
            self._flush(half, "the bytes end in the middle of it")

    def _lose(self, gap: Gap) -> None:
        self.holes.append(Hole(self.ledger.next_order(), gap.time, gap.sender, gap.length, cut=bool(gap.packets)))

    # -- datagrams to packets --------------------------------------------------------------------------------

    def _feed(self, chunk: Chunk) -> None:
        found, rest = packets(chunk.data, self._id_length(chunk.sender))
        if not found or (not found[0].sound and not (self._started and found[0].kind == ONE_RTT)):
            self._alien(chunk)
            return
        if found[0].kind == ONE_RTT and not self._started:  # a short header alone shows no QUIC
            self._aliens += 1
            self._wait(_Waiting(chunk.sender, chunk.time, chunk.data, chunk.packets))
            return
        self._started = True
        for packet in found:
            self._read(_Waiting(chunk.sender, chunk.time, packet.data, chunk.packets))
        if rest and self.ledger.records and not self._waiting:
            last = self.ledger.records[-1]
            said = f"{plural(len(rest), 'byte')} behind it in the datagram are no packet"
            if not any(rest):
                said = f"{plural(len(rest), 'zero byte')} behind it fill the datagram up"
            self.ledger.records[-1] = replace(last, note=f"{last.note}; {said}" if last.note else said)

    def _alien(self, chunk: Chunk) -> None:
        """A datagram that is none of QUIC's."""
        self._aliens += 1
        if self._started and len(self.holes) < HOLE_LIMIT:
            kept = Buffer("wire", chunk.data[:STRAY_KEPT])
            self.holes.append(Hole(self.ledger.next_order(), chunk.time, chunk.sender, len(chunk.data), kept))

    def _read(self, item: _Waiting, patient: bool = True) -> None:
        """One packet. ``patient``: it may wait for keys that are still to come."""
        found, _ = packets(item.data, self._id_length(item.sender))
        if not found:
            return
        packet = found[0]
        if packet.version is not None and packet.kind != VERSION_NEGOTIATION:
            ids = self._ids.setdefault(item.sender, [])
            if packet.scid not in ids and len(ids) < FIRST_IDS:
                ids.append(packet.scid)
        raw = RawRecord(packet.data, item.time, item.packets, _content(packet), packet.version or 0, 0, packet.missing)
        half = self._half(item.sender, packet.kind)
        if not packet.sealed:
            self._unsealed(half, raw, packet)
            return
        before = self.opener.proven
        opened, protection = self.opener.open(item.sender, packet)
        if opened is None and not packet.sound and packet.dcid not in self._ids.get(other(item.sender), ()):
            self._alien(Chunk(*item))
            return
        if opened is None and patient and self._keys_may_come(packet):
            self._wait(item)
            return
        if packet.version is not None and (item.sender == SERVER or self.facts.server_hello is None):
            self.opener.version = packet.version
        if opened is None:
            self._closed(half, raw, packet, protection)
        else:
            self._opened(half, raw, packet, opened, protection)
            if before != self.opener.proven:
                self._try_again()

    def _keys_may_come(self, packet: Packet) -> bool:
        """Whether more of the handshake may still show how a packet opens."""
        if packet.missing:
            return False
        if packet.kind == INITIAL:
            return self.opener.proven is None
        return (self.facts.client_hello if packet.kind == ZERO_RTT else self.facts.server_hello) is None

    def _wait(self, item: _Waiting) -> None:
        self._waiting.append(item)
        if len(self._waiting) > WAITING:
            oldest = self._waiting.popleft()
            if self._started:
                self._read(oldest, patient=False)

    def _try_again(self) -> None:
        """Keys have become known: what waits for them may open now."""
        again, self._waiting = self._waiting, deque()
        while again:
            self._read(again.popleft())

    # -- packets without protection --------------------------------------------------------------------------

    def _unsealed(self, half: Half, raw: RawRecord, packet: Packet) -> None:
        """Retry, Version Negotiation, and packets of versions that nobody knows."""
        verdict: tuple[str | None, str | None] = (None, None)
        if packet.kind == RETRY:
            verdict = self._retry(half, raw, packet)
        elif packet.kind == VERSION_NEGOTIATION:
            self._negotiation(half, raw)
        header = decode_header(packet, verdict=verdict)
        self.ledger.packet(half, raw._replace(length=len(raw.data)), packet.kind, header, note=verdict[1])

    def _retry(self, half: Half, raw: RawRecord, packet: Packet) -> tuple[str | None, str | None]:
        """The server wants the client to come again with a token; Initial keys follow from the ID that it chose."""
        self._retried = True
        self._mark(Mark("retry", half.sender, raw.time, raw.packets))
        original = self.opener.proven or next(iter(self.opener.ids), None)
        if original is None or packet.version is None:
            return None, None
        holds = retry_holds(packet.version, original, packet.data)
        if holds is None:
            return None, None
        if holds:
            return "right: it covers this packet and the connection ID that the client chose first", None
        return None, "the integrity tag is wrong: this packet was changed, or it answers another one"

    def _negotiation(self, half: Half, raw: RawRecord) -> None:
        """The server speaks other versions: the client begins anew, with another ClientHello."""
        self._mark(Mark("version_negotiation", half.sender, raw.time, raw.packets))
        if self.facts.server_hello is None:
            self._start_over()

    def _start_over(self) -> None:
        for half in self._levels.values():
            self._flush(half, "another attempt begins before its end")
        self._streams.clear()
        self.opener.forget()

    # -- sealed packets --------------------------------------------------------------------------------------

    def _closed(self, half: Half, raw: RawRecord, packet: Packet, protection: Protection) -> None:
        """A packet that stays closed: its type, its size, and what must be inside."""
        header = decode_header(packet)
        raw = raw._replace(length=len(packet.data) - header.end)
        if packet.kind != INITIAL:
            length = raw.length if half.sender == SERVER else 0
            seen, facts = self.ledger.sealed_kinds, self.facts
            if facts.tls13 and (half.sender == SERVER or packet.kind == ONE_RTT):
                for kind in inferred.messages(half.sender, length, facts.server_hello, seen):
                    self.ledger.inferred(half, raw, kind)
        if packet.kind == INITIAL:
            self.ledger.packet(half, raw, packet.kind, header, protection=protection, note=protection.why)
            return
        index = None
        if self.runs.room(half.sender, len(raw.data)):
            index = self.ledger.packet(half, raw, packet.kind, header, protection=protection)
        self._run(half, raw, packet.kind, raw.length, None, index)

    def _opened(self, half: Half, raw: RawRecord, packet: Packet, opened: OpenedPacket, protection: Protection) -> None:
        header = decode_header(packet, opened.unmasked)
        raw = raw._replace(length=len(packet.data) - header.end)
        if packet.kind == INITIAL and half.sender == CLIENT:
            self._maybe_another(packet)
        new = self.opener.numbers(half.sender, packet.kind).take(opened.unmasked.number)
        if packet.kind == ONE_RTT:
            half.epoch = _LEVELS[ONE_RTT] + self.opener.phase(half.sender)
        wire = Buffer("wire", packet.data)
        size = len(opened.payload)
        plaintext = Buffer("decrypted", opened.payload, (Piece(0, size, wire, header.end, header.end + size),))
        tree = frames.decode_frames(opened.payload)
        carried, spoken, closing = frames.crypto(tree), frames.application(tree), frames.closing(tree)
        index: int | None = None
        if carried or closing or packet.kind == INITIAL or self.runs.room(half.sender, len(raw.data)):
            index = self.ledger.packet(
                half,
                raw,
                packet.kind,
                header,
                plaintext=plaintext,
                protection=protection,
                note=None if new else REPEATED,
                wire=wire,
            )
        if not new:
            return
        for piece in carried:
            secret = packet.kind != INITIAL
            part = Part(plaintext, piece.start, piece.end, index or 0, raw.packets, True, secret)
            self._crypto(half, packet.kind, raw, piece.offset, part)
        if spoken:
            said = join([(plaintext, start, end) for start, end in spoken])
            self._run(half, raw, packet.kind, len(said.data), said, index)
        if closing is not None:
            self._close(
                half, raw, closing, Assembled(plaintext, (index or 0,), raw.packets, True, packet.kind != INITIAL, True)
            )

    def _maybe_another(self, packet: Packet) -> None:
        """Whether the client begins another connection on the same path: keys of another ID, although all was said."""
        if self.opener.proven == packet.dcid and packet.dcid not in (self._first_id(), self._begun):
            if self.facts.server_hello is not None and not self._retried:
                self._start_over()
            self._retried, self._begun = False, packet.dcid

    def _first_id(self) -> bytes | None:
        return self.opener.ids[0] if self.opener.ids else None

    def _crypto(self, half: Half, level: str, raw: RawRecord, offset: int, part: Part) -> None:
        """Handshake bytes, put in order."""
        before = (self.facts.client_hello, self.facts.server_hello)
        stream = self._streams.setdefault((half.sender, level), CryptoStream())
        for ready in stream.add(offset, part):
            half.add(ready)
        while (made := half.next_message()) is not None:
            self._handshake(half, raw.time, made)
        if self._waiting and before != (self.facts.client_hello, self.facts.server_hello):
            self._try_again()

    def _bridge(self, sender: Sender, level: str, stream: CryptoStream) -> None:
        """At the end: bytes of a CRYPTO stream that never came are a hole, behind which there may be more."""
        half = self._half(sender, level)
        while size := stream.missing:
            self.holes.append(Hole(self.ledger.next_order(), self.last, sender, size))
            if len(half.pending) < 4 or not (parts := stream.bridge()):
                return
            for part in parts:
                half.add(part)
            while (made := half.next_message()) is not None:
                self._handshake(half, self.last, made)

    def _close(self, half: Half, raw: RawRecord, frame: Node, made: Assembled) -> None:
        """CONNECTION_CLOSE: TLS's alert, where it is one, else the transport's end."""
        alert = frames.close_alert(frame)
        if alert is not None:
            self.ledger.alert(half, raw, frame, alert, made)
            return
        mark = Mark("closed", half.sender, raw.time, raw.packets, frames.close_words(frame))
        if not any(placed.mark[:2] == mark[:2] and placed.mark.detail == mark.detail for placed in self.marks):
            self._mark(mark)

    def _mark(self, mark: Mark) -> None:
        if len(self.marks) < MARKS_KEPT:
            self.marks.append(PlacedMark(self.ledger.next_order(), mark))

    def _run(
        self, half: Half, raw: RawRecord, level: str, size: int, plaintext: Buffer | None, index: int | None
    ) -> None:
        """Application data, or packets that may be that."""
        early = level == ZERO_RTT
        self.facts.early_sent = self.facts.early_sent or early
        if level != versions.HANDSHAKE:
            counted = self._halves[half.sender]
            counted.data_records += 1
            counted.data_bytes += size
        kind = (half.sender, level, plaintext is None)
        order = self.ledger.next_order()
        if kind != self._last_run:  # sealed packets of two types are two runs
            self._last_run, order = kind, self.ledger.next_order()
        known = plaintext if index is not None else None
        opaque = plaintext is None
        self.runs.add(half.sender, raw, size, known, early=early, opaque=opaque, index=index, order=order)

    # -- small things ----------------------------------------------------------------------------------------

    def _id_length(self, sender: Sender) -> int | None:
        """How long the Destination Connection ID of that side's short headers is: as long as those the other chose."""
        ids = self._ids.get(other(sender))
        return len(ids[-1]) if ids else None

    def _half(self, sender: Sender, level: str) -> Half:
        """The handshake bytes of a side at a level. Its keys are found by packet type, so it is in its last phase."""
        known = self._levels.get((sender, level))
        if known is None:
            known = Half(sender, phase="application", epoch=_LEVELS.get(level, 0))
            self._levels[sender, level] = known
        return known


def _content(packet: Packet) -> int:
    """The content type that a record would have in the packet's place."""
    return APPLICATION_DATA if packet.kind in (ZERO_RTT, ONE_RTT) else HANDSHAKE
