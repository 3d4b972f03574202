"""Which bytes the Bytes pane shows: the step's own, or the records that carried them; and what is lit in each."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from tlsviz.connection.model import Record
from tlsviz.connection.titles import seen_in, type_title
from tlsviz.ui.selection import Scene
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.nodes import leaves
from tlsviz.wire.text import plural

MAX_RECORDS = 64
"""Record bytes are shown of at most so many records of one step."""

_KIND_WORDS = {
    "wire": "as sent",
    "reassembled": "put together",
    "decrypted": "decrypted",
    "decompressed": "decompressed",
}


@dataclass(frozen=True, eq=False)
class Section:
    """Bytes under a title. ``lit``: the selected range; ``edges``: where fields begin, for their tints.

    ``buffer`` is what the offsets count in; ``own`` is True when that is the step's own buffer.
    """

    title: str
    role: str
    buffer: Buffer
    lit: tuple[tuple[int, int], ...]
    edges: tuple[int, ...]
    own: bool

    def is_lit(self, offset: int) -> bool:
        """Whether the byte belongs to what is selected."""
        return any(start <= offset < end for start, end in self.lit)

    def tint(self, offset: int) -> int:
        """0 and 1 by turns, from field to field."""
        return bisect_right(self.edges, offset) % 2


def sections(scene: Scene, records: bool) -> list[Section]:
    """What to show: the step's own bytes, or (``records``) the records that carried it."""
    if records:
        return _record_sections(scene)
    buffer = scene.buffer
    if buffer is None:
        return _record_sections(scene)
    return [_own_section(scene, buffer)]


def carriers(scene: Scene) -> list[Record]:
    """The records that carried the selected step."""
    message, run = scene.message, scene.run
    indices = message.records if message else run.record_indices if run else ()
    known = scene.connection.records
    found = []
    for index in indices:
        if 0 <= index < len(known) and known[index].index == index:
            found.append(known[index])
        else:
            found += [record for record in known if record.index == index]
    return found


def _own_section(scene: Scene, buffer: Buffer) -> Section:
    chosen, step = scene.selection, scene.step
    data = buffer.data
    name = step.title if step else ""
    if scene.inner is not None:
        name = f"{type_title(scene.inner.tree.name)} in {name}"
    title = f"{name} · {plural(len(data), 'byte')} · {_origin(scene, buffer)}"
    run = scene.run
    if run is not None and not run.complete:
        title += f" · the first of {run.bytes:,}"
    if not records_are_the_same(scene, buffer):
        title += f" · m: the {_unit(scene)}s"
    lit = ((chosen.start, chosen.end),) if chosen.end > chosen.start else ()
    tree = scene.layer
    edges = tuple(leaf.start for leaf in leaves(tree)) if tree is not None else ()
    return Section(title, "encrypted" if step and step.encrypted else "clear", buffer, lit, edges, True)


def records_are_the_same(scene: Scene, buffer: Buffer) -> bool:
    """Whether showing the records would show nothing else."""
    return not any(record.buffer is not buffer for record in carriers(scene))


def _origin(scene: Scene, buffer: Buffer) -> str:
    """Where the bytes of a buffer came from, in words."""
    records = carriers(scene)
    words = _KIND_WORDS[buffer.kind]
    if buffer.kind == "decompressed":
        words = "decompressed"
    elif scene.step and (scene.step.encrypted or scene.step.provenance == "decrypted"):
        words = "decrypted"
    elif buffer.kind == "reassembled" and len(records) == 1:
        words = "as sent"
    if not records:
        return words
    if len(records) == 1:
        return f"{words}, {_name(records[0])}{_packets(scene, records[0].packets)}"
    packets = sorted({packet for record in records for packet in record.packets})
    span = f"{_unit(scene)}s {records[0].index} to {records[-1].index}"
    return f"{words} from {span}{_packets(scene, tuple(packets))}"


def _unit(scene: Scene) -> str:
    """What carries the messages: QUIC has packets in the place of records."""
    return "packet" if scene.connection.transport == "quic" else "record"


def _name(record: Record) -> str:
    return f"{record.packet_type} packet {record.index}" if record.packet_type else f"record {record.index}"


def _packets(scene: Scene, packets: tuple[int, ...]) -> str:
    where = seen_in(scene.connection, packets)
    return where and f", {where}"


def _record_sections(scene: Scene) -> list[Section]:
    chosen = scene.selection
    records = carriers(scene)
    buffer = scene.buffer
    lit: dict[int, list[tuple[int, int]]] = {}
    if buffer is not None and chosen.end > chosen.start:
        for origin in buffer.origins(chosen.start, chosen.end):
            lit.setdefault(id(origin.buffer), []).append((origin.start, origin.end))
    return [_record_section(scene, record, tuple(lit.get(id(record.buffer), ()))) for record in records[:MAX_RECORDS]]


def _record_section(scene: Scene, record: Record, lit: tuple[tuple[int, int], ...]) -> Section:
    size = plural(record.length, "byte")
    title = f"{_name(record)}, as on the wire · {size}{_packets(scene, record.packets)}"
    protection = record.protection
    sealed = record.epoch > 0 or protection is not None
    if protection is not None and protection.status == "verified":
        title += " · sealed, tag verified" if protection.tag else " · sealed, opened"
    elif protection is not None:
        title += f" · sealed, {'tag wrong' if protection.status == 'failed' else 'not opened'}: {protection.why}"
    elif not sealed:
        title += " · in the clear"
    if not record.kept:
        title += " · only its header was kept"
    if record.missing:
        title += f" · {plural(record.missing, 'byte')} missing"
    edges = (*(leaf.start for leaf in leaves(record.header)), record.header.end)
    return Section(title, "encrypted" if sealed else "clear", record.buffer, lit, edges, False)


def own_offset(buffer: Buffer, target: Buffer, offset: int) -> int | None:
    """The byte of ``buffer`` that came from the byte at ``offset`` of its ancestor ``target``; None if none did."""
    if buffer is target:
        return offset
    for piece in buffer.pieces:
        below = own_offset(piece.parent, target, offset)
        if below is None or not piece.parent_start <= below < piece.parent_end:
            continue
        return piece.start + (below - piece.parent_start if piece.exact else 0)
    return None
