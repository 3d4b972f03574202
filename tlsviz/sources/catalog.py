"""A capture as a list: rows as its connections end, and each connection only when somebody opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tlsviz.connection.model import Trace
from tlsviz.sources.capture import Cancelled, Opened, OpenOptions, Report
from tlsviz.sources.entries import Entry
from tlsviz.sources.notices import Gist
from tlsviz.sources.plan import Plan
from tlsviz.sources.settling import Settling, informed
from tlsviz.sources.shelf import Kept, Shelf
from tlsviz.sources.shelving import Shelving
from tlsviz.sources.spool import Spool


def list_capture(
    path: Path,
    options: OpenOptions | None = None,
    progress: Report | None = None,
    cancelled: Cancelled | None = None,
    *,
    found: Callable[[Kept], None] | None = None,
    spool: Spool | None = None,
    strict: bool = False,
) -> Trace:
    """Reads a capture file as `load_capture` does, into a trace whose connections are a `Shelf`.

    ``found`` gets connections as soon as they are closed, or known for some seconds of the capture; and at the end, in
    turn, each that is new or differs from what was given under its id. An id beyond the last of the trace is void then.
    ``spool``: where to keep what the connections are made of.
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
        give(settling.provisional(entry))

    with Opened(path, options, progress, cancelled) as opened:
        early = options.opinions()

        def begin(plan: Plan | None) -> Shelving:
            carved, bare = (plan.carved, plan.bare) if plan is not None else (None, None)
            return Shelving(opened.keylog, early, spool, told, strict, carved, bare)

        shelving = opened.read(begin, Shelving.replace)
        entries = shelving.entries
        settled = []
        for kept in settling.settled(entries):
            opened.look()
            settled.append(kept)
        shelf.keep(len(settled))
        for kept in settled:
            give(kept)
        for kept in informed(shelf, settled):
            give(kept)
        opened.report(shelving, last=True)
        notices = opened.notices(list(map(_gist, entries.values())), shelving.faults)
        return Trace(opened.source, shelf, notices)


def _gist(entry: Entry) -> Gist:
    return Gist(entry.opened, entry.refused, "unknown_issuer" in entry.row.reasons, entry.row.standing == "plain")
