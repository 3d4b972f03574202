"""The handshake screen: one connection as a ladder, with its words, fields, bytes, certificates and ciphers."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import var
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from tlsviz.connection.model import Connection, Source
from tlsviz.ui.messages import GoBack
from tlsviz.ui.selection import (
    ByteChosen,
    CertificateChosen,
    FieldChosen,
    MessageChosen,
    ObserverChosen,
    PaneChosen,
    Scene,
    StepChosen,
    TranscriptChosen,
    opening_step,
    scene,
)
from tlsviz.ui.theme import PROJECTOR
from tlsviz.ui.widgets.bytes_pane import BytesPane
from tlsviz.ui.widgets.chain_pane import ChainPane
from tlsviz.ui.widgets.cipher_pane import CipherPane
from tlsviz.ui.widgets.explain_pane import ExplainPane
from tlsviz.ui.widgets.fields_pane import FieldsPane
from tlsviz.ui.widgets.header import ConnectionHeader
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.keys_pane import KeyGraph, KeysPane
from tlsviz.ui.widgets.ladder import Ladder, LadderRows
from tlsviz.ui.widgets.lines import LineView
from tlsviz.ui.widgets.observer_pane import ObserverBanner, ObserverPane, following
from tlsviz.ui.widgets.pane_bar import PANES, PaneBar
from tlsviz.ui.widgets.projector import Projector
from tlsviz.ui.widgets.record_pane import RecordPane

NARROW, NORMAL, WIDE = "-narrow", "-normal", "-wide"
PLAY_SHORTEST, PLAY_LONGEST, PLAY_SCALE = 0.7, 2.5, 20.0
"""Playing waits a step's real gap times the scale, but neither less nor more than so many seconds."""


FAR = 1 << 20
"""More slides than there are."""


