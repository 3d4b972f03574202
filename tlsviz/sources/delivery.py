"""SCTP's user messages put back together and in order (RFC 9260 6.5, 6.6, 6.9; RFC 8260). No I/O.

Within a stream by stream sequence number; between the two ends by what each had acknowledged when it spoke, so that a
reply follows its question even where the capture has them the other way round. What was acknowledged and never seen is
a gap: how many bytes it had nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tlsviz.sources.pieces import Half, Lane, Message
from tlsviz.sources.sctp import Piece
from tlsviz.sources.segments import near

LIMIT = 4 << 20
"""Bytes of an association that may wait for others, before those are declared missing."""
OVERHEAD = 256
"""What a waiting piece costs beside its bytes, about."""
PATIENCE = 64
"""Packets of an association that may pass before what was acknowledged, but not seen, is declared missing."""
MOST_STUCK, MOST_OPEN, MOST_PARTS = 64, 1 << 10, 64
"""Streams of an association that may wait at the same time; parts of messages of one direction that may, and of one
stream where its numbers begin again."""

Tell = Callable[[int, int, "tuple[Piece, ...] | None", float], None]
"""Gets a side, a stream, what comes next in it, None for a gap, and when."""


class Delivery:
    """An association's two directions: give it what each packet holds, between `arrive` and `deliver`.

    ``tell`` gets what each stream's turn it is.
    """

    def __init__(self, tell: Tell) -> None:
        self.halves = (Half(), Half())
        self._tell = tell
        self._arrivals = 0
        self._cause: int | None = None
        self._bytes = 0
        self._last = 0.0
        self._stuck: dict[Lane, None] = {}
        """Streams where something waits: those where nothing was told for longest first."""

    @property
    def waiting(self) -> int:
        """Bytes that wait, with what it costs to keep them."""
        return self._bytes

    def arrive(self) -> None:
        """The next packet."""
        self._arrivals += 1
        self._cause = None

    def acknowledge(self, side: int, tsn: int) -> None:
        """A side has all that the other has sent up to a TSN."""
        half = self.halves[1 - side]
        half.acknowledge(tsn)
        self._cause = half.at(tsn) if half.begun else None

    def take(self, side: int, piece: Piece) -> None:
        """A piece of a message that a side sends."""
        half = self.halves[side]
        if not half.is_new(piece.tsn):
            return
        self._bytes += len(piece.data) + OVERHEAD
        run = half.join(piece)
        if run is None:
            return
        first = run[0]
        if first.unordered:
            self._say(side, first.stream, run, piece.time)
            return
        lane = half.lanes.get(first.stream)
        if lane is None:
            lane = half.lanes[first.stream] = Lane(side, first.stream, 0 if half.synced else first.number)
        number, at = lane.number_of(first), half.at(first.tsn)
        if lane.next is not None and number < lane.next and at > lane.top:
            self._restart(lane, first)
            number = lane.number_of(first)
        if at < lane.since or (lane.next is not None and number < lane.next) or number in lane.waiting:
            self._late(lane, run)
            return
        lane.top = max(half.at(run[-1].tsn), lane.top)
        lane.wait(number, Message(tuple(run), self._cause, self._arrivals))
        self._advance(lane)

    def _restart(self, lane: Lane, first: Piece) -> None:
        """A stream's numbers begin again (RFC 6525 5.1.2): at 0, or where they should not, with something missing."""
        while lane.waiting:
            self._give_up(lane)
        half = self.halves[lane.side]
        parts = len(half.heads.get(lane.stream, ()))
        # All parts of messages where there are many, so that who begins again and again makes little work.
        self._broken(lane, None, half.at(first.tsn) if parts <= MOST_PARTS else None)
        lane.lost = False
        if first.number > PATIENCE or parts > len(half.heads.get(lane.stream, ())):
            self._gap(lane)
        if first.number > PATIENCE:
            lane.next, lane.since = first.number, half.at(first.tsn)
        else:
            lane.next, lane.since = 0, lane.top + 1

    def _late(self, lane: Lane, run: Iterable[Piece]) -> None:
        """What comes when it cannot be told any more, which a gap stands for: here, if no other does."""
        self._bytes -= _cost(run)
        self.halves[lane.side].tell(run)
        if not lane.broken:
            self._gap(lane)

    def deliver(self) -> None:
        """Behind each packet: tells what waits no longer, and what is missing."""
        while True:
            told = False
            for lane in list(self._stuck):
                told |= self._advance(lane)
            if told:
                continue
            overdue = self._overdue()
            if overdue is None:
                return
            self._give_up(overdue)

    def finish(self, side: int | None = None) -> None:
        """Nothing more comes, or nothing from one side: tells all that still waits."""
        while (lane := next((each for each in self._stuck if side in (None, each.side)), None)) is not None:
            self._give_up(lane)
            self.deliver()
        if side is None:
            self._drop()
            self._tell_ends()

    def _tell_ends(self) -> None:
        """What was acknowledged and nothing followed."""
        streams = {stream for half in self.halves for stream in half.lanes}
        for side, half in enumerate(self.halves):
            if half.early is not None:
                half.begin(half.early[0] + 1 & 0xFFFFFFFF)  # nothing of it was captured
            if half.acknowledged is None:
                continue
            half.settle(half.acknowledged)
            # Whose a chunk was that nothing followed is known only where there is one stream.
            ends = half.acknowledged >= half.seen.edge and len(streams) == 1
            if ends and not half.ended and not any(lane.lost for lane in half.lanes.values()):
                half.ended = True
                self._say(side, next(iter(streams)), None)

    def _advance(self, lane: Lane) -> bool:
        """Tells the messages of a stream whose turn it is; whether there was any."""
        told = False
        while lane.next is not None and (message := lane.waiting.get(lane.next)) is not None:
            if self._early(lane.side, message):
                break
            self._next(lane)
            told = True
        if not lane.waiting:
            self._stuck.pop(lane, None)
        elif told or lane not in self._stuck:
            self._stuck.pop(lane, None)
            self._stuck[lane] = None
        return told

    def _next(self, lane: Lane) -> None:
        assert lane.next is not None
        message = lane.waiting.pop(lane.next)
        lane.next += 1
        lane.lost = False
        time = max(piece.time for piece in message.pieces)
        self._say(lane.side, lane.stream, message.pieces, time if message.arrival == self._arrivals else None)

    def _early(self, side: int, message: Message) -> bool:
        """Whether the message's sender had what was not seen yet of the other side."""
        return message.cause is not None and not self.halves[1 - side].heard(message.cause)

    def _overdue(self) -> Lane | None:
        """The stream that has waited long enough; None while there is hope."""
        if len(self._stuck) > MOST_STUCK or (self._bytes > LIMIT and self._stuck):
            return next(iter(self._stuck))
        if self._bytes > LIMIT or max(len(half.tails) for half in self.halves) > MOST_OPEN:
            self._drop()
        for lane in self._stuck:
            if self._arrivals - lane.waiting[lane.low].arrival >= PATIENCE and self._certain(lane):
                return lane
        return None

    def _drop(self) -> None:
        """Waits no longer for the rest of messages."""
        for side, half in enumerate(self.halves):
            for stream in half.heads:
                lane = half.lanes.get(stream) or Lane(side, stream, 0 if half.synced else None)
                if not lane.waiting:
                    self._broken(lane, None)
            half.heads.clear()
            half.tails.clear()
        waiting = (message for lane in self._stuck for message in lane.waiting.values())
        self._bytes = sum(_cost(message.pieces) for message in waiting)

    def _certain(self, lane: Lane) -> bool:
        """Whether what a stream waits for was received: it will not be sent again."""
        half = self.halves[lane.side]
        if lane.next in lane.waiting:
            return True
        first = lane.waiting[lane.low].pieces[0]
        return half.acknowledged is not None and half.acknowledged >= near(first.tsn, half.acknowledged) - 1

    def _give_up(self, lane: Lane) -> None:
        """Declares missing what a stream waits for."""
        early = lane.next in lane.waiting
        if early:
            # What its sender had comes first: what is known to be missing of that, or ends without an end.
            others = [each for each in self._stuck if each.side != lane.side and each.next not in each.waiting]
            certain = next((each for each in others if self._certain(each)), None)
            if certain is not None:
                lane, early = certain, False
        half = self.halves[lane.side]
        if early and lane.next is not None:
            self._unheard(1 - lane.side, lane.waiting[lane.next].cause or 0)
            self._next(lane)
        else:
            half.settle(half.at(lane.waiting[lane.low].pieces[0].tsn))
            self._broken(lane, lane.low)
        self._stuck.pop(lane, None)
        self._advance(lane)

    def _unheard(self, side: int, known: int) -> None:
        """The end of messages that the other side had, up to a TSN, is missing. Of I-DATA nobody can tell where."""
        half = self.halves[side]
        every = (run for runs in half.heads.values() for run in runs.values())
        open_runs = [run for run in every if not run[0].unordered and not run[0].interleaved]
        half.settle(known)
        for stream in dict.fromkeys(run[0].stream for run in open_runs if half.at(run[-1].tsn) < known):
            answers = half.lanes.setdefault(stream, Lane(side, stream, 0 if half.synced else None))
            if not answers.waiting and not answers.lost:
                answers.lost = self._broken(answers, None, known)
                if answers.lost:
                    self._gap(answers)

    def _broken(self, lane: Lane, until: int | None, known: int | None = None) -> bool:
        """Tells what is here of a stream's next messages, and where something is missing between them.

        Behind them, too, where it is known which message is next, ``until``. ``known``: only what is below this TSN.
        Whether the end of what was told is open.
        """
        at = lane.next if lane.next is not None else until
        missing = False
        told = False
        for run in self.halves[lane.side].parts(lane, until, known):
            number = lane.number_of(run[0])
            if lane.next is not None and number < lane.next:
                self._late(lane, run)
                continue
            if (not run[0].first or (at is not None and number > at) or missing) and not lane.lost:
                self._gap(lane)
            lane.lost = False
            lane.top = max(self.halves[lane.side].at(run[-1].tsn), lane.top)
            self._say(lane.side, lane.stream, run)
            told = True
            missing = not run[-1].last
            at = number + 1 - missing
        if until is not None and (missing or at is None or at < until) and not lane.lost:
            self._gap(lane)
        lane.lost = False
        lane.next = at if until is None else until
        return missing or not told

    def _gap(self, lane: Lane) -> None:
        lane.broken = True
        self._say(lane.side, lane.stream, None)

    def _say(self, side: int, stream: int, run: Iterable[Piece] | None, time: float | None = None) -> None:
        pieces = tuple(run) if run is not None else None
        own = max((piece.time for piece in pieces or ()), default=self._last)
        self._last = time if time is not None else max(own, self._last)
        self._bytes -= _cost(pieces or ())
        self.halves[side].tell(pieces or ())
        self._tell(side, stream, pieces, self._last)


def _cost(pieces: Iterable[Piece]) -> int:
    return sum(len(piece.data) + OVERHEAD for piece in pieces)
