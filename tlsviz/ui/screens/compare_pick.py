"""Asks what to compare a connection with: another of the same source, a recent target, or whatever is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tlsviz.connection.filter_keys import FLAGS
from tlsviz.connection.filters import Filter, FilterError, parse, tokens
from tlsviz.connection.model import Connection, Source
from tlsviz.connection.rows import Row
from tlsviz.errors import TlsvizError
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.listing import name_of, sifted, sign
from tlsviz.ui.messages import CompareWith, GoBack
from tlsviz.ui.widgets.choices import Choice, Choices
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from tlsviz.ui.flow import Flow

MAX_OTHERS = 200
"""So many connections of the same source are offered: the likeliest first. What is typed picks among all."""

BRIEF = 100
"""Cells below which a row says only how it ended."""


class ComparePickScreen(Screen[None]):
    """Posts `CompareWith` once the other side is chosen."""

    CSS_PATH = "compare_pick.tcss"
    HELP = (
        "Choose what stands beside it: another connection of the same source, or a target, which is then opened.\n"
        "What is typed is a filter as in the list, like client:10.0.0.5 or failed, and picks among those of the same "
        "source; Enter goes to them. A host or a file is opened by Enter."
    )
    BINDINGS = [
        Binding("slash", "type", "filter, or type a target", key_display="/"),
        Binding("down", "list", "to the list", show=False),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, flow: Flow, connection: Connection, source: Source | None, others: Sequence[Row]) -> None:
        super().__init__()
        self.flow = flow
        self.connection = connection
        self.source = source
        name = safe(connection.server_name or "")
        self.others = sorted(
            (each for each in others if each.id != connection.id), key=lambda each: (each.name != name, each.id)
        )
        self.zero = min((connection.start, *(each.start for each in others)))
        self.found = self.others[:MAX_OTHERS]
        self._sifting = False
        """Whether those that are listed are not yet those of the filter."""
        self._entering = False
        """Whether the list is to have the focus once they are."""
        self.recent = flow.recent.load()

    def compose(self) -> ComposeResult:
        with Vertical(id="pick"):
            mine = _called(name_of(self.connection), self.connection.id)
            title = Content.assemble("Compare ", (mine, "bold"), " with:")
            yield Static(title, id="pick-title")
            words = "a filter for those below, or a host or a capture"
            yield Input(placeholder=words, id="pick-target", compact=True)
            yield Static(id="pick-problem")
            yield Choices(self._choices(), id="pick-list")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#pick-problem").display = False
        choices = self.query_one("#pick-list", Choices)
        (choices if choices.highlighted >= 0 else self.query_one("#pick-target")).focus()

    def _choices(self) -> list[Choice]:
        found = []
        if self.others:
            shown, every = len(self.found), len(self.others)
            count = f"{shown:,} of {every:,}" if shown != every else ""
            found.append(Choice("OF THE SAME SOURCE", count, heading=True))
        found += self._rows(self.found)
        if self.recent:
            found.append(Choice("RECENT", heading=True))
        for entry in self.recent:
            capture = entry.kind == "capture"
            found.append(Choice(safe(Path(entry.text).name if capture else entry.text), entry.kind, entry.text))
        return found or [Choice("Nothing to choose from: type a target above.")]

    def _rows(self, rows: Sequence[Row]) -> list[Choice]:
        """The rows as the list has them: number, time, client, server; and how they ended."""
        words = [(f"#{row.id}", f"{row.start - self.zero:.3f} s", str(row.client), row.title) for row in rows]
        number, time, client = (max((len(each[at]) for each in words), default=0) for at in range(3))
        brief = self.app.size.width < BRIEF
        return [
            Choice(f"{each[0]:<{number}}  {each[1]:>{time}}  {each[2]:<{client}}  {each[3]}", _detail(row, brief), row)
            for row, each in zip(rows, words, strict=True)
        ]

    @on(Input.Changed, "#pick-target")
    def _filtered(self, event: Input.Changed) -> None:
        try:
            wanted = parse(event.value)
        except FilterError:
            return  # a host with a port, a path, or a filter that is not whole yet
        self._sifting, self._entering = True, False
        self._sift(wanted)

    @work(exclusive=True, group="filter")
    async def _sift(self, wanted: Filter) -> None:
        """Lists the first that match; in bites, so that keys that are pressed meanwhile come first."""
        found: list[Row] = []
        for some in sifted(self.others, wanted, self.zero):
            found += some
            if len(found) >= MAX_OTHERS:
                break
            await asyncio.sleep(0)
        self.found = found[:MAX_OTHERS]
        self._sifting = False
        choices = self.query_one("#pick-list", Choices)
        choices.set_choices(self._choices())
        choices.action_edge(-1)
        if self._entering:
            self.action_list()

    def _picks(self, text: str) -> bool:
        """Whether what was typed is a filter, not a target: it has a key, is a word like failed, or has several."""
        try:
            parse(text)
            words = list(tokens(text))
        except FilterError:
            return False
        one = len(words) == 1 and words[0].kind == "word" and words[0].text.lower() not in FLAGS
        return not one and not Path(text).expanduser().exists()

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        value = event.choice.value
        if isinstance(value, Row) and self.flow.job is not None:
            chosen = self.flow.job.connection(value.id)
            if chosen is not None:
                self.app.post_message(CompareWith(self.connection, self.source, chosen))
        elif isinstance(value, str):
            self._open(value)

    @on(Choices.Left)
    def _left(self, event: Choices.Left) -> None:
        if event.by < 0:
            self.action_type()

    @on(Input.Submitted, "#pick-target")
    def _typed(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text and self._picks(text):
            self.action_list()
        elif text:
            self._open(text)

    def _open(self, text: str) -> None:
        try:
            request = self.flow.request(text)
        except TlsvizError as error:
            problem = self.query_one("#pick-problem", Static)
            problem.display = True
            problem.update(Content.styled(f"{glyphs().failed} {safe(str(error))}", "$failed"))
        else:
            self.app.post_message(CompareWith(self.connection, self.source, request))

    def action_type(self) -> None:
        self.query_one("#pick-target").focus()

    def action_list(self) -> None:
        """Goes to the list; while it is sifted, as soon as that is done: it is not yet what was asked for."""
        self._entering = self._sifting
        choices = self.query_one("#pick-list", Choices)
        if not self._sifting and choices.highlighted >= 0:
            choices.focus()

    def action_back(self) -> None:
        field = self.query_one("#pick-target", Input)
        choices = self.query_one("#pick-list", Choices)
        if field.has_focus and choices.highlighted >= 0:
            self.action_list()
        else:
            self.app.post_message(GoBack())


def _called(name: str, number: int) -> str:
    return f"{name} #{number}"


def _detail(row: Row, brief: bool) -> str:
    mark = sign(row.standing, row.outcome)
    agreed = [] if brief else [row.spoken, "resumed" if row.resumed else ""]
    return safe(f" {glyphs().dot} ".join(word for word in (*agreed, f"{mark.glyph} {mark.word}") if word))
