"""How it was negotiated, and whether somebody reads along, in text; `negotiation_json` has the JSON."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.inspection import inspection
from tlsviz.connection.model import Connection
from tlsviz.connection.negotiation import DECIDERS, TITLES, Choice, Fate, known_from, negotiation
from tlsviz.report.paint import Line, Piece, Style, heading, paragraph
from tlsviz.wire.text import safe

MOST = 8
"""Of what else a server is known to take or refuse so much is printed; JSON has every candidate."""

_SIGNS: dict[Fate, tuple[str, Style]] = {"accepted": ("✓ ", "good"), "refused": ("✗ ", "warn")}


def negotiated(connection: Connection, width: int) -> Iterator[Line]:
    """Each thing that was negotiated: what was chosen, by whom, and what else the server is known to take."""
    choices = [choice for choice in negotiation(connection) if choice.candidates]
    if not choices:
        return
    yield heading("Negotiation", f"known from {known_from(connection.earlier)}", width)
    for choice in choices:
        yield from _choice(choice, width)


def _choice(choice: Choice, width: int) -> Iterator[Line]:
    nothing = "not known" if choice.decider == "unknown" else "none"
    yield [Piece(f"  {TITLES[choice.subject]}  ", "dim"), Piece(choice.chosen or nothing, "bold")]
    yield from paragraph([Piece("    ")], f"{DECIDERS[choice.decider]}: {choice.why}", width, "dim")
    if choice.retry:
        yield from paragraph([Piece("    ↳ ", "warn")], choice.retry, width)
    others = [one for one in choice.candidates if one.fate in ("accepted", "refused")]
    for one in others[:MOST]:
        sign, style = _SIGNS[one.fate]
        yield from paragraph([Piece("    "), Piece(sign, style)], f"{one.name}: {one.why}", width, "dim")


def inspected(connection: Connection, width: int) -> Iterator[Line]:
    """The verdict on inspection with its clues; nothing where there is nothing to judge by."""
    found = inspection(connection)
    if not found.clues:
        return
    yield heading("Inspection", f"does somebody between read along? {found.verdict}: {found.why}", width)
    signs: dict[str, tuple[str, Style]] = {"for": ("▲ ", "warn"), "against": ("✓ ", "good"), "neither": ("· ", "dim")}
    for clue in found.clues:
        sign, style = signs[clue.points]
        yield from paragraph(
            [Piece("  "), Piece(sign, style)], safe(clue.text), width, style if style != "good" else ""
        )
