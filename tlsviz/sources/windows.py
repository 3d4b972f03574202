"""When a side's receive window was closed, and how it opened again (RFC 9293 3.8.6). No I/O.

A window of 0 is 0 whatever its scale, and is all that is looked for: how large an open one is tells nothing that the
segments do not. What a capture says of it is mostly in bare acknowledgements. `ek.FILTER` lets those through that
close a window, and of the others those that come after some waiting. Where the one that opens it is not among them,
new bytes to its side tell that it did; or bytes of its side do, but not when: that side may have had nothing to say
for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from tlsviz.connection.tcp import Segment, Stall, StallEnd, WindowMove
from tlsviz.sources.segments import ACK, FIN, RST, SYN, WATCHED, Packet, near
from tlsviz.wire.chunks import Sender, other

STALLS_KEPT = 8
"""Of a connection so many closings are remembered: a slow reader may have thousands."""
MOVES_KEPT = 24
"""Probes, and the answers that say that a window is still closed, of a connection."""
_SIGNS = 0x3F


class Move(NamedTuple):
    """A packet that has to do with a closed window. ``side`` and numbers as in `segment_log.Bare`, ``size`` in bytes.

    ``since`` is the place of its stall.
    """

    side: int
    number: int
    time: float
    flags: int
    sequence: int
    acknowledgement: int
    size: int
    what: WindowMove | Literal["probe"]
    since: int


class _Shut:
    """A closed window. ``edge``: the acknowledgement, all that may be sent; ``sequence`` of the last that said so,
    and ``told`` its time.
    """

    __slots__ = (
        *("edge", "end", "last", "number", "packet", "probes"),
        *("reason", "sequence", "side", "start", "told", "zeros"),
    )

    def __init__(self, number: int, side: int, packet: Packet) -> None:
        self.number = number
        self.side = side
        self.packet, self.start = packet.number, packet.time
        self.edge, self.sequence = packet.acknowledgement, packet.sequence
        self.told = self.last = packet.time
        self.zeros, self.probes = 1, 0
        self.end: int | None = None
        self.reason: StallEnd = ""

    def ended(self, packet: Packet, reason: StallEnd) -> None:
        self.end, self.reason = packet.number, reason
        self.last = self.told if reason == "opened_before" else packet.time

    @property
    def plain(self) -> tuple[Any, ...]:
        """As `stalls` takes it."""
        return self.side, self.packet, self.start, self.edge, self.zeros, self.probes, self.last, self.end, self.reason


class Windows:
    """Give it every packet whose window is 0, and all others while it is ``minding``; bounded."""

    __slots__ = ("_closed", "_moves", "_mute", "_shuts", "_small", "minding", "size")

    def __init__(self) -> None:
        self.minding = False
        self.size = 0
        self._shuts: list[_Shut] = []
        self._moves: list[Move] = []
        self._small = 0
        self._closed: list[_Shut | None] = [None, None]
        self._mute = [False, False]

    @property
    def plain(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """What `stalls` and `merged` take: closings, and packets."""
        return [each.plain for each in self._shuts], list(map(tuple, self._moves))

    def look(self, side: int, packet: Packet, base: int | None, own: int | None) -> None:
        """A packet; ``base``: where the other direction begins, ``own``: and its own; None while unknown."""
        if packet.flags & SYN:
            # Who says so from the start (programs that write captures, for the most part) means nothing by it.
            self._mute[side] = not packet.window
            return
        if packet.flags & RST:
            for shut in self._closed:
                if shut is not None and shut.end is None:
                    shut.ended(packet, "reset")
            self._mind(None, None)
            return
        self._toward(self._closed[1 - side], side, packet)
        shut = self._closed[side]
        if packet.window:
            if shut is not None and _follows(packet.acknowledgement, shut.edge, packet.sequence, shut.sequence):
                self._open(shut, packet)
        elif packet.flags & (ACK | FIN) == ACK and not self._mute[side] and _early(packet, base, own):
            self._close(shut, side, packet)

    def _toward(self, shut: _Shut | None, side: int, packet: Packet) -> None:
        """What the other side does meanwhile: it asks (RFC 9293 3.8.6.1), or goes on."""
        if shut is None:
            return
        size = len(packet.payload) + packet.missing
        start = near(packet.sequence, shut.edge) - shut.edge
        if not packet.flags & FIN and size <= 1 and start in (-1, size - 1):
            shut.probes += 1
            shut.last = packet.time if shut.end is None else shut.last
            self._move(shut, side, packet, "probe")
        elif size and start + size > 0 and shut.end is None:
            shut.ended(packet, "resumed")
            self._move(shut, side, packet, "resumed")

    def _open(self, shut: _Shut, packet: Packet) -> None:
        if shut.end is None:
            own = packet.payload or packet.missing or packet.flags & FIN
            how: Literal["opened", "opened_before"] = "opened_before" if own else "opened"
            shut.ended(packet, how)
            self._move(shut, shut.side, packet, how)
        self._mind(shut.side, None)

    def _close(self, shut: _Shut | None, side: int, packet: Packet) -> None:
        """A window of 0: for the first time, or still."""
        if shut is not None and shut.end is not None:
            if packet.acknowledgement == shut.edge:
                # The new bytes were under way when it closed, and are refused.
                self._moves = [each for each in self._moves if (each.since, each.what) != (shut.number, "resumed")]
                shut.end, shut.reason = None, ""
            else:
                shut = None
        if shut is not None:
            if _follows(packet.acknowledgement, shut.edge, packet.sequence, shut.sequence):
                shut.edge, shut.sequence = packet.acknowledgement, packet.sequence
            shut.zeros += 1
            shut.told = shut.last = packet.time
            self._move(shut, side, packet, "still_closed")
        elif len(self._shuts) < STALLS_KEPT:
            made = _Shut(len(self._shuts), side, packet)
            self._shuts.append(made)
            self._mind(side, made)
            self._move(made, side, packet, "closed")
        elif self._closed[side] is not None:
            self._mind(side, None)

    def _mind(self, side: int | None, shut: _Shut | None) -> None:
        for each in (0, 1) if side is None else (side,):
            self._closed[each] = shut
        self.size += 1
        self.minding = self._closed != [None, None]

    def _move(self, shut: _Shut, side: int, packet: Packet, what: WindowMove | Literal["probe"]) -> None:
        self.size += 1
        if what in ("probe", "still_closed"):
            if self._small >= MOVES_KEPT:
                return
            self._small += 1
        size = len(packet.payload) + packet.missing
        numbers = packet.sequence, packet.acknowledgement
        self._moves.append(Move(side, packet.number, packet.time, packet.flags, *numbers, size, what, shut.number))


def _early(packet: Packet, base: int | None, own: int | None) -> bool:
    """Whether neither side has sent more than what is watched."""
    if base is None or own is None:
        return False
    return near(packet.acknowledgement, base) - base < WATCHED and near(packet.sequence, own) - own < WATCHED


def _follows(acknowledgement: int, edge: int, sequence: int, before: int) -> bool:
    """Whether a packet is no older than what closed the window (RFC 9293 3.10.7.4, SND.WL1 and SND.WL2)."""
    return near(acknowledgement, edge) >= edge and near(sequence, before) >= before


def stalls(
    found: Sequence[tuple[Any, ...]], names: tuple[Sender, Sender], bases: tuple[int | None, int | None]
) -> tuple[Stall, ...]:
    """The closings, now that roles are known."""
    made = []
    for side, packet, time, edge, zeros, probes, last, end, reason in found:
        base = bases[1 - side]
        taken = max(near(edge, base) - base, 0) if base is not None else 0
        made.append(Stall(other(names[side]), packet, time, last, taken, zeros, probes, end, reason))
    return tuple(made)


def merged(
    segments: Sequence[Segment],
    plain: tuple[Sequence[tuple[Any, ...]], Sequence[tuple[Any, ...]]],
    names: tuple[Sender, Sender],
    bases: tuple[int | None, int | None],
) -> tuple[Segment, ...]:
    """Segments in the capture's order, with what they have to do with closed windows, and those that only have that."""
    shuts, moves = plain
    found = {each.packet: each for each in segments}
    for move in map(Move._make, moves):
        side, base, opposite = move.side, bases[move.side], bases[1 - move.side]
        if base is None or opposite is None:
            continue
        _, closed, since, *_ = shuts[move.since]
        place = max(near(move.sequence, base) - base, 0)
        acknowledged = max(near(move.acknowledgement, opposite) - opposite, 0)
        flags = move.flags & _SIGNS
        bare = Segment(names[side], move.time, move.number, flags, place, move.size, acknowledged=acknowledged)
        each = found.get(move.number, bare)
        if move.what == "probe":
            each = each._replace(kind="probe", of=None, delay=0.0, ahead=0)
        else:
            each = each._replace(window=move.what)
        if move.what in ("opened", "resumed") and each.of is None:
            each = each._replace(of=closed, delay=move.time - since)
        found[move.number] = each
    return tuple(sorted(found.values(), key=lambda each: each.packet))
