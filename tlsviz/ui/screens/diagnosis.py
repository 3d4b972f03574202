"""Why a handshake failed: the evidence, the causes, and the re-probes that tell them apart, run from here."""

from __future__ import annotations

import threading
from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen

from tlsviz.connection.model import Connection, Probe, Source
from tlsviz.connection.reprobes import plan
from tlsviz.errors import CancelledError, TlsvizError
from tlsviz.ui.selection import MessageChosen
from tlsviz.ui.widgets.diagnosis_lines import evident, lines
from tlsviz.ui.widgets.finding_lines import Place
from tlsviz.ui.widgets.header import summary
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, LineView, Painted
from tlsviz.ui.workers import Live, Request


class ProbeCame(Message):
    """One re-probe is done."""

    def __init__(self, probe: Probe) -> None:
        super().__init__()
        self.probe = probe


class ProbesEnded(Message):
    """All are, or something was in the way: then there is no connection."""

    def __init__(self, connection: Connection | None, error: TlsvizError | None = None) -> None:
        super().__init__()
        self.connection = connection
        self.error = error


class Told(NamedTuple):
    """What the screen leaves behind: the connection with new re-probes, and what the user wants to see of it."""

    connection: Connection | None = None
    chosen: MessageChosen | None = None


class DiagnosisHead(Painted):
    """Which connection it is."""

    def __init__(self, connection: Connection, source: Source | None) -> None:
        super().__init__()
        self._connection, self._source = connection, source

    def lines(self, width: int) -> list[Line]:
        return [summary(self._connection, self._source, width)]


class DiagnosisView(LineView):
    """Everything that is known about the failure."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self.evident: Place | None = None

    def show(self, fresh: list[Line], evident: Place | None) -> None:
        """``evident``: the lines that lead to the evidence."""
        self._lines, self.evident = fresh, evident
        self.relayout()

    def on_click(self, event: events.Click) -> None:
        offset, place = event.get_content_offset(self), self.evident
        index = self.index_at(offset.y) if offset is not None else None
        if place is not None and index is not None and place.first <= index <= place.last:
            self.post_message(place.chosen)

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]


class DiagnosisScreen(Screen[Told]):
    """Gives back the connection with its re-probes, if there are new ones, and what to choose of it.

    ``request``: what was tried; only a live one can be tried again in other ways. ``probing``: at once.
    """

    CSS_PATH = "diagnosis.tcss"
    HELP = (
        "Which layer failed, and how that is known; what may lie behind it, the likeliest first. Re-probes try the "
        "same handshake with one thing changed each: what then works, or fails in another way, tells causes apart.\n"
        "Enter or a click on the failure goes back to the ladder, to the message and the field that show it.\n"
        "They are few, one after the other, and every one ends in bounded time."
    )
    AUTO_FOCUS = "DiagnosisView"
    BINDINGS = [
        Binding("r", "probe", "re-probe", tooltip="Try again in other ways, to learn why"),
        Binding("enter", "evidence", "evidence", key_display="⏎", tooltip="To the message and the field that show it"),
        Binding("up", "scroll(-1)", "scroll", key_display="↑↓", show=False),
        Binding("down", "scroll(1)", "scroll down", show=False),
        Binding("pageup", "scroll(-12)", "a page up", show=False),
        Binding("pagedown", "scroll(12)", "a page down", show=False),
        Binding("home", "scroll(-9999)", "to the start", show=False),
        Binding("end", "scroll(9999)", "to the end", show=False),
        Binding("d", "close", "back", show=False),
        Binding("escape", "close", "back", key_display="esc", tooltip="Back to the ladder; stops the re-probes"),
    ]

    def __init__(
        self,
        connection: Connection,
        request: Request | None = None,
        source: Source | None = None,
        *,
        probing: bool = False,
    ) -> None:
        super().__init__()
        self.connection = self._base = connection
        self._request = request
        self._source = source
        self._done: list[Probe] = list(connection.probes)
        self._plan = () if connection.probes or not isinstance(request, Live) else plan(connection)
        self._waiting = list(self._plan)
        self._stop: threading.Event | None = None
        self._probed = False
        self._probing = probing

    def compose(self) -> ComposeResult:
        yield DiagnosisHead(self.connection, self._source)
        yield DiagnosisView()
        yield KeyBar()

    def on_mount(self) -> None:
        self.call_after_refresh(self.action_probe if self._probing and self._plan else self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def on_unmount(self) -> None:
        if self._stop is not None:
            self._stop.set()

    @property
    def running(self) -> bool:
        """Whether re-probes are under way."""
        return self._stop is not None

    def _draw(self) -> None:
        view = self.query_one(DiagnosisView)
        drawn = lines(self.connection, view.width, self._done, self._waiting, self.running)
        view.show(drawn, evident(self.connection, view.width))
        if self._stop is not None or self._probed:
            # What is new stands at the end; the conclusion at the start.
            scroll = view.scroll_end if self.running else view.scroll_home
            view.call_after_refresh(scroll, animate=False, immediate=True)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be tried again, or would not tell anything, is not offered."""
        if action == "probe":
            return not self.running and bool(self._plan)
        if action == "evidence":
            return self.query_one(DiagnosisView).evident is not None if self.is_mounted else False
        return True

    def action_probe(self) -> None:
        """Runs the re-probes, anew if they have run before."""
        if self.running or not self._plan:
            return
        self.connection, self._done, self._waiting = self._base, [], list(self._plan)
        self._stop = threading.Event()
        stop = self._stop
        self.run_worker(lambda: self._probe(stop), thread=True, group="probes", exit_on_error=True)
        self._draw()

    def _probe(self, stop: threading.Event) -> None:
        """Runs in a thread of its own."""
        from tlsviz.sources.options import LiveOptions
        from tlsviz.sources.probe import probed

        assert isinstance(self._request, Live)
        target, options = self._request.target, self._request.options or LiveOptions()
        try:
            told = probed(target, options, self._base, lambda one: self._tell(ProbeCame(one)), stop.is_set)
        except CancelledError:
            return
        except TlsvizError as error:
            self._tell(ProbesEnded(None, error))
        else:
            self._tell(ProbesEnded(told))

    def _tell(self, message: Message) -> None:
        self.post_message(message)

    @on(ProbeCame)
    def _probe_came(self, event: ProbeCame) -> None:
        self._done.append(event.probe)
        self._waiting = [name for name in self._waiting if name != event.probe.name]
        self._draw()

    @on(ProbesEnded)
    def _probes_ended(self, event: ProbesEnded) -> None:
        self._stop, self._waiting = None, []
        if event.connection is not None:
            self.connection, self._probed = event.connection, True
            self._done = list(event.connection.probes)
        elif event.error is not None:
            self.app.notify(str(event.error), severity="error", markup=False)
        self._draw()

    def action_scroll(self, by: int) -> None:
        """Scrolls."""
        view = self.query_one(DiagnosisView)
        view.scroll_to(y=view.scroll_offset.y + by, animate=False)

    def action_close(self) -> None:
        """Leaves; what is under way is stopped."""
        self._leave()

    def action_evidence(self) -> None:
        """Back to the ladder, with the message and the field chosen that show the failure."""
        place = self.query_one(DiagnosisView).evident
        if place is not None:
            self.post_message(place.chosen)

    @on(MessageChosen)
    def _chosen(self, event: MessageChosen) -> None:
        event.stop()
        self._leave(event)

    def _leave(self, chosen: MessageChosen | None = None) -> None:
        if self._stop is not None:
            self._stop.set()
        self.dismiss(Told(self.connection if self._probed else None, chosen))
