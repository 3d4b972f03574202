"""The way to the first byte on screens: the strip above the ladder, and the whole of it."""

from __future__ import annotations

from textual import events
from textual.message import Message as Event
from textual.reactive import var

from tlsviz.connection.model import Connection
from tlsviz.connection.way import Way, way
from tlsviz.ui.selection import Scene
from tlsviz.ui.widgets.lines import Line, Painted
from tlsviz.ui.widgets.pane import paragraph
from tlsviz.ui.widgets.read_view import ReadView
from tlsviz.ui.widgets.way_lines import strip, waterfall

TALL = 30
"""Screens with fewer lines have only one for the strip."""
_NOTHING = "Nothing of the way to the server was seen."


class WayStrip(Painted):
    """One or two lines; a click asks for the whole. Takes no room where nothing of the way was seen."""

    class Asked(Event):
        """The whole of it is wanted."""

    scene: var[Scene | None] = var(None)

    def __init__(self) -> None:
        super().__init__()
        self._way: Way | None = None

    def watch_scene(self, old: Scene | None, new: Scene | None) -> None:
        if new is None or (old is not None and old.connection is new.connection):
            return
        before = self._height()
        self._way = way(new.connection)
        self.refresh(layout=self._height() != before)

    def _height(self) -> int:
        return len(self.lines(max(self.content_region.width, 40)))

    def lines(self, width: int) -> list[Line]:
        if self._way is None or not self.is_attached:
            return []
        return strip(self._way, width, 2 if self.screen.size.height >= TALL else 1)

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Asked())


class WayView(ReadView):
    """The waterfall; scrolls where it is longer than the screen."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._way = way(connection)

    def build(self, width: int) -> list[Line]:
        if self._way.spans:
            return waterfall(self._way, width)
        return [[], *paragraph(self._way.note or _NOTHING, width, "muted")]
