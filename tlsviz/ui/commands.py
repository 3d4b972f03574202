"""The command palette: everything the present screen can do, and everything the app can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tlsviz.ui.keys import KeyRow, key_rows
from tlsviz.ui.theme import THEMES
from tlsviz.ui.workers import Lab

if TYPE_CHECKING:
    from tlsviz.ui.app import TlsvizApp


class Command(NamedTuple):
    """A line of the palette; title and help are our own words, never a peer's."""

    title: str
    help: str
    run: Callable[[], object]


class ActionCommands(Provider):
    """What one opens the palette for, all other actions, themes, the lab's scenarios; at last what only moves."""

    def commands(self) -> Iterator[Command]:
        """Every command that works now, each once."""
        app = cast("TlsvizApp", self.app)
        rows = sorted(key_rows(self.screen), key=_weight)
        yield from (_of_row(app, row) for row in rows if not row.moves)
        for theme in THEMES:
            word = theme.name.removeprefix("tlsviz-")
            yield Command(f"Theme: {word}", _THEME_HELP[word], partial(setattr, app, "theme", theme.name))
        for scenario in app.flow.scenarios():
            yield Command(f"Lab: {scenario.title}", scenario.detail, partial(app.flow.open, Lab(scenario.name)))
        yield from (_of_row(app, row) for row in rows if row.moves)

    async def discover(self) -> Hits:
        for command in self.commands():
            yield DiscoveryHit(command.title, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self.commands():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), command.run, help=command.help)


def _of_row(app: TlsvizApp, row: KeyRow) -> Command:
    # What stands for several keys in the bottom line ("0-7") is one of them here.
    keys = " ".join(bound if len(bound) == 1 else shown for bound, shown in zip(row.bound, row.keys, strict=True))
    return Command(row.title, f"{keys}   {_WHERE[row.where]}", partial(app.run_action, row.action, row.node))


def _weight(row: KeyRow) -> int:
    """What one opens the palette for comes first; the rest keeps its order."""
    return _FIRST.index(row.name) if row.name in _FIRST else len(_FIRST)


_FIRST = ("projector", "screenshot", "next_theme", "home", "again", "find", "filter", "open", "play", "help")
_WHERE = {"here": "where you are", "this screen": "on this screen", "everywhere": "everywhere"}
_THEME_HELP = {
    "dark": "Ink: for a screen of one's own",
    "light": "Paper: for a bright room",
    "projector": "Black on white, strong colours: for a hall",
}
