"""Asks what to compare a connection with: another of the same source, a recent target, or whatever is typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tlsviz.connection.model import Connection, Source
from tlsviz.connection.rows import Row
from tlsviz.errors import TlsvizError
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.listing import name_of, sign
from tlsviz.ui.messages import CompareWith, GoBack
from tlsviz.ui.widgets.choices import Choice, Choices
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from tlsviz.ui.flow import Flow

MAX_OTHERS = 200
"""So many connections of the same source are offered: the likeliest first."""


class ComparePickScreen(Screen[None]):
    """Posts `CompareWith` once the other side is chosen."""

    CSS_PATH = "compare_pick.tcss"
    HELP = "Choose what stands beside it: another connection of the same source, or a target, which is then opened."
    BINDINGS = [
        Binding("slash", "type", "type a target", key_display="/"),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, flow: Flow, connection: Connection, source: Source | None, others: Sequence[Row]) -> None:
        super().__init__()
        self.flow = flow
        self.connection = connection
        self.source = source
        self.others = others

    def compose(self) -> ComposeResult:
        with Vertical(id="pick"):
            mine = _called(name_of(self.connection), self.connection.id)
            title = Content.assemble("Compare ", (mine, "bold"), " with:")
            yield Static(title, id="pick-title")
            yield Input(placeholder="a host or a capture, or choose below", id="pick-target", compact=True)
            yield Static(id="pick-problem")
            yield Choices(self._choices(), id="pick-list")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#pick-problem").display = False
        choices = self.query_one("#pick-list", Choices)
        (choices if choices.highlighted >= 0 else self.query_one("#pick-target")).focus()

    def _choices(self) -> list[Choice]:
        mine = self.connection
        others = [each for each in self.others if each.id != mine.id]
        name = safe(mine.server_name or "")
        others.sort(key=lambda each: (each.name != name, each.id))
        found = [Choice("OF THE SAME SOURCE", heading=True)] if others else []
        found += [Choice(_called(each.title, each.id), _detail(each), each) for each in others[:MAX_OTHERS]]
        recent = self.flow.recent.load()
        if recent:
            found.append(Choice("RECENT", heading=True))
        for entry in recent:
            capture = entry.kind == "capture"
            found.append(Choice(safe(Path(entry.text).name if capture else entry.text), entry.kind, entry.text))
        return found or [Choice("Nothing to choose from: type a target above.")]

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
        if event.value.strip():
            self._open(event.value.strip())

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

    def action_back(self) -> None:
        field = self.query_one("#pick-target", Input)
        choices = self.query_one("#pick-list", Choices)
        if field.has_focus and choices.highlighted >= 0:
            choices.focus()
        else:
            self.app.post_message(GoBack())


def _called(name: str, number: int) -> str:
    return f"{name} #{number}"


def _detail(row: Row) -> str:
    mark = sign(row.standing, row.outcome)
    words = [str(row.version or ""), "resumed" if row.resumed else "", f"{mark.glyph} {mark.word}"]
    return safe(f" {glyphs().dot} ".join(word for word in words if word))
