"""What the projector shows besides the steps: the key schedule value by value, and a record part by part.

One idea a slide. Secrets are masked always: a class need not copy keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len

from tlsviz.connection import titles
from tlsviz.connection.lens import Anatomy, Kind, anatomy
from tlsviz.connection.model import Connection, Record
from tlsviz.connection.schedule import KeyContext, KeyNode, KeyStep, Schedule
from tlsviz.explain.record import contents, kept
from tlsviz.explain.words import words
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import Scene
from tlsviz.ui.widgets import record_bars
from tlsviz.ui.widgets.byte_view import carriers
from tlsviz.ui.widgets.key_graph import role, title, value_words
from tlsviz.ui.widgets.lines import Line, cells, clip
from tlsviz.ui.widgets.record_rows import ROLES
from tlsviz.wire.text import plural, safe

BOX = 26
"""The most cells of a box with an input's name."""
WIDEST_BARS = 110
BYTES = 16
"""So many bytes of a public part are shown."""
_ORDER: tuple[Kind, ...] = (
    "header",
    "nonce",
    "iv",
    "ciphertext",
    "sealed",
    "content_type",
    "padding",
    "tag",
    "mac",
)


class Slide(NamedTuple):
    """One idea: what it is about (``key``), a picture, a title in big letters with its role, figures, and sentences."""

    key: str
    picture: tuple[Line, ...]
    title: str
    role: str
    facts: str
    texts: tuple[str, ...]


# -- the key schedule ----------------------------------------------------------------------------------------


def key_slides(connection: Connection, schedule: Schedule, width: int) -> list[Slide]:
    """A slide for each value that is derived, in the order in which they are made."""
    made = [(node, schedule.step(node.id)) for node in schedule.nodes]
    return [_key_slide(connection, schedule, node, step, width) for node, step in made if step is not None]


def _key_slide(connection: Connection, schedule: Schedule, node: KeyNode, step: KeyStep, width: int) -> Slide:
    inputs = [each for each in (schedule.node(id) for id in step.inputs) if each is not None]
    boxes = [(safe(title(each)), role(each)) for each in inputs[:3]]
    if step.context is not None and step.context.messages:
        boxes.append((f"hash of {plural(len(step.context.messages), 'message')}", "clear"))
    label = f" “{safe(step.label)}”" if step.label and step.function != "cut" else f" {safe(step.label)}".rstrip()
    picture = [*_boxes(boxes, width), _centred(f"{safe(step.function)}{label}", width, "accent bold")]
    picture.append(_centred(glyphs().below, width, "accent bold"))
    facts = [plural(node.length, "byte")] if node.length is not None else []
    if node.value is None:
        facts.append(f"{glyphs().unknown} not known here")
    else:
        facts += [value_words(node, False, 16), *(["secret"] if node.secret else [])]
    texts = [_sentence(node.purpose)]
    if node.why:
        texts.append(_sentence(node.why))
    elif step.context is not None and step.context.messages:
        texts.append(_bound(connection, step.context))
    return Slide(node.id, tuple(picture), title(node), role(node), f" {glyphs().dot} ".join(facts), tuple(texts))


def _bound(connection: Connection, context: KeyContext) -> str:
    """Which messages went into a value, and what that is good for."""
    first, last = context.messages[0], context.messages[-1]
    names = [safe(titles.message(connection.messages[index])) for index in (first, last)]
    span = names[0] if first == last else f"every message from {names[0]} to {names[1]}"
    return f"It depends on {span}: had anybody changed one bit of them, both ends would have other keys."


