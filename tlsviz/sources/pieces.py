"""One direction of an SCTP association: which TSNs are here, and messages put together from their parts. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import NamedTuple

from tlsviz.sources.sctp import Piece
from tlsviz.sources.segments import near

MOST_SEEN = 1 << 16
"""TSNs that are remembered behind one that is missing."""
MOST_LOST = 1 << 10
"""TSNs in a row that are taken for lost one by one."""

Place = tuple[int, bool, int, int]
"""Of a piece: its stream, whether that minds no order there, its message, and its number: I-DATA's own, DATA's TSN."""


class Message(NamedTuple):
    """A whole user message. ``cause``: up to where its sender had what the other side sent, as the same packet says,
    None if it does not; ``arrival`` counts packets of the association.
    """

    pieces: tuple[Piece, ...]
    cause: int | None
    arrival: int


class Lane:
    """One direction of a stream. ``next``: the number of the message whose turn it is, None before the first.

    ``waiting``: messages by their numbers, which do not wrap here; ``lost``: a gap was told before they came;
    ``broken``: some gap was told. Numbers count from TSN ``since`` on; the last message so far ends at ``top``.
    """

    __slots__ = ("_order", "broken", "lost", "next", "side", "since", "stream", "top", "waiting")

    def __init__(self, side: int, stream: int, begin: int | None) -> None:
        self.side = side
        self.stream = stream
        self.next = begin
        self.waiting: dict[int, Message] = {}
        self.lost = self.broken = False
        self.since = self.top = -1 << 33
        self._order: list[int] = []
        """A heap of the numbers that wait, and of some that did."""

    @property
    def low(self) -> int:
        """The first number that waits; something has to."""
        while self._order[0] not in self.waiting:
            heappop(self._order)
        return self._order[0]

    def number_of(self, piece: Piece) -> int:
        """The number of a piece's message, without wrap-around: near those that are here."""
        if self.next is not None:
            return number_of(piece, self.next)
        return number_of(piece, self.low if self.waiting else piece.number)

    def wait(self, number: int, message: Message) -> None:
        """Takes a message that is not here."""
        if not self.waiting:
            self._order.clear()
        self.waiting[number] = message
        heappush(self._order, number)


