"""Many connections at a glance: counts as bars, and what failed over time; as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlsviz.connection.model import Trace
from tlsviz.connection.rows import rows
from tlsviz.connection.tally import SLICES, Counts, Facet, Slice, Summary, seen, summarize
from tlsviz.report.paint import Line, Piece, Style, cells, clip, pad, render
from tlsviz.wire.text import clock, plural, safe

MOST_VALUES = 8
"""Values of a facet that are shown, unless it shows all."""
NAME, LONGEST_BAR = 36, 40
BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " ..::==##"


def summary_json(trace: Trace) -> dict[str, Any]:
    """The summary as the contract has it; times in Unix seconds and seconds."""
    found = summarize(rows(trace.connections))
    return {
        "connections": found.connections,
        "failed": found.failed,
        "incomplete": found.incomplete,
        "resumed": found.resumed,
        "plain": found.plain,
        "post_quantum": {"yes": found.post_quantum, "no": found.classical, "share": found.post_quantum_share},
        "counts": {
            facet.key: [{"value": value, "connections": number} for value, number in counts]
            for facet, counts in found.facets
        },
        "timeline": {
            "start": round(found.start, 6),
            "width": found.width,
            "connections": [each.total for each in found.slices],
            "failed": [each.failed for each in found.slices],
            "post_quantum": [each.post_quantum for each in found.slices],
        },
    }


def render_summary(trace: Trace, width: int = 100, color: bool = False, ascii: bool = False) -> str:
    """The summary for a terminal of ``width`` columns (at least 60); ends with a line break."""
    width = max(width, 60)
    found = summarize(rows(trace.connections), min(width - 34, SLICES))
    head = [Piece("tlsviz", "title"), Piece(f"  {clip(safe(trace.source.name), width - 8)}", "dim")]
    lines: list[Line] = [head, [], *_totals(found), *_over_time(found.slices, found.width, ascii)]
    for facet, counts in found.facets:
        if counts:
            lines += [[], [Piece(facet.title[0].upper() + facet.title[1:], "title")]]
            lines += _bars(facet, counts, found.total(facet), width)
    return render(lines, color, ascii)


def _totals(found: Summary) -> Iterator[Line]:
    yield [Piece(plural(found.connections, "TLS connection"), "bold")]
    if found.plain:
        yield [Piece(f"{found.plain:9,}  ", "warn"), Piece("beside them in plain HTTP, which anybody can read")]
    share = found.post_quantum_share
    said: tuple[tuple[int, str, Style], ...] = (
        (found.failed, "failed or not trusted", "bad"),
        (found.incomplete, "not seen to the end", "warn"),
        (found.resumed, "resumed", ""),
    )
    for number, words, style in said:
        yield [Piece(f"{number:9,}  ", style if number else "dim"), Piece(words, "" if number else "dim")]
    if share is not None:
        known = f"post-quantum, {share:.0%} of the {found.post_quantum + found.classical:,} whose group is known"
        yield [Piece(f"{found.post_quantum:9,}  ", "good" if found.post_quantum else "dim"), Piece(known)]


def _over_time(slices: tuple[Slice, ...], width: float, ascii: bool) -> Iterator[Line]:
    if len(slices) < 2:
        return
    yield []
    yield [
        Piece("Over time", "title"),
        Piece(f"  one column is {clock(width)}, all of it {clock(width * len(slices))}", "dim"),
    ]
    rows: tuple[tuple[str, Style, list[int]], ...] = (
        ("all", "", [each.total for each in slices]),
        ("failed", "bad", [each.failed for each in slices]),
        ("post-quantum", "good", [each.post_quantum for each in slices]),
    )
    for title, style, numbers in rows:
        if any(numbers):
            most = f"  at most {max(numbers):,}"
            yield [Piece(f"  {title:13}", "dim"), Piece(columns(numbers, ascii), style), Piece(most, "dim")]


def columns(numbers: list[int], ascii: bool = False) -> str:
    """A character a number, as high as the number is of the highest; what is not nothing is seen."""
    signs, most = ASCII_BARS if ascii else BARS, max(numbers, default=0) or 1
    return "".join(signs[-(-number * (len(signs) - 1) // most)] for number in numbers)


def _bars(facet: Facet, counts: Counts, total: int, width: int) -> Iterator[Line]:
    room = min(LONGEST_BAR, width - NAME - 20)
    shown = seen(facet, counts, MOST_VALUES)
    size = min(max(cells(value) for value, _ in shown), NAME)
    for value, number in shown:
        bar = "█" * max(round(room * number / total), 1)
        yield [
            Piece(f"  {pad(clip(value, size), size)}  "),
            Piece(pad(bar, room), "sealed"),
            Piece(f" {number:7,}  {number / total:4.0%}", "dim"),
        ]
    if len(counts) > len(shown):
        yield [Piece(f"  and {plural(len(counts) - len(shown), 'more', 'more')}", "dim")]
