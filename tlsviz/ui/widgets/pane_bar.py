"""The names of the panes with their number keys, one line, clickable."""

from __future__ import annotations

from textual import events
from textual.reactive import reactive

from tlsviz.ui.selection import PaneChosen
from tlsviz.ui.widgets.lines import Line, Painted

PANES: dict[str, tuple[str, str]] = {
    "ladder": ("0", "Ladder"),
    "explain": ("1", "Explain"),
    "fields": ("2", "Fields"),
    "bytes": ("3", "Bytes"),
    "chain": ("4", "Chain"),
    "cipher": ("5", "Cipher"),
    "record": ("6", "Record"),
    "keys": ("7", "Keys"),
    "seen": ("8", "Seen"),
}
"""Every pane: its key and its name."""


class PaneBar(Painted):
    """Shows which pane is open and which there are; `names` says which to list."""

    pane: reactive[str] = reactive("explain")
    names: reactive[tuple[str, ...]] = reactive(tuple(PANES))

    def lines(self, width: int) -> list[Line]:
        line: Line = []
        for name, text in self._items(width):
            key, title = text[: text.index(PANES[name][0]) + 1], text[text.index(PANES[name][0]) + 1 :]
            if name == self.pane:
                line += [(key, "accent bold on selection"), (title, "foreground bold underline on selection")]
            else:
                line += [(key, "muted"), (title, "muted")]
        return [line]

    def _items(self, width: int) -> list[tuple[str, str]]:
        """Each pane with its text: wide apart, close together, or only the open one with its name."""
        open_ = self.pane
        choices = (
            [(name, f"  {PANES[name][0]} {PANES[name][1]} ") for name in self.names],
            [(name, f" {PANES[name][0]} {PANES[name][1]} ") for name in self.names],
            [(name, f" {PANES[name][0]} {PANES[name][1]}"[not at :]) for at, name in enumerate(self.names)],
            [(name, f" {PANES[name][0]} {PANES[name][1] + ' ' if name == open_ else ''}") for name in self.names],
        )
        return next((each for each in choices if sum(len(text) for _, text in each) <= width), choices[-1])

    def on_click(self, event: events.Click) -> None:
        at = 0
        for name, text in self._items(self.content_region.width):
            if at <= event.x < at + len(text):
                self.post_message(PaneChosen(name))
                return
            at += len(text)
