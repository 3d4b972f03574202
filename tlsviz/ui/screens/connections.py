"""The connections of a source: sorted, filtered, one glance at each; rows appear while the source is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tlsviz.connection.filter_hints import hints
from tlsviz.connection.filters import term
from tlsviz.connection.model import Connection, Trace
from tlsviz.connection.rows import Row
from tlsviz.explain.words import entries
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.listing import COLUMNS, Listing
from tlsviz.ui.messages import GoBack, OpenConnection
from tlsviz.ui.widgets.connection_table import ConnectionHead, ConnectionTable
from tlsviz.ui.widgets.facet_pane import FacetPane
from tlsviz.ui.widgets.filter_box import FilterBox
from tlsviz.ui.widgets.glance import glance_at
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.progress_line import ProgressLine
from tlsviz.ui.workers import Job, progress_words
from tlsviz.wire.text import plural, safe

COUNT_EVERY = 0.7
"""Seconds between two counts while rows come."""
AT_ONCE = 5000
TYPING = 0.12
"""With more rows than that a filter waits so many seconds for the next key, before it looks at all of them."""


class ConnectionsScreen(Screen[None]):
    """Lists the connections of a job, running or over; `add` and `ended` tell it what is new."""

    CSS_PATH = "connections.tcss"
    BINDINGS = [
        Binding("slash", "filter", "filter", key_display="/", tooltip="Pick rows by words and keys"),
        Binding("f", "facets", "counts", tooltip="How many there are of each version, suite, outcome..."),
        Binding("v", "summary", "summary", tooltip="Everything summed up, with plots"),
        Binding("r", "reverse", "reverse", tooltip="Turn the order round"),
        Binding("escape", "stop", "stop", tooltip="Stop the reading; what was read stays"),
        Binding("escape", "back", "back", tooltip="Let go of the filter or of the counts, or leave"),
    ]

    def __init__(self, job: Job, typed: Iterable[events.Key] = ()) -> None:
        """``typed``: keys that were pressed before it was there."""
        super().__init__()
        self.job = job
        self._typed = tuple(typed)
        self.listing = Listing()
        self.listing.put(job.rows)
        self._counting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="list-title")
        yield ProgressLine(id="list-bar")
        yield FilterBox(lambda: self.listing.rows.values(), id="filter-box")
        with Horizontal(id="list-body"):
            with Vertical(id="list-side"):
                yield ConnectionHead(self.listing, id="list-head")
                yield ConnectionTable(self.listing, self.job.connection, id="list")
            yield FacetPane(id="facets")
        yield Static(id="glance")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(FilterBox).display = False
        self.query_one(FacetPane).display = False
        self.set_focus(self.query_one(ConnectionTable))
        self._show_title()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._refill()
        if self._typed:
            self.run_worker(self._type_again(), group="typing")

    async def _type_again(self) -> None:
        """Types the keys that were pressed early, each when the one before has been to everybody who may want it."""
        for key in self._typed:
            self.app.post_message(events.Key(key.key, key.character))
            for node in (self.app, *(self.focused or self).ancestors_with_self):
                passed = asyncio.Event()
                node.call_later(passed.set)
                await passed.wait()

    def on_key(self, event: events.Key) -> None:
        """A terminal may give several keys at once: those behind / are the filter's, although it had no focus yet."""
        field = self.query_one(FilterBox).input
        if self.focused is field and event.is_printable:  # what it got itself goes no further
            field.post_message(events.Key(event.key, event.character))
        elif self.focused is not field and event.key == "slash":
            self.action_filter()
        else:
            return
        event.stop()

    @property
    def chosen(self) -> Connection | None:
        """The connection of the marked row."""
        return self.query_one(ConnectionTable).chosen

    @property
    def marked(self) -> bool:
        """Whether there is a marked row."""
        return self.query_one(ConnectionTable).row is not None

    # What the job brings.

    def add(self, rows: Iterable[Row]) -> None:
        """Takes new rows and newer ones."""
        self.listing.put(rows)
        self._refill()
        self._show_title()

    def ended(self) -> None:
        """Says that no more will come; what was given for the time being goes."""
        self.listing.keep({each.id for each in self.job.rows})
        self._refill()
        self._show_title()
        self.refresh_bindings()

    def _refill(self) -> None:
        self.query_one(ConnectionTable).refill()
        self.query_one(ConnectionHead).refresh()
        if self.query_one(FacetPane).display and self._counting is None:
            # Rows come many times a second, and counting all of them takes a while.
            self._counting = self.set_timer(COUNT_EVERY, self._count)

    def _count(self) -> None:
        self._counting = None
        self.query_one(FacetPane).show(self.listing.view)

    def _show_title(self) -> None:
        job, listing = self.job, self.listing
        shown = len(listing.view)
        count = plural(len(listing), "connection")
        words = [f"{shown:,} of {count}" if shown != len(listing) else count]
        running = job.state == "running"
        if running:
            words += progress_words(job.progress, job.elapsed) if job.progress else []
            words.append(f"{'stopping' if job.cancelled else job.request.doing}{glyphs().ellipsis}")
        else:
            words += _ending(job)
        bar = self.query_one(ProgressLine)
        bar.display = running
        if running and job.progress is not None and job.progress.size:
            bar.share = job.progress.fraction
        title = Content.assemble((safe(job.request.title), "bold"), ("  " + f" {glyphs().dot} ".join(words), "$muted"))
        self.query_one("#list-title", Static).update(title, layout=False)

    # What the user does.

    @on(ConnectionTable.Opened)
    def _opened(self, event: ConnectionTable.Opened) -> None:
        trace = self.job.trace
        self.app.post_message(OpenConnection(event.connection, trace.source if trace else None))

    @on(ConnectionTable.Moved)
    def _moved(self) -> None:
        self.call_after_refresh(self._glance)

    def _glance(self) -> None:
        """Looks at the marked connection, which takes longer than to show that it is marked."""
        chosen = self.chosen
        if chosen is not None:
            self.query_one("#glance", Static).update(glance_at(chosen), layout=False)
        else:
            self._say_nothing()

    def _say_nothing(self) -> None:
        """Says that there is no row, and what the filter may have been meant as."""
        words = "Nothing matches the filter." if len(self.listing) else "No connection yet."
        said = [Content.styled(words, "$muted"), *(Content(each) for each in self._hints())]
        self.query_one("#glance", Static).update(Content("\n").join(said), layout=False)

    def _hints(self) -> tuple[str, ...]:
        listing = self.listing
        return hints(listing.filter, listing.rows.values(), lambda: entries("finding"), bool(listing.view))

    @on(ConnectionHead.Picked)
    def _picked(self, event: ConnectionHead.Picked) -> None:
        self._sort(event.key)

    @on(FilterBox.Changed)
    def _filtered(self, event: FilterBox.Changed) -> None:
        self.listing.filter = event.text
        self._arrange()

    @work(exclusive=True, group="filter")
    async def _arrange(self) -> None:
        """Looks at all rows, in bites: keys that are pressed meanwhile come first."""
        if len(self.listing) > AT_ONCE:
            await asyncio.sleep(TYPING)
        for _ in self.listing.arranging():
            await asyncio.sleep(0)
        self._refill()
        self._show_title()

    @on(FilterBox.Done)
    def _filter_done(self) -> None:
        if self.listing.view and (said := self._hints()):
            self.notify("\n".join(said), severity="warning", markup=False)
        self.set_focus(self.query_one(ConnectionTable))
        box = self.query_one(FilterBox)
        box.display = bool(box.input.value)

    @on(FacetPane.Chosen)
    def _facet_chosen(self, event: FacetPane.Chosen) -> None:
        if isinstance(event.choice.value, tuple):
            box = self.query_one(FilterBox)
            box.display = True
            added = term(*event.choice.value)
            if added not in box.told:
                alone = " or " not in box.told
                box.set(f"{box.told} {added}".strip() if alone else f"({box.told}) {added}")

    def action_filter(self) -> None:
        box = self.query_one(FilterBox)
        box.display = True
        box.input.select_all()
        self.set_focus(box.input)

    def action_facets(self) -> None:
        """Opens the counts, or closes them."""
        pane = self.query_one(FacetPane)
        pane.display = not pane.display
        self.refresh_bindings()
        if pane.display:
            pane.show(self.listing.view)
            pane.focus()
        else:
            self.set_focus(self.query_one(ConnectionTable))

    def action_summary(self) -> None:
        from tlsviz.ui.screens.summary import SummaryScreen

        so_far = "  so far" if self.job.state == "running" else ""
        picked = f"{self.job.request.title}{so_far}  {self.listing.filter}".strip()
        self.app.push_screen(SummaryScreen(picked, tuple(self.listing.view)))

    def action_sort(self, by: int) -> None:
        """Sorts by the next column to the left (-1) or right (1) among those that are shown."""
        table = self.query_one(ConnectionTable)
        keys = [COLUMNS[place].key for place, _ in self.listing.layout(table.width)]
        at = keys.index(self.listing.sort) if self.listing.sort in keys else 0
        self._sort(keys[(at + by) % len(keys)])

    def action_reverse(self) -> None:
        self._sort(self.listing.sort)

    def _sort(self, key: str) -> None:
        self.listing.sort_by(key)
        self._refill()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape stops while there is something to stop."""
        if action in ("stop", "back"):
            return (action == "stop") == self._stoppable
        return super().check_action(action, parameters)

    @property
    def _stoppable(self) -> bool:
        running = self.job.state == "running" and not self.job.cancelled
        return running and not (self.query_one(FilterBox).display or self.query_one(FacetPane).display)

    def action_stop(self) -> None:
        """Stops the reading."""
        self.job.cancel()
        self._show_title()
        self.refresh_bindings()

    def action_back(self) -> None:
        """Lets go of the filter, else of the counts, else leaves."""
        box, facets = self.query_one(FilterBox), self.query_one(FacetPane)
        if box.display:
            box.set("")
            box.display = False
            self.set_focus(self.query_one(ConnectionTable))
        elif facets.display:
            self.action_facets()
        else:
            self.app.post_message(GoBack())


def _ending(job: Job) -> list[str]:
    """What is to be said of the source once it was read."""
    if job.state == "cancelled":
        return ["stopped by you: this is what was read"]
    if job.error is not None:
        return [f"{glyphs().failed} {safe(str(job.error))}"]
    trace: Trace | None = job.trace
    if trace is None:
        return []
    packets = [] if trace.source.packets is None else [plural(trace.source.packets, "packet")]
    return packets + [safe(notice) for notice in trace.notices[:2]]
