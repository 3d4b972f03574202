"""The wordmark: the name between two lanes, coloured from the client's side to the server's."""

from __future__ import annotations

from functools import cache

from textual.color import Color

from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.theme import Role, role
from tlsviz.ui.widgets.lines import Line, Painted, cells

TAGLINE = "see a TLS handshake happen: every byte named, explained and proven"
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
_ENDS: tuple[Role, Role] = ("client", "server")


@cache
def letters(ascii_only: bool) -> tuple[str, ...]:
    """The name in three rows of half blocks; one plain row where the terminal has only ASCII."""
    if ascii_only:
        return ("t l s v i z",)
    rows = [("." * _GAP).join(letter[y] for letter in _LETTERS) for y in range(6)]
    return tuple(
        "".join(_BLOCKS[(a == "#", b == "#")] for a, b in zip(rows[y], rows[y + 1], strict=True))
        for y in range(0, 6, 2)
    )


class Wordmark(Painted):
    """The name; with ``arrows`` a hello there and an answer back; below it what this is."""

    def __init__(self, *, arrows: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self.arrows = arrows

    def lines(self, width: int) -> list[Line]:
        signs = glyphs()
        name = letters(signs is ASCII)
        inner = len(name[0]) + 2 * _SIDE
        tagline = TAGLINE if len(TAGLINE) <= width else TAGLINE.partition(":")[0]
        if inner + 8 > width:  # no room for the lanes
            return [_centred(line, width) for line in [*map(self._shaded, name), [(tagline, "muted")]]]
        lane: Line = [(signs.lane, "bold client")]
        end: Line = [(signs.lane, "bold server")]
        found: list[Line] = [[("client", "bold client"), (" " * (inner - 4), ""), ("server", "bold server")]]
        margin: Line = [(" " * _SIDE, "")]
        found += [[*lane, *margin, *self._shaded(row), *margin, *end] for row in name]
        if self.arrows:
            found.append([*lane, (signs.clear * (inner - 1) + signs.right, "client"), *end])
            found.append([*lane, (signs.left + signs.encrypted * (inner - 1), "server"), *end])
            found.append([])
        found.append([(tagline, "muted")])
        return [_centred(line, width) for line in found]

    def _shaded(self, text: str) -> Line:
        variables = self.app.theme_variables
        start, end = (Color.parse(role(variables, name)) for name in _ENDS)
        last = max(len(text) - 1, 1)
        return [(char, "" if char == " " else f"bold {start.blend(end, x / last).hex}") for x, char in enumerate(text)]


def _centred(line: Line, width: int) -> Line:
    # Lines of an even and an odd number of cells must not stand half a cell apart.
    return [(" " * max((width - cells(line) - cells(line) % 2) // 2, 0), ""), *line]
