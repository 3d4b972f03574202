"""The bytes of a record beside what they say, row by row: which bytes stand in which row, and how a row is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from tlsviz.connection.lens import Anatomy, Kind, Part
from tlsviz.connection.model import Record
from tlsviz.explain.record import type_name
from tlsviz.tls import registry
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.bytes_pane import OFFSET, Grid
from tlsviz.ui.widgets.lines import Line, Piece, clip
from tlsviz.wire.text import plural

Range = tuple[int, int]
FEWEST = 4
"""Rows of content that are shown of a record however little room there is, a fold among them."""
GAP = 2
"""Cells between the wire's bytes, the plaintext's, and its characters."""

ROLES: dict[Kind, str] = {
    "header": "clear",
    "content": "foreground",
    "nonce": "clear",
    "iv": "clear",
    "ciphertext": "encrypted",
    "sealed": "encrypted",
    "tag": "verified",
    "mac": "verified",
    "content_type": "server",
    "padding": "muted",
    "padding_length": "muted",
    "frame": "server",
}
"""The colour of each part, here and in the bars."""


class Row(NamedTuple):
    """A row: bytes ``wire`` of the record and ``inside`` of what was in it; ``words`` beside them.

    ``blank``: what was inside cannot be read. ``hidden``: rows folded away here, instead of bytes.
    """

    kind: Kind
    wire: Range = (0, 0)
    inside: Range = (0, 0)
    words: str = ""
    blank: bool = False
    hidden: int = 0


class Sheet(NamedTuple):
    """All that the rows of one record are drawn from. ``lit``: selected ranges; ``mine``: the selected step's."""

    record: Record
    taken: Anatomy
    inside: bytes
    lit_wire: tuple[Range, ...] = ()
    lit_inside: tuple[Range, ...] = ()
    mine: tuple[Range, ...] = ()


def layout(width: int) -> Grid:
    """The widest arrangement that fits twice into a line."""
    for choice in (Grid(16, True, True), Grid(16, False, True), Grid(8, True, True), Grid(8, False, True)):
        if total(choice) <= width:
            return choice
    return Grid(4, True, False)


def total(grid: Grid) -> int:
    """The cells of a row."""
    return characters(grid) + (grid.columns if grid.ascii else 0)


def second(grid: Grid) -> int:
    """The first cell of the plaintext."""
    return OFFSET + grid.cell(grid.columns - 1) + 2 + GAP


def characters(grid: Grid) -> int:
    """The first cell of the plaintext's characters."""
    return second(grid) + grid.cell(grid.columns - 1) + 2 + GAP


def whole(taken: Anatomy) -> bytes:
    """What was inside, one byte after the other; unknown bytes are zeros."""
    return b"".join(part.data if part.data is not None else bytes(part.length) for part in taken.inside)


def rows(sheet: Sheet, columns: int) -> list[Row]:
    """Every row of a record, unfolded."""
    taken = sheet.taken
    found: list[Row] = []
    for part in taken.wire:
        if part.kind in ("ciphertext", "sealed") or (part.kind == "content" and taken.inside):
            found += _covered(part, taken, columns)
        elif part.kind == "content":
            found += [Row("content", (at, end), (at, end)) for at, end in _cut(part.start, part.end, columns)]
        elif not (part.kind == "mac" and taken.inside and taken.inside[-1].kind == "mac"):
            words = _words(sheet, part)
            for number, span in enumerate(_cut(part.start, part.end, columns)):
                found.append(Row(part.kind, span, words=words if number == 0 else ""))
    return found


def _cut(start: int, end: int, columns: int) -> list[Range]:
    return [(at, min(at + columns, end)) for at in range(start, end, columns)]


def _covered(part: Part, taken: Anatomy, columns: int) -> list[Row]:
    """The rows of what the protection covers."""
    if not taken.inside:
        return [Row(part.kind, span, blank=True) for span in _cut(part.start, part.end, columns)]
    found: list[Row] = []
    if taken.alignment == "none":
        found += [Row(part.kind, span) for span in _cut(part.start, part.end, columns)]
    for inner in taken.inside:
        spans = _cut(inner.start, inner.end, columns)
        for number, (start, end) in enumerate(spans):
            wire = (taken.aligned + start, taken.aligned + end) if taken.alignment != "none" else (0, 0)
            words = _inner_words(inner) if number == 0 else ""
            found.append(Row(inner.kind, wire, (start, end), words, inner.data is None))
    return found


