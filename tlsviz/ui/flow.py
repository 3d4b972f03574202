"""Which screen shows what. The only place that opens screens for targets, and that follows jobs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from textual.screen import Screen

from tlsviz.ui.recent import Entry, Recent
from tlsviz.ui.workers import Capture, Job, Lab, Live, Request, Watch

if TYPE_CHECKING:
    from textual.app import App

    from tlsviz.connection.model import Connection, Source
    from tlsviz.connection.rows import Row
    from tlsviz.sources.begun import Begun
    from tlsviz.sources.opening import OpenOptions
    from tlsviz.sources.options import LiveOptions
    from tlsviz.ui.screens.connections import ConnectionsScreen
    from tlsviz.ui.screens.handshake import HandshakeScreen


_LAB = "lab:"


class Scenario(NamedTuple):
    """A scenario of the lab, as the home screen lists it under the title of its group."""

    name: str
    title: str
    detail: str
    group: str


class Flow:
    """Turns requests into screens, and keeps the screen of the running job up to date."""

    def __init__(
        self,
        app: App[None],
        recent: Recent,
        open_options: OpenOptions | None = None,
        live_options: LiveOptions | None = None,
    ) -> None:
        self.app = app
        self.recent = recent
        self.open_options = open_options
        self.live_options = live_options
        self.job: Job | None = None
        self.stage: Screen[None] | None = None
        self.last: Live | None = None
        """The last live target, with its options."""

    # What the user wants.

    def request(self, text: str) -> Request:
        """What a typed target asks for, `lab:NAME` included; raises TlsvizError."""
        if text.startswith(_LAB):
            return Lab(text.removeprefix(_LAB))
        from tlsviz.sources.target import parse_target

        target = parse_target(text)
        if isinstance(target, Path):
            return Capture(target, self.open_options)
        return Live(target, self.live_options)

    def sample(self, path: Path, ca: Path | None) -> Request:
        """A sample capture, judged by the authority that made its certificates unless the user named another."""
        from tlsviz.sources.opening import OpenOptions

        options = self.open_options or OpenOptions()
        return Capture(path, options if options.ca else replace(options, ca=ca), sample=True)

    def open(self, request: Request, begun: Begun | None = None) -> None:
        """Opens a request on the home screen, in place of whatever was open there; ``begun`` as in `Job`."""
        self.stop()
        self._remember(request)
        self.job = Job(request, begun)
        if isinstance(request, Live):
            self.last = request
            # Of several connections the list is shown, and the re-probes belong to its last.
            self.job.probes = request.options is not None and request.options.visits > 1
        if isinstance(request, Capture):
            from tlsviz.ui.screens.loading import LoadingScreen

            screen: Screen[None] = LoadingScreen(self.job)
        elif isinstance(request, Watch):
            from tlsviz.ui.screens.connections import ConnectionsScreen

            screen = ConnectionsScreen(self.job)
        else:
            screen = _handshake(placeholder(request), _source(request), running=True, patience=_patience(request))
        floor = self._floor
        self._unwind(floor + 1)
        if len(self.app.screen_stack) > floor:
            self.app.switch_screen(screen)
        else:
            self.app.push_screen(screen)
        self.stage = screen
        if begun is None:
            screen.call_after_refresh(self._begin, self.job)
        else:
            self._begin(self.job)

    def _begin(self, job: Job) -> None:
        """Starts the job once its screen is there to be drawn on."""
        if job is self.job:
            job.follow(self.app)
            job.start(self.app)

    def open_connection(self, connection: Connection, source: Source | None) -> None:
        """Shows one connection of a list; the list stays below."""
        self.app.push_screen(_handshake(connection, source, running=False))

    def pick_other(self) -> None:
        """Asks what to compare the connection on the screen with."""
        shown = self._shown()
        if shown is not None:
            from tlsviz.ui.screens.compare_pick import ComparePickScreen

            others = self.job.rows if self.job is not None else ()
            self.app.push_screen(ComparePickScreen(self, *shown, others))

    def can_compare(self) -> bool:
        """Whether there is a connection on the screen; that of a list is not made for it."""
        screen = self.app.screen
        return screen.marked if _is_list(screen) else self._shown() is not None

    def _shown(self) -> tuple[Connection, Source | None] | None:
        """The connection on the screen, or chosen there, and where it is from."""
        screen = self.app.screen
        source = self.job.trace.source if self.job is not None and self.job.trace is not None else None
        if _is_handshake(screen) and screen.scene is not None:
            truth = screen.scene.truth
            return (truth, screen.source or source) if truth.messages else None
        if _is_list(screen) and (chosen := screen.chosen) is not None:
            return chosen, source
        return None

    def compare(self, connection: Connection, source: Source | None, other: Connection | Request) -> None:
        """Shows two connections side by side, where the picker was."""
        from tlsviz.ui.screens.compare import CompareScreen, Side

        if isinstance(other, Capture | Live | Lab | Watch):
            self._remember(other)
            beside = Side(job=Job(other))
        else:
            beside = Side(other, source)
        self.app.switch_screen(CompareScreen(Side(connection, source), beside))

    def compare_targets(self, left: Request, right: Request | None, one: int | None, other: int | None) -> None:
        """Opens two targets (``right`` None: two connections of one) to be compared; ids choose connections."""
        from tlsviz.ui.screens.compare import CompareScreen, Side

        first = Side(job=Job(left), wanted=one)
        second = Side(job=Job(right), wanted=other) if right is not None else None
        if second is None and other is not None:
            second = Side(job=first.job, wanted=other)
        self._remember(left)
        if right is not None:
            self._remember(right)
        self.app.push_screen(CompareScreen(first, second))

    def again(self) -> None:
        """Does the present request once more."""
        if self.job is not None:
            self.open(self.job.request)

    def change(self, typed: str = "") -> None:
        """Asks in a form what the client is to say, beginning with what it said last; ``typed``: another target."""
        from tlsviz.sources.options import LiveOptions
        from tlsviz.ui.screens.client_form import ClientFormScreen

        last = self.last
        options = last.options if last is not None else self.live_options
        target = typed or (str(last.target) if last is not None else "")
        self.app.push_screen(ClientFormScreen(target, options or LiveOptions()))

    def can_change(self) -> bool:
        """Whether a form makes sense here: at home, and above a live target."""
        from tlsviz.ui.screens.client_form import ClientFormScreen
        from tlsviz.ui.screens.home import HomeScreen

        live = self.job is not None and isinstance(self.job.request, Live)
        return (live or isinstance(self.app.screen, HomeScreen)) and not isinstance(self.app.screen, ClientFormScreen)

    def back(self) -> None:
        """Leaves the top screen, but not the home screen."""
        if len(self.app.screen_stack) > self._floor:
            self.app.pop_screen()

    def home(self) -> None:
        """Goes to the home screen from anywhere."""
        from tlsviz.ui.screens.home import HomeScreen

        self._unwind(self._floor)
        if not isinstance(self.app.screen, HomeScreen):
            self.app.push_screen(HomeScreen(self))

    def uncovered(self) -> None:
        """The lowest screen is to be seen again: whatever ran above it is over."""
        if self.stage is None or self.stage not in self.app.screen_stack:
            self.stop()
            self.home()

    def stop(self) -> None:
        """Stops the running job; nobody listens to it any more."""
        if self.job is not None:
            self.job.leave()
            self.job.cancel()
        self.job = self.stage = None

    # What the job says.

    def advanced(self, job: Job) -> None:
        """Shows what the job has found since the last time."""
        if job is not self.job:
            return
        fresh = job.take()
        self._show(job, fresh, running=job.state == "running")
        self._show_held(job)
        if job.renewed and fresh:
            job.renewed = False
            self._renew(job, fresh)
            self.app.notify("The key log has grown: read again with the new keys.", markup=False)
        elif isinstance(job.request, Watch):
            self._renew(job, fresh)

    def ended(self, job: Job) -> None:
        """Shows what came of the job."""
        if job is not self.job:
            return
        self._show(job, job.take())
        self._show_held(job)
        found = job.rows
        if _is_list(self.stage) and (found or job.error is None):
            self.stage.ended()
        elif job.state == "cancelled" and not found:
            self._unwind(self._floor)
        elif job.error is not None and not found:
            from tlsviz.ui.screens.failure import FailureScreen

            self._replace(FailureScreen(job.error, job.request))
        elif not found and job.trace is not None:
            from tlsviz.ui.screens.failure import FailureScreen, nothing_found

            self._replace(FailureScreen(nothing_found(job.trace, job.request.title), job.request, mild=True))
        elif isinstance(job.request, Capture):
            source = job.trace.source if job.trace else _source(job.request)
            only = job.connection(found[0].id)
            assert only is not None
            self._replace(_handshake(only, source, running=False))
            self._remark(job)
        else:
            self._show(job, [found[-1]], running=False)
            if job.trace is not None and job.trace.ports is not None and isinstance(job.request, Live):
                from tlsviz.ui.screens.ports import PortsScreen, reader

                read = reader(job.trace.source, job.request.options)
                self.app.push_screen(PortsScreen(job.request.title, read, job.trace.ports))
            else:
                self._probe(job)

    def _probe(self, job: Job) -> None:
        """Runs the re-probes that were asked for, on the screen that shows each as it comes."""
        options = job.request.options if isinstance(job.request, Live) else None
        if options is None or not options.probe or job.state != "done":
            return
        if _is_handshake(self.stage) and job.rows[-1].failed:
            self.stage.action_diagnosis(probing=True)

    def _show(self, job: Job, fresh: list[Row], *, running: bool = True) -> None:
        if _is_list(self.stage):
            self.stage.add(fresh)
        elif len(job.rows) > 1 and not job.stepping:
            from tlsviz.ui.screens.connections import ConnectionsScreen

            self._replace(ConnectionsScreen(job, getattr(self.stage, "typed", ())))
        elif fresh and _is_handshake(self.stage):
            newest = job.connection(fresh[-1].id)
            if newest is not None:
                self.stage.show(newest, running=running)

    def _show_held(self, job: Job) -> None:
        """Says on the handshake's screen what step mode holds just now."""
        if _is_handshake(self.stage):
            self.stage.held = job.held

    def let_go(self) -> None:
        """Lets pass what step mode holds."""
        if self.job is not None:
            self.job.let_go()

    def _renew(self, job: Job, fresh: list[Row]) -> None:
        """There is more to see of what was read before: screens that show one of these connections get it anew."""
        for screen in self.app.screen_stack:
            if _is_handshake(screen) and screen is not self.stage and screen.scene is not None:
                newest = job.newest(screen.scene.truth, fresh)
                if newest is not None:
                    screen.show(newest)

    def _remark(self, job: Job) -> None:
        """Says what else there is to say of a source that went straight to its one connection."""
        words = list(job.trace.notices) if job.trace else []
        if job.state == "cancelled":
            words.append("Stopped by you: this is what was read.")
        elif job.error is not None:
            words.append(str(job.error))
        for each in words[:3]:
            self.app.notify(each, markup=False, timeout=8)

    # Screens.

    def _replace(self, screen: Screen[None]) -> None:
        """Puts a screen in the stage's place; help or palette above it go away."""
        if self.stage is not None and self.stage in self.app.screen_stack:
            while self.app.screen is not self.stage:
                self.app.pop_screen()
        self.stage = screen
        self.app.switch_screen(screen)

    @property
    def _floor(self) -> int:
        """How many screens lie at the bottom and stay: the home screen, or what it was laid upon."""
        from tlsviz.ui.screens.home import HomeScreen

        stack = self.app.screen_stack
        return 2 if len(stack) > 1 and isinstance(stack[1], HomeScreen) else 1

    def _unwind(self, height: int) -> None:
        """Takes screens away until at most ``height`` are left."""
        while len(self.app.screen_stack) > height:
            self.app.pop_screen()

    def _remember(self, request: Request) -> None:
        if isinstance(request, Capture) and not request.sample and not (request.options and request.options.name):
            self.recent.add(Entry(str(request.path.absolute()), "capture"))
        elif isinstance(request, Live):
            self.recent.add(Entry(str(request.target), "live"))

    def scenarios(self) -> tuple[Scenario, ...]:
        """The lab's scenarios."""
        from tlsviz.lab.scenarios import GROUPS

        return tuple(
            Scenario(each.name, each.title, each.what_to_see, group.title)
            for group in GROUPS
            for each in group.scenarios
        )


