"""Help for what is focused: what it is, its keys, and what the signs mean."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.keys import KeyRow, grouped, key_rows
from tlsviz.ui.widgets.key_bar import plain
from tlsviz.ui.widgets.lines import wrap

_WIDEST, _FRAME = 70, 7
"""The cells of the box, as the style sheet has them, and of what surrounds its text."""
_TITLES = {"here": "What is focused", "this screen": "This screen", "everywhere": "Everywhere"}


class HelpScreen(ModalScreen[None]):
    """Shows the help of the screen below; any of the keys that opened it closes it."""

    CSS_PATH = "help.tcss"
    BINDINGS = [
        Binding("escape,f1,question_mark,q", "close", "close"),
    ]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._words = help_words(screen)
        self._rows = grouped(key_rows(screen))

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            if self._words:
                yield Static(Content(self._words), id="help-words")
            yield Static(key_table(self._rows, min(_WIDEST, self.app.size.width * 92 // 100) - _FRAME), id="help-keys")
            yield Static(legend(), id="help-signs")

    def action_close(self) -> None:
        self.dismiss()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss()


def help_words(screen: Screen[object]) -> str:
    """The HELP of the focused widget, or of the nearest widget around it that has one, then of the screen."""
    start = screen.focused or screen
    found = [node.HELP for node in start.ancestors_with_self if getattr(node, "HELP", None)]
    return "\n".join(" ".join(line.split()) for line in (found[0] or "").strip().splitlines()) if found else ""


def key_table(rows: list[KeyRow], width: int) -> Content:
    """The keys in two columns of together ``width`` cells, under the place where they work."""
    keys = [_short(" ".join(plain(key) for key in row.keys)) for row in rows]
    column = max((len(key) for key in keys), default=0)
    parts: list[tuple[str, str]] = []
    where = ""
    for row, key in zip(rows, keys, strict=True):
        if row.where != where:
            parts.append((f"{chr(10) if where else ''}{_TITLES[row.where]}\n", "bold $muted"))
            where = row.where
        for number, text in enumerate(wrap(row.title, max(width - column - 4, 12))):
            parts += [(f"  {'' if number else key:{column}}  ", "$server"), (f"{text}\n", "")]
    return Content.assemble(*parts)


def _short(keys: str) -> str:
    return keys if len(keys) <= 18 else keys[:17] + glyphs().ellipsis


def legend() -> Content:
    """The signs that all screens share."""
    signs = glyphs()
    shown = (
        (signs.clear, "$clear", "in the clear"),
        (signs.encrypted, "$encrypted", "encrypted"),
        (signs.sealed, "$encrypted", "was encrypted, read with the keys"),
        (signs.verified, "$verified", "verified: recomputed from these bytes"),
        (signs.failed, "$failed", "failed"),
        (signs.inferred, "$inferred", "inferred: must be there, cannot be seen"),
        (signs.odd, "$warning", "odd: worth a look"),
    )
    parts: list[tuple[str, str]] = [("Signs\n", "bold $muted")]
    for sign, style, words in shown:
        parts += [(f"  {sign}  ", style), (f"{words}\n", "")]
    return Content.assemble(*parts)