def _words(sheet: Sheet, part: Part) -> str:
    record = sheet.record
    if part.kind == "header" and record.packet_type is not None:
        return ""
    if part.kind == "header":
        version = registry.versions.get(record.version) or f"0x{record.version:04x}"
        return f"{type_name(record.content_type)}, {version}, {record.length:,}"
    status = record.protection.status if record.protection else "not_provable"
    verdict = {"verified": "verified", "failed": "wrong"}.get(status, "cannot be checked")
    return {
        "nonce": "explicit nonce, in the clear",
        "iv": "IV, random and in the clear",
        "tag": f"tag: {verdict}",
        "mac": f"MAC over the ciphertext: {verdict}",
    }.get(part.kind, "")


def _inner_words(part: Part) -> str:
    if part.name:
        return part.name
    if part.kind == "content_type":
        return f"true type: {type_name(part.data[0] if part.data else 0)}"
    return {"padding": "padding", "padding_length": "length of padding", "mac": "MAC"}.get(part.kind, "")


def fold(found: list[Row], most: int, lit: Sequence[int]) -> list[Row]:
    """The rows, with content folded away where there are more than ``most``, but never below a few rows of it.

    ``lit``: the places of rows that are to stay, as far as there is room.
    """
    content = [place for place, row in enumerate(found) if row.kind in ("content", "ciphertext", "sealed")]
    room = max(most - (len(found) - len(content)), FEWEST)
    if len(content) <= room:
        return found
    room -= 2 if lit else 1
    chosen = [place for place in lit[:room] if found[place].kind in ("content", "ciphertext", "sealed")]
    wanted = [*content[:1], *content[-1:], *chosen, *content[:room]] if lit else [*content[-1:], *content[:room]]
    kept = set(list(dict.fromkeys(wanted))[:room])
    kept.update(place for place, row in enumerate(found) if row.kind not in ("content", "ciphertext", "sealed"))
    made: list[Row] = []
    for place, row in enumerate(found):
        if place in kept:
            made.append(row)
        elif made and made[-1].hidden:
            made[-1] = made[-1]._replace(hidden=made[-1].hidden + 1)
        else:
            made.append(Row("content", hidden=1))
    return made


def lit_rows(sheet: Sheet, found: Sequence[Row]) -> list[int]:
    """The places of the rows that hold something selected."""
    return [
        place
        for place, row in enumerate(found)
        if _meets(sheet.lit_inside, row.inside) or _meets(sheet.lit_wire, row.wire)
    ]


def _meets(ranges: Sequence[Range], span: Range) -> bool:
    return any(start < span[1] and end > span[0] for start, end in ranges)


def _holds(ranges: Sequence[Range], offset: int) -> bool:
    return any(start <= offset < end for start, end in ranges)


# drawing


def heading(taken: Anatomy, grid: Grid) -> Line:
    """What the two columns are."""
    readable = taken.inside or taken.scheme == "clear"
    left = clip("on the wire", second(grid) - OFFSET - 1).ljust(second(grid) - OFFSET)
    right: Piece = ("what it says", "foreground bold") if readable else ("what it says: unknown", "inferred bold")
    return [(" " * OFFSET, ""), (left, "clear bold" if taken.scheme == "clear" else "encrypted bold"), right]


def draw(sheet: Sheet, row: Row, grid: Grid, width: int) -> Line:
    """One row."""
    signs = glyphs()
    if row.hidden:
        count = f"{plural(row.hidden, 'row')} more: enter opens them"
        return [(" " * OFFSET, ""), (f"{signs.ellipsis} {count}", "muted italic")]
    start, end = row.wire
    line: Line = [((f"{start:04x} " if end > start else "").ljust(OFFSET), "muted")]
    style = _outer_role(sheet, row)
    line += _hex(sheet.record.buffer.data, row.wire, sheet.lit_wire, style, grid)
    line.append((" " * (second(grid) - _cells(line)), ""))
    if row.blank:
        size = max(end - start, row.inside[1] - row.inside[0])
        line += grid.pieces([signs.light * 2] * size, ["inferred"] * size)
        if row.words:
            line.append((clip(f"  {row.words}", width - _cells(line)), "muted"))
        return line
    if row.inside[1] > row.inside[0]:
        return [*line, *_plain(sheet, row, grid, width - _cells(line))]
    if row.words:
        line.append((clip(row.words, width - _cells(line)), f"{style} bold"))
    return line


