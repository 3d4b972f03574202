"""The lens' words around the bytes: the two bars, the nonce and how it is made, the tag, what an eavesdropper keeps."""

from __future__ import annotations

from collections.abc import Sequence

from tlsviz.connection import titles
from tlsviz.connection.lens import Anatomy, HeaderMask, Ingredient, Kind, Part, Recipe
from tlsviz.connection.model import Connection, Record
from tlsviz.explain.record import INITIAL, contents, kept
from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.widgets.lines import Line, clip, clip_line
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.ui.widgets.record_rows import ROLES, role_of
from tlsviz.ui.widgets.values import hex_words
from tlsviz.wire.chunks import other
from tlsviz.wire.text import plural, safe

LEAD = 9
"""The cells before a bar."""
_NAMES: dict[Kind, tuple[str, str]] = {
    "header": ("header", "head"),
    "content": ("content", "says"),
    "nonce": ("nonce", "nonce"),
    "iv": ("IV", "IV"),
    "ciphertext": ("ciphertext", "cipher"),
    "sealed": ("sealed", "sealed"),
    "tag": ("tag", "tag"),
    "mac": ("MAC", "MAC"),
    "content_type": ("type", "type"),
    "padding": ("padding", "pad"),
    "padding_length": ("length", "len"),
    "frame": ("frame", "fr"),
}
LEVELS = ("▁▂▃▄▅▆▇█", "01234567")
LONG_ENOUGH = 96
"""Of fewer bytes it says nothing how often each value occurs."""


def title(connection: Connection, record: Record, place: str, width: int) -> list[Line]:
    """Which record this is, and what it carries."""
    dot = f" {glyphs().dot} "
    way = f"{record.sender} {glyphs().arrow} {other(record.sender)}"
    kind = f"{record.packet_type} packet" if record.packet_type else "Record"
    head = f"{kind} {record.index}{place}{dot}{way}{dot}{plural(len(record.buffer.data), 'byte')}"
    found = contents(connection, record)
    carries = f"carries {', '.join(found[:4])}" if found else "what it carries cannot be seen"
    if len(found) > 4:
        carries += f" and {len(found) - 4} more"
    if record.packets:
        carries += f"{dot}{titles.seen_in(connection, record.packets)}"
    lines: list[Line] = [[(" ", ""), (clip(head, width - 2), f"{record.sender} bold")]]
    lines += paragraph(safe(carries), width, "foreground")
    for text in (record.note, record.missing and f"{plural(record.missing, 'byte')} of it are missing"):
        if text:
            lines += paragraph(f"{glyphs().odd} {safe(text)}", width, "warning bold")
    return lines


def bars(record: Record, taken: Anatomy, width: int) -> list[Line]:
    """The parts of the record as a bar, and below what was inside of them."""
    room = max(width - LEAD - 1, 12)
    holder = next((part for part in taken.wire if part.kind in ("ciphertext", "sealed")), None)
    below = taken.inside if holder or taken.scheme == "stream" else ()
    least = sum(_least(part) for part in below)
    sizes = _share(taken.wire, [max(_least(part), least if part is holder else 0) for part in taken.wire], room)
    lines: list[Line] = [[(" wire    ", "muted"), *_blocks(taken.wire, sizes, record, taken)]]
    if holder is None and not below:
        return lines
    start = sum(sizes[: taken.wire.index(holder)]) if holder else sizes[0]
    span = sizes[taken.wire.index(holder)] if holder else room - sizes[0]
    verb = clip(_verb(record, taken), width - LEAD)
    lines.append([(" " * (LEAD + max(min(start, room - len(verb)), 0)), ""), (verb, _verb_role(record))])
    if below:
        inner = _share(below, [_least(part) for part in below], span)
        lines.append([(" inside  ", "muted"), (" " * start, ""), *_blocks(below, inner, record, taken)])
    else:
        shade = glyphs().light * max(span - 1, 1)
        lines.append([(" inside  ", "muted"), (" " * start, ""), (shade, "inferred")])
    return [clip_line(line, width) for line in lines]


