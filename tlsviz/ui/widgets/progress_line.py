"""How much is done, as a line that doubles where it is."""

from __future__ import annotations

from textual.reactive import reactive

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, Painted


class ProgressLine(Painted):
    """A share between 0 and 1 as a bar with its per cent; None draws the empty line of what is not known yet."""

    share: reactive[float | None] = reactive(None)

    def lines(self, width: int) -> list[Line]:
        signs = glyphs()
        if self.share is None:
            return [[(signs.clear * width, "rule")]]
        room = max(width - 6, 1)
        done = round(room * min(max(self.share, 0.0), 1.0))
        head = signs.right if 0 < done < room else signs.encrypted
        bar: Line = [(signs.encrypted * (done - 1) + head, "server")] if done else []
        return [[*bar, (signs.clear * (room - done), "rule"), (f"{self.share:6.0%}", "muted")]]
