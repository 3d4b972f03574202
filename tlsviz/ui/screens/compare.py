"""Two connections side by side: what differs, the ladders beside each other, the fields and bytes of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Static

from tlsviz.connection import titles
from tlsviz.connection.align import FieldPair, Standing
from tlsviz.connection.compare import Comparison, compare, pick
from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import TlsvizError
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.listing import name_of
from tlsviz.ui.messages import GoBack, JobAdvanced, JobEnded
from tlsviz.ui.sizes import HEIGHTS, WIDTHS
from tlsviz.ui.widgets.compare_lines import (
    Row,
    byte_lines,
    data_of,
    difference_rows,
    ending,
    field_rows,
    ladder_rows,
    standing,
)
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, Painted
from tlsviz.ui.widgets.row_list import RowList
from tlsviz.ui.workers import Job
from tlsviz.wire.text import safe

NARROW, NORMAL, WIDE = (name for _, name in WIDTHS)
VIEWS = ("differences", "ladders", "fields")
BYTES = 6


class Side(NamedTuple):
    """One of the two: a connection that is there, or a job that brings it; ``wanted``: its id if one was asked for."""

    connection: Connection | None = None
    source: Source | None = None
    job: Job | None = None
    wanted: int | None = None


class BytesBeside(Painted):
    """The chosen field's bytes of both sides."""

    def __init__(self) -> None:
        super().__init__(id="compare-bytes")
        self.both: tuple[bytes, bytes] = (b"", b"")

    def lines(self, width: int) -> list[Line]:
        return byte_lines(*self.both, width, BYTES)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return BYTES


