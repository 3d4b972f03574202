"""The Chain pane: certificates from the anchors down to the leaf, what was checked between them, and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.message import Message as Event

from tlsviz.connection.titles import shares_key
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import Scene
from tlsviz.ui.widgets.chain_lines import ChainLine, Target, chain_lines, targets
from tlsviz.ui.widgets.inspection_lines import inspected
from tlsviz.ui.widgets.lines import Line, pad_line
from tlsviz.ui.widgets.pane import Pane, paragraph


@dataclass
class ChainChosen(Event):
    """A certificate of the chain was chosen, or a field of one."""

    target: Target


class ChainPane(Pane):
    """Arrows go from certificate to certificate and from fault to fault; Enter or a click opens what is chosen."""

    HELP = (
        "The certificates, from the authorities that a store trusts (above) down to the server's own. Between two of "
        "them stands what was checked. A dashed circle is a certificate that is missing.\n"
        "Enter opens a certificate in full, or the bytes of the field that a fault lies in; b shows what browsers "
        "make of it."
    )
    BINDINGS = [
        Binding("up", "move(-1)", "certificate", key_display="↑↓", tooltip="Previous certificate or fault"),
        Binding("down", "move(1)", "next certificate or fault", show=False),
        Binding("enter", "open", "open", key_display="⏎", tooltip="Open the certificate, or the field at fault"),
        Binding("b", "screen.browser", "browser", tooltip="What browsers, curl and Java say of the certificates"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._chain: list[ChainLine] = []
        self._places: list[tuple[int, int, Target]] = []
        self._at = 0

    def key(self, scene: Scene) -> tuple[object, ...]:
        connection = scene.connection
        shown = (connection.certificates, connection.trust, connection.client_trust, connection.resumed)
        return (*shown, connection.earlier)

    def build(self, scene: Scene, width: int) -> list[Line]:
        self._chain = chain_lines(scene.connection, width)
        self._places = targets(self._chain)
        self._at = min(self._at, max(len(self._places) - 1, 0))
        if not self._chain:
            return [[], *paragraph(_nothing(scene), width, "muted", 2)]
        return [*(each.line for each in self._chain), *inspected(scene.connection, width)]

    @property
    def target(self) -> Target | None:
        """What the cursor is at."""
        return self._places[self._at][2] if self._places else None

    def show_start(self, scene: Scene) -> None:
        self._at = 0
        super().show_start(scene)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def line(self, index: int) -> Line:
        line = super().line(index)
        if not self.has_focus or not self._places:
            return line
        first, last, _ = self._places[self._at]
        if not first <= index <= last:
            return line
        # The cursor takes the empty first cell.
        lead, *rest = line or [(" ", "")]
        marked: Line = [(glyphs().cursor, "accent on selection"), (lead[0][1:], f"{lead[1]} on selection")]
        marked += [(text, f"{style} on selection") for text, style in rest]
        return pad_line(marked, self.width, "on selection")

    def action_move(self, by: int) -> None:
        """Goes to the next or previous certificate or fault; where there is none, scrolls on."""
        fresh = max(0, min(self._at + by, len(self._places) - 1))
        if self._places and self._at == 0 and by > 0:
            fresh = self._guilty() or fresh
        if not self._places or fresh == self._at:
            self.scroll_to(y=0 if by < 0 else self.max_scroll_y, animate=False)
            return
        self._at = fresh
        first, last, _ = self._places[fresh]
        self.reveal(first, last)
        self.refresh()

    def _guilty(self) -> int | None:
        """The place of the certificate that the first verdict is about; None where it is about none."""
        trust = self.scene.connection.trust if self.scene is not None else None
        if trust is None or trust.verdict != "untrusted" or not any(fault.sha256 for fault in trust.faults[:1]):
            return None
        der = self._places[0][2].der
        titles = (
            at for at, (_, _, place) in enumerate(self._places) if at and place == Target(place.side, der, place.index)
        )
        return next(titles, None)

    def action_open(self) -> None:
        """Opens what the cursor is at."""
        if self.target is not None:
            self.post_message(ChainChosen(self.target))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = self.index_at(offset.y) if offset is not None else None
        found = next(
            (at for at, (first, last, _) in enumerate(self._places) if line is not None and first <= line <= last), None
        )
        if found is not None:
            self._at = found
            self.refresh()
            self.action_open()


def _nothing(scene: Scene) -> str:
    """Why there are no certificates here."""
    connection = scene.connection
    trust = connection.trust
    text = "No certificate has been seen."
    if connection.resumed:
        return f"{text} The session was resumed: the server proved itself in an earlier connection."
    if shares_key(connection):
        return f"{text} None is needed: a pre-shared key proves who both are."
    if trust is not None and "no_certificate" in trust.reasons:
        return "The server's Certificate message is empty: there is nothing to judge, and no client goes on."
    if any(message.type == "certificate" for message in connection.messages):
        return f"{text} It is encrypted, and the keys are not known."
    return text
