"""The engine that follows one DTLS association: give it the datagrams, get the model.

It is the engine of TLS with another way in: records come in datagrams that may be lost, repeated or out of order, each
says its epoch and number, and handshake messages come in numbered fragments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from tlsviz.connection.dtls import datagram
from tlsviz.connection.dtls.fragments import Assembly
from tlsviz.connection.dtls.unsealing import Unsealing, is_unified
from tlsviz.connection.engine import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Engine
from tlsviz.connection.half import Half, Part
from tlsviz.connection.model import Hole, PlacedMark
from tlsviz.connection.stream import RawRecord
from tlsviz.tls.context import Context
from tlsviz.tls.dtls import TLS12_CID
from tlsviz.tls.handshake import message_type
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import CLIENT, Chunk, Gap, Mark, Sender, other
from tlsviz.wire.text import plural, shorten

CONNECTION_ID = 54
SEEN_KEPT = 2048
"""How many records of one side are remembered, so that a datagram that came twice is known."""
MARKS_KEPT, HOLE_LIMIT, NUMBERS_KEPT = 200, 100, 4096
RUSH = 16
"""Records of a later epoch that wait for the handshake messages that their keys need."""


class Place(NamedTuple):
    """A place among everything that happened, and its time."""

    order: int
    time: float


@dataclass(slots=True, eq=False, repr=False)
class Side:
    """One direction. ``numbers``: epoch and number of its records, and where each stands; ``said``: its last place;
    ``changed``: the epochs that a ChangeCipherSpec has ended.
    """

    half: Half
    unsealing: Unsealing
    assembly: Assembly = field(default_factory=Assembly)
    seen: dict[int, None] = field(default_factory=dict)
    early: deque[RawRecord] = field(default_factory=deque)
    repeated: dict[str, None] = field(default_factory=dict)
    numbers: dict[tuple[int, int], Place] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    said: Place = Place(0, 0.0)

    def is_repeated(self, raw: RawRecord) -> bool:
        """Whether the very same record came before."""
        known = hash(raw.data)
        if known in self.seen:
            return True
        if len(self.seen) >= SEEN_KEPT:
            del self.seen[next(iter(self.seen))]
        self.seen[known] = None
        return False

    def gaps(self) -> Iterator[Place]:
        """Behind which places records are missing, as their numbers show. Epoch 0 may begin with any."""
        before: tuple[int, int] | None = None
        for epoch, number in sorted(self.numbers):
            expected = before[1] + 1 if before is not None and before[0] == epoch else 0
            if before is not None and number > expected:
                yield self.numbers[before]
            before = epoch, number


@dataclass(slots=True, eq=False, repr=False)
class DtlsEngine(Engine):
    """Follows one DTLS association; each `Chunk` is one datagram."""

    transport: ClassVar[str] = "dtls"

    _sides: dict[Sender, Side] = field(init=False)

    def __post_init__(self) -> None:
        Engine.__post_init__(self)
        self._sides = {}
        for sender, half in self._halves.items():
            half.by_epoch = True
            self._sides[sender] = Side(half, Unsealing(half))

    @property
    def is_tls(self) -> bool | None:
        """True once either side has sent a DTLS record, None before: others may share the port."""
        return True if self.ledger.records or self.ledger.messages else None

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come: what is incomplete is shown as such."""
        if time is not None:
            self._clock(time)
        for side in self._sides.values():
            self._deliver(side, force=True)
            self._release(side, force=True)
        self._tell_losses()

    # -- datagrams to records ------------------------------------------------------------------------------

    def _feed(self, chunk: Chunk) -> None:
        if not datagram.is_dtls(chunk.data):
            return
        side = self._sides[chunk.sender]
        for raw in datagram.cut(chunk, self._cid_length(chunk.sender)):
            self._record(side.half, raw)
        self._mark_repeated(side, chunk)

    def _lose(self, gap: Gap) -> None:
        """A datagram's end that the capture lacks."""
        self.holes.append(Hole(self.ledger.next_order(), gap.time, gap.sender, gap.length, cut=bool(gap.packets)))

    def _record(self, half: Half, raw: RawRecord) -> None:
        side = self._sides[half.sender]
        if raw.stray:
            if self.ledger.records:
                self._stray(half, raw)
            return
        side.assembly.age += 1
        self._take(side, raw)
        if len(side.numbers) < NUMBERS_KEPT and not is_unified(raw):
            side.numbers.setdefault((raw.epoch or 0, raw.sequence or 0), Place(self.ledger.order, raw.time))
        side.said = Place(self.ledger.order, raw.time)

    def _take(self, side: Side, raw: RawRecord) -> None:
        half = side.half
        if side.is_repeated(raw):
            side.repeated["a datagram that was here before"] = None
        elif not raw.epoch and not is_unified(raw):
            self._clear(half, raw)
        elif self._must_wait(side, raw):
            side.early.append(raw)
        else:
            self._open(half, raw)

    def _tell_losses(self) -> None:
        """Numbers that never came: losses among application data are a matter of course, before it they matter."""
        last = max((m.order for m in self.ledger.messages if m.content_type == "handshake"), default=0)
        for side in self._sides.values():
            for place in side.gaps():
                if place.order <= last:
                    self._hole(side, place)
        self.holes.sort(key=lambda hole: hole.order)

    def _hole(self, side: Side, place: Place) -> None:
        """Something of unknown size is missing behind a place."""
        sender = side.half.sender
        known = any((hole.order, hole.sender) == (place.order, sender) for hole in self.holes[-HOLE_LIMIT:])
        if not known and len(self.holes) < HOLE_LIMIT:
            self.holes.append(Hole(place.order, place.time, sender, 0))

    def _cid_length(self, sender: Sender) -> int:
        """Bytes of the connection id on this side's records: the one that its receiver asked for (RFC 9146 3)."""
        facts = self.facts
        hello = facts.server_hello if sender == CLIENT else facts.client_hello
        found = next((body for code, body in hello.extensions if code == CONNECTION_ID), b"") if hello else b""
        return found[0] if found and facts.server_hello is not None and found[0] == len(found) - 1 else 0

    def _mark_repeated(self, side: Side, chunk: Chunk) -> None:
        if side.repeated and len(self.marks) < MARKS_KEPT:
            what = shorten(", ".join(side.repeated), 120)
            mark = Mark("repeated", chunk.sender, chunk.time, chunk.packets, what)
            self.marks.append(PlacedMark(self.ledger.next_order(), mark))
        side.repeated.clear()

    # -- protected records ---------------------------------------------------------------------------------

    def _must_wait(self, side: Side, raw: RawRecord) -> bool:
        """Whether messages that a record's keys follow from are still on their way: it came too early."""
        if self.facts.tls13 or not self._opens_later(raw) or raw.epoch == side.half.epoch:
            return False
        late = any(one.assembly.waiting for one in self._sides.values())
        return late and len(side.early) < RUSH

    def _opens_later(self, raw: RawRecord) -> bool:
        return raw.content_type in (HANDSHAKE, APPLICATION_DATA, TLS12_CID)

    def _release(self, side: Side, force: bool = False) -> None:
        """Opens what had come too early."""
        if side.early and (force or not any(one.assembly.waiting for one in self._sides.values())):
            waiting, side.early = side.early, deque()
            for raw in waiting:
                self._open(side.half, raw)
            self._deliver(side, force)

    def _open(self, half: Half, raw: RawRecord) -> None:
        wire, side = Buffer("wire", raw.data), self._sides[half.sender]
        if is_unified(raw):
            (opened, protection), epoch = side.unsealing.open_13(self.facts, raw)
            raw = raw._replace(epoch=epoch)
            half.phase = "early" if epoch == 1 else "application" if epoch > 2 else "handshake"
        else:
            if (raw.epoch or 0) > half.epoch:  # its ChangeCipherSpec was lost
                self.facts.change_cipher_spec(half)
                half.epoch = raw.epoch or 0
            opened, protection = side.unsealing.open_12(self.facts, raw, len(self.ledger.messages))
        if opened is None:
            self._opaque(half, raw, wire, protection)
        else:
            self._inside(half, raw, wire, opened, protection)

    # -- records to messages -------------------------------------------------------------------------------

    def _content(self, half: Half, raw: RawRecord, content_type: int, part: Part) -> None:
        side = self._sides[half.sender]
        if content_type == HANDSHAKE:
            self._fragments(side, raw, part)
        elif content_type == CHANGE_CIPHER_SPEC and raw.epoch in side.changed:
            side.repeated["ChangeCipherSpec"] = None
        else:
            if content_type == CHANGE_CIPHER_SPEC:
                side.changed.add(raw.epoch or 0)
            Engine._content(self, half, raw, content_type, part)

    def _changes_keys(self, half: Half, raw: RawRecord) -> bool:
        """Not if records of the next epoch have overtaken it."""
        return raw.epoch == half.epoch and Engine._changes_keys(self, half, raw)

    def _fragments(self, side: Side, raw: RawRecord, part: Part) -> None:
        for fragment in datagram.fragments(part):
            if isinstance(fragment, Part):
                self._cut_message(side, raw, fragment)
                continue
            if side.assembly.begins_anew(fragment):
                self._begin_anew(side)
            outcome = side.assembly.add(fragment)
            if outcome == "again":
                name = message_type(bytes([fragment.kind]))
                side.repeated[name] = None
            elif outcome == "new":
                # Who answers has all that it answers.
                self._deliver(self._sides[other(side.half.sender)], force=True)
            else:
                self.ledger.add_record_note(part.record, _WHY[outcome])
        self._deliver(side)
        for each in self._sides.values():
            self._release(each)

    def _begin_anew(self, side: Side) -> None:
        """A client that starts over counts its messages from 0, and so will the server's answer."""
        self._deliver(side, force=True)
        side.assembly.restart()
        side.changed.clear()
        if side.half.sender == CLIENT:
            opposite = self._sides[other(CLIENT)]
            self._deliver(opposite, force=True)

    def _cut_message(self, side: Side, raw: RawRecord, part: Part) -> None:
        """A fragment whose end is not in its record: what is there of it is shown."""
        side.half.add(part)
        made = side.half.rest()
        if made is not None:
            self._handshake(side.half, raw.time, made)
            self.ledger.add_note("the fragment is longer than its record")

    def _deliver(self, side: Side, force: bool = False) -> None:
        while (found := side.assembly.take(force)) is not None:
            made, missing = found
            if missing:
                self._hole(side, side.said)
            self._handshake(side.half, self.last, made)
            if made.damaged:
                self.ledger.add_note(f"fragments with {plural(made.damaged, 'byte')} never came")

    def _context(self, half: Half) -> Context:
        return Engine._context(self, half)._replace(dtls=True)


_WHY = {
    "odd": "its fragment contradicts what came before",
    "dropped": "its fragment is not kept: too many wait for messages before them",
}
