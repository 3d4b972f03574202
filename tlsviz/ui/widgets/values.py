"""The value of a field in words, short and safe to print."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.ui.glyphs import glyphs
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import plural, safe, shorten

FRAME = frozenset({"extension_type", "identifier", "length", "msg_type", "type"})
"""Names of fields that frame a structure and say nothing about its content."""


def value_words(node: Node, width: int = 60) -> str:
    """A field's value: its label (and its number if there is room), else its number or bytes, else its parts'."""
    if node.label is not None:
        text = shorten(node.label, width)
        number = f"  0x{node.value:0{node.length * 2}x}" if isinstance(node.value, int) else ""
        return text + number if len(text) + len(number) <= width else text
    if isinstance(node.value, int):
        return f"{node.value:,}" if node.length < 8 else f"0x{node.value:0{node.length * 2}x}"
    if isinstance(node.value, bytes):
        return shorten(hex_words(node.value), width) if node.value else "empty"
    return summary(node, width)


def hex_words(data: bytes, most: int = 24) -> str:
    """The first bytes in hex."""
    return data[:most].hex(" ") + (" …" if len(data) > most else "")


def summary(node: Node, width: int = 60) -> str:
    """What a structure holds: how many of a kind, and the labels of its parts; else how many parts there are."""
    parts = [inner for inner in node.children if _says(inner)]
    labels: list[str] = []
    for part in parts:
        labels += _labels(part)
        if sum(map(len, labels)) > width:
            break
    alike = len(parts) > 1 and len({part.name for part in parts}) == 1
    if labels:
        return shorten((f"{len(parts)}: " if alike else "") + ", ".join(labels), width)
    if len(parts) == 1 and not parts[0].children and parts[0].value is not None:
        return value_words(parts[0], width)
    if alike:
        return f"{len(parts)} {glyphs().times} {safe(parts[0].name)}"
    return plural(len(parts), "part") if parts else "empty"


def _labels(node: Node) -> Iterator[str]:
    """What a part says of itself; else what its parts say."""
    if node.label is not None:
        if node.label and node.label != "GREASE":
            yield node.label
        return
    for inner in node.children:
        if _says(inner):
            yield from _labels(inner)


def _says(node: Node) -> bool:
    return node.name not in FRAME and not node.name.endswith("_length")