class CompareScreen(Screen[None]):
    """Compares two sides as soon as both are there. A side that is a job is read by it; Escape stops it."""

    CSS_PATH = "compare.tcss"
    HELP = (
        "What differs in meaning comes first, figures last. The ladders stand beside each other, and below them the "
        "fields of the two messages that are chosen.\n"
        "= the same, ≈ made anew for every connection, ≠ differs, ↕ in another place, < only A has it, > only B."
    )
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('differences')", "views", key_display="1-3", tooltip="What differs"),
        Binding("2", "view('ladders')", "the ladders beside each other", show=False),
        Binding("3", "view('fields')", "the fields of both messages", show=False),
        Binding("tab", "next_view(1)", "next view", show=False),
        Binding("shift+tab", "next_view(-1)", "previous view", show=False),
        Binding("a", "whole", "all fields", tooltip="Show all fields, or only those that differ"),
        Binding("x", "swap", "swap", tooltip="A for B"),
        Binding("e", "export", "picture", tooltip="Save a picture (SVG): what differs, and both ladders"),
        Binding("escape", "back", "back", key_display="esc", tooltip="Back"),
    ]

    view: var[str] = var("differences", init=False)
    whole: var[bool] = var(False, init=False)

    def __init__(self, left: Side, right: Side | None = None) -> None:
        """``right`` None: another connection of the job that is ``left``."""
        super().__init__()
        self.sides = (left, right)
        self.comparison: Comparison | None = None
        self.pair = 0
        self._fields: tuple[FieldPair, ...] = ()
        self._failed: TlsvizError | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="compare-title")
        yield Static(id="compare-views")
        with Horizontal(id="compare-body"):
            with Vertical(id="compare-left"):
                yield RowList(id="differences")
                yield RowList(id="ladders")
            with Vertical(id="compare-right"):
                yield RowList(id="fields")
                yield BytesBeside()
        yield KeyBar()

    def on_mount(self) -> None:
        for job in self._jobs:
            job.follow(self)
            job.start(self.app)
        self._compare()
        self._arrange()
        self.query_one("#differences").focus()

    def on_unmount(self) -> None:
        for job in self._jobs:
            job.leave()
            job.cancel()

    @property
    def _jobs(self) -> list[Job]:
        """The jobs to be read, each once: both sides may come from one."""
        return list(dict.fromkeys(side.job for side in self.sides if side is not None and side.job is not None))

    def on_resize(self) -> None:
        self.call_after_refresh(self._arrange)

    # what the jobs bring

    @on(JobAdvanced)
    def _job_advanced(self, event: JobAdvanced) -> None:
        event.stop()
        event.job.take()
        self._show_title()

    @on(JobEnded)
    def _job_ended(self, event: JobEnded) -> None:
        event.stop()
        self._failed = self._failed or event.job.error
        self._compare()
        self._arrange()

    def _compare(self) -> None:
        """Compares once everything is there."""
        if self._failed is None and self.comparison is None and all(job.state == "done" for job in self._jobs):
            left, right = self.sides
            try:
                pair = pick(
                    _trace(left), _trace(right) if right else None, left.wanted, right.wanted if right else None
                )
                self.comparison = compare(*pair)
            except TlsvizError as error:
                self._failed = error
            else:
                self._open_first()
                self.refresh_bindings()
        self._show_title()

    def _open_first(self) -> None:
        """The first step that differs is the one to look at, else the first that has something in it."""
        pairs = self.comparison.pairs if self.comparison else ()
        known = [place for place, pair in enumerate(pairs) if pair.standing == "differs"]
        known += [place for place, pair in enumerate(pairs) if "message" in (step.kind for step in pair[:2] if step)]
        self.pair = next(iter(known), 0)
        self._fields = self._fields_of(self.pair)

    # what is seen

    def _arrange(self) -> None:
        """Draws everything at its present size."""
        for name in VIEWS:
            self.set_class(self.view == name, f"-view-{name}")
        comparison = self.comparison
        if comparison is not None and self.is_mounted:
            self._fill("differences", lambda width: difference_rows(comparison, width))
            self._fill("ladders", lambda width: ladder_rows(comparison, width), self.pair)
            self._fill_fields()
        self._show_title()
        self._show_views()

    def _fill(self, name: str, rows: Callable[[int], list[Row]], chosen: int | None = None) -> None:
        view = self.query_one(f"#{name}", RowList)
        view.set_rows(rows(view.width), view.chosen if chosen is None else chosen)

    def _fields_of(self, place: int) -> tuple[FieldPair, ...]:
        if self.comparison is None or place >= len(self.comparison.pairs):
            return ()
        return self.comparison.fields(self.comparison.pairs[place])

    def _fill_fields(self) -> None:
        comparison = self.comparison
        if comparison is None or not comparison.pairs:
            return
        pair, view = comparison.pairs[self.pair], self.query_one("#fields", RowList)
        first = next((at for at, one in enumerate(self._fields) if _telling(one)), None)
        rows = field_rows(comparison, pair, self._fields, view.width, self.whole)
        view.set_rows(rows, first if view.chosen is None else view.chosen)
        names = dict.fromkeys(safe(step.title) for step in (pair.left, pair.right) if step is not None)
        view.border_title = f" {standing('differs').sign} ".join(names)
        self._show_bytes(view.chosen)

    def _show_bytes(self, place: int | None) -> None:
        beside = self.query_one(BytesBeside)
        beside.both = (b"", b"")
        if self.comparison is not None and place is not None and place < len(self._fields):
            pair, one = self.comparison.pairs[self.pair], self._fields[place]
            left = data_of(self.comparison.left, pair.left, one.left)
            beside.both = left, data_of(self.comparison.right, pair.right, one.right)
        beside.refresh()

    def _show_title(self) -> None:
        if not self.is_mounted:
            return
        shown = (self.comparison.left, self.comparison.right) if self.comparison else (None, None)
        parts: list[tuple[str, str]] = []
        for name, side, connection in zip("AB", self.sides, shown, strict=True):
            parts += [(f"{name} ", "bold $accent"), *_called(side, connection), ("\n", "")]
        self.query_one("#compare-title", Static).update(Content.assemble(*parts[:-1]))

    def _show_views(self) -> None:
        """The views by number, and the word for what is being waited for."""
        parts: list[tuple[str, str]] = []
        for number, name in enumerate(VIEWS, 1):
            style = "bold underline" if name == self.view else "$muted"
            parts.append((f" {number} {name.capitalize()} ", style))
        if self._failed is not None:
            parts.append((f"  {glyphs().failed} {safe(str(self._failed))}", "$failed"))
        elif self.comparison is None:
            parts.append((f"  reading{glyphs().ellipsis}", "$muted"))
        elif not self.has_class(NARROW):
            kinds: tuple[Standing, ...] = ("fresh", "differs", "moved", "gone", "new")
            legend = f" {glyphs().dot} ".join(f"{mark.sign} {mark.word}" for mark in map(standing, kinds))
            parts.append((f"   {legend}", "$muted"))
        self.query_one("#compare-views", Static).update(Content.assemble(*parts))

    # what the user does

    @on(RowList.Moved, "#differences")
    def _difference_moved(self, event: RowList.Moved) -> None:
        comparison = self.comparison
        if comparison is None or event.owner is None:
            return
        one = comparison.differences[event.owner]
        for place, pair in enumerate(comparison.pairs):
            left = pair.left is not None and pair.left.kind == "message" and pair.left.index == one.left_message
            right = pair.right is not None and pair.right.kind == "message" and pair.right.index == one.right_message
            if left or right:
                self._choose_pair(place)
                self.query_one("#ladders", RowList).choose(place)
                return

    @on(RowList.Moved, "#ladders")
    def _pair_moved(self, event: RowList.Moved) -> None:
        if event.owner is not None:
            self._choose_pair(event.owner)

    @on(RowList.Moved, "#fields")
    def _field_moved(self, event: RowList.Moved) -> None:
        self._show_bytes(event.owner)

    @on(RowList.Opened, "#differences")
    @on(RowList.Opened, "#ladders")
    def _opened(self) -> None:
        self.action_view("fields")

    def _choose_pair(self, place: int) -> None:
        self.pair = place
        self._fields = self._fields_of(place)
        self.query_one("#fields", RowList).chosen = None
        self._fill_fields()

    def action_view(self, name: str) -> None:
        """Opens a view where one is seen at a time, and gives it the keys."""
        self.view = name
        self._arrange()
        self.call_after_refresh(self._arrange)
        self.query_one(f"#{name}").focus()

    def action_next_view(self, by: int) -> None:
        self.action_view(VIEWS[(VIEWS.index(self.view) + by) % len(VIEWS)])

    def action_whole(self) -> None:
        """Shows all fields, or only those that are not the same."""
        self.whole = not self.whole
        self._fill_fields()

    def action_swap(self) -> None:
        """A becomes B."""
        if self.comparison is None:
            return
        self.sides = (self.sides[1] or self.sides[0], self.sides[0])
        self.comparison = compare(self.comparison.right, self.comparison.left)
        self._open_first()
        self._arrange()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a picture once there is a comparison."""
        return action != "export" or (self.comparison is not None and self._draw is not None)

    @property
    def _draw(self) -> Callable[[Comparison, tuple[Source, Source]], str] | None:
        return getattr(self.app, "draw", None)

    def action_export(self) -> None:
        """Saves what differs and both ladders as one picture."""
        from tlsviz.ui.actions import save_picture

        comparison, draw = self.comparison, self._draw
        if comparison is None or draw is None:
            return
        left, right = self.sides
        sources = _trace(left).source, _trace(right or left).source
        save_picture(self.app, "tlsviz-compare", "Picture saved", lambda: draw(comparison, sources))

    def action_back(self) -> None:
        self.app.post_message(GoBack())


def _telling(one: FieldPair) -> bool:
    """Whether a field itself differs: not because something in it does, nor because its length follows from that."""
    if one.standing == "differs":
        return one.name != "length" and not (one.left is not None and one.left.children)
    return one.standing in ("gone", "new", "moved")


def _trace(side: Side) -> Trace:
    if side.connection is not None:
        return Trace(side.source or Source("capture", ""), (side.connection,))
    trace = side.job.trace if side.job is not None else None
    return trace if trace is not None else Trace(Source("capture", ""))


def _called(side: Side | None, connection: Connection | None) -> list[tuple[str, str]]:
    """Whom a side is with and which one it is, what came of it, and where it is from: what comes last may be cut."""
    source = side.source if side is not None else None
    where = safe(source.name) if source else safe(side.job.request.title) if side is not None and side.job else ""
    connection = connection or (side.connection if side is not None else None)
    if connection is None:
        return [(where, "bold")]
    sign = ending(connection)
    client = str(connection.client) if connection.client.address else ""
    suite = titles.suite(connection.cipher_suite)
    agreed = (client, connection.version, suite, connection.group, connection.alpn)
    words = [str(each) for each in agreed if each] + (["resumed"] if connection.resumed else [])
    words += [where] if where else []
    return [
        (f"{sign.glyph} {sign.word}  ", f"bold ${sign.role}"),
        (f"{name_of(connection)} #{connection.id}", "bold"),
        (f"  {safe(f' {glyphs().dot} '.join(words))}", "$muted"),
    ]
