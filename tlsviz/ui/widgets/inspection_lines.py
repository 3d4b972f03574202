"""Whether somebody between reads along, below the chain: the verdict, and every clue with its sign."""

from __future__ import annotations

from tlsviz.connection.inspection import inspection
from tlsviz.connection.model import Connection
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.wire.text import safe


def inspected(connection: Connection, width: int) -> list[Line]:
    """The verdict with its clues; [] where there is nothing to judge by."""
    found = inspection(connection)
    if not found.clues:
        return []
    signs = glyphs()
    roles = {"likely": "warning", "not seen": "verified", "cannot tell": "muted"}
    lines: list[Line] = [[], *heading("Does somebody between read along?", width)]
    lines += paragraph(f"{found.verdict}: {found.why}", width, f"{roles[found.verdict]} bold", 2)
    marks = {"for": (signs.odd, "warning"), "against": (signs.verified, "verified"), "neither": (signs.dot, "muted")}
    for clue in found.clues:
        sign, role = marks[clue.points]
        lines += paragraph(safe(clue.text), width, role, 4, f"  {sign} ")
    return lines
