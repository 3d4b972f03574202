"""A view whose lines are only read: laid out for its width, and scrolled by keys."""

from __future__ import annotations

from textual.binding import Binding

from tlsviz.ui.widgets.lines import Line, LineView


class ReadView(LineView):
    """Subclasses give `build`, and call `rebuild` when there is something else to read."""

    BINDINGS = [
        Binding("up", "scroll_up", "scroll", key_display="↑↓", show=True),
        Binding("down", "scroll_down", "scroll down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("pagedown", "page_down", "page down", show=False),
        Binding("home", "scroll_home", "to the top", show=False),
        Binding("end", "scroll_end", "to the end", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []

    def build(self, width: int) -> list[Line]:
        """The lines at a width."""
        raise NotImplementedError

    def rebuild(self) -> None:
        self._lines = self.build(self.width)
        self.relayout()

    def on_resize(self) -> None:
        self.rebuild()

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]