def _verb(record: Record, taken: Anatomy) -> str:
    signs = glyphs()
    protection = record.protection
    if taken.scheme == "stream" and taken.part("ciphertext") is None and taken.inside:
        checked = protection is not None and protection.status == "verified"
        return f"{signs.below} not encrypted; MAC {signs.verified + ' verified' if checked else 'not checked'}"
    if protection is None or protection.status == "not_provable":
        return f"{signs.unknown} closed: {safe(protection.why) if protection else ''}"
    if protection.status == "failed":
        return f"{signs.failed} does not open: {safe(protection.why)}"
    if record.packet_type == INITIAL:
        return f"{signs.below} opened with everybody's key, tag {signs.verified} verified"
    seal = "MAC" if taken.scheme in ("cbc", "stream") else "tag"
    return f"{signs.below} opened with the {record.sender}'s key, {seal} {signs.verified} verified"


def _verb_role(record: Record) -> str:
    status = record.protection.status if record.protection else "not_provable"
    return {"verified": "verified", "failed": "failed bold"}.get(status, "inferred")


def _least(part: Part) -> int:
    """The fewest cells in which the part's short name and length can be read, with the gap behind them."""
    return len(f" {_NAMES[part.kind][1]} {part.length:,} ")


def _share(parts: Sequence[Part], least: list[int], room: int) -> list[int]:
    """Cells for each part: at least its least, the rest by length; together ``room``, or more if that is too little."""
    whole = sum(part.length for part in parts) or 1
    spare = max(room - sum(least), 0)
    sizes = [size + spare * part.length // whole for size, part in zip(least, parts, strict=True)]
    if sizes:
        longest = max(range(len(parts)), key=lambda place: parts[place].length)
        sizes[longest] += max(room - sum(sizes), 0)
    return sizes


def _blocks(parts: Sequence[Part], sizes: list[int], record: Record, taken: Anatomy) -> Line:
    """Solid blocks with their names, a gap between each."""
    line: Line = []
    for part, size in zip(parts, sizes, strict=True):
        long, short = _NAMES[part.kind]
        texts = (f"{long} {part.length:,}", f"{short} {part.length:,}", short)
        text = next((text for text in texts if len(text) + 2 <= size), short)
        line += [(f" {text}".ljust(size - 1)[: size - 1], f"{role_of(part.kind, record, taken)} reverse"), (" ", "")]
    return line


# how it was sealed


def sealing(record: Record, taken: Anatomy, width: int, secrets: bool) -> list[Line]:
    """The nonce, and what else is covered."""
    protection = record.protection
    if protection is None:
        return []
    lines: list[Line] = []
    if taken.recipe is not None:
        lines += nonce(taken, taken.recipe, protection.sequence, width, secrets)
    if taken.covered:
        name = "Additional data" if taken.scheme in ("tls13", "aead", "quic") else "Covered by the MAC too"
        lines += [*heading(f"{name}: not encrypted, but sealed", width), *_covered(taken.covered, width)]
    if taken.header_mask is not None:
        lines += _masked(taken.header_mask, width)
    return lines


def _masked(found: HeaderMask, width: int) -> list[Line]:
    """How the first byte and the packet number were masked (RFC 9001 5.4)."""
    lines = heading("Header protection: what was masked on the wire", width)
    for label, data in (
        ("ciphertext sampled", found.sample),
        ("the mask made of it", found.mask),
        ("xor what travelled", found.wire),
        ("= what it says", found.clear),
    ):
        lines.append(_sum(label, data, False, width))
    said = "The low bits of the first byte and the packet number: nobody on the way can count packets by them."
    return [*lines, *paragraph(said, width, "muted", 3)]


def nonce(taken: Anatomy, recipe: Recipe, sequence: int | None, width: int, secrets: bool) -> list[Line]:
    """How the nonce (or IV) came about, as a sum."""
    name = "IV" if taken.scheme == "cbc" else "nonce"
    hidden = recipe.secret and not secrets
    lines = heading(("IV" if name == "IV" else "Nonce") + (", masked: v shows it" if hidden else ""), width)
    verb = {"xor": "xor", "numbered": "xor", "join": "then"}.get(recipe.how, "")
    for place, piece in enumerate(recipe.ingredients):
        label = f"{piece.name} {sequence}" if piece.name.endswith(" number") else piece.name
        label = f"{verb} {label}" if place and verb else f"the {label}"
        lines.append(_sum(label, piece.data, piece.secret and not secrets, width))
    if len(recipe.ingredients) != 1:
        lines.append(_sum(f"{'= ' if recipe.ingredients else ''}the {name}", recipe.result, hidden, width))
    said = _SAID[recipe.how]
    if recipe.how == "join" and sequence is not None:
        same = any(piece.data == recipe.ingredients[-1].data for piece in taken.covered[:1])
        said += " Here it is the record's number." if same else f" Here it is not the record's number, {sequence}."
    return [*lines, *paragraph(said, width, "muted", 3)]


_SAID = {
    "xor": "Both sides count: never sent, and never the same twice.",
    "numbered": "The record says its number: it can be opened alone, whatever was lost before it.",
    "join": "Half of the nonce is secret, half travels with the record.",
    "sent": "The sender made it at random and sent it in front of the ciphertext.",
    "chained": "The last block of the record before: others know it, as BEAST did.",
    "key_block": "The first record takes it from the key block; each later one the last block before it (BEAST).",
}


def _sum(label: str, data: bytes, hidden: bool, width: int) -> Line:
    signs = glyphs()
    words = [signs.mask * 4 if hidden else data[at : at + 2].hex() for at in range(0, len(data), 2)]
    style = "muted" if hidden else "server"
    return clip_line([(f"   {label:<20}", "foreground"), (" ".join(words), style)], width)


def _covered(pieces: Sequence[Ingredient], width: int) -> list[Line]:
    """The pieces with a name under each."""
    above: Line = [("   ", "")]
    below: Line = [("   ", "")]
    for piece in pieces:
        text = piece.data.hex() if len(piece.data) <= 8 else hex_words(piece.data, 8)
        size = max(len(text), len(piece.name)) + 2
        above.append((text.ljust(size), ROLES["header"]))
        below.append((piece.name.ljust(size), "muted"))
    return [clip_line(above, width), clip_line(below, width)]


# what somebody on the way has of it


def eavesdropper(connection: Connection, record: Record, taken: Anatomy, width: int) -> list[Line]:
    """What somebody on the way keeps, what not, and what a change does."""
    signs = glyphs()
    told = kept(connection, record, taken)
    lines = heading("What an eavesdropper keeps, and what not" if told.hidden else "What an eavesdropper keeps", width)
    for text in told.keeps:
        lines += paragraph(safe(text), width, "clear", 3, f" {signs.chosen} ")
    for text in told.hidden:
        lines += paragraph(safe(text), width, "encrypted", 3, f" {signs.offered} ")
    return [*lines, *paragraph(told.change, width, "foreground", 3)]


def evenness(taken: Anatomy, width: int) -> list[Line]:
    """How often the byte values occur, on the wire and inside: ciphertext looks like chance."""
    sealed, inside = taken.part("ciphertext"), taken.part("content")
    if sealed is None or sealed.data is None or len(sealed.data) < LONG_ENOUGH:
        return []
    buckets = 32 if width >= 60 else 16
    lines = heading("How often each byte value occurs, 00 to ff", width)
    lines.append([("   on the wire   ", "foreground"), (_spark(sealed.data, buckets), "encrypted")])
    if inside is not None and inside.data:
        lines.append([("   what it says  ", "foreground"), (_spark(inside.data, buckets), "foreground")])
    return lines


def _spark(data: bytes, buckets: int) -> str:
    signs = LEVELS[glyphs() is ASCII]
    counts = [0] * buckets
    for byte in data:
        counts[byte * buckets // 256] += 1
    top = max(counts) or 1
    return "".join(signs[(count * 7 + top - 1) // top] for count in counts)
