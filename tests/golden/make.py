"""Golden dumps: every kind of message that the samples and RFC 8448 hold, annotated: ``python tests/golden/make.py``.

One text file a message: a line a field with its bytes ``start-end``, name, value, meaning, and what is wrong with it
(behind ``!!``); DER opened to its last byte. Run as a program this writes them anew, so that what a change to a
decoder does to messages is read as a diff. Made anew after ``make captures`` too: its keys, randoms and
signatures are new ones, so values change and, since ECDSA signatures have no fixed length, places may.

A message that has the same fields as one before it, but for bytes and lengths, is not dumped again.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import samples as captured

from tlsviz.connection.model import Connection
from tlsviz.tls.context import TLS_1_3, Context
from tlsviz.tls.handshake import decode_content, decode_handshake
from tlsviz.wire.nodes import Node, walk

HERE = Path(__file__).parent
CAPTURES = HERE.parents[1] / "captures"
RFC_8448 = HERE / "rfc8448.tsv"
HANDSHAKE = 22
SHOWN = 12
"""Bytes of a value in a dump."""


def lines(tree: Node) -> Iterator[str]:
    """A line a node, aligned; columns have fixed widths, so that one change does not move all lines."""
    for path, node in walk(tree):
        place, name = f"{node.start}-{node.end}", "  " * len(path) + node.name
        line = f"{place:<11} {name:<48} {_value(node):<{2 * SHOWN + 1}} {node.label or ''}".rstrip()
        yield f"{line}  !! {node.note}" if node.note else line


def _value(node: Node) -> str:
    """Bytes and code points in hex, other numbers as they are."""
    value = node.value
    if isinstance(value, int) and node.label:
        return f"0x{value:0{2 * node.length}x}"
    if isinstance(value, bytes):
        return value[:SHOWN].hex() + "…" * (len(value) > SHOWN)
    return "" if value is None else str(value)


def shape(tree: Node) -> tuple[object, ...]:
    """What tells a message from others of its kind: its fields, code points and faults, not lengths and bytes."""
    return tuple(
        (len(path), node.name, node.value if _is_code(node) else None, node.note is None) for path, node in walk(tree)
    )


def _is_code(node: Node) -> bool:
    return isinstance(node.value, int) and node.length <= 2 and "length" not in node.name


Message = tuple[str, str, Node]
"""The name of a dump's file, its heading, the tree."""


def rfc8448() -> Iterator[Message]:
    """The messages of RFC 8448's traces."""
    with RFC_8448.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))
    counted: dict[str, int] = {}
    for row in rows:
        section, data, kind = row["section"], bytes.fromhex(row["message"]), int(row["content_type"])
        context = Context(row["sender"], TLS_1_3, 0x1301)
        tree = decode_handshake(data, context) if kind == HANDSHAKE else decode_content(kind, data, context)
        number = counted[section] = counted.get(section, -1) + 1
        heading = f"RFC 8448 section {section}, from the {row['sender']}: {tree.name}, {len(data)} bytes"
        yield f"rfc8448/{section}-{number:02}-{tree.name}.txt", heading, tree


def samples() -> Iterator[Message]:
    """The messages of the sample captures."""
    with (CAPTURES / "manifest.tsv").open(newline="", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    for name in names:
        yield from _sample(Path(name), captured.connections()[Path(name).stem])


def _sample(path: Path, connections: tuple[Connection, ...]) -> Iterator[Message]:
    for connection in connections:
        several = f"-{connection.id}" * (len(connections) > 1)
        for message in connection.messages:
            if message.tree is not None:
                heading = f"{path.name}, from the {message.sender}, {message.provenance}: {message.type}"
                name = f"captures/{path.stem}{several}-{message.index:02}-{message.type}.txt"
                yield name, f"{heading}, {message.tree.end} bytes", message.tree


def dumps(messages: Iterable[Message]) -> dict[str, str]:
    """Every dump by its file's name below this folder."""
    found: dict[str, str] = {}
    seen: set[tuple[object, ...]] = set()
    for name, heading, tree in messages:
        if (key := shape(tree)) not in seen:
            seen.add(key)
            found[name] = "\n".join((f"# {heading}", *lines(tree), ""))
    return found


def main() -> None:
    fresh = dumps(rfc8448()) | dumps(samples())
    for path in HERE.glob("*/*.txt"):
        if path.relative_to(HERE).as_posix() not in fresh:
            path.unlink()
    for name, text in fresh.items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(fresh)} dumps, {sum(map(len, fresh.values())):,} characters")


if __name__ == "__main__":
    sys.exit(main())
