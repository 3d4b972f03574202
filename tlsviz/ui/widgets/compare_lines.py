"""Drawing a comparison: differences, ladders beside each other, fields and bytes beside each other.

Pure: a comparison in, rows out; each row knows which difference, pair or field it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

from tlsviz.connection import titles
from tlsviz.connection.align import FieldPair, Standing, StepPair
from tlsviz.connection.compare import NOTHING, Comparison, Difference, Subject, message_of
from tlsviz.connection.ladder import Step
from tlsviz.connection.model import Connection
from tlsviz.connection.plain.words import ended
from tlsviz.ui.glyphs import ASCII, Sign, glyphs, trust
from tlsviz.ui.listing import sign
from tlsviz.ui.widgets.lines import Line, clip, fit, wrap
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import clock, plural, safe

SUBJECTS: dict[Subject, str] = {
    "outcome": "How it ended",
    "agreed": "Agreed",
    "offered": "Offered by the client",
    "answered": "Answered by the server",
    "chain": "Certificates",
    "trust": "Trust",
    "findings": "Findings",
    "figures": "Figures",
}


class Row(NamedTuple):
    """A line, and the place of what it is about in its list; None for headings."""

    line: Line
    owner: int | None = None


class Standings(NamedTuple):
    """The sign, the word and the role of each way two things can stand to each other."""

    sign: str
    word: str
    role: str


def standing(kind: Standing) -> Standings:
    """Never by colour alone: the sign tells it, and the word where there is room."""
    plain = glyphs() is ASCII
    return {
        "same": Standings("=", "the same", "muted"),
        "fresh": Standings("~" if plain else "≈", "fresh each time", "muted"),
        "differs": Standings("#" if plain else "≠", "differs", "warning"),
        "moved": Standings("%" if plain else "↕", "elsewhere", "warning"),
        "gone": Standings("<", "only A", "warning"),
        "new": Standings(">", "only B", "warning"),
    }[kind]


def ending(connection: Connection) -> Sign:
    """How a connection ended, in a sign and a word."""
    if connection.plain:
        return sign("plain", ended(connection))
    if connection.other_failure is not None:
        return sign("failed", "failed")
    if not connection.complete:
        return sign("incomplete", "incomplete")
    if said := titles.unproven(connection):
        return sign("complete", said)
    return trust(connection.trust.verdict) if connection.trust is not None else sign("complete", "complete")


def difference_rows(comparison: Comparison, width: int) -> list[Row]:
    """What differs in meaning first, figures last; both sides beside each other."""
    rows: list[Row] = []
    if comparison.alike:
        rows.append(Row([(f" {glyphs().verified} No difference in meaning.", "verified")]))
    numbered = list(enumerate(comparison.differences))
    for subject, group in groupby(numbered, key=lambda item: item[1].subject):
        if rows:
            rows.append(Row([]))
        rows.append(Row([(f" {SUBJECTS[subject]}", "muted bold")]))
        for place, one in group:
            rows += [Row(line, place) for line in _difference(one, width)]
    return rows


def _difference(one: Difference, width: int) -> Iterator[Line]:
    column = min(30, max(width // 3, 16))
    side = max((width - column - 6) // 2, 8)
    quiet = one.subject == "figures"
    parts = wrap(one.title, column), wrap(one.left, side), wrap(one.right, side)
    sign = standing("moved" if one.kind == "moved" else "differs").sign
    for row in range(max(map(len, parts))):
        name, left, right = (part[row] if row < len(part) else "" for part in parts)
        yield [
            ("  ", ""),
            (fit(name, column), "muted"),
            (" ", ""),
            (fit(left, side), "muted" if quiet or one.left == NOTHING else "foreground"),
            (f" {sign} " if row == 0 else "   ", "muted" if quiet else "warning"),
            (clip(right, side), "muted" if quiet or one.right == NOTHING else "foreground bold"),
        ]


def ladder_rows(comparison: Comparison, width: int) -> list[Row]:
    """Both ladders, step beside step; where one has none, the lane goes on."""
    side = max((width - 6) // 2, 12)
    rows = []
    for place, pair in enumerate(comparison.pairs):
        mark = standing(pair.standing)
        line: Line = [
            (" ", ""),
            *_rung(comparison.left, pair.left, side),
            (f" {mark.sign}  ", f"{mark.role} bold"),
            *_rung(comparison.right, pair.right, side),
        ]
        rows.append(Row(line, place))
    return rows


def _rung(connection: Connection, step: Step | None, width: int) -> Line:
    signs = glyphs()
    if step is None:
        return [(fit(" " * 10 + signs.waiting_lane, width), "muted")]
    shaft = signs.encrypted if step.encrypted else signs.inferred if step.provenance == "inferred" else signs.clear
    client = step.sender == CLIENT
    arrow = f"{shaft}{shaft}{signs.right}" if client else f"{signs.left}{shaft}{shaft}"
    room = width - 14
    title = clip(safe(step.title), room)
    rest = room - cell_len(title) - 2
    detail = f"  {safe(step.detail)}" if step.detail and cell_len(step.detail) <= rest else ""
    proof = f" {signs.verified if step.proof == 'verified' else signs.failed}" if step.proof else ""
    if cell_len(title + detail + proof) > room:
        proof = ""
    return [
        (f"{clock(step.time):>9} ", "muted"),
        (arrow + " ", step.sender if client else "server"),
        (title, "foreground"),
        (detail, "muted"),
        (fit(proof, room - cell_len(title + detail)), "verified" if step.proof == "verified" else "failed"),
    ]


def field_rows(
    comparison: Comparison, pair: StepPair, found: tuple[FieldPair, ...], width: int, whole: bool
) -> list[Row]:
    """The fields of two messages beside each other; without ``whole`` only those that are not the same."""
    if not found:
        return [Row([(f" {line}", "muted")]) for line in wrap(_why_none(comparison, pair), max(width - 2, 8))]
    column = min(38, max(width * 2 // 5, 18))
    side = max((width - column - 6) // 2, 6)
    rows = []
    for place, one in enumerate(found):
        if one.standing == "same" and not whole:
            continue
        mark = standing(one.standing)
        lead = "  " * min(one.depth, 8)
        left, right = values(comparison, pair, one)
        style = "foreground" if mark.role == "warning" else "muted"
        line: Line = [
            (" ", ""),
            (fit(lead + one.name, column), style),
            (" ", ""),
            (fit(left, side), style),
            (f" {mark.sign} ", f"{mark.role} bold"),
            (clip(right, side), style),
        ]
        rows.append(Row(line, place))
    return rows or [Row([(" Every field is the same.", "muted")])]


def _why_none(comparison: Comparison, pair: StepPair) -> str:
    if pair.left is None or pair.right is None:
        return f"Only {'A' if pair.left else 'B'} has this step."
    if message_of(comparison.left, pair.left) is None:
        return "This step has no fields."
    return "One of the two cannot be read: there are no keys for it."


def values(comparison: Comparison, pair: StepPair, one: FieldPair) -> tuple[str, str]:
    """Both sides of a field in short: its label, a number, or its first bytes."""
    plain = one.standing != "same" and bool(one.left and one.right and one.left.label == one.right.label)
    left = _value(data_of(comparison.left, pair.left, one.left), one.left, plain)
    return left, _value(data_of(comparison.right, pair.right, one.right), one.right, plain)


def _value(data: bytes, node: Node | None, plain: bool) -> str:
    if node is None:
        return ""
    if node.label and not (plain and not node.children):
        return safe(node.label)
    if node.children:
        return plural(node.length, "byte")
    return f"{node.value:,}" if isinstance(node.value, int) else data[:32].hex()


def data_of(connection: Connection, step: Step | None, node: Node | None) -> bytes:
    """The bytes of a field of a step's message; b"" where there are none."""
    message = message_of(connection, step)
    if node is None or message is None or message.buffer is None:
        return b""
    holder = message.certificate if message.type == "compressed_certificate" and message.certificate else None
    buffer = holder.buffer if holder is not None else message.buffer
    return buffer.data[node.start : node.end]


def byte_lines(left: bytes, right: bytes, width: int, height: int) -> list[Line]:
    """Both sides in hex beside each other; a byte that the other side does not have in its place is marked."""
    each = 16 if width >= 112 else 8
    side = each * 3
    lines: list[Line] = []
    for start in range(0, max(len(left), len(right)), each):
        if len(lines) == height - 1 and start + each < max(len(left), len(right)):
            more = max(len(left), len(right)) - start
            return [*lines, [(f" {glyphs().ellipsis} {plural(more, 'more byte')}", "muted")]]
        line: Line = [(f" {start:04x}  ", "muted")]
        for data, other in ((left, right), (right, left)):
            used = 0
            for at in range(start, min(start + each, len(data))):
                same = at < len(other) and other[at] == data[at]
                line += [(f"{data[at]:02x}", "muted" if same else "warning bold underline"), (" ", "")]
                used += 3
            line.append((" " * (side - used + 2), ""))
        lines.append(line)
    return lines