def _is_list(screen: Screen[Any] | None) -> TypeGuard[ConnectionsScreen]:
    return _is(screen, "connections", "ConnectionsScreen")


def _is_handshake(screen: Screen[Any] | None) -> TypeGuard[HandshakeScreen]:
    return _is(screen, "handshake", "HandshakeScreen")


def _is(screen: Screen[Any] | None, module: str, name: str) -> bool:
    """Whether it is a screen of that class, which need not be loaded to know that it is not."""
    loaded = sys.modules.get(f"tlsviz.ui.screens.{module}")
    return isinstance(screen, getattr(loaded, name, ()))


def placeholder(request: Live | Lab) -> Connection:
    """The connection before anything has happened on it."""
    from tlsviz.connection.model import Connection, Endpoint

    if isinstance(request, Lab):
        return Connection()
    target = request.target
    name = None if target.is_address else target.host
    return Connection(server=Endpoint(target.host, target.port), server_name=name)


def _source(request: Request) -> Source:
    from tlsviz.connection.model import Source

    if isinstance(request, Capture):
        return Source("capture", request.title)
    if isinstance(request, Watch):
        file = request.options.file
        return Source("interface", request.options.interface or "") if file is None else Source("capture", str(file))
    return Source("lab", request.name) if isinstance(request, Lab) else Source("live", request.title)


def _patience(request: Request) -> float | None:
    """The seconds after which a live handshake is given up."""
    if not isinstance(request, Live):
        return None
    from tlsviz.sources.options import DEFAULT_TIMEOUT

    return request.options.timeout if request.options else DEFAULT_TIMEOUT


def _handshake(
    connection: Connection, source: Source | None, *, running: bool, patience: float | None = None
) -> Screen[None]:
    from tlsviz.ui.screens.handshake import HandshakeScreen

    return HandshakeScreen(connection, source, running=running, patience=patience)
