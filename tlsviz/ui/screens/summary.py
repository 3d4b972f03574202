"""Many connections summed up: what they agreed on, how they ended, and when, as plots of characters."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tlsviz.connection.rows import Row
from tlsviz.connection.tally import Counts, Facet, Summary, seen, summarize
from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, LineView, cells, clip, fit, pad_line
from tlsviz.wire.text import clock, plural, safe

BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " ..::==##"
MOST_VALUES = 6
"""Values of a facet that are shown, unless it shows all."""
WIDE = 110
"""Cells from which on two columns stand beside each other."""
HEIGHT = 4
"""Lines of the plot of all connections over time."""


class SummaryScreen(Screen[None]):
    """The summary of rows as they are when it opens."""

    CSS = """
    #summary-title { height: 1; padding: 0 1; background: $panel; }
    #summary { height: 1fr; padding: 1 2; }
    """
    BINDINGS = [Binding("escape,v", "app.pop_screen", "back")]

    def __init__(self, title: str, rows: Sequence[Row]) -> None:
        super().__init__()
        self._about = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble(("Summary  ", "bold"), (safe(self._about), "$muted")), id="summary-title")
        yield SummaryView(self._rows, id="summary")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(SummaryView).focus()


class SummaryView(LineView):
    """Draws a summary at the present width."""

    HELP = "Counts over the connections that the list showed, filter and all."
    BINDINGS = [
        Binding("up", "scroll_by_lines(-1)", "up", show=False),
        Binding("down", "scroll_by_lines(1)", "scroll", key_display="↑↓"),
        Binding("pageup", "scroll_by_lines(-15)", "page up", show=False),
        Binding("pagedown", "scroll_by_lines(15)", "page down", show=False),
    ]

    def __init__(self, rows: Sequence[Row], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows
        self._lines: list[Line] = []

    def on_mount(self) -> None:
        self.on_resize()

    def on_resize(self) -> None:
        width = max(min(self.width, 160), 20)
        self._lines = draw(summarize(self._rows, max(min(width - 22, 120), 10)), width)
        self.relayout()

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]

    def action_scroll_by_lines(self, by: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + by, animate=False)


def draw(found: Summary, width: int) -> list[Line]:
    """The summary in lines of at most ``width`` cells."""
    lines = [*_totals(found, width), [], *_times(found, width)]
    blocks = [_block(facet, counts, found.total(facet), _half(width)) for facet, counts in found.facets if counts]
    if width < WIDE:
        for block in blocks:
            lines += [*block, []]
        return lines
    for left, right in zip(blocks[::2], [*blocks[1::2], []], strict=False):
        for place in range(max(len(left), len(right))):
            one = left[place] if place < len(left) else []
            two = right[place] if place < len(right) else []
            lines.append([*pad_line(one, _half(width)), ("    ", ""), *two])
        lines.append([])
    return lines


def _half(width: int) -> int:
    return width if width < WIDE else (width - 4) // 2


def _totals(found: Summary, width: int) -> list[Line]:
    signs, share = glyphs(), found.post_quantum_share
    line: Line = [(plural(found.connections, "TLS connection" if found.plain else "connection"), "bold")]
    parts = [
        (f"{signs.failed} {found.failed:,} failed or not trusted", "failed" if found.failed else "muted"),
        (f"{signs.ghost} {found.incomplete:,} not seen to the end", "warning" if found.incomplete else "muted"),
        (f"{found.resumed:,} resumed", "muted"),
    ]
    if found.plain:
        parts.append((f"{found.plain:,} more in plain HTTP", "warning"))
    for text, style in parts:
        line += [(f"  {signs.dot}  ", "muted"), (text, style)]
    lines = [line] if cells(line) <= width else [line[:1], *([part] for part in parts)]
    if share is not None:
        room = max(min(width - 34, 60), 8)
        full = round(room * share)
        bar = [(signs.full * full, "verified"), (signs.light * (room - full), "rule")]
        lines += [
            [],
            [("post-quantum  ", "bold"), *bar, (f" {share:4.0%} of {found.post_quantum + found.classical:,}", "muted")],
        ]
    return lines


def _times(found: Summary, width: int) -> list[Line]:
    """All over time as a plot of some lines, and below it what failed, in the same columns."""
    slices = found.slices
    if len(slices) < 2:
        return []
    span = f"a column is {clock(found.width)}, all of it {clock(found.width * len(slices))}"
    lines: list[Line] = [[("over time", "bold muted"), (f"  {span}", "muted")]]
    totals = [each.total for each in slices]
    for row, text in enumerate(plot(totals, HEIGHT)):
        label = f"{max(totals):,}" if row == 0 else "0" if row == HEIGHT - 1 else ""
        lines.append([(f"{'all' if row == 0 else '':13}", "muted"), (text, "server"), (f" {label}", "muted")])
    for title, style, numbers in (
        ("failed", "failed", [each.failed for each in slices]),
        ("post-quantum", "verified", [each.post_quantum for each in slices]),
    ):
        if any(numbers):
            lines.append([])
            lines.append([(f"{title:13}", "muted"), (plot(numbers, 1)[0], style), (f" {max(numbers):,}", "muted")])
    return [*lines, []]


def plot(numbers: Sequence[int], height: int) -> list[str]:
    """Columns of eighths, ``height`` lines high; what is not nothing is seen."""
    signs = ASCII_BARS if glyphs() is ASCII else BARS
    most, steps = max(numbers, default=0) or 1, len(signs) - 1
    levels = [-(-number * steps * height // most) for number in numbers]
    return [
        "".join(signs[max(min(level - (height - 1 - row) * steps, steps), 0)] for level in levels)
        for row in range(height)
    ]


def _block(facet: Facet, counts: Counts, total: int, width: int) -> list[Line]:
    first = seen(facet, counts, MOST_VALUES)
    more = f"  {len(counts):,} in all" if len(counts) > len(first) else ""
    lines: list[Line] = [[(facet.title, "bold muted"), (more, "muted")]]
    shown = [(value, _words(facet.key, value), number) for value, number in first]
    size = min(max(cells([(words, "")]) for _, words, _ in shown), max(width // 2, 10))
    room = max(width - size - 17, 4)
    for value, words, number in shown:
        full = max(round(room * number / total), 1)
        bar = [(glyphs().full * full, _style(facet.key, value)), (" " * (room - full), "")]
        lines.append(
            [(fit(clip(words, size), size), ""), ("  ", ""), *bar, (f"{number:8,} {number / total:5.0%}", "muted")]
        )
    return lines


def _words(key: str, value: str) -> str:
    words = value.removeprefix("TLS_") if key == "cipher" else value.replace("_", " ") if key == "finding" else value
    return safe(words)


_ENDS = {
    **dict.fromkeys(("complete", "resumed", "pre-shared key"), "clear"),
    "trusted": "verified",
    "incomplete": "warning",
    "trust unknown": "inferred",
}


def _style(key: str, value: str) -> str:
    if key == "outcome":
        return _ENDS.get(value, "failed")
    return "server"
