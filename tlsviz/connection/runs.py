"""Application data, counted: consecutive records of one side make one run."""

from __future__ import annotations

from tlsviz.connection.carried import PACKETS_KEPT
from tlsviz.connection.model import ApplicationRun
from tlsviz.connection.stream import RawRecord
from tlsviz.wire.buffers import Buffer, join
from tlsviz.wire.chunks import Bulk, Sender

KEPT_PER_SIDE = 256 * 1024
"""How many bytes of application data records are kept per side; beyond that they are only counted."""


class _Open:
    """A run that may still grow."""

    __slots__ = (
        "bytes",
        "complete",
        "early",
        "indices",
        "kept",
        "last_order",
        "last_time",
        "opaque",
        "order",
        "packets",
        "readable",
        "records",
        "sender",
        "time",
    )

    def __init__(
        self, order: int, time: float, last_time: float, sender: Sender, early: bool, opaque: bool, last_order: int
    ) -> None:
        self.order = order
        self.time = time
        self.last_time = last_time
        self.sender = sender
        self.early = early
        self.opaque = opaque
        self.last_order = last_order
        self.records = 0
        self.bytes = 0
        self.packets: dict[int, None] = {}
        self.kept: list[Buffer] = []
        self.complete = True
        self.readable = False
        self.indices: list[int] = []

    def carry(self, packets: tuple[int, ...]) -> None:
        """Notes the packets that carried more of it, as long as there are not too many."""
        if len(self.packets) < PACKETS_KEPT:
            self.packets.update(dict.fromkeys(packets))
            while len(self.packets) > PACKETS_KEPT:
                self.packets.popitem()

    def frozen(self) -> ApplicationRun:
        plaintext = join([(b, 0, len(b.data)) for b in self.kept]) if self.kept else None
        return ApplicationRun(
            self.order,
            self.time,
            self.last_time,
            self.sender,
            self.records,
            self.bytes,
            tuple(self.packets),
            plaintext,
            self.complete,
            self.early,
            self.opaque,
            tuple(self.indices),
        )


RUN_LIMIT, LAST = 5000, 10
"""A conversation that goes to and fro more often is counted into its last runs."""


class Runs:
    """The runs of a connection so far."""

    __slots__ = ("_kept", "runs")

    def __init__(self) -> None:
        self.runs: list[_Open] = []
        self._kept: dict[Sender, int] = {}

    def room(self, sender: Sender, size: int) -> bool:
        """Whether another record of that size is to be kept; if so it counts as kept."""
        used = self._kept.get(sender, 0)
        if used + size > KEPT_PER_SIDE:
            self._kept[sender] = KEPT_PER_SIDE  # full: a shorter one that comes later is not kept either
            return False
        self._kept[sender] = used + size
        return True

    def add(
        self,
        sender: Sender,
        raw: RawRecord,
        size: int,
        plaintext: Buffer | None,
        *,
        early: bool,
        opaque: bool,
        index: int | None,
        order: int,
    ) -> None:
        """One more record of ``size`` bytes; it joins the last run if nothing has come between.

        ``index``: the record's, None when it is not kept. ``order``: its place.
        """
        run = self._run((sender, early, opaque), order, raw.time)
        run.last_order, run.last_time = order, raw.time
        run.records += 1
        run.bytes += size
        run.carry(raw.packets)
        if plaintext is not None:
            run.kept.append(plaintext)
        else:
            run.complete = False
        if index is not None:
            run.indices.append(index)

    def count(self, bulk: Bulk, *, opaque: bool, order: int) -> None:
        """Records that were only counted, the first of them at place ``order``."""
        run = self._run((bulk.sender, False, opaque), order, bulk.time)
        run.last_order, run.last_time = order + bulk.records - 1, bulk.last_time
        run.records += bulk.records
        run.bytes += bulk.bytes
        run.carry(bulk.packets)
        run.complete = False

    def _run(self, kind: tuple[Sender, bool, bool], order: int, time: float) -> _Open:
        """The run that a record of this kind at this place belongs to: the last one if nothing has come between."""
        run = self.runs[-1] if self.runs else None
        joins = run is not None and (run.sender, run.early, run.opaque) == kind and run.last_order == order - 1
        if not joins and len(self.runs) >= RUN_LIMIT:
            run = next((old for old in self.runs[:-LAST:-1] if (old.sender, old.early, old.opaque) == kind), run)
            joins = run is not None
        if run is None or not joins:
            run = _Open(order, time, time, *kind, order)
            self.runs.append(run)
        return run

    def frozen(self) -> tuple[ApplicationRun, ...]:
        """The runs as they stand."""
        return tuple(run.frozen() for run in self.runs)
