"""The app: themes, keys, and the messages it hands on to the flow of screens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import App
from textual.binding import Binding
from textual.reactive import Reactive
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input
from textual.worker import WorkerFailed

from tlsviz.ui.commands import ActionCommands
from tlsviz.ui.flow import Flow
from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.messages import CompareWith, GoBack, JobAdvanced, JobEnded, LetGo, OpenConnection, OpenRequest
from tlsviz.ui.recent import Recent
from tlsviz.ui.screens.home import HomeScreen
from tlsviz.ui.sizes import HEIGHTS, WIDTHS
from tlsviz.ui.theme import DARK, DEFAULTS, THEMES
from tlsviz.ui.workers import Request, Watch, bug

if TYPE_CHECKING:
    from tlsviz.connection.compare import Comparison
    from tlsviz.connection.model import Source
    from tlsviz.sources.begun import Begun
    from tlsviz.sources.interface import WatchOptions
    from tlsviz.sources.opening import OpenOptions
    from tlsviz.sources.options import LiveOptions

    Draw = Callable[[Comparison, tuple[Source, Source]], str]


_HERE = Path(__file__).parent
Pair = tuple[Request, Request | None, int | None, int | None]
"""Two targets to be compared (None: two connections of one), and the connections that were asked for."""


class TlsvizApp(App[None]):
    """Opens the home screen, or at once the request it is given."""

    theme: Reactive[str] = Reactive(DARK, init=False)
    """The palette. Not announced at the start: the style sheet is made with it, and need not be made twice."""

    TITLE = "tlsviz"
    # The first screen is not pushed, so Textual does not look for its style sheet: it is one of the app's.
    CSS_PATH = [_HERE / "app.tcss", _HERE / "screens" / "home.tcss"]
    COMMANDS = {ActionCommands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS = [
        Binding("f1", "help", "help", show=False),
        Binding("question_mark", "typed('help')", "help", key_display="?"),
        Binding("s,ctrl+s", "screenshot", "save a screenshot", show=False),
        Binding("c", "typed('compare')", "compare", tooltip="Compare with another connection"),
        Binding("f2", "change", "options", tooltip="Change what the client says, and run again"),
        Binding(
            "r", "typed('change')", "run changed", show=False, tooltip="Change what the client says, and run again"
        ),
        Binding("ctrl+t", "next_theme", "next theme", show=False),
        Binding("ctrl+r", "again", "once more", show=False),
        Binding("ctrl+o", "home", "open another target", show=False),
        Binding("q", "typed('quit')", "quit"),
        Binding("ctrl+q", "quit", "quit", show=False),
    ]

    def __init__(
        self,
        request: Request | None = None,
        *,
        recent: Recent | None = None,
        open_options: OpenOptions | None = None,
        live_options: LiveOptions | None = None,
    ) -> None:
        super().__init__()
        self.first = request
        self.begun: Begun | None = None
        """What reads the first request, if it runs already."""
        self.pair: Pair | None = None
        self.draw: Draw | None = None
        """Draws two connections beside each other as SVG; None where nobody can."""
        self.flow = Flow(self, recent or Recent(), open_options, live_options)
        self.update_classes({"-ascii": glyphs() is ASCII, "-dark-mode": True, f"-theme-{DARK}": True}, update=False)

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Ours and no other: only they know the roles."""
        return {theme.name: theme for theme in THEMES}

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def get_default_screen(self) -> Screen[None]:
        return HomeScreen(self.flow) if self.first is None and self.pair is None else Ground(self.flow)

    def on_mount(self) -> None:
        if self.first is not None:
            self.flow.open(self.first, self.begun)
        elif self.pair is not None:
            self.flow.compare_targets(*self.pair)

    def on_unmount(self) -> None:
        self.flow.stop()

    @on(JobAdvanced)
    def _job_advanced(self, event: JobAdvanced) -> None:
        self.flow.advanced(event.job)

    @on(JobEnded)
    def _job_ended(self, event: JobEnded) -> None:
        self.flow.ended(event.job)

    @on(OpenRequest)
    def _open_request(self, event: OpenRequest) -> None:
        self.flow.open(event.request)

    @on(OpenConnection)
    def _open_connection(self, event: OpenConnection) -> None:
        self.flow.open_connection(event.connection, event.source)

    @on(CompareWith)
    def _compare_with(self, event: CompareWith) -> None:
        self.flow.compare(event.connection, event.source, event.other)

    @on(LetGo)
    def _let_go(self) -> None:
        self.flow.let_go()

    @on(GoBack)
    def _go_back(self) -> None:
        self.flow.back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Plain letters are commands only where nothing is being typed; nothing is offered that does nothing."""
        if action == "typed":
            if isinstance(self.focused, Input):
                return False
            can = {"compare": self.flow.can_compare, "change": self.flow.can_change}.get(str(parameters[0]))
            return can is None or can()
        if action == "change":
            return self.flow.can_change()
        if action == "again":
            return self.flow.job is not None
        return action != "home" or not isinstance(self.screen, HomeScreen)

    def _fatal_error(self) -> None:
        """A bug in a screen: one paragraph once the terminal is given back, and exit status 1.

        Textual's traceback shows the values of variables, keys among them: only for those who ask for it.
        """
        error = self._exception
        if error is None or os.environ.get("TLSVIZ_DEBUG"):
            super()._fatal_error()
        elif not self._exit_renderables:
            cause = error.error if isinstance(error, WorkerFailed) else error
            self.panic(Text(f"tlsviz: {bug(cause, 'With TLSVIZ_DEBUG=1 it says where it comes from.')}"))

    async def action_typed(self, action: str) -> None:
        await self.run_action(action)

    def action_help(self) -> None:
        from tlsviz.ui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_change(self) -> None:
        typed = self.screen.query_one("#target", Input).value if isinstance(self.screen, HomeScreen) else ""
        self.flow.change(typed)

    def action_compare(self) -> None:
        self.flow.pick_other()

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        from tlsviz.ui.actions import save_screenshot

        save_screenshot(self)

    def action_next_theme(self) -> None:
        from tlsviz.ui.actions import next_theme

        next_theme(self)

    def action_again(self) -> None:
        self.flow.again()

    def action_home(self) -> None:
        self.flow.home()


class Ground(Screen[None]):
    """What lies below the first screen of a target given on the command line; seen again, it is covered by home."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self._flow = flow
        self._covered = False

    def on_screen_suspend(self) -> None:
        self._covered = True

    def on_screen_resume(self) -> None:
        if self._covered:
            self._flow.uncovered()


