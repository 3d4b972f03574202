"""The connections of a trace in rows, without what is inside of them: as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.model import Trace
from tlsviz.connection.rows import Row, Standing, rows
from tlsviz.report.json import code_point, endpoint, source_json
from tlsviz.report.paint import Line, Piece, Style, cells, clip, pad, render
from tlsviz.report.phrases import end
from tlsviz.wire.text import clock, plural, safe

GAP = 2
LONGEST_NAME = 300
"""Characters of the source's name where lines may be of any width."""
SIGNS: dict[Standing, tuple[str, Style]] = {
    "trusted": ("✓", "good"),
    "complete": ("·", ""),
    "unknown": ("?", "guess"),
    "incomplete": ("·", "warn"),
    "failed": ("✗", "bad"),
    "plain": ("▲", "warn"),
}


class _Column(NamedTuple):
    """``rank``: columns of high rank go first where there is no room; ``most``: its widest, in cells."""

    title: str
    words: Callable[[Row, float], str]
    rank: int
    most: int
    style: Style = ""
    right: bool = False


def _server(row: Row, _: float) -> str:
    return str(row.goal) + titles.VIA * (row.target is not None)


COLUMNS = (
    _Column("id", lambda row, _: str(row.id), 0, 9, "dim", True),
    _Column("time", lambda row, zero: f"{row.start - zero:.3f}", 5, 14, "dim", True),
    _Column("client", lambda row, _: end(row.client) or "-", 8, 47, "dim"),
    _Column("server", _server, 1, 48, "bold"),
    _Column("version", lambda row, _: row.spoken or "-", 2, 24),
    _Column("cipher suite", lambda row, _: titles.suite(row.suite) or "-", 4, 40),
    _Column("group", lambda row, _: str(row.group or ""), 9, 24),
    _Column("alpn", lambda row, _: row.alpn, 7, 12),
    _Column("outcome", lambda row, _: row.outcome, 3, 40),
    _Column("handshake", lambda row, _: "-" if row.handshake is None else clock(row.handshake), 6, 12, "dim", True),
    _Column("took", lambda row, _: clock(row.duration), 10, 12, "dim", True),
)


def render_list(
    trace: Trace, width: int | None = 100, color: bool = False, ascii: bool = False, whole: Trace | None = None
) -> str:
    """A line for each connection, for a terminal of ``width`` columns; ends with a line break.

    Without a ``width`` no column is left out. ``whole``: the trace of which a filter has left these; times count from
    its first connection.
    """
    found = rows(trace.connections)
    every = found if whole is None else rows(whole.connections)
    facts = [] if trace.source.packets is None else [plural(trace.source.packets, "packet")]
    some = f"{len(found):,} of " if len(found) != len(every) else ""
    facts.append(some + plural(len(every), "connection"))
    name = clip(safe(trace.source.name), LONGEST_NAME if width is None else max(width - 40, 20))
    lines: list[Line] = [[Piece("tlsviz", "title"), Piece("  " + " · ".join([name, *facts]), "dim")]]
    if found:
        lines += [[], *_table(found, width, min(row.start for row in every))]
    return render(lines, color, ascii)


def _table(found: Sequence[Row], width: int | None, zero: float) -> Iterator[Line]:
    words = [[column.words(row, zero) for column in COLUMNS] for row in found]
    widths = [
        min(max(len(column.title), *(cells(each[at]) for each in words)), column.most)
        for at, column in enumerate(COLUMNS)
    ]
    same = {at for at in range(len(COLUMNS)) if len(words) > 1 and len({each[at] for each in words}) == 1}
    shown = list(range(len(COLUMNS))) if width is None else _fitting(widths, width - 2, same)
    left_out = [f"{COLUMNS[at].title} {words[0][at]}" for at in sorted(same.difference(shown)) if words[0][at]]
    if left_out and width is not None:
        yield [Piece(clip("  in every row: " + ", ".join(left_out), width), "dim")]
    yield [Piece("  " + " ".join(_cell(COLUMNS[at].title, at, widths) + " " for at in shown).rstrip(), "dim")]
    for row, each in zip(found, words, strict=True):
        sign, style = SIGNS[row.standing]
        line = [Piece(f"{sign} ", style)]
        for at in shown:
            column = COLUMNS[at]
            line.append(
                Piece(_cell(each[at], at, widths) + " " * GAP, style if column.title == "outcome" else column.style)
            )
        yield line


def _fitting(widths: list[int], room: int, same: Collection[int]) -> list[int]:
    """The columns for which there is room, in their place: by their rank, but those that are the ``same`` in every row
    tell none from another, and come last."""
    shown: list[int] = []
    for at in sorted(range(len(COLUMNS)), key=lambda each: (each in same, COLUMNS[each].rank)):
        need = widths[at] + GAP
        if need > room:
            break
        shown.append(at)
        room -= need
    return sorted(shown)


def _cell(text: str, at: int, widths: list[int]) -> str:
    return pad(text, widths[at], COLUMNS[at].right)


def list_json(trace: Trace) -> dict[str, Any]:
    """The rows as plain data; names as in the contract for whole connections."""
    return source_json(trace) | {"list": [_row(each) for each in rows(trace.connections)]}


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "transport": row.transport,
        "client": endpoint(row.client),
        "server": endpoint(row.server),
        "target": None if row.target is None else endpoint(row.target),
        "start": round(row.start, 6),
        "duration": round(row.duration, 6),
        "handshake": None if row.handshake is None else round(row.handshake, 6),
        "server_name": row.name or None,
        "version": code_point(row.version),
        "cipher_suite": code_point(row.suite),
        "group": code_point(row.group),
        "alpn": row.alpn or None,
        "resumed": row.resumed,
        "complete": row.complete,
        "failed": row.failed,
        "outcome": row.outcome,
        "verdict": row.verdict or None,
        "history": row.history or None,
        "ja3": row.ja3 or None,
        "ja4": row.ja4 or None,
        "alerts": [code_point(alert) for alert in row.alerts],
        "findings": list(row.findings),
        "bytes": row.size,
    }
