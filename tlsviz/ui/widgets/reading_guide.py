"""A small ladder that says what its own signs mean."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, Painted

_INNER = 38
_LEFT = 3


class _Arrow(NamedTuple):
    title: str
    sender: str
    dash: str
    sign: str
    role: str
    words: str


class ReadingGuide(Painted):
    """How to read a ladder, for screens with room to spare."""

    def lines(self, width: int) -> list[Line]:
        return guide()


def guide() -> list[Line]:
    """The guide's lines: each arrow, and below it what its sign says."""
    signs = glyphs()
    arrows = (
        _Arrow("ClientHello", "client", signs.clear, " ", "clear", "in the clear, for anyone to read"),
        _Arrow("ServerHello", "server", signs.clear, " ", "clear", ""),
        _Arrow("Certificate", "server", signs.encrypted, signs.sealed, "encrypted", "encrypted; opened with the keys"),
        _Arrow("Finished", "server", signs.encrypted, signs.verified, "verified", "proven from these very bytes"),
        _Arrow("Finished", "client", signs.inferred, signs.unknown, "inferred", "inferred: unseen, but it must be"),
        _Arrow("Alert", "client", signs.encrypted, signs.failed, "failed", "where it stopped, and why"),
    )
    lane: Line = [(" " * _LEFT + signs.lane, "client"), (" " * _INNER, ""), (signs.lane, "server")]
    ends: Line = [("client", "bold client"), (" " * (_INNER - 4), ""), ("server", "bold server")]
    rows: list[Line] = [[("HOW TO READ A LADDER", "bold muted")], [], ends, lane]
    for arrow in arrows:
        body = f" {arrow.title} ".center(_INNER - 1, arrow.dash)
        shaft = body + signs.right if arrow.sender == "client" else signs.left + body
        style = {signs.inferred: "inferred", signs.clear: "clear"}.get(arrow.dash, "encrypted")
        rows.append([lane[0], (shaft, style), lane[2], (f" {arrow.sign}", arrow.role)])
        rows.append([lane[0], (arrow.words.center(_INNER), arrow.role), lane[2]])
    return rows
