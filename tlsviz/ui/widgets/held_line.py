"""Step mode's line: what waits on the wire, and which key lets it go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from tlsviz.ui.glyphs import glyphs
from tlsviz.wire.chunks import CLIENT

if TYPE_CHECKING:
    from tlsviz.sources.gate import Held


class HeldLine(Static):
    """One row under the ladder while a flight is held; otherwise nothing."""

    held: var[Held | None] = var(None)

    def watch_held(self, held: Held | None) -> None:
        self.display = held is not None
        if held is not None:
            arrow = glyphs().right if held.sender == CLIENT else glyphs().left
            self.update(Content.assemble((f" {arrow} held: ", "bold"), (held.what, "bold"), (", press space", "")))
