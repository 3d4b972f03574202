"""Two connections compared, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tlsviz import __version__
from tlsviz.connection.align import FieldPair, Standing, StepPair
from tlsviz.connection.compare import NOTHING, Comparison, Difference, Subject, message_of
from tlsviz.connection.ladder import Step
from tlsviz.connection.model import Connection, Source
from tlsviz.connection.titles import message as title_of
from tlsviz.report.paint import Line, Piece, Style, cells, clip, heading, pad, render, wrap
from tlsviz.report.phrases import facts, step_words
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import clock, plural, safe

SUBJECTS: dict[Subject, str] = {
    "outcome": "How it ended",
    "agreed": "What was agreed",
    "offered": "What the client offered",
    "answered": "What the server answered",
    "chain": "Certificates",
    "trust": "Trust",
    "findings": "Findings",
    "figures": "Figures",
}
SIGNS: dict[Standing, tuple[str, Style]] = {
    "same": ("=", "dim"),
    "fresh": ("≈", "dim"),
    "differs": ("≠", "warn"),
    "moved": ("↕", "warn"),
    "gone": ("<", "warn"),
    "new": (">", "warn"),
}
LEGEND = "= the same · ≈ new in every connection · ≠ differs · ↕ in another place · < only A · > only B"

Compared = tuple[Source, Source]


def render_compare(
    comparison: Comparison,
    sources: Compared,
    *,
    width: int = 100,
    color: bool = False,
    ascii: bool = False,
    fields: bool = False,
    secrets: bool = False,
) -> str:
    """The comparison for a terminal of ``width`` columns (at least 60).

    ``fields``: with the fields of each pair of messages that differ. ``secrets``: application data is quoted.
    """
    width = max(width, 60)
    lines: list[Line] = []
    for name, source, connection in zip("AB", sources, (comparison.left, comparison.right), strict=True):
        place = clip(f"{safe(source.name)} · connection {connection.id}", width - 4)
        lines.append([Piece(f"{name}  ", "title"), Piece(place, "dim")])
        said = " · ".join(piece.text for piece in facts(connection, True))
        lines += ([Piece("   "), Piece(part, "bold")] for part in wrap(said, width - 3))
    lines += [*_differences(comparison, width), [], *_ladders(comparison, width, secrets)]
    if fields:
        lines += _trees(comparison, width)
    return render(lines, color, ascii)


def _differences(comparison: Comparison, width: int) -> Iterator[Line]:
    if comparison.alike:
        yield []
        yield [Piece("No difference in meaning.", "good")]
    for subject, group in groupby(comparison.differences, key=lambda one: one.subject):
        yield []
        yield heading(SUBJECTS[subject], "", width)
        for one in group:
            yield from _difference(one, width)


def _difference(one: Difference, width: int) -> Iterator[Line]:
    """The title, and both sides beside each other: wrapped, never cut."""
    column = min(34, width // 3)
    side = (width - column - 6) // 2
    style: Style = "dim" if one.subject == "figures" else ""
    names, lefts, rights = wrap(one.title, column), wrap(one.left, side), wrap(one.right, side)
    sign = "↕" if one.kind == "moved" else "→"
    for row in range(max(len(names), len(lefts), len(rights))):
        name, left, right = (part[row] if row < len(part) else "" for part in (names, lefts, rights))
        yield [
            Piece("  " + pad(name, column), "dim"),
            Piece(pad(left, side), "dim" if one.left == NOTHING else style),
            Piece(f" {sign} " if row == 0 else "   ", "warn" if one.subject != "figures" else "dim"),
            Piece(right, "dim" if one.right == NOTHING else style),
        ]


def _ladders(comparison: Comparison, width: int, secrets: bool) -> Iterator[Line]:
    yield heading("Ladders", LEGEND, width)
    side = (width - 5) // 2
    for pair in comparison.pairs:
        sign, style = SIGNS[pair.standing]
        left = _rung(comparison.left, pair.left, side, secrets)
        right = _rung(comparison.right, pair.right, side, secrets)
        yield [Piece(left, "" if pair.left else "dim"), Piece(f"  {sign}  ", style), Piece(right)]


def _rung(connection: Connection, step: Step | None, width: int, secrets: bool) -> str:
    """One step of one ladder in exactly ``width`` columns."""
    if step is None:
        return pad(" " * 11 + "┄", width)
    title, detail = step_words(connection, step, secrets)
    arrow = "▶" if step.sender == CLIENT else "◀"
    shaft = "═" if step.encrypted else "─"
    way = f"{shaft}{arrow}" if step.sender == CLIENT else f"{arrow}{shaft}"
    head = f"{clock(step.time):>9}  {way} {title}"
    room = width - cells(head) - 2
    return pad(f"{head}  {detail}" if detail and room >= cells(detail) else head, width)


def _trees(comparison: Comparison, width: int) -> Iterator[Line]:
    """The fields of every two messages beside each other that are not the same."""
    for pair in comparison.pairs:
        found = comparison.fields(pair)
        message = message_of(comparison.left, pair.left)
        if message is None or pair.standing == "same" or not found:
            continue
        told = [one for one in found if one.standing != "same"]
        yield []
        yield heading(title_of(message), f"{plural(len(told), 'field')} of {len(found):,} not the same", width)
        for one in told:
            yield _field(comparison, pair, one, width)


def _field(comparison: Comparison, pair: StepPair, one: FieldPair, width: int) -> Line:
    column = min(42, width * 2 // 5)
    side = (width - column - 5) // 2
    sign, style = SIGNS[one.standing]
    left, right = field_texts(comparison, pair, one)
    return [
        Piece("  " * min(one.depth + 1, 8)),
        Piece(pad(one.name, column - 2 * min(one.depth + 1, 8))),
        Piece(pad(left, side), style if style != "warn" else ""),
        Piece(f"  {sign}  ", style),
        Piece(clip(right, side), style if style != "warn" else ""),
    ]


def field_texts(comparison: Comparison, pair: StepPair, one: FieldPair) -> tuple[str, str]:
    """Both sides of a field: its label, else its bytes in hex; "" where a side has none, or it has inner fields."""
    # A label that both share, such as "x25519 public key", would hide how they differ.
    plain = one.standing != "same" and bool(one.left and one.right and one.left.label == one.right.label)
    left = _value(comparison.left, pair.left, one.left, plain)
    return left, _value(comparison.right, pair.right, one.right, plain)


def _value(connection: Connection, step: Step | None, node: Node | None, plain: bool) -> str:
    message = message_of(connection, step)
    if node is None or message is None or message.buffer is None:
        return ""
    if node.label and not (plain and not node.children):
        return safe(node.label)
    if node.children:
        return plural(node.length, "byte")
    if isinstance(node.value, int):
        return f"{node.value:,}"
    data = node.value if isinstance(node.value, bytes) else message.buffer.data[node.start : node.end]
    return data[:64].hex() + ("…" if len(data) > 64 else "")


# -- JSON ------------------------------------------------------------------------------------------------------

Json = dict[str, Any]


def compare_json(comparison: Comparison, sources: Compared, fields: bool = False, secrets: bool = False) -> Json:
    """The comparison of plain dicts, lists, strings and numbers; ``fields`` and ``secrets`` as in `render_compare`."""
    return {
        "tlsviz": __version__,
        "left": _side(comparison.left, sources[0]),
        "right": _side(comparison.right, sources[1]),
        "alike": comparison.alike,
        "differences": [one._asdict() for one in comparison.differences],
        "steps": [_step_pair(comparison, pair, fields, secrets) for pair in comparison.pairs],
    }


def _side(connection: Connection, source: Source) -> Json:
    name = safe(connection.server_name) if connection.server_name else None
    return {
        "source": {"kind": source.kind, "name": safe(source.name), "packets": source.packets},
        "connection": connection.id,
        "server_name": name,
        "start": round(connection.start, 6),
    }


def _step_pair(comparison: Comparison, pair: StepPair, fields: bool, secrets: bool) -> Json:
    found: Json = {
        "standing": pair.standing,
        "left": _step_json(comparison.left, pair.left, secrets),
        "right": _step_json(comparison.right, pair.right, secrets),
    }
    if fields:
        found["fields"] = [_field_json(comparison, pair, one) for one in comparison.fields(pair)]
    return found


def _step_json(connection: Connection, step: Step | None, secrets: bool) -> Json | None:
    if step is None:
        return None
    message = message_of(connection, step)
    return {
        "from": step.sender,
        "time": round(step.time, 6),
        "title": step_words(connection, step, secrets)[0],
        "message": message.index if message is not None else None,
        "type": message.type if message is not None else None,
    }


def _field_json(comparison: Comparison, pair: StepPair, one: FieldPair) -> Json:
    left, right = field_texts(comparison, pair, one)
    return {
        "depth": one.depth,
        "name": one.name,
        "standing": one.standing,
        "left": None if one.left is None else {"start": one.left.start, "end": one.left.end, "text": left},
        "right": None if one.right is None else {"start": one.right.start, "end": one.right.end, "text": right},
    }


def names(comparison: Comparison, sources: Sequence[Source]) -> tuple[str, str]:
    """What the two are called: the sources, with the connection where both are of one source."""
    same = sources[0].name == sources[1].name
    sides = zip(sources, (comparison.left, comparison.right), strict=True)
    left, right = (safe(source.name) + (f" #{each.id}" if same else "") for source, each in sides)
    return left, right