class HandshakeScreen(Screen[None]):
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
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-medium"), (44, "-tall")]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "step", key_display="↑↓", tooltip="Previous step"),
        Binding("down", "step(1)", "next step", show=False),
        Binding("pageup", "step(-1)", "previous step", show=False),
        Binding("pagedown", "step(1)", "next step", show=False),
        Binding("home", "first", "first step", show=False),
        Binding("end", "last", "last step", show=False),
        Binding("left", "field(-1)", "field", key_display="←→", tooltip="Previous field"),
        Binding("right", "field(1)", "next field", show=False),
        Binding("space", "play", "play", tooltip="Play: step by itself"),
        Binding("0", "pane('ladder')", "pane: ladder", show=False),
        Binding("1", "pane('explain')", "pane", key_display="0-8", tooltip="Pane: explain"),
        Binding("2", "pane('fields')", "pane: fields", show=False),
        Binding("3", "pane('bytes')", "pane: bytes", show=False),
        Binding("4", "pane('chain')", "pane: chain", show=False),
        Binding("5", "pane('cipher')", "pane: cipher", show=False),
        Binding("6", "pane('record')", "pane: record", show=False),
        Binding("7", "pane('keys')", "pane: keys", show=False),
        Binding("8", "pane('seen')", "pane: seen by whom", show=False),
        Binding("tab", "next_pane(1)", "next pane", show=False),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False),
        Binding("m", "records", "bytes as on the wire", show=False),
        Binding("o", "observer", "eyes", tooltip="Other eyes: an eavesdropper's, a key holder's, a proxy's"),
        Binding("v", "secrets", "values", tooltip="Show or mask secret values"),
        Binding("slash", "find", "find", key_display="/", tooltip="Find a field of this message"),
        Binding("z", "zoom", "zoom", tooltip="Zoom: the focused side alone"),
        Binding("p", "projector", "projector", tooltip="Projector: one step, key or part a screen"),
        Binding("escape", "back", "back", key_display="esc", tooltip="Back, or leave"),
    ]

    scene: var[Scene | None] = var(None)
    running: var[bool] = var(False)
    pane: var[str] = var("explain", init=False)
    playing: var[bool] = var(False, init=False)
    secrets: var[bool] = var(False, init=False)
    covered: var[tuple[int, ...]] = var((), init=False)

    def __init__(
        self,
        connection: Connection,
        source: Source | None = None,
        *,
        running: bool = False,
        patience: float | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.patience = patience
        self._touched = False
        self._opened = False
        self._theme_before = ""
        self._timer: Timer | None = None
        self.set_reactive(HandshakeScreen.scene, scene(connection))
        self.set_reactive(HandshakeScreen.running, running)

    def compose(self) -> ComposeResult:
        yield ConnectionHeader(self.source, self.patience).data_bind(HandshakeScreen.scene, HandshakeScreen.running)
        yield ObserverBanner().data_bind(HandshakeScreen.scene)
        with Horizontal(id="body"):
            yield Ladder(id="ladder").data_bind(HandshakeScreen.scene, HandshakeScreen.running, HandshakeScreen.covered)
            with Vertical(id="side"):
                yield PaneBar(id="bar").data_bind(HandshakeScreen.pane)
                yield Input(placeholder="find a field by its name or value", id="find", compact=True)
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
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#find").display = False
        self._arrange()

    def show(self, connection: Connection, *, running: bool | None = None) -> None:
        """Shows a newer snapshot of the connection; ``running`` False says that it is the last."""
        if running is not None:
            self.running = running
        fresh = self._scene.with_connection(connection)
        if not self._touched:
            fresh = fresh.at_step(len(fresh.steps) - 1 if self.running else opening_step(fresh))
        self.scene = fresh

    @property
    def connection_id(self) -> int:
        """Which connection it shows."""
        return self._scene.connection.id

    @property
    def _scene(self) -> Scene:
        if self.scene is None:
            raise RuntimeError("the screen has no scene before it is made")
        return self.scene

    # the size and what is open decide what is seen; the style sheet does the rest

    def on_resize(self) -> None:
        self.call_after_refresh(self._arrange)

    def watch_pane(self) -> None:
        if self.pane != "fields" and self.query_one("#find").display:
            self._close_find()
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
        if self.has_class(NARROW) and not self.query_one("#find").display:
            self._view(self.pane).focus()

    def _view(self, pane: str) -> LineView:
        """What takes the focus in a pane."""
        if pane == "ladder":
            return self.query_one(LadderRows)
        return self.query_one(KeyGraph) if pane == "keys" else self.query_one(f"#{pane}", LineView)

    # what the widgets say

    @on(StepChosen)
    def _step_chosen(self, event: StepChosen) -> None:
        self._choose(self._scene.at_step(event.index))

    @on(FieldChosen)
    def _field_chosen(self, event: FieldChosen) -> None:
        self._choose(self._scene.at_path(event.path))

    @on(ByteChosen)
    def _byte_chosen(self, event: ByteChosen) -> None:
        self._choose(self._scene.at_byte(event.offset))

    @on(CertificateChosen)
    def _certificate_chosen(self, event: CertificateChosen) -> None:
        self._choose(self._scene.at_certificate(event.sender, event.index))

    @on(MessageChosen)
    def _message_chosen(self, event: MessageChosen) -> None:
        self._choose(self._scene.at_message(event.index, event.path))
        if event.path is not None:
            self.action_pane("fields")
        elif self.has_class(NARROW):
            self.action_pane("ladder")

    @on(TranscriptChosen)
    def _transcript_chosen(self, event: TranscriptChosen) -> None:
        self.covered = event.messages if self.pane == "keys" else ()

    @on(ObserverChosen)
    def _observer_chosen(self, event: ObserverChosen) -> None:
        self._choose(self._scene.seen_by(event.observer))

    @on(PaneChosen)
    def _pane_chosen(self, event: PaneChosen) -> None:
        self.action_pane(event.pane)

    def _choose(self, fresh: Scene) -> None:
        self._touched = True
        self.scene = fresh

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
        if name == "keys":
            self.query_one(KeyGraph).focus()

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
        if action == "secrets":
            return self.pane in ("record", "keys")
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
            subject = self.pane if self.pane in ("keys", "record") else "steps"
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
        elif self.query_one("#find").display:
            self._stop_find()
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
        box = self.query_one("#find", Input)
        box.display = True
        box.focus()

    @on(Input.Changed, "#find")
    def _find_changed(self, event: Input.Changed) -> None:
        self.query_one(FieldsPane).find = event.value.strip()

    @on(Input.Submitted, "#find")
    def _find_submitted(self) -> None:
        fields = self.query_one(FieldsPane)
        path = fields.first_found()
        if path is None and fields.find:
            return
        self._stop_find()
        if path is not None:
            self._choose(self._scene.at_path(path))

    def _stop_find(self) -> None:
        self._close_find()
        self.query_one(FieldsPane).focus()

    def _close_find(self) -> None:
        box = self.query_one("#find", Input)
        box.value = ""
        box.display = False
        self.query_one(FieldsPane).find = ""

    # playing

    def action_play(self) -> None:
        """Steps through in scaled real time, or stops that."""
        scene = self._scene
        if not self.playing and scene.selection.step >= len(scene.steps) - 1:
            self.action_first()
        self.playing = not self.playing

    def watch_playing(self, playing: bool) -> None:
        self.query_one(ConnectionHeader).playing = playing
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if playing:
            self._wait_for_next()

    def _wait_for_next(self) -> None:
        scene = self._scene
        following = scene.selection.step + 1
        if following >= len(scene.steps):
            self.playing = False
            return
        wait = min(max(scene.steps[following].gap * PLAY_SCALE, PLAY_SHORTEST), PLAY_LONGEST)
        self._timer = self.set_timer(wait, self._play_next)

    def _play_next(self) -> None:
        self.action_step(1)
        self._wait_for_next()
