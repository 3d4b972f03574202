"""The way to the first byte in full: a waterfall, its round trips, and what other handshakes would take."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from tlsviz.connection.model import Connection, Source
from tlsviz.ui.widgets.header import summary
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, Painted
from tlsviz.ui.widgets.way_view import WayView


class WayHead(Painted):
    """Which connection it is."""

    def __init__(self, connection: Connection, source: Source | None) -> None:
        super().__init__()
        self._connection, self._source = connection, source

    def lines(self, width: int) -> list[Line]:
        return [summary(self._connection, self._source, width)]


class WayScreen(Screen[None]):
    """Shows the way of one connection."""

    CSS_PATH = "way.tcss"
    HELP = (
        "Every wait between the name and the first byte of the answer, on one time axis; dotted lines stand where "
        "one more round trip of the network has passed. What costs time is how often the client waits for the server, "
        "much more than how many bytes travel.\n"
        "Below: how many round trips other kinds of handshake need, and how long they would take on this network."
    )
    AUTO_FOCUS = "WayView"
    BINDINGS = [
        Binding("w", "close", "back", show=False),
        Binding("escape", "close", "back", key_display="esc", tooltip="Back to the ladder"),
    ]

    def __init__(self, connection: Connection, source: Source | None = None) -> None:
        super().__init__()
        self._connection, self._source = connection, source

    def compose(self) -> ComposeResult:
        yield WayHead(self._connection, self._source)
        yield WayView(self._connection)
        yield KeyBar()

    def action_close(self) -> None:
        """Goes back."""
        self.dismiss()
