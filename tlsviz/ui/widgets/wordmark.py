"""The wordmark: the name between two lanes, coloured from the client's side to the server's."""

from __future__ import annotations

from textual.color import Color

from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.theme import Role, role
from tlsviz.ui.widgets.lines import Line, LineView

_LETTERS = (
    (".#..", "###.", ".#..", ".#..", ".#..", "..##"),
    ("#.", "#.", "#.", "#.", "#.", ".#"),
    ("....", ".###", "#...", ".##.", "...#", "###."),
    (".....", "#...#", "#...#", "#...#", ".#.#.", "..#.."),
    ("#", ".", "#", "#", "#", "#"),
    (".....", "#####", "...#.", "..#..", ".#...", "#####"),
)
_GAP = 2
_SIDE = 9
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def letters() -> tuple[str, ...]:
    """The name in three rows of half blocks; one plain row where the terminal has only ASCII."""
    if glyphs() is ASCII:
        return ("t l s v i z",)
    rows = [("." * _GAP).join(letter[y] for letter in _LETTERS) for y in range(6)]
    return tuple(
        "".join(_BLOCKS[(a == "#", b == "#")] for a, b in zip(rows[y], rows[y + 1], strict=True))
        for y in range(0, 6, 2)
    )


class Wordmark(LineView, can_focus=False):
    """Four or six rows, as high as the styles give it: the name, and with room its two arrows."""

    def line_count(self) -> int:
        return self.size.height

    def line(self, index: int) -> Line:
        name = letters()
        inner = len(name[0]) + 2 * _SIDE
        signs = glyphs()
        if index == 0:
            body: Line = [(" " * inner, "")]
            return self._centred("client", body, "server")
        if index <= len(name):
            return self._centred(signs.lane, self._shaded(name[index - 1]), signs.lane)
        if index == len(name) + 1:
            arrow = signs.clear * (inner - 1) + signs.right
            return self._centred(signs.lane, [(arrow, "client")], signs.lane)
        if index == len(name) + 2:
            arrow = signs.left + signs.encrypted * (inner - 1)
            return self._centred(signs.lane, [(arrow, "server")], signs.lane)
        return []

    def _shaded(self, text: str) -> Line:
        variables = self.app.theme_variables
        start, end = (Color.parse(role(variables, name)) for name in _ENDS)
        last = max(len(text) - 1, 1)
        pieces: Line = [(" " * _SIDE, "")]
        pieces += [(char, f"bold {start.blend(end, x / last).hex}") for x, char in enumerate(text)]
        return [*pieces, (" " * _SIDE, "")]

    def _centred(self, left: str, body: Line, right: str) -> Line:
        """The body between its two ends, whose middles stand on the lanes."""
        inner = sum(len(text) for text, _ in body)
        margin = (self.width - inner - 2) // 2 - len(left) // 2
        if margin < 0:
            return body
        over = len(left) - 1 - len(left) // 2
        body = body if len(left) == 1 else [(" " * (inner - over - len(right) // 2), "")]
        return [(" " * margin, ""), (left, "bold client"), *body, (right, "bold server")]


_ENDS: tuple[Role, Role] = ("client", "server")
