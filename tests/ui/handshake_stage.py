"""The handshake screen on a stage of its own, for tests, and what can be read off it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from handshake_sample import SOURCE, handshake
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from tlsviz.connection.model import Connection
from tlsviz.ui.messages import GoBack
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.theme import DARK, DEFAULTS, THEMES
from tlsviz.ui.widgets.lines import LineView

NARROW, NORMAL, WIDE = (80, 24), (120, 36), (200, 50)


class Themed(App[None]):
    """An app with nothing but the themes and the screen under test."""

    def __init__(self, first: Screen[None]) -> None:
        super().__init__()
        self.first = first

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK
        self.push_screen(self.first)


class Stage(Themed):
    """The same with a handshake."""

    def __init__(self, connection: Connection, *, running: bool = False) -> None:
        self.handshake = HandshakeScreen(connection, SOURCE, running=running)
        super().__init__(self.handshake)
        self.left = 0

    def on_go_back(self, event: GoBack) -> None:
        self.left += 1


@asynccontextmanager
async def stage(
    size: tuple[int, int] = NORMAL, connection: Connection | None = None, *, running: bool = False
) -> AsyncIterator[tuple[Pilot[None], HandshakeScreen]]:
    app = Stage(connection or handshake(), running=running)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, app.handshake


def title(screen: HandshakeScreen) -> str:
    assert screen.scene is not None
    assert screen.scene.step is not None
    return screen.scene.step.title


def node(screen: HandshakeScreen) -> str | None:
    assert screen.scene is not None
    return screen.scene.node.name if screen.scene.node else None


def shown(view: LineView) -> str:
    return "\n".join("".join(part for part, _ in view.line(index)) for index in range(view.line_count()))
