"""One value of the key schedule in words: what it is, how it was derived, from what, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from tlsviz.connection import titles
from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import KeyContext, KeyNode, KeyStep, Schedule
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.key_graph import role, sign, title, value_words
from tlsviz.ui.widgets.lines import Line, cells, clip_line
from tlsviz.ui.widgets.pane import paragraph
from tlsviz.wire.nodes import Path
from tlsviz.wire.text import plural, safe

LEAD = 12
"""The cells before what a line says."""
_ORIGINS = {
    "sent": "sent in the clear",
    "constant": "a constant",
    "key log": "from the key log",
    "given": "given",
    "computed": "computed here",
    "unknown": "not known",
}
_INPUTS = {
    "HKDF-Extract": ("salt", "input"),
    "Derive-Secret": ("secret",),
    "HKDF-Expand-Label": ("secret",),
    "HMAC": ("key",),
    "PRF": ("secret", "seed", "seed"),
    "SSL 3 KDF": ("secret", "seed", "seed"),
    "cut": ("from",),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a line leads: to another node, or to a message (and a field of it)."""

    node: str = ""
    message: int | None = None
    path: Path | None = None


DetailLine = tuple[Line, Target | None]


def detail(connection: Connection, schedule: Schedule, node: KeyNode, width: int, secrets: bool) -> list[DetailLine]:
    """Everything there is to say of a node, with where each line leads."""
    lines: list[DetailLine] = [(line, None) for line in _head(node, schedule, width, secrets)]
    step = schedule.step(node.id)
    if step is not None:
        lines += _made(connection, schedule, step, width, secrets)
    if node.message is not None:
        lines.append(_message(connection, "in", node.message, node.path, width))
    uses = [schedule.node(id) for id in schedule.uses(node.id)]
    for place, use in enumerate(use for use in uses if use is not None):
        lines += _node("gives" if place == 0 else "", use, width, secrets)
    return lines


def _head(node: KeyNode, schedule: Schedule, width: int, secrets: bool) -> list[Line]:
    signs = glyphs()
    facts = [_ORIGINS[node.origin]]
    if node.length is not None:
        facts.insert(0, plural(node.length, "byte"))
    dot = f" {signs.dot} "
    lines: list[Line] = [
        clip_line(
            [(f" {sign(node)} {safe(title(node))}", f"{role(node)} bold"), (dot + dot.join(facts), "muted")], width
        )
    ]
    lines += paragraph(safe(node.purpose), width, "foreground", 3)
    if node.why:
        style = "inferred bold" if node.value is None else "warning bold"
        mark = signs.unknown if node.value is None else signs.odd
        lines += paragraph(f"{mark} {safe(node.why)}", width, style, 3)
    if node.value:
        lines += _value(node, width, secrets)
    return lines


def _value(node: KeyNode, width: int, secrets: bool) -> list[Line]:
    """All of the value, or that it is masked; its parts under their names."""
    if node.secret and not secrets:
        masked = value_words(node, False, 16)
        return [clip_line([(_lead("value"), "muted"), (masked, "muted"), ("  v shows it", "muted italic")], width)]
    value = node.value or b""
    if node.parts and not node.id.startswith("key_block"):
        return [line for part in node.parts for line in _hex(safe(part.name), value[part.start : part.end], width)]
    return _hex("value", value, width)


def _hex(name: str, data: bytes, width: int, most: int = 4) -> list[Line]:
    lead = max(LEAD, len(name) + 3)
    row = max((width - lead - 1) // 5 * 2, 2)
    lines: list[Line] = []
    for at in range(0, len(data), row):
        if len(lines) == most:
            lines[-1].append((f" {glyphs().ellipsis}", "muted"))
            break
        lines.append([(_lead(name if at == 0 else "", lead), "muted"), (data[at : at + row].hex(" ", 2), "server")])
    return lines


def _made(connection: Connection, schedule: Schedule, step: KeyStep, width: int, secrets: bool) -> list[DetailLine]:
    """The derivation: function, label, inputs, context."""
    label = f' "{safe(step.label)}"' if step.label and step.function != "cut" else f" {safe(step.label)}"
    lines: list[DetailLine] = [
        (clip_line([(_lead("made by"), "muted"), (safe(step.function) + label.rstrip(), "accent bold")], width), None)
    ]
    names = _INPUTS.get(step.function, ("from",))
    for place, id in enumerate(step.inputs):
        node = schedule.node(id)
        if node is not None:
            lines += _node(names[min(place, len(names) - 1)], node, width, secrets)
    if step.context is not None and (step.context.messages or step.context.value):
        lines += _context(connection, step.context, width)
    return lines


def _context(connection: Connection, context: KeyContext, width: int) -> list[DetailLine]:
    """What is bound in beside the inputs: its words, its bytes, and every message that it covers."""
    lines: list[DetailLine] = []
    text = f"{glyphs().unknown} {safe(context.text)}: {safe(context.why)}" if context.why else safe(context.text)
    for place, (part, style) in enumerate(
        pair for line in paragraph(text, width - LEAD + 1, "foreground", 0) for pair in line[1:]
    ):
        lines.append(([(_lead("context" if place == 0 else ""), "muted"), (part, style)], None))
    if context.value:
        lines += [(line, None) for line in _hex("", context.value, width, 1)]
    for place, index in enumerate(context.messages):
        lines.append(_message(connection, "over" if place == 0 else "", index, None, width))
    return lines


def _lead(name: str, size: int = LEAD) -> str:
    return f"   {name}".ljust(size)


def _node(name: str, node: KeyNode, width: int, secrets: bool) -> list[DetailLine]:
    """A node and its value; what does not fit beside stands below."""
    target = Target(node.id)
    called = f"{sign(node)} {safe(title(node))}"
    words = value_words(node, secrets, 6)
    found: list[DetailLine] = []
    lead = _lead(name)
    if LEAD + cell_len(called) > width:
        found, lead = ([(clip_line([(lead, "muted")], width), None)] if name else []), "     "
    line: Line = [(lead, "muted"), (called, role(node))]
    beside: Line = [(f"  {words}", "muted")] if words else []
    if not beside or cells(line) + cells(beside) <= width:
        return [*found, (clip_line([*line, *beside], width), target)]
    return [*found, (clip_line(line, width), target), (clip_line([(" " * len(lead), "muted"), *beside], width), None)]


def _message(connection: Connection, name: str, index: int, path: Path | None, width: int) -> DetailLine:
    signs = glyphs()
    message = connection.messages[index] if 0 <= index < len(connection.messages) else None
    if message is None:
        return [(_lead(name), "muted")], None
    line: Line = [(_lead(name), "muted"), (f"{signs.arrow} {safe(titles.message(message))}", message.sender)]
    return clip_line(line, width), Target(message=index, path=path or None)
