"""What every widget of a screen with a scene chooses: the one place where new scenes are made."""

from __future__ import annotations

from textual import on
from textual.reactive import var
from textual.screen import Screen

from tlsviz.connection.model import Connection
from tlsviz.ui.certificates import at_certificate_field
from tlsviz.ui.selection import (
    ByteChosen,
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
from tlsviz.ui.widgets.chain_lines import Target
from tlsviz.ui.widgets.chain_pane import ChainChosen

NARROW, NORMAL, WIDE = "-narrow", "-normal", "-wide"


class SceneScreen(Screen[None]):
    """A screen whose widgets draw from one scene, and answer with what was chosen in them.

    ``running``: the newest step is followed until the user takes over.
    """

    scene: var[Scene | None] = var(None)
    running: var[bool] = var(False)
    pane: var[str] = var("explain", init=False)
    covered: var[tuple[int, ...]] = var((), init=False)

    def __init__(self, connection: Connection, running: bool) -> None:
        super().__init__()
        self._touched = False
        self.set_reactive(SceneScreen.scene, scene(connection))
        self.set_reactive(SceneScreen.running, running)

    def action_pane(self, name: str) -> None:
        """Opens a pane."""
        raise NotImplementedError

    def show(self, connection: Connection, *, running: bool | None = None) -> None:
        """Shows a newer snapshot of the connection; ``running`` False says that it is the last."""
        if running is not None:
            self.running = running
        fresh = self._scene.with_connection(connection)
        if not self._touched:
            fresh = fresh.at_step(len(fresh.steps) - 1 if self.running else opening_step(fresh))
        self.scene = fresh
        if not self.running:
            # Whether there is a diagnosis is known only now.
            self.refresh_bindings()

    @property
    def _scene(self) -> Scene:
        if self.scene is None:
            raise RuntimeError("the screen has no scene before it is made")
        return self.scene

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

    @on(ChainChosen)
    def _chain_chosen(self, event: ChainChosen) -> None:
        self._go(event.target)

    def _go(self, target: Target | None) -> None:
        """To the bytes of a field of a sent certificate, to a message, or to the page of a certificate."""
        if target is None:
            return
        if target.message is not None:
            self._choose(self._scene.at_message(target.message))
            self.action_pane("fields")
        elif target.field and target.index is not None:
            self._choose(at_certificate_field(self._scene, target.side, target.index, target.field))
            self.action_pane("fields")
        else:
            from tlsviz.ui.screens.certificate import CertificateScreen

            self.app.push_screen(CertificateScreen(self._scene.connection, target), self._go)

    def action_browser(self) -> None:
        """Shows what browsers and programs make of the certificates."""
        from tlsviz.ui.screens.browser import BrowserScreen

        self.app.push_screen(BrowserScreen(self._scene.connection), self._go)

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
