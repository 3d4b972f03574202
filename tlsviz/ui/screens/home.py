"""The home screen: one line to say what to open; what was opened lately; what the lab can show."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from tlsviz.errors import TlsvizError
from tlsviz.ui.completion import Sample, TargetSuggester, sample_captures
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.messages import OpenRequest
from tlsviz.ui.sizes import size_classes
from tlsviz.ui.widgets.choices import Choice, Choices
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.reading_guide import ReadingGuide
from tlsviz.ui.widgets.wordmark import Wordmark
from tlsviz.ui.workers import Lab
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from tlsviz.ui.flow import Flow, Scenario

_ROOM = 30
"""Rows from which the screen is not cramped."""
_SIDE_BY_SIDE = 64
"""Cells from which both lists are readable beside each other; in fewer, one stands above the other."""
_ASKED = "a host, host:port, URL or capture file"
_ASKED_SHORTLY = "host, URL or capture file"


class TargetInput(Input):
    """The line to type a target into; what is not typing leads on to the lists."""

    BINDINGS = [
        Binding("enter", "submit", "open", tooltip="Open what is typed"),
        Binding("down", "screen.to_lists", "lists", key_display="↓", tooltip="Go to the lists below"),
        Binding("f1", "app.help", "help"),
        Binding("ctrl+q", "app.quit", "quit"),
    ]


class HomeList(Choices):
    """One of the two lists; the sideways arrows lead to the other."""

    BINDINGS = [
        Binding("left,right", "screen.other_list", "other list", key_display="←→", tooltip="Go to the other list")
    ]


class HomeScreen(Screen[None]):
    """Asks what to open. Errors stand right under the line they are about."""

    AUTO_FOCUS = "#target"
    HELP = (
        "Type a host, host:port, [IPv6]:port or https:// URL to shake hands with it now,\n"
        "or the path of a capture file (pcap, pcapng). The right arrow takes a grey suggestion.\n"
        "The lab needs no network: its server and its client are both on this machine."
    )
    BINDINGS = [
        Binding("escape", "clear", "clear", show=False, tooltip="Clear the line"),
    ]

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow
        self._lab: Worker[tuple[Scenario, ...]] | None = None

    def compose(self) -> ComposeResult:
        self.add_class(*size_classes(self.app.size))
        with Vertical(id="home"):
            yield Wordmark(arrows=self.app.size.height >= _ROOM, id="wordmark")
            with Vertical(id="line"):
                target = TargetInput(
                    placeholder=_ASKED,
                    suggester=TargetSuggester(self.flow.recent),
                    id="target",
                )
                target.border_title = "Open"
                yield target
                yield Static(id="problem")
            with Horizontal(id="home-lists"):
                yield HomeList(id="places")
                yield HomeList(tall=True, id="lab")
                yield ReadingGuide(id="guide")
        yield KeyBar()

    def on_resize(self, event: events.Resize) -> None:
        slim = event.size.width < _SIDE_BY_SIDE
        self.set_class(slim, "-slim")
        self.query_one("#target", Input).placeholder = _ASKED_SHORTLY if slim else _ASKED
        mark = self.query_one(Wordmark)
        arrows = event.size.height >= _ROOM
        if mark.arrows != arrows:
            mark.arrows = arrows
            mark.refresh(layout=True)

    def on_screen_resume(self) -> None:
        self.flow.uncovered()
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """Fills both lists: after the first paint, and again whenever this screen is come back to."""
        self.query_one("#places", Choices).set_choices(self._places())
        # The lab brings certificates and servers with it: imported beside the screen, not before it.
        self._lab = self.run_worker(self.flow.scenarios, thread=True, exclusive=True, group="lab")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is self._lab and event.state == WorkerState.SUCCESS:
            self._fill_lab(self._lab.result or ())

    def _fill_lab(self, scenarios: tuple[Scenario, ...]) -> None:
        lab = [Choice("THE LAB", "no network needed", heading=True)]
        for group, members in groupby(scenarios, lambda each: each.group):
            lab.append(Choice(group, heading=True))
            lab += [Choice(each.title, each.detail, Lab(each.name)) for each in members]
        self.query_one("#lab", Choices).set_choices(lab)

    def _places(self) -> list[Choice]:
        recent = self.flow.recent.load()
        found = [Choice("RECENT", heading=True)] if recent else []
        for entry in recent:
            capture = entry.kind == "capture"
            title = Path(entry.text).name if capture else entry.text
            found.append(Choice(safe(title), "capture" if capture else "live", entry.text))
        samples = sample_captures()
        if samples:
            found.append(Choice("SAMPLE CAPTURES", heading=True))
            found += [Choice(safe(sample.path.stem), safe(sample.shows), sample) for sample in samples]
        if not found:
            found = [Choice("RECENT", heading=True), Choice("What you open will be listed here.")]
        return found

    @on(Input.Submitted, "#target")
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self._open(event.value)

    @on(Input.Changed, "#target")
    def _changed(self) -> None:
        self._say(None)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        value = event.choice.value
        if isinstance(value, Lab):
            self.app.post_message(OpenRequest(value))
        elif isinstance(value, Sample):
            self.app.post_message(OpenRequest(self.flow.sample(value.path, value.ca)))
        elif isinstance(value, str):
            self._open(value)

    def _open(self, text: str) -> None:
        try:
            request = self.flow.request(text)
        except TlsvizError as error:
            self._say(error)
        else:
            self._say(None)
            self.query_one("#target", Input).value = ""
            self.app.post_message(OpenRequest(request))

    def _say(self, error: TlsvizError | None) -> None:
        problem = self.query_one("#problem", Static)
        problem.display = error is not None
        self.query_one("#target").set_class(error is not None, "-wrong")
        if error is not None:
            parts = [(f"{glyphs().failed} ", "$failed"), (safe(error.title), "bold $failed")]
            if error.message:
                parts.append((f"  {safe(error.message)}", ""))
            if error.hint:
                parts.append((f"\n  {safe(error.hint)}", "$muted"))
            problem.update(Content.assemble(*parts))

    @on(Choices.Left)
    def _left_list(self, event: Choices.Left) -> None:
        upper, lower = (self.query_one(name, Choices) for name in ("#places", "#lab"))
        stacked = self.has_class("-slim")
        if event.by > 0:
            if stacked and event.choices is upper:
                lower.focus()
        elif stacked and event.choices is lower and upper.highlighted >= 0:
            upper.focus()
        else:
            self.query_one("#target").focus()

    def action_to_lists(self) -> None:
        places, lab = self.query_one("#places", Choices), self.query_one("#lab", Choices)
        (places if places.highlighted >= 0 else lab).focus()

    def action_other_list(self) -> None:
        places, lab = self.query_one("#places", Choices), self.query_one("#lab", Choices)
        (lab if places.has_focus else places).focus()

    def action_clear(self) -> None:
        field = self.query_one("#target", Input)
        field.value = ""
        field.focus()