def run(
    target: str | None = None,
    *,
    live: LiveOptions | None = None,
    capture: OpenOptions | None = None,
    draw: Draw | None = None,
    begun: Begun | None = None,
) -> int:
    """Runs the screens until the user quits, and gives the exit status.

    ``target`` as typed, ``lab:NAME`` for a scenario, or None for the home screen; ``draw`` as `TlsvizApp.draw`;
    ``begun``: what reads the target, if it runs already.
    Raises TlsvizError before anything is drawn when the target cannot be one.
    """
    app = TlsvizApp(open_options=capture, live_options=live)
    app.draw = draw
    if target is not None:
        app.first = app.flow.request(target)
        app.begun = begun
    app.run()
    return app.return_code or 0


def run_watch(options: WatchOptions, draw: Draw | None = None) -> int:
    """Watches an interface on the screen; gives the exit status."""
    app = TlsvizApp(Watch(options), open_options=options.opening)
    app.draw = draw
    app.run()
    return app.return_code or 0


def run_compare(
    left: str,
    right: str | None,
    one: int | None = None,
    other: int | None = None,
    *,
    live: LiveOptions | None = None,
    capture: OpenOptions | None = None,
    draw: Draw | None = None,
) -> int:
    """Compares two targets on the screen, or two connections of one; gives the exit status.

    ``one`` and ``other``: ids of the connections. Raises TlsvizError before anything is drawn, as `run` does.
    """
    app = TlsvizApp(open_options=capture, live_options=live)
    app.draw = draw
    app.pair = (app.flow.request(left), app.flow.request(right) if right is not None else None, one, other)
    app.run()
    return app.return_code or 0
