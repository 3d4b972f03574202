"""The two ports of a web server: looked at in a thread, then drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.worker import get_current_worker

from tlsviz.connection.model import Source
from tlsviz.connection.ports import Ports
from tlsviz.errors import CancelledError, TlsvizError
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, Painted
from tlsviz.ui.widgets.pane import paragraph
from tlsviz.ui.widgets.ports_lines import ports_lines
from tlsviz.ui.widgets.read_view import ReadView
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from tlsviz.sources.options import LiveOptions

Read = Callable[[Callable[[], bool]], Ports | None]
"""Looks at the ports; asks its argument whether to stop."""


def reader(source: Source, options: LiveOptions | None) -> Read | None:
    """How to look at the ports of a source; None where there is no host to ask, as in captures."""
    if source.kind == "lab":

        def look_in_lab(cancelled: Callable[[], bool]) -> Ports | None:
            from tlsviz.lab.run import look_at, scenario

            return look_at(scenario(source.name), cancelled)

        return look_in_lab
    if source.kind != "live":
        return None

    def look_there(cancelled: Callable[[], bool]) -> Ports | None:
        from tlsviz.sources.options import LiveOptions
        from tlsviz.sources.ports import look
        from tlsviz.sources.target import parse_host

        return look(parse_host(source.name), options or LiveOptions(), cancelled=cancelled)

    return look_there


class PortsHead(Painted):
    """Whose ports they are."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host

    def lines(self, width: int) -> list[Line]:
        return [[(f" {safe(self._host)}", "bold"), ("  the encrypted and the plain port", "muted")]]


class PortsView(ReadView):
    """What was found; scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self._found: Ports | None = None
        self._said = "Looking at both ports…"

    def show(self, found: Ports | None, said: str = "") -> None:
        """What was found, or what is to be said instead."""
        self._found, self._said = found, said
        self.rebuild()

    def build(self, width: int) -> list[Line]:
        if self._found is not None:
            return ports_lines(self._found, width)
        return [[], *paragraph(self._said, width, "muted")]


class PortsScreen(Screen[None]):
    """Looks at the ports as ``read`` says, or shows what was ``found`` already; ``host`` is what to call them."""

    CSS_PATH = "ports.tcss"
    HELP = (
        "Port 443 is for HTTP inside of TLS, port 80 for HTTP in the clear. A good server only redirects on port 80, "
        "and says by HSTS that browsers need not ask there again.\n"
        "Both are asked at the same time; each wait has a limit. `tlsviz explain 301` explains a status."
    )
    AUTO_FOCUS = "PortsView"
    BINDINGS = [
        Binding("r", "again", "again", tooltip="Look again"),
        Binding("n", "close", "back", show=False),
        Binding("escape", "close", "back", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, host: str, read: Read | None = None, found: Ports | None = None) -> None:
        super().__init__()
        self._host, self._read, self._found = host, read, found

    def compose(self) -> ComposeResult:
        yield PortsHead(self._host)
        yield PortsView()
        yield KeyBar()

    def on_mount(self) -> None:
        if self._found is not None:
            self.query_one(PortsView).show(self._found)
        else:
            self.action_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What was found elsewhere cannot be asked for again."""
        return action != "again" or self._read is not None

    def action_again(self) -> None:
        """Looks, once more; a look under way is stopped."""
        if self._read is not None:
            self.query_one(PortsView).show(None, "Looking at both ports…")
            self.run_worker(self._look, thread=True, exclusive=True)

    def _look(self) -> None:
        """In a thread: what comes of it is told to the view by the app's own."""
        worker = get_current_worker()
        found: Ports | None = None
        said = "This scenario has no plain port: choose one of the group for port 80."
        try:
            found = self._read(lambda: worker.is_cancelled) if self._read is not None else None
        except CancelledError:
            return
        except TlsvizError as error:
            said = str(error)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._tell, found, said)

    def _tell(self, found: Ports | None, said: str) -> None:
        if self.is_attached:
            self.query_one(PortsView).show(found, safe(said))

    def action_close(self) -> None:
        """Goes back."""
        self.dismiss()