def _boxes(names: list[tuple[str, str]], width: int) -> list[Line]:
    """Boxes side by side, in the middle."""
    signs = glyphs()
    if not names:
        return []
    room = max(min(BOX, (width - 4) // len(names) - 3), 8)
    size = max(min(max(cell_len(name) for name, _ in names), room), 8)
    lines: list[Line] = [[], [], []]
    for place, (name, style) in enumerate(names):
        gap = "   " if place else ""
        text = clip(name, size)
        fill = size - cell_len(text)
        inner = " " * (fill // 2) + text + " " * (fill - fill // 2)
        lines[0].append((f"{gap}{signs.corner_tl}{signs.dash * (size + 2)}{signs.corner_tr}", style))
        lines[1].append((f"{gap}{signs.rail} {inner} {signs.rail}", f"{style} bold"))
        lines[2].append((f"{gap}{signs.corner_bl}{signs.dash * (size + 2)}{signs.corner_br}", style))
    return [[(" " * max((width - cells(line)) // 2, 0), ""), *line] for line in lines]


# -- a record ------------------------------------------------------------------------------------------------


def record_slides(scene: Scene, width: int) -> list[Slide]:
    """A slide for each part of the selected step's first record, and one for what an eavesdropper keeps of it."""
    found = carriers(scene)
    if not found:
        nothing = "This step has no record of its own: choose a message or application data."
        return [Slide("", (), "No record", "muted", "", (nothing,))]
    record = found[0]
    taken = anatomy(scene.connection, record)
    return [*_parts(scene.connection, record, taken, width), _kept(scene.connection, record, taken, width)]


def _parts(connection: Connection, record: Record, taken: Anatomy, width: int) -> Iterator[Slide]:
    picture = _picture(record, taken, width)
    implied = "iv" if taken.scheme == "cbc" else "nonce"
    yield _whole(connection, record, picture)
    for kind in _ORDER:
        part = taken.part(kind)
        known = words(f"part.{kind}")
        if known is None or (part is None and (kind != implied or taken.recipe is None)):
            continue
        facts = plural(part.length, "byte") if part is not None else "not sent"
        if part is not None and part.data is not None and kind in ("header", "ciphertext", "tag"):
            more = f" {glyphs().ellipsis}" if part.length > BYTES else ""
            facts += f" {glyphs().dot} {part.data[:BYTES].hex(' ', 2)}{more}"
        yield Slide(kind, picture, known.title, ROLES[kind], facts, (known.what, known.why))
        if kind in ("tag", "mac") and taken.covered and (beside := words("part.covered")) is not None:
            names = f" {glyphs().dot} ".join(f"{safe(piece.name)} {len(piece.data)}" for piece in taken.covered)
            yield Slide("covered", picture, beside.title, "clear", names, (beside.what, beside.why))


def _whole(connection: Connection, record: Record, picture: tuple[Line, ...]) -> Slide:
    carries = contents(connection, record)
    told = f"It carries {', '.join(carries[:4])}." if carries else "What it carries cannot be seen."
    facts = [plural(len(record.buffer.data) + record.missing, "byte"), f"from the {record.sender}"]
    known = words("concept.record")
    general = (known.what,) if known is not None else ()
    name = f"{record.packet_type} packet" if record.packet_type else f"Record {record.index}"
    return Slide("record", picture, name, record.sender, f" {glyphs().dot} ".join(facts), (safe(told), *general))


def _kept(connection: Connection, record: Record, taken: Anatomy, width: int) -> Slide:
    found = kept(connection, record, taken)
    known = words("part.kept")
    texts = [_sentence(f"{glyphs().eye} An eavesdropper keeps: {'; '.join(found.keeps)}")]
    if found.hidden:
        texts.append(_sentence(f"Hidden: {'; '.join(found.hidden)}"))
    name = known.title if known is not None else ""
    return Slide("kept", _picture(record, taken, width), name, "warning", "", (*map(safe, texts), safe(found.change)))


def _picture(record: Record, taken: Anatomy, width: int) -> tuple[Line, ...]:
    """The bars of the lens, in the middle."""
    room = min(width - 8, WIDEST_BARS)
    left = " " * ((width - room) // 2)
    return tuple([(left, ""), *line] for line in record_bars.bars(record, taken, room))


def _sentence(text: str) -> str:
    text = safe(text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) or not text else ".")


def _centred(text: str, width: int, style: str) -> Line:
    return [(" " * max((width - cell_len(text)) // 2, 0), ""), (text, style)]
