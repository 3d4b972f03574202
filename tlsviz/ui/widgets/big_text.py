"""Big letters of half-block pixels: three by five, for titles on a projector."""

from __future__ import annotations

import re
from collections.abc import Callable

_LETTERS = """
A 010 101 111 101 101|B 110 101 110 101 110|C 111 100 100 100 111|D 110 101 101 101 110|E 111 100 110 100 111
F 111 100 110 100 100|G 111 100 101 101 111|H 101 101 111 101 101|I 111 010 010 010 111|J 001 001 001 101 010
K 101 101 110 101 101|L 100 100 100 100 111|M 10001 11011 10101 10001 10001|N 1001 1101 1011 1001 1001
O 111 101 101 101 111|P 110 101 110 100 100|Q 0110 1001 1001 1010 0101|R 110 101 110 101 101|S 111 100 111 001 111
T 111 010 010 010 010|U 101 101 101 101 111|V 101 101 101 101 010|W 10001 10001 10101 11011 10001
X 101 101 010 101 101|Y 101 101 010 010 010|Z 111 001 010 100 111|0 111 101 101 101 111|1 010 110 010 010 111
2 110 001 010 100 111|3 110 001 010 001 110|4 101 101 111 001 001|5 111 100 110 001 110|6 011 100 110 101 010
7 111 001 010 010 010|8 010 101 010 101 010|9 010 101 011 001 110|- 000 000 111 000 000|. 0 0 0 0 1
: 0 1 0 1 0|? 110 001 010 000 010|! 1 1 1 0 1|/ 001 001 010 100 100|_ 000 000 000 000 111
"""
_BLOCKS = {"00": " ", "10": "▀", "01": "▄", "11": "█"}
HEIGHT = 3
"""The lines that big letters take."""


def _font() -> dict[str, list[str]]:
    found = {" ": ["00"] * 6}
    for entry in _LETTERS.replace("\n", "|").split("|"):
        if entry:
            letter, *rows = entry.split(" ")
            found[letter] = [*rows, "0" * len(rows[0])]
    return found


_FONT = _font()


def huge(text: str) -> list[str]:
    """The text in five lines of blocks, two cells a pixel."""
    lines = [""] * 5
    for letter in text.upper():
        shape = _FONT.get(letter, _FONT["?"])
        for row in range(5):
            lines[row] += "".join("██" if pixel == "1" else "  " for pixel in shape[row]) + "  "
    return [line[:-2] for line in lines]


def big(text: str) -> list[str]:
    """The text in three lines of half blocks; characters without a shape become ``?``."""
    lines = ["", "", ""]
    for letter in text.upper():
        shape = _FONT.get(letter, _FONT["?"])
        for row in range(HEIGHT):
            top, bottom = shape[row * 2], shape[row * 2 + 1]
            lines[row] += "".join(_BLOCKS[a + b] for a, b in zip(top, bottom, strict=True)) + " "
    return [line[:-1] for line in lines]


def words_of(title: str) -> list[str]:
    """A title in its words: ``CertificateVerify`` becomes ``Certificate`` and ``Verify``."""
    return [part for part in re.split(r"(?<=[a-z0-9])(?=[A-Z])|[\s_]+", title) if part]


def big_lines(title: str, width: int, letters: Callable[[str], list[str]] = big) -> list[str] | None:
    """The title in big letters over as many lines as it needs; None when a single word is too wide."""
    rows: list[str] = []
    current = ""
    for word in words_of(title):
        joined = f"{current} {word}" if current else word
        if len(letters(joined)[0]) <= width:
            current = joined
            continue
        if not current or len(letters(word)[0]) > width:
            return None
        rows += [*letters(current), ""]
        current = word
    return [*rows, *letters(current)] if current else None
