"""A capture as a list: rows as its connections end, and each connection only when somebody opens it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tlsviz.connection.model import Trace
from tlsviz.sources import tshark
from tlsviz.sources.capture import Opened
from tlsviz.sources.entries import Entry
from tlsviz.sources.notices import Gist
from tlsviz.sources.opening import Cancelled, OpenOptions, Progress, Report
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.plan import Plan
from tlsviz.sources.preview import preview
from tlsviz.sources.scout import WORTH, Early, processes
from tlsviz.sources.settling import Settling, informed
from tlsviz.sources.shelf import Kept, Shelf
from tlsviz.sources.shelving import Shelving
from tlsviz.sources.spool import Spool
from tlsviz.sources.spread import Spread


def list_capture(
    path: Path,
    options: OpenOptions | None = None,
    progress: Report | None = None,
    cancelled: Cancelled | None = None,
    *,
    found: Callable[[Kept], None] | None = None,
    spool: Spool | None = None,
    strict: bool = False,
    early: Early | None = None,
) -> Trace:
    """Reads a capture file as `load_capture` does, into a trace whose connections are a `Shelf`.

    ``found`` gets connections as soon as they are closed, or known for some seconds of the capture; and at the end, in
    turn, each that is new or differs from what was given under its id. An id beyond the last of the trace is void then.
    ``spool``: where to keep what the connections are made of. ``early``: what was begun for the file already.
    """
    options = options or OpenOptions()
    spool = spool or Spool()
    opinions = options.opinions()
    settling = Settling(opinions, spool)
    shelf = Shelf(spool, opinions.judge)

    def give(kept: Kept) -> None:
        if shelf.kept.get(kept.row.id) != kept:
            shelf.put(kept)
            if found is not None:
                found(kept)

    def told(entry: Entry) -> None:
        if found is not None:  # else nobody looks before the end
            give(settling.provisional(entry))

    opened = Opened(path, options, progress, cancelled, early)
    if found is not None and opened.early.large and not options.keyed:
        tshark.find()  # rows of a file that cannot be read would be no help
        preview(path, opinions.anew(), spool, told)
        if progress is not None:
            progress(Progress(0, 0, path.stat().st_size, len(shelf)))
    with opened, Crews(opened, opinions.anew(), spool, told, strict) as crews:
        shelving = opened.read(crews.begin, crews.alone, _replace)
        entries = list(opened.looking(settling.judged(shelving.entries)))
        settled = list(settling.settled(entries))
        shelf.keep(len(settled))
        for kept in settled:
            give(kept)
        for kept in informed(shelf, opened.looking(settled)):
            give(kept)
        opened.report(shelving, last=True)
        notices = opened.notices(list(map(_gist, entries)), shelving.faults)
        return Trace(opened.source, shelf, notices)


def _replace(crew: Spread | Shelving, aside: Shelving) -> None:
    crew.replace(aside)


class Crews:
    """Who follows a capture's connections: one process, or several where that is worth it. A context manager."""

    def __init__(
        self, opened: Opened, opinions: Opinions, spool: Spool, told: Callable[[Entry], None], strict: bool
    ) -> None:
        self._opened, self._opinions, self._spool, self._told, self._strict = opened, opinions, spool, told, strict
        self._spread: list[Spread] = []
        self._shares = 0

    def begin(self, plan: Plan | None) -> Spread | Shelving:
        """In as many processes as are worth it."""
        size = plan.size if plan is not None else self._opened.mapped.survey.size
        for spread in self._spread:
            spread.close()  # what they were at is given up
        count = processes() if size >= WORTH and not self._opened.keyed else 1
        if count < 2:
            return self.alone(plan)
        spread = Spread(count, partial(self._made, plan, self._shares), self._told)
        self._shares += count
        self._spread.append(spread)
        return spread

    def alone(self, plan: Plan | None) -> Shelving:
        """In this process."""
        return self._shelving(plan, self._spool, self._told)

    def _made(self, plan: Plan | None, shares: int, number: int, told: Callable[[Entry], None]) -> Shelving:
        return self._shelving(plan, Spool(self._spool.descriptor, 1 + shares + number), told)

    def _shelving(self, plan: Plan | None, spool: Spool, told: Callable[[Entry], None]) -> Shelving:
        return Shelving(self._opened.keylog, self._opinions, spool, told, self._strict, plan)

    def __enter__(self) -> Crews:
        return self

    def __exit__(self, *_: object) -> None:
        for spread in self._spread:
            spread.close()


def _gist(entry: Entry) -> Gist:
    return Gist(entry.opened, entry.refused, "unknown_issuer" in entry.row.reasons, entry.row.standing == "plain")
