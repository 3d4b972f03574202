"""Application data, counted: consecutive records of one side make one run."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlsviz.connection.model import ApplicationRun
from tlsviz.connection.stream import RawRecord
from tlsviz.wire.buffers import Buffer, join
from tlsviz.wire.chunks import Sender

KEPT_PER_SIDE = 256 * 1024
"""How many bytes of application data records are kept per side; beyond that they are only counted."""


@dataclass(slots=True, eq=False, repr=False)
class _Open:
    """A run that may still grow."""

    order: int
    time: float
    last_time: float
    sender: Sender
    early: bool
    opaque: bool
    last_order: int
    records: int = 0
    bytes: int = 0
    packets: dict[int, None] = field(default_factory=dict)
    kept: list[Buffer] = field(default_factory=list)
    complete: bool = True
    readable: bool = False
    indices: list[int] = field(default_factory=list)

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


PACKETS_KEPT = 1000
RUN_LIMIT, LAST = 5000, 10
"""A conversation that goes to and fro more often is counted into its last runs."""


@dataclass(slots=True, eq=False, repr=False)
class Runs:
    """The runs of a connection so far."""

    runs: list[_Open] = field(default_factory=list)
    _kept: dict[Sender, int] = field(default_factory=dict)

    def room(self, sender: Sender, size: int) -> bool:
        """Whether another record of that size is to be kept; if so it counts as kept."""
        used = self._kept.get(sender, 0)
        if used + size > KEPT_PER_SIDE:
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
        kind = (sender, early, opaque)
        run = self.runs[-1] if self.runs else None
        joins = run is not None and (run.sender, run.early, run.opaque) == kind and run.last_order == order - 1
        if not joins and len(self.runs) >= RUN_LIMIT:
            run = next((old for old in self.runs[:-LAST:-1] if (old.sender, old.early, old.opaque) == kind), run)
            joins = run is not None
        if run is None or not joins:
            run = _Open(order, raw.time, raw.time, sender, early, opaque, order)
            self.runs.append(run)
        run.last_order, run.last_time = order, raw.time
        run.records += 1
        run.bytes += size
        if len(run.packets) < PACKETS_KEPT:
            run.packets.update(dict.fromkeys(raw.packets))
        if plaintext is not None:
            run.kept.append(plaintext)
        else:
            run.complete = False
        if index is not None:
            run.indices.append(index)

    def frozen(self) -> tuple[ApplicationRun, ...]:
        """The runs as they stand."""
        return tuple(run.frozen() for run in self.runs)
