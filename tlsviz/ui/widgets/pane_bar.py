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
}
"""Every pane: its key and its name."""


class PaneBar(Painted):
    """Shows which pane is open and which there are; `names` says which to list."""

    pane: reactive[str] = reactive("explain")
    names: reactive[tuple[str, ...]] = reactive(tuple(PANES))

    def lines(self, width: int) -> list[Line]:
        line: Line = [(" ", "")]
        for name in self.names:
            key, title = PANES[name]
            if name == self.pane:
                line += [
                    (f" {key} ", "accent bold on selection"),
                    (f"{title} ", "foreground bold underline on selection"),
                ]
            else:
                line += [(f" {key} ", "muted"), (f"{title} ", "muted")]
            line.append((" ", ""))
        return [line]

    def on_click(self, event: events.Click) -> None:
        at = 1
        for name in self.names:
            end = at + len(PANES[name][1]) + 4
            if at <= event.x < end:
                self.post_message(PaneChosen(name))
                return
            at = end + 1
