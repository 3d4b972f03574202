"""The negotiation drawn: what was offered, what the server is known to take, what it chose, and by whose order."""

from __future__ import annotations

from tlsviz.connection.model import Connection
from tlsviz.connection.negotiation import DECIDERS, TITLES, Candidate, Choice, folded, known_from, negotiation
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, wrap
from tlsviz.ui.widgets.pane import heading, paragraph

MOST = 8
"""So many rows of one choice are drawn; what was offered is listed whole below."""


def negotiated(connection: Connection, width: int) -> list[Line]:
    """Offered and accepted, as two columns with a line through what is in both; [] where nothing was offered."""
    choices = [choice for choice in negotiation(connection) if choice.candidates]
    if not choices:
        return []
    lines = [*heading("Offered, accepted, chosen", width)]
    lines += paragraph(f"As far as {known_from(connection.earlier)} can tell.", width, "muted", 2)
    signs = glyphs()
    legend = (
        (signs.offered, "offered"),
        (signs.chosen, "accepted"),
        (signs.right, "chosen"),
        (signs.unknown, "not known"),
    )
    words = "  ".join(f"{sign} {word}" for sign, word in (*legend, (signs.failed, "does not fit, or refused")))
    lines += paragraph(words, width, "muted", 2)
    for choice in choices:
        lines.append([])
        lines += _choice(choice, width)
    return [*lines, []]


def _choice(choice: Choice, width: int) -> list[Line]:
    signs = glyphs()
    lines: list[Line] = [[("  ", ""), (TITLES[choice.subject], "bold")]]
    text = f"{DECIDERS[choice.decider]}: {choice.why}"
    lines += [[("  ", ""), (part, "muted")] for part in wrap(text, max(width - 4, 8))]
    if choice.retry:
        lines += paragraph(choice.retry, width, "warning", 4, f"  {signs.odd} ")
    rows = folded(choice)
    for one in rows[:MOST]:
        lines += _candidate(one, width)
    if len(rows) > MOST:
        lines.append([("  ", ""), (f"{signs.ellipsis} and {len(rows) - MOST} more", "muted")])
    return lines


def _candidate(one: Candidate, width: int) -> list[Line]:
    """``○──●──▶ name`` for the chosen one; how far the line goes is how far the value came."""
    signs = glyphs()
    shaft = signs.dash * 2
    ways = {
        "chosen": (f"{signs.offered}{shaft}{signs.chosen}{shaft}{signs.right} ", "verified bold"),
        "accepted": (f"{signs.offered}{shaft}{signs.chosen}    ", "foreground"),
        "passed_over": (f"{signs.offered}{shaft}{signs.unknown}    ", "foreground"),
        "refused": (f"{signs.offered}{shaft}{signs.failed}    ", "warning"),
        "impossible": (f"{signs.offered}  {signs.failed}    ", "muted"),
    }
    way, style = ways[one.fate]
    lines: list[Line] = []
    room = max(width - len(way) - 4, 12)
    for at, part in enumerate(wrap(one.name, room)):
        lines.append([("  ", ""), (way if at == 0 else " " * len(way), style), (part, style)])
    if one.fate != "chosen":
        lines += [[("  " + " " * len(way), ""), (part, "muted")] for part in wrap(one.why, room)]
    return lines
