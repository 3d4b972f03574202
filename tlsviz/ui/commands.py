"""The command palette: everything the present screen can do, and everything the app can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tlsviz.ui.keys import key_rows
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
    """The actions of the focused widget, the screen and the app, then themes and the lab's scenarios."""

    def commands(self) -> Iterator[Command]:
        """Every command that works now, each once."""
        app = cast("TlsvizApp", self.app)
        for row in key_rows(self.screen):
            yield Command(
                row.title,
                f"{' '.join(row.keys)}   {_WHERE[row.where]}",
                partial(app.run_action, row.action, row.node),
            )
        for theme in THEMES:
            word = theme.name.removeprefix("tlsviz-")
            yield Command(f"Theme: {word}", _THEME_HELP[word], partial(setattr, app, "theme", theme.name))
        for scenario in app.flow.scenarios():
            yield Command(f"Lab: {scenario.title}", scenario.detail, partial(app.flow.open, Lab(scenario.name)))

    async def discover(self) -> Hits:
        for command in self.commands():
            yield DiscoveryHit(command.title, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self.commands():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), command.run, help=command.help)


_WHERE = {"here": "where you are", "this screen": "on this screen", "everywhere": "everywhere"}
_THEME_HELP = {
    "dark": "Ink: for a screen of one's own",
    "light": "Paper: for a bright room",
    "projector": "Black on white, strong colours: for a hall",
}
