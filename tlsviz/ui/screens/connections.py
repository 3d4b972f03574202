"""The connections of a source: sorted, filtered, one glance at each; rows appear while the source is read."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tlsviz.connection import titles
from tlsviz.connection.model import Connection, Trace
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.listing import COLUMNS, Listing, message_words, name_of, outcome, seconds
from tlsviz.ui.messages import GoBack, OpenConnection
from tlsviz.ui.widgets.connection_table import ConnectionHead, ConnectionTable
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.progress_line import ProgressLine
from tlsviz.ui.workers import Job, progress_words
from tlsviz.wire.text import plural, safe

_GLANCE = 24


class ConnectionsScreen(Screen[None]):
    """Lists the connections of a job, running or over; `add` and `ended` tell it what is new."""

    CSS_PATH = "connections.tcss"
    BINDINGS = [
        Binding("slash", "filter", "filter", key_display="/", tooltip="Filter the rows"),
        Binding("r", "reverse", "reverse", tooltip="Turn the order round"),
        Binding("escape", "back", "back", tooltip="Let go of the filter, stop the reading, or leave"),
    ]

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.listing = Listing()
        self.listing.put(job.connections)

    def compose(self) -> ComposeResult:
        yield Static(id="list-title")
        yield ProgressLine(id="list-bar")
        yield Input(placeholder="filter: words that must occur in a row", id="filter", compact=True)
        yield ConnectionHead(self.listing, id="list-head")
        yield ConnectionTable(self.listing, id="list")
        yield Static(id="glance")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.query_one(ConnectionTable).focus()
        self._show_title()
        self.call_after_refresh(self._refill, None)

    @property
    def chosen(self) -> Connection | None:
        """The connection of the marked row."""
        return self.query_one(ConnectionTable).chosen

    # What the job brings.

    def add(self, connections: Iterable[Connection]) -> None:
        """Takes new connections and newer snapshots."""
        table = self.query_one(ConnectionTable)
        keep = table.chosen
        self.listing.put(connections)
        self._refill(keep)
        self._show_title()

    def ended(self) -> None:
        """Says that no more will come."""
        self._show_title()

    def _refill(self, keep: Connection | None) -> None:
        self.query_one(ConnectionTable).refill(keep)
        self.query_one(ConnectionHead).refresh()

    def _show_title(self) -> None:
        job, listing = self.job, self.listing
        shown = len(listing.view)
        count = plural(len(listing), "connection")
        words = [f"{shown:,} of {count}" if shown != len(listing) else count]
        running = job.state == "running"
        if running:
            words += progress_words(job.progress) if job.progress else []
            words.append(f"{'stopping' if job.cancelled else 'reading'}{glyphs().ellipsis}")
        else:
            words += _ending(job)
        bar = self.query_one(ProgressLine)
        bar.display = running
        if running and job.progress is not None and job.progress.size:
            bar.share = job.progress.fraction
        title = Content.assemble((safe(job.request.title), "bold"), ("  " + f" {glyphs().dot} ".join(words), "$muted"))
        self.query_one("#list-title", Static).update(title)

    # What the user does.

    @on(ConnectionTable.Opened)
    def _opened(self, event: ConnectionTable.Opened) -> None:
        trace = self.job.trace
        self.app.post_message(OpenConnection(event.connection, trace.source if trace else None))

    @on(ConnectionTable.Moved)
    def _moved(self, event: ConnectionTable.Moved) -> None:
        glance = self.query_one("#glance", Static)
        if event.connection is not None:
            glance.update(glance_at(event.connection))
        else:
            glance.update(Content.styled("Nothing matches the filter.", "$muted"))

    @on(ConnectionHead.Picked)
    def _picked(self, event: ConnectionHead.Picked) -> None:
        self._sort(event.key)

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        keep = self.query_one(ConnectionTable).chosen
        self.listing.filter = event.value
        self.listing.arrange()
        self._refill(keep)
        self._show_title()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one(ConnectionTable).focus()
        if not self.listing.filter:
            self.query_one("#filter").display = False

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_sort(self, by: int) -> None:
        """Sorts by the next column to the left (-1) or right (1) among those that are shown."""
        table = self.query_one(ConnectionTable)
        keys = [COLUMNS[place].key for place, _ in self.listing.layout(table.width)]
        at = keys.index(self.listing.sort) if self.listing.sort in keys else 0
        self._sort(keys[(at + by) % len(keys)])

    def action_reverse(self) -> None:
        self._sort(self.listing.sort)

    def _sort(self, key: str) -> None:
        keep = self.query_one(ConnectionTable).chosen
        self.listing.sort_by(key)
        self._refill(keep)

    def action_back(self) -> None:
        """Lets go of the filter, else stops the reading, else leaves."""
        field = self.query_one("#filter", Input)
        if field.display:
            field.value = ""
            field.display = False
            self.query_one(ConnectionTable).focus()
        elif self.job.state == "running" and not self.job.cancelled:
            self.job.cancel()
            self._show_title()
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


def glance_at(connection: Connection) -> Content:
    """One connection in three lines: what it agreed on, its messages, what is odd."""
    sign = outcome(connection)
    agreed = [
        str(each)
        for each in (titles.version(connection), connection.cipher_suite, connection.group, connection.alpn)
        if each
    ]
    parts: list[tuple[str, str]] = [
        (f"{sign.glyph} {sign.word}", f"bold ${sign.role}"),
        (f"  {name_of(connection)}", "bold"),
        (f"  {safe(f' {glyphs().dot} '.join([*agreed, seconds(connection.duration)]))}\n", "$muted"),
    ]
    sender = ""
    for message in connection.messages[:_GLANCE]:
        arrow = glyphs().right if message.sender == "client" else glyphs().left
        if message.sender != sender:
            parts.append((f"{arrow} ", f"${message.sender}"))
        sender = message.sender
        parts.append((message_words(message) + " ", f"${message.sender}"))
    if len(connection.messages) > _GLANCE:
        parts.append((f"and {len(connection.messages) - _GLANCE} more", "$muted"))
    worst = [each for each in connection.findings if each.severity not in ("info", "notice")]
    parts += [(f"\n{glyphs().odd} {safe(finding.title)}", "$warning") for finding in worst[:2]]
    return Content.assemble(*parts)
