"""The bottom line: the keys that work now. One widget and one line, where Textual's own footer is a widget a key."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.screen import Screen

from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.widgets.lines import Line, Painted, cells

_GAP = 2
_PALETTE: Line = [("^p", "bold server"), (" palette", "muted")]
_PLAIN = {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter", "↑↓": "up/down", "←→": "left/right"}
_PLAIN["↑↓←→"] = "arrows"


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
        gap, items, palette = self._layout(width)
        line: Line = []
        for _, shown, words in items:
            line += [(" " * gap if line else "", ""), (shown, "bold server"), (f" {words}", "muted")]
        if not palette:
            return [line]
        room = width - cells(line) - cells(_PALETTE)
        return [[*line, (" " * room, ""), *_PALETTE]]

    def _layout(self, width: int) -> tuple[int, list[tuple[str, str, str]], bool]:
        """The space between keys, the keys that fit, and whether the palette does: help stays longest."""
        items = self._keys()
        while True:
            size = sum(cell_len(shown) + 1 + cell_len(words) for _, shown, words in items)
            for gap, palette in ((_GAP, True), (1, True), (1, False)):
                if size + gap * (len(items) - 1) + palette * (_GAP + cells(_PALETTE)) <= width:
                    return gap, items, palette
            if len(items) < 2:
                return 1, items, False
            helps = items[-1][2] == "help"
            del items[-2 if helps else -1]

    def _keys(self) -> list[tuple[str, str, str]]:
        """Key, what to call it, and what it does, once for every action."""
        found: dict[str, tuple[str, str, str]] = {}
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.show and active.enabled:
                shown = plain(self.app.get_key_display(binding))
                found.setdefault(binding.action, (key, shown, binding.description))
        keys = list(found.values())
        return sorted(keys, key=lambda key: key[2] == "help")

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        gap, items, palette = self._layout(self.content_region.width)
        x = 0
        for key, shown, words in items:
            end = x + cell_len(shown) + 1 + cell_len(words)
            if x <= offset.x < end:
                self.app.simulate_key(key)
                return
            x = end + gap
        if palette:
            self.app.action_command_palette()