class Reach:
    """TSNs of which something is true: of all below ``edge``, and of those ``beyond``, up to ``last``.

    They do not wrap here.
    """

    __slots__ = ("beyond", "edge", "last")

    def __init__(self) -> None:
        self.edge = self.last = 0
        self.beyond: set[int] = set()

    def __contains__(self, at: int) -> bool:
        return at < self.edge or at in self.beyond

    def add(self, at: int) -> None:
        """Takes one more; forgets that some are missing where too many are beyond them."""
        if at >= self.edge:
            self.beyond.add(at)
            self.last = max(at, self.last)
            self.reach(self.edge)
            if len(self.beyond) > MOST_SEEN:
                self.reach(sorted(self.beyond)[MOST_SEEN // 2])

    def reach(self, edge: int) -> None:
        """Takes all below a place."""
        if edge > self.edge:
            self.edge = edge
            self.beyond = {each for each in self.beyond if each >= edge}
        while self.edge in self.beyond:
            self.beyond.remove(self.edge)
            self.edge += 1


class Half:
    """One direction of an association. ``begun``: whether it is known where TSNs begin, ``synced``: INIT said so;
    ``ended``: it was told that the end is missing.

    ``seen`` and ``told``: which TSNs are here or given up, and which have had their turn. ``acknowledged``: the other
    side has all up to this one; ``early``: the first and the last that it had before it was known where TSNs begin. Up
    to ``excused`` nobody waits for them. ``heads`` (by stream), ``tails``: what is here
    of messages that are not whole, by the places where each part begins and ends. TSNs do not wrap here.
    """

    __slots__ = (
        *("acknowledged", "begun", "early", "ended", "excused", "heads"),
        *("lanes", "seen", "synced", "tails", "told"),
    )

    def __init__(self) -> None:
        self.begun = self.synced = self.ended = False
        self.seen, self.told = Reach(), Reach()
        self.acknowledged: int | None = None
        self.early: tuple[int, int] | None = None
        self.excused = -1
        self.lanes: dict[int, Lane] = {}
        self.heads: dict[int, dict[Place, deque[Piece]]] = {}
        self.tails: dict[Place, deque[Piece]] = {}

    def begin(self, tsn: int, synced: bool = False) -> None:
        """Where it begins, if that is not known: INIT says it (``synced``), or the first that there is."""
        if not self.begun:
            self.begun, self.synced = True, synced
            edge = tsn
            if self.early is not None:
                # The other side's packets may be captured before what they acknowledge.
                first, last = self.early
                after = near(first + 1, tsn)
                edge = after if not synced and tsn - MOST_LOST < after < tsn else tsn
                self.acknowledged = near(last, edge)
            self.seen.edge = self.told.edge = edge

    def at(self, tsn: int) -> int:
        """A TSN without wrap-around."""
        return near(tsn, self.seen.edge)

    def is_new(self, tsn: int) -> bool:
        """Whether a TSN was not here before; remembers it."""
        self.begin(tsn)
        at = self.at(tsn)
        if at in self.seen:
            return False
        self.seen.add(at)
        return True

    def tell(self, run: Iterable[Piece]) -> None:
        """Pieces have had their turn, or will never have it."""
        for piece in run:
            self.told.add(near(piece.tsn, self.told.edge))

    def acknowledge(self, tsn: int) -> None:
        """The other side has all up to a TSN."""
        if not self.begun:
            self.early = (self.early[0] if self.early is not None else tsn), tsn
            return
        at = self.at(tsn)
        self.acknowledged = at if self.acknowledged is None else max(at, self.acknowledged)

    def heard(self, tsn: int) -> bool:
        """Whether all up to a TSN has had its turn, as far as it was seen and is waited for."""
        if tsn < self.told.edge or not self.begun:
            return True
        return tsn <= self.excused and self.told.edge >= self.seen.edge and not self.seen.beyond

    def settle(self, until: int) -> None:
        """What was acknowledged up to a TSN is not waited for; what nobody has sent may be acknowledged too."""
        if self.acknowledged is None:
            return
        until = min(until, self.acknowledged)
        self.excused = max(until, self.excused)
        last = min(until, self.seen.last)
        if last - self.seen.edge > MOST_LOST:
            self.told.reach(last + 1)
        for at in range(max(self.seen.edge, self.told.edge), last + 1):
            if at not in self.seen:
                self.told.add(at)
        self.seen.reach(last + 1)

    def join(self, piece: Piece) -> deque[Piece] | None:
        """Takes a piece of a message; gives all of them once it is whole."""
        run = deque((piece,))
        heads = self.heads.setdefault(piece.stream, {})
        if not piece.first and (before := self.tails.pop(_place(piece, -1), None)) is not None:
            heads.pop(_place(before[0]), None)
            before.append(piece)
            run = before
        if not piece.last and (after := heads.pop(_place(piece, 1), None)) is not None:
            self.tails.pop(_place(after[-1]), None)
            if len(run) < len(after):
                after.extendleft(reversed(run))
                run = after
            else:
                run.extend(after)
        if run[0].first and run[-1].last:
            return run
        # A part is found by its beginning, whole or not, and goes on only where it has not ended.
        heads[_place(run[0])] = run
        if not run[-1].last:
            self.tails[_place(run[-1])] = run
        return None

    def parts(self, lane: Lane, until: int | None, known: int | None) -> list[deque[Piece]]:
        """Takes out what is here of a stream's messages that are not whole, in order.

        Those before ``until``, and of them what has ended before a TSN, ``known``.
        """
        heads = self.heads.get(lane.stream, {})
        found = [run for run in heads.values() if not run[0].unordered]
        found = [run for run in found if until is None or lane.number_of(run[0]) < until]
        found = [run for run in found if known is None or self.at(run[-1].tsn) < known]
        for run in found:
            heads.pop(_place(run[0]), None)
            self.tails.pop(_place(run[-1]), None)
        for run in found:
            self.tell(run)
        edge = self.seen.edge
        return sorted(found, key=lambda run: (lane.number_of(run[0]), near(run[0].place, edge)))


def _place(piece: Piece, step: int = 0) -> Place:
    at = piece.place + step & 0xFFFFFFFF
    return piece.stream, piece.unordered, piece.number, at


def number_of(piece: Piece, position: int) -> int:
    """The number of a piece's message, without wrap-around."""
    return near(piece.number, position, 32 if piece.interleaved else 16)
