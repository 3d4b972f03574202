"""Lines of styled pieces for a terminal: measured in cells, wrapped, coloured only when asked."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

Style = Literal["", "dim", "bold", "good", "bad", "warn", "sealed", "guess", "title"]

_SGR: dict[Style, str] = {
    "": "",
    "dim": "2",
    "bold": "1",
    "good": "32",
    "bad": "31",
    "warn": "33",
    "sealed": "36",
    "guess": "2;35",
    "title": "1;36",
}

_ASCII = str.maketrans(
    {
        "─": "-",
        "═": "=",
        "┄": ".",
        "╌": "~",
        "│": "|",
        "├": "|",
        "└": "`",
        "▶": ">",
        "◀": "<",
        "▷": ">",
        "◁": "<",
        "▣": "#",
        "✓": "+",
        "✗": "X",
        "▲": "!",
        "◆": "*",
        "◌": "?",
        "●": "*",
        "░": "%",
        "█": "#",
        "·": "-",
        "…": "~",
        "⋮": ":",
        "×": "x",
        "→": ">",
        "↳": ">",
        "–": "-",
        "—": "-",
        "µ": "u",
    }
)


class Piece(NamedTuple):
    """Text in one style, without line breaks and control characters."""

    text: str
    style: Style = ""


Line = Sequence[Piece]


def cells(text: str) -> int:
    """How many terminal columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


@lru_cache(maxsize=4096)
def _cell(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def width_of(line: Line) -> int:
    """How many columns a line takes."""
    return sum(cells(piece.text) for piece in line)


def clip(text: str, width: int) -> str:
    """The text cut to a width, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    taken, room = "", width - 1
    for char in text:
        room -= _cell(char)
        if room < 0:
            break
        taken += char
    return taken + "…" if width > 0 else ""


def pad(text: str, width: int, right: bool = False) -> str:
    """The text in exactly ``width`` columns: clipped, or filled with spaces, before it if it is to stand ``right``."""
    if not text.isascii() or len(text) > width:
        text = clip(text, width)
        spaces = " " * (width - cells(text))
        return spaces + text if right else text + spaces
    return text.rjust(width) if right else text.ljust(width)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` columns, broken at spaces where it has any; at least one line."""
    width = max(width, 8)
    lines = [""]
    for word in text.split(" "):
        while True:
            joined = f"{lines[-1]} {word}" if lines[-1] else word
            if cells(joined) <= width:
                lines[-1] = joined
                break
            if lines[-1]:
                lines.append("")
                continue
            head = _fitting(word, width)
            lines[-1], word = head, word[len(head) :]
            lines.append("")
    return lines if lines[-1] or len(lines) == 1 else lines[:-1]


def _fitting(word: str, width: int) -> str:
    """As much of the beginning as fits, but something."""
    room = width
    for index, char in enumerate(word):
        room -= _cell(char)
        if room < 0:
            return word[: max(index, 1)]
    return word


def paragraph(lead: Line, text: str, width: int, style: Style = "") -> list[Line]:
    """Text behind a lead; further lines are indented to stand below its beginning."""
    indent = width_of(lead)
    first, *rest = wrap(text, width - indent)
    return [[*lead, Piece(first, style)], *([Piece(" " * indent), Piece(part, style)] for part in rest)]


def heading(text: str, beside: str, width: int) -> Line:
    """The first line of a section, and what is said beside it."""
    return [Piece(text, "title"), Piece(clip(f"  {beside}", width - cells(text)), "dim")]


def justify(left: Line, right: Line, width: int) -> Line:
    """Both ends of one line; at least two spaces between them."""
    return [*left, Piece(" " * max(width - width_of(left) - width_of(right), 2)), *right]


def render(lines: Iterable[Line], color: bool, ascii: bool) -> str:
    """The lines as text, each ended by a line break, without trailing spaces."""
    text = "".join(_line(line, color).rstrip() + "\n" for line in lines)
    return in_ascii(text) if ascii else text


def in_ascii(text: str) -> str:
    """The text with signs for signs, and what has none escaped."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _line(line: Line, color: bool) -> str:
    if not color:
        return "".join(piece.text for piece in line)
    return "".join(
        f"\x1b[{_SGR[piece.style]}m{piece.text}\x1b[0m" if piece.style and piece.text else piece.text for piece in line
    )
