"""Messages field by field: name, bytes, value, meaning, as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tlsviz.connection.model import Connection, Message
from tlsviz.connection.titles import bytes_of
from tlsviz.connection.titles import message as title
from tlsviz.report.paint import Line, Piece, cells, clip, pad, paragraph, wrap
from tlsviz.wire.chunks import other
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import clock, plural, safe

MAX_LINES = 5_000
"""Of one message so many fields are printed; JSON has them all."""


def trees(connection: Connection, width: int) -> Iterator[Line]:
    """Every message that can be read, each behind an empty line."""
    for message in connection.messages:
        yield []
        yield from _head(message, connection.start, width)
        if message.tree is None:
            yield [Piece("  nothing of it can be seen", "guess")]
            continue
        yield from _fields(message.tree, width)
        if message.inner is not None:
            yield [Piece(f"  decompressed to {plural(len(message.inner.buffer.data), 'byte')}:", "dim")]
            yield from _fields(message.inner.tree, width)


def _head(message: Message, start: float, width: int) -> list[Line]:
    way = f"{message.sender} → {other(message.sender)}"
    facts = [way, clock(message.time - start), message.provenance, plural(bytes_of(message), "byte")]
    if message.packets:
        shown = ", ".join(map(str, message.packets[:8])) + (" …" if len(message.packets) > 8 else "")
        facts.append(f"packet{'s' * (len(message.packets) > 1)} {shown}")
    lead = [Piece(f"{message.index} {clip(title(message), width // 2)}  ", "title")]
    return paragraph(lead, " · ".join(facts), width, "dim")


def _fields(tree: Node, width: int) -> Iterator[Line]:
    found = list(islice(_walk(tree, "  "), MAX_LINES + 1))
    if not found:
        return
    widest = max(cells(lead) + cells(node.name) for lead, node in found)
    name_width = max(min(widest, width * 2 // 5), 24)
    digits = len(str(tree.end))
    for lead, node in found[:MAX_LINES]:
        yield from _field(node, lead, name_width, digits, width)
    if len(found) > MAX_LINES:
        yield [Piece(f"  … and more: only the first {MAX_LINES:,} fields are printed here", "warn")]


def _walk(node: Node, lead: str) -> Iterator[tuple[str, Node]]:
    """Every field below a node, with the lines that lead to it."""
    for index, child in enumerate(node.children):
        last = index == len(node.children) - 1
        yield lead + ("└ " if last else "├ "), child
        yield from _walk(child, lead + ("  " if last else "│ "))


def _field(node: Node, lead: str, name_width: int, digits: int, width: int) -> Iterator[Line]:
    lead = lead if cells(lead) < name_width - 8 else lead[: name_width - 8]
    room = name_width - cells(lead)
    place = f"{node.start:>{digits}}..{node.end - 1:<{digits}}" if node.length else " " * (digits * 2 + 2)
    used = name_width + 2 + len(place) + 2
    value, label = _value(node), safe(node.label or "")
    if cells(value) > width - used - cells(label) - 2:
        value = clip(value, max(width - used - cells(label) - 2, 20))
    label = clip(label, max(width - used - cells(value) - 2, 0)) if value else clip(label, width - used)
    yield [
        Piece(lead, "dim"),
        Piece(f"{pad(node.name, room)}  ", "bold" if node.children else ""),
        Piece(f"{place}  ", "dim"),
        Piece(f"{value}  " if value and label else value, "sealed"),
        Piece(label),
    ]
    if node.note:
        for index, part in enumerate(wrap(safe(node.note), width - cells(lead) - 4)[:3]):
            rail = lead.replace("├", "│").replace("└", " ")
            yield [Piece(rail, "dim"), Piece(f"{'▲ ' if index == 0 else '  '}{part}", "warn")]


def _value(node: Node) -> str:
    """A number, with its code in hex if it has a name; bytes in hex, with their count if they are many."""
    if isinstance(node.value, bytes):
        shown = node.value[:64].hex() + ("…" if len(node.value) > 64 else "")
        return f"({len(node.value):,}) {shown}" if len(node.value) > 8 else shown
    if node.value is None:
        return ""
    return f"0x{node.value:0{max(node.length, 1) * 2}x}" if node.label else f"{node.value:,}"
