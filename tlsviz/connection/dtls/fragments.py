"""Handshake messages put together from fragments that come in any order, twice, or never (RFC 6347 4.2.3)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, NamedTuple

from tlsviz.connection.half import MESSAGE_LIMIT, Assembled, Part
from tlsviz.tls.dtls import MESSAGE_HEADER
from tlsviz.wire.buffers import Buffer, Piece, join

WAITING_LIMIT = 1 << 20
"""Bytes of one side that may wait for messages before them."""
MOST_WAITING, MOST_PIECES, MOST_DONE = 64, 2048, 256
PATIENCE = 24
"""Records of one side that may pass before what is not whole is given up: the network reorders less than that."""
OVERHEAD = 64

Outcome = Literal["new", "again", "odd", "dropped"]
"""What a fragment was: news, sent before, in contradiction to what came before, or too much to keep."""


class Fragment(NamedTuple):
    """A fragment's header, and where it is: ``part`` is header and body."""

    kind: int
    length: int
    number: int
    offset: int
    size: int
    part: Part

    @property
    def body(self) -> bytes:
        start = self.part.start + MESSAGE_HEADER
        return self.part.buffer.data[start : start + self.size]


class _Run(NamedTuple):
    """Bytes ``[start, end)`` of a message's body; byte ``start`` stands at ``place`` in the fragment's buffer."""

    start: int
    end: int
    place: int
    part: Part


_start, _end = attrgetter("start"), attrgetter("end")


@dataclass(slots=True)
class _Partial:
    """A message on its way: what has come of it, in order and without overlaps."""

    first: Fragment
    age: int
    runs: list[_Run] = field(default_factory=list)
    have: int = 0

    @property
    def whole(self) -> bool:
        return self.have == self.first.length

    def add(self, fragment: Fragment) -> Outcome:
        """Takes what is new of a fragment: bytes that came first win."""
        start, end = fragment.offset, fragment.offset + fragment.size
        known = fragment.length == self.first.length and fragment.kind == self.first.kind
        if not known or end > fragment.length:
            return "odd"
        if len(self.runs) >= MOST_PIECES:
            return "dropped"
        if fragment.offset == 0 and self.first.offset:
            self.first = fragment
        origin = fragment.part.start + MESSAGE_HEADER - start
        found: list[_Run] = []
        agrees = True
        first = bisect_right(self.runs, start, key=_end)
        last = max(bisect_left(self.runs, end, key=_start), first)
        at = start
        for run in self.runs[first:last]:
            low, high = max(start, run.start), min(end, run.end)
            there = run.part.buffer.data[run.place + low - run.start : run.place + high - run.start]
            agrees = agrees and there == fragment.part.buffer.data[origin + low : origin + high]
            if at < run.start:
                found.append(_Run(at, run.start, origin + at, fragment.part))
            at = max(at, run.end)
        if at < end:
            found.append(_Run(at, end, origin + at, fragment.part))
        if not found and self.runs:
            return "again" if agrees else "odd"
        self.runs[first:last] = sorted([*self.runs[first:last], *found], key=_start)
        self.have += sum(run.end - run.start for run in found)
        return "new" if agrees else "odd"

    def assembled(self) -> Assembled:
        """The message, zeros standing in for what never came."""
        parts = [run.part for run in self.runs] or [self.first.part]
        if len(self.runs) <= 1 and self.whole and self.first.size == self.first.length:
            part = self.first.part
            parts, buffer = [part], join([(part.buffer, part.start, part.start + MESSAGE_HEADER + self.first.length)])
        else:
            buffer = self._joined()
        return Assembled(
            buffer,
            tuple(sorted({part.record for part in parts})),
            tuple(dict.fromkeys(number for part in parts for number in part.packets)),
            any(part.decrypted for part in parts),
            any(part.protected for part in parts),
            self.whole,
            self.first.length - self.have,
        )

    def _joined(self) -> Buffer:
        """The message as if it had come in one fragment, which is what both ends hash (RFC 6347 4.2.6)."""
        part, length = self.first.part, self.first.length
        at = part.start
        data = bytearray(part.buffer.data[at : at + 6] + bytes(3) + length.to_bytes(3, "big") + bytes(length))
        pieces = [Piece(0, 6, part.buffer, at, at + 6), Piece(6, MESSAGE_HEADER, part.buffer, at + 6, at + 12, False)]
        for run in self.runs:
            start, size = MESSAGE_HEADER + run.start, run.end - run.start
            data[start : start + size] = run.part.buffer.data[run.place : run.place + size]
            pieces.append(Piece(start, start + size, run.part.buffer, run.place, run.place + size))
        return Buffer("reassembled", bytes(data), tuple(pieces))


@dataclass(slots=True, eq=False, repr=False)
class Assembly:
    """One side's messages. ``next``: the message_seq that is to come, None until one was seen."""

    next: int | None = None
    waiting: dict[int, _Partial] = field(default_factory=dict)
    done: dict[int, bytes] = field(default_factory=dict)
    age: int = 0
    _held: int = 0

    def add(self, fragment: Fragment) -> Outcome:
        """Takes a fragment."""
        if fragment.length > MESSAGE_LIMIT:
            return "odd"
        if self.next is not None and fragment.number < self.next:
            return "again" if self._delivered(fragment) else "odd"
        partial = self.waiting.get(fragment.number)
        if partial is None:
            if len(self.waiting) >= MOST_WAITING or self._held > WAITING_LIMIT:
                return "dropped"
            partial = self.waiting[fragment.number] = _Partial(fragment, self.age)
        before = partial.have
        outcome = partial.add(fragment)
        self._held += partial.have - before + OVERHEAD * (outcome == "new")
        return outcome

    def begins_anew(self, fragment: Fragment) -> bool:
        """Whether a hello has a number that was used for another message: the count starts again (RFC 6347 4.2.2)."""
        known = self.next is not None and fragment.number < self.next
        return known and fragment.offset == 0 and fragment.kind <= 3 and not self._delivered(fragment)

    def restart(self) -> None:
        """Forgets everything: another handshake begins."""
        self.next, self._held = None, 0
        self.waiting.clear()
        self.done.clear()

    def take(self, force: bool = False) -> tuple[Assembled, bool] | None:
        """The next message that is whole, and whether others before it are missing.

        Also one that is not whole, if what comes behind it has waited too long, or with ``force``.
        """
        if not self.waiting:
            return None
        lowest = min(self.waiting)
        if self.next is None:
            self.next = lowest
        partial = self.waiting[lowest]
        if not (lowest == self.next and partial.whole) and not force and not self._overdue():
            return None
        del self.waiting[lowest]
        self._held = sum(one.have + OVERHEAD for one in self.waiting.values())
        missing = lowest > self.next
        self.next = lowest + 1
        made = partial.assembled()
        if len(self.done) < MOST_DONE:
            self.done[lowest] = made.buffer.data
        return made, missing

    def _overdue(self) -> bool:
        oldest = min(partial.age for partial in self.waiting.values())
        return self.age - oldest > PATIENCE or len(self.waiting) >= MOST_WAITING or self._held > WAITING_LIMIT

    def _delivered(self, fragment: Fragment) -> bool:
        """Whether a fragment repeats what was delivered (of messages no longer kept, nobody can tell)."""
        data = self.done.get(fragment.number)
        if data is None:
            return True
        start = MESSAGE_HEADER + fragment.offset
        same = fragment.kind == data[0] and fragment.length == int.from_bytes(data[1:4], "big")
        return same and fragment.body == data[start : start + fragment.size]
