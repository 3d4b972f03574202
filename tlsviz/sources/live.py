"""What is asked of a live target: handshakes, re-probes, what its two ports answer, and a file of it all."""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.connection.model import Source, SourceKind, Trace
from tlsviz.sources.handshake import Update
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target
from tlsviz.sources.visits import visit


def run_live(
    target: Target,
    options: LiveOptions,
    update: Update | None = None,
    cancelled: Callable[[], bool] | None = None,
    kind: SourceKind = "live",
    name: str | None = None,
) -> Trace:
    """Shakes hands with the target, and again for each resumption asked for; a failed handshake is a connection too.

    ``update`` gets a snapshot when something new has come; ``cancelled`` is asked at least every 50 ms. Raises
    UsageError for options that cannot be followed, CancelledError when the user stopped it, TlsvizError when the
    CA file cannot be read or the save file not be written. `ladder.connected` says whether TCP came about.
    """
    if options.ports:
        from tlsviz.sources.ports import ports_trace

        return ports_trace(target, options, kind, name, cancelled)
    visits = visit(target, options, update, cancelled)
    if options.probe:
        from tlsviz.sources.probe import probed

        last = probed(target, options, visits.connections[-1], cancelled=cancelled)
        visits = visits._replace(connections=(*visits.connections[:-1], last))
    if options.save is not None:
        from tlsviz.sources.record import save

        save(options.save, visits.tapes, f"handshake with {target}")
    return Trace(Source(kind, name or str(target)), visits.connections, visits.notices)
