"""The handshake screen: one connection as a ladder, with its words, fields, bytes, certificates and ciphers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import var

from tlsviz.connection.model import Connection, Source
from tlsviz.ui.messages import GoBack, LetGo
from tlsviz.ui.player import Player
from tlsviz.ui.screens.handshake_keys import HANDSHAKE_KEYS
from tlsviz.ui.screens.scene_screen import NARROW, NORMAL, WIDE, SceneScreen
from tlsviz.ui.theme import PROJECTOR
from tlsviz.ui.widgets.bytes_pane import BytesPane
from tlsviz.ui.widgets.chain_pane import ChainPane
from tlsviz.ui.widgets.cipher_pane import CipherPane
from tlsviz.ui.widgets.explain_pane import ExplainPane
from tlsviz.ui.widgets.fields_pane import FieldsPane
from tlsviz.ui.widgets.find_box import FindBox
from tlsviz.ui.widgets.header import ConnectionHeader
from tlsviz.ui.widgets.held_line import HeldLine
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.keys_pane import KeyGraph, KeysPane
from tlsviz.ui.widgets.ladder import Ladder, LadderRows
from tlsviz.ui.widgets.lines import LineView
from tlsviz.ui.widgets.observer_pane import ObserverBanner, ObserverPane, following
from tlsviz.ui.widgets.pane_bar import PANES, PaneBar
from tlsviz.ui.widgets.projector import Projector
from tlsviz.ui.widgets.record_pane import RecordPane
from tlsviz.ui.widgets.way_view import WayStrip

if TYPE_CHECKING:
    from tlsviz.sources.gate import Held
    from tlsviz.ui.screens.diagnosis import Told

FAR = 1 << 20
"""More slides than there are."""


class HandshakeScreen(SceneScreen):
    """Shows one connection; `show` replaces it by a newer snapshot. Escape posts `GoBack`.

    ``running``: the handshake is still going on, so the newest step is followed until the user takes over.
    ``patience``: the seconds after which it is given up.
    """

    CSS_PATH = "handshake.tcss"
    HELP = (
        "The ladder has an arrow for every message, and time runs down. Choose a step, and read it in the panes: "
        "in words, as fields, as bytes, its certificates, its ciphers.\n"
        "A field that is chosen anywhere is lit everywhere. A click on an arrow, a sentence, a field, a byte or a "
        "certificate chooses it."
    )
    AUTO_FOCUS = "LadderRows"
    HORIZONTAL_BREAKPOINTS = [(0, NARROW), (104, NORMAL), (176, WIDE)]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (12, "-short"), (32, "-medium"), (44, "-tall")]

    BINDINGS: ClassVar[list[BindingType]] = HANDSHAKE_KEYS

    playing: var[bool] = var(False, init=False)
    secrets: var[bool] = var(False, init=False)
    held: var[Held | None] = var(None)
    segments: var[bool] = var(False, init=False)

    def __init__(
        self,
        connection: Connection,
        source: Source | None = None,
        *,
        running: bool = False,
        patience: float | None = None,
    ) -> None:
        super().__init__(connection, running)
        self.source = source
        self.patience = patience
        self._opened = False
        self._theme_before = ""
        self._player = Player(self, lambda: self._scene, self._play_next)

    def compose(self) -> ComposeResult:
        yield ConnectionHeader(self.source, self.patience).data_bind(HandshakeScreen.scene, HandshakeScreen.running)
        yield ObserverBanner().data_bind(HandshakeScreen.scene)
        with Horizontal(id="body"):
            yield Ladder(id="ladder").data_bind(
                HandshakeScreen.scene, HandshakeScreen.running, HandshakeScreen.covered, HandshakeScreen.segments
            )
            with Vertical(id="side"):
                yield PaneBar(id="bar").data_bind(HandshakeScreen.pane)
                yield FindBox(id="find")
                with Horizontal(id="panes"):
                    with Vertical(id="words"):
                        yield ExplainPane(id="explain").data_bind(HandshakeScreen.scene)
                        yield ChainPane(id="chain").data_bind(HandshakeScreen.scene)
                        yield CipherPane(id="cipher").data_bind(HandshakeScreen.scene)
                    with Vertical(id="structure"):
                        yield FieldsPane(id="fields").data_bind(HandshakeScreen.scene)
                        yield BytesPane(id="bytes").data_bind(HandshakeScreen.scene)
                        yield RecordPane(id="record").data_bind(HandshakeScreen.scene, HandshakeScreen.secrets)
                        yield ObserverPane(id="seen").data_bind(HandshakeScreen.scene)
                    yield KeysPane(id="keys").data_bind(HandshakeScreen.scene, HandshakeScreen.secrets)
        yield Projector().data_bind(HandshakeScreen.scene)
        yield HeldLine(id="held").data_bind(HandshakeScreen.held)
        yield KeyBar()

    def on_mount(self) -> None:
        self._arrange()

    # the size and what is open decide what is seen; the style sheet does the rest

    def on_resize(self) -> None:
        self.call_after_refresh(self._arrange)

    def watch_pane(self) -> None:
        if self.pane != "fields" and self.query_one(FindBox).display:
            self.query_one(FindBox).close()
        self._arrange()

    def _arrange(self) -> None:
        """Gives the screen the class of the open pane, and the bar the panes that can be opened at this size."""
        narrow, wide = self.has_class(NARROW), self.has_class(WIDE)
        if narrow and not self._opened:
            self.set_reactive(HandshakeScreen.pane, "ladder")
        if not narrow and self.pane == "ladder":
            self.set_reactive(HandshakeScreen.pane, "explain")
        if wide and self.pane in ("fields", "bytes"):
            self.set_reactive(HandshakeScreen.pane, "explain")
        for name in PANES:
            self.set_class(self.pane == name, f"-pane-{name}")
        bar = self.query_one(PaneBar)
        if wide:
            bar.names = tuple(name for name in PANES if name not in ("ladder", "fields", "bytes"))
        else:
            bar.names = tuple(PANES) if narrow else tuple(PANES)[1:]
        bar.pane = self.pane
        if self.pane != "keys":
            self.covered = ()
        for name in ("fields", "bytes"):
            self.query_one(f"#{name}").border_title = f"{PANES[name][0]} {PANES[name][1]}" if wide else None
        self.refresh_bindings()
        if narrow:
            self.call_after_refresh(self._focus_open)

    def _focus_open(self) -> None:
        """Where panes take turns the open one has the focus, unless a field is being sought just now."""
        if self.has_class(NARROW) and not self.query_one(FindBox).display:
            self._view(self.pane).focus()

    def _view(self, pane: str) -> LineView:
        """What takes the focus in a pane."""
        if pane == "ladder":
            return self.query_one(LadderRows)
        return self.query_one(KeyGraph) if pane == "keys" else self.query_one(f"#{pane}", LineView)

    # keys

    def action_step(self, by: int) -> None:
        """Chooses the next or previous step; on the projector, the next slide."""
        if not self._turned(by):
            self._choose(self._scene.at_step(self._scene.selection.step + by))

    def action_first(self) -> None:
        """Chooses the first step."""
        if not self._turned(-FAR):
            self._choose(self._scene.at_step(0))

    def action_last(self) -> None:
        """Chooses the last step."""
        if not self._turned(FAR):
            self._choose(self._scene.at_step(len(self._scene.steps) - 1))

    def _turned(self, by: int) -> bool:
        """Whether the projector shows slides of its own and has gone on by so many."""
        return self.has_class("-projector") and self.query_one(Projector).turn(by)

    def action_field(self, by: int) -> None:
        """Chooses the next or previous field of the message."""
        self._choose(self._scene.next_field(by))

    def action_pane(self, name: str) -> None:
        """Opens a pane."""
        self._opened = True
        if self.has_class("-projector"):
            self.action_projector()
        if self.has_class(WIDE) and name in ("fields", "bytes"):
            self.query_one(f"#{name}").focus()
            return
        if name == "ladder" and not self.has_class(NARROW):
            self.query_one(LadderRows).focus()
            return
        if self.has_class("-zoom-ladder") and name != "ladder":
            self.remove_class("-zoom-ladder")
        self.pane = name
        if name in ("keys", "chain"):
            self._view(name).focus()

    def action_next_pane(self, by: int) -> None:
        """Goes to the next pane: opens it where one is seen at a time, else moves the focus."""
        if self.has_class(NARROW):
            names = list(PANES)
            self.pane = names[(names.index(self.pane) + by) % len(names)]
        elif by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where one pane is seen at a time there is nothing to zoom; where there are no secrets, nothing to unmask."""
        if action in ("let_go", "play"):
            return (action == "let_go") == (self.held is not None)
        if action in ("diagnosis", "undiagnosed"):
            failed = not self.running and self._scene.connection.failure is not None
            return failed == (action == "diagnosis")
        if action == "secrets":
            return self.pane in ("record", "keys")
        if action == "ports":
            return self.source is not None and self.source.kind in ("live", "lab")
        if action == "finding":
            return bool(self._scene.connection.findings)
        if action == "segments":
            return self._scene.connection.tcp is not None
        if action == "browser":
            return bool(self._scene.connection.certificates)
        return not (action == "zoom" and self.has_class(NARROW))

    def action_records(self) -> None:
        """Changes the Bytes pane between the message's own bytes and the records as they were on the wire."""
        pane = self.query_one(BytesPane)
        pane.records = not pane.records
        if not pane.display or not pane.parent or not self.query_one("#structure").display:
            self.action_pane("bytes")

    def action_observer(self) -> None:
        """Looks at the connection with the next observer's eyes."""
        self._choose(self._scene.seen_by(following(self._scene.observer)))

    @on(WayStrip.Asked)
    def action_way(self) -> None:
        """Shows the way to the first byte in full."""
        from tlsviz.ui.screens.way import WayScreen

        self.app.push_screen(WayScreen(self._scene.connection, self.source))

    def action_diagnosis(self, probing: bool = False) -> None:
        """Shows why it failed, from where re-probes can be run; ``probing``: they are, at once."""
        from tlsviz.ui.app import TlsvizApp
        from tlsviz.ui.screens.diagnosis import DiagnosisScreen

        job = self.app.flow.job if isinstance(self.app, TlsvizApp) else None
        request = job.request if job is not None else None
        screen = DiagnosisScreen(self._scene.connection, request, self.source, probing=probing)
        self.app.push_screen(screen, self._told)

    def action_undiagnosed(self) -> None:
        """Says why there is no diagnosis."""
        from tlsviz.ui.widgets.diagnosis_lines import why_none

        self.app.notify(why_none(self._scene.connection, self.running), markup=False)

    def _told(self, told: Told | None) -> None:
        """What the diagnosis leaves behind."""
        if told is not None and told.connection is not None:
            self.show(told.connection)
        if told is not None and told.chosen is not None:
            self.post_message(told.chosen)

    def action_finding(self) -> None:
        """Goes to the next finding, in the Explain pane."""
        self.action_pane("explain")
        pane = self.query_one(ExplainPane)
        pane.focus()
        self.call_after_refresh(pane.next_finding)

    def action_ports(self) -> None:
        """Looks at the encrypted and the plain port of this host."""
        from tlsviz.ui.screens.ports import PortsScreen, reader

        options = getattr(getattr(self.app, "flow", None), "live_options", None)
        read = reader(self.source, options) if self.source is not None else None
        if self.source is not None and read is not None:
            self.app.push_screen(PortsScreen(self.source.name, read))

    def action_segments(self) -> None:
        """Draws TCP's segments below the steps that they carried, or leaves them out."""
        self.segments = not self.segments
        if self.has_class(NARROW):
            self.action_pane("ladder")

    def action_secrets(self) -> None:
        """Shows the values of keys and nonces, or masks them again."""
        self.secrets = not self.secrets

    def action_zoom(self) -> None:
        """Gives the focused side the whole screen, or gives it back."""
        if self.has_class("-zoom-ladder") or self.has_class("-zoom-side"):
            self.remove_class("-zoom-ladder", "-zoom-side")
            return
        ladder = self.focused is None or isinstance(self.focused, LadderRows)
        self.add_class("-zoom-ladder" if ladder else "-zoom-side")

    def action_projector(self) -> None:
        """Changes to or from the projector: one idea a screen, black on white."""
        self.toggle_class("-projector")
        if self.has_class("-projector"):
            self._theme_before = self.app.theme
            self.app.theme = PROJECTOR
            self.secrets = False
            keys = self.query_one(KeysPane)
            subject = self.pane if self.pane in ("keys", "record", "chain") else "steps"
            self.query_one(Projector).begin(subject, keys.schedule, keys.chosen)
            self.app.clear_notifications()
            return
        self.call_after_refresh(self._focus_open)
        if self.app.theme == PROJECTOR:
            self.app.theme = self._theme_before

    def action_back(self) -> None:
        """Undoes the last narrowing of the view; leaves the screen when there is none."""
        if self.has_class("-projector"):
            self.action_projector()
        elif self.query_one(FindBox).display:
            self.query_one(FindBox).stop()
        elif self.has_class("-zoom-ladder") or self.has_class("-zoom-side"):
            self.remove_class("-zoom-ladder", "-zoom-side")
        elif self.has_class(NARROW) and self.pane != "ladder":
            self.pane = "ladder"
        else:
            self.post_message(GoBack())

    # find

    def action_find(self) -> None:
        """Asks for a field's name or value."""
        self.action_pane("fields")
        self.query_one(FindBox).open()

    # playing

    def action_play(self) -> None:
        """Steps through in scaled real time, or stops that."""
        scene = self._scene
        if not self.playing and scene.selection.step >= len(scene.steps) - 1:
            self.action_first()
        self.playing = not self.playing

    def action_let_go(self) -> None:
        """Lets pass the flight that step mode holds."""
        self.post_message(LetGo())

    def watch_held(self) -> None:
        self.refresh_bindings()

    def watch_playing(self, playing: bool) -> None:
        self.query_one(ConnectionHeader).playing = playing
        if not playing:
            self._player.stop()
        elif not self._player.start():
            self.playing = False

    def _play_next(self) -> None:
        self.action_step(1)
        self.playing = self._player.start()
