"""The bottom line: the keys that work now. One widget and one line, where Textual's own footer is a widget a key."""

from __future__ import annotations

from textual import events
from textual.screen import Screen

from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.widgets.lines import Line, Painted, cells

_GAP = 2
_PLAIN = {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter", "↑↓": "up/down", "←→": "left/right"}


def plain(key: str) -> str:
    """A key's name as this terminal can show it."""
    return _PLAIN.get(key, key) if glyphs() is ASCII else key


class KeyBar(Painted):
    """The shown bindings of what is focused, of the screen and of the app; a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        padding: 0 1;
    }
    """

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._updated)

    def _updated(self, screen: Screen[object]) -> None:
        self.refresh()

    def lines(self, width: int) -> list[Line]:
        palette: Line = [("^p", "bold server"), (" palette", "muted")]
        line: Line = []
        for _, shown, words in self._keys():
            item: Line = [(shown, "bold server"), (f" {words}", "muted")]
            if cells(line) + cells(item) + _GAP + cells(palette) > width:
                break
            line += [*item, (" " * _GAP, "")]
        room = width - cells(line) - cells(palette)
        return [[*line, (" " * room, ""), *palette] if room >= 0 else line]

    def _keys(self) -> list[tuple[str, str, str]]:
        """Key, what to call it, and what it does, once for every action."""
        found: dict[str, tuple[str, str, str]] = {}
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.show and active.enabled:
                shown = plain(self.app.get_key_display(binding))
                found.setdefault(binding.action, (key, shown, binding.description))
        return list(found.values())

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x = 0
        for key, shown, words in self._keys():
            end = x + len(shown) + 1 + len(words)
            if x <= offset.x < end:
                self.app.simulate_key(key)
                return
            x = end + _GAP
        self.app.action_command_palette()