def role_of(kind: Kind, record: Record, taken: Anatomy) -> str:
    """The colour of a part: a seal has that of its verdict, content in the clear that of the clear."""
    status = record.protection.status if record.protection else "verified"
    if kind in ("tag", "mac") and status != "verified":
        return "failed" if status == "failed" else "inferred"
    if kind == "content" and taken.scheme == "clear":
        return "clear"
    return ROLES[kind]


def _outer_role(sheet: Sheet, row: Row) -> str:
    """The colour of a row's bytes on the wire."""
    covered = row.blank or row.inside[1] > row.inside[0]
    if covered and sheet.taken.scheme != "clear":
        return "encrypted" if sheet.taken.part("ciphertext") or sheet.taken.part("sealed") else "clear"
    return role_of(row.kind, sheet.record, sheet.taken)


def _plain(sheet: Sheet, row: Row, grid: Grid, room: int) -> Line:
    """The right side: what the bytes say."""
    clear = sheet.taken.scheme == "clear"
    data = (sheet.record.buffer.data if clear else sheet.inside)[row.inside[0] : row.inside[1]]
    role = ROLES[row.kind]
    styles = _inner_styles(sheet, row, role)
    if clear:
        return _characters(data, styles)
    line: Line = grid.pieces(_words_of(data), styles)
    used = _cells(line)
    if row.kind != "content" and row.words:
        at = characters(grid) - second(grid) if len(data) > 2 else used + GAP
        line.append((" " * max(at - used, 1), ""))
        line.append((clip(row.words, max(room - max(at, used + 1), 0)), f"{role} bold"))
        return line
    if not grid.ascii or row.kind != "content":
        return line
    line.append((" " * (characters(grid) - second(grid) - used), ""))
    return [*line, *_characters(data, styles)]


def _inner_styles(sheet: Sheet, row: Row, role: str) -> list[str]:
    """A style for each byte inside: selected, of the selected step, or of another one in the same record."""
    styles = []
    for offset in range(row.inside[0], row.inside[1]):
        if _holds(sheet.lit_inside, offset):
            styles.append("accent bold reverse")
        elif row.kind == "content" and sheet.mine and not _holds(sheet.mine, offset):
            styles.append("muted")
        else:
            styles.append(role)
    return styles


def _characters(data: bytes, styles: list[str]) -> Line:
    dot = glyphs().dot
    text = "".join(chr(byte) if 32 <= byte < 127 else dot for byte in data)
    return [
        ("".join(text[place] for place in group), style)
        for style, group in groupby(range(len(data)), styles.__getitem__)
    ]


def _hex(data: bytes, span: Range, lit: Sequence[Range], role: str, grid: Grid) -> list[Piece]:
    part = data[span[0] : span[1]]
    styles = ["accent bold reverse" if _holds(lit, span[0] + place) else role for place in range(len(part))]
    return grid.pieces(_words_of(part), styles)


def _words_of(data: bytes) -> list[str]:
    return [f"{byte:02x}" for byte in data]


def _cells(line: Sequence[Piece]) -> int:
    return sum(len(text) for text, _ in line)


def byte_at(row: Row, grid: Grid, x: int, clear: bool) -> tuple[bool, int] | None:
    """The byte under a cell: whether it is one of the wire's, and its offset there or inside."""
    left, right = grid.column(x - OFFSET), grid.column(x - second(grid))
    if left is not None and row.wire[0] + left < row.wire[1]:
        return True, row.wire[0] + left
    if clear:
        right = x - second(grid) if x >= second(grid) else None
    elif right is None and grid.ascii and x >= characters(grid) and row.kind == "content":
        right = x - characters(grid)
    if right is not None and row.inside[0] + right < row.inside[1]:
        return False, row.inside[0] + right
    return None
