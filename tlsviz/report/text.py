"""The text report: header, ladder, certificates, trust, proofs and findings of each connection."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection, Trace
from tlsviz.connection.plain.words import heard
from tlsviz.connection.titles import count, unproven, version
from tlsviz.connection.titles import suite as suite_title
from tlsviz.report.ladder import ladder
from tlsviz.report.paint import Line, Piece, cells, clip, heading, justify, pad, render, width_of, wrap
from tlsviz.report.phrases import facts, reason
from tlsviz.report.phrases import name as name_of
from tlsviz.report.sections import sections
from tlsviz.report.trees import trees
from tlsviz.wire.text import clock, plural, safe

NARROWEST = 60
MAX_COLUMN = 40
CLOCK = 9
MAX_QUOTED = 40
"""Lines of application data that are quoted a run, with secrets."""


def render_text(
    trace: Trace,
    *,
    width: int = 100,
    color: bool = False,
    ascii: bool = False,
    connection: int | None = None,
    fields: bool = False,
    secrets: bool = False,
    segments: bool = False,
) -> str:
    """The trace for a terminal of ``width`` columns (at least 60); ends with a line break.

    ``color``: with ANSI colours. ``ascii``: signs and all else in ASCII. ``connection``: only the one of this id (an
    unknown id prints as if there were none). ``fields``: with each message's tree. ``secrets``: with the keys and
    the decrypted application data. ``segments``: with TCP's, of captures.
    """
    width = max(width, NARROWEST)
    chosen = [found for found in trace.connections if connection in (None, found.id)]
    lines: list[Line] = [_source(trace, chosen, width)]
    if len(chosen) > 1:
        lines += [[], *_list(chosen, width)]
    for found in chosen:
        lines += [[], *_connection(found, width, fields, secrets, segments)]
    if trace.ports is not None:
        from tlsviz.report.ports import ports_text

        lines += [[], *ports_text(trace.ports, width)]
    return render(lines, color, ascii)


def _source(trace: Trace, chosen: list[Connection], width: int) -> Line:
    """Where it comes from; of a long path the end matters."""
    facts = [count(chosen)]
    if trace.source.kind in ("live", "lab") and len(chosen) == 1:
        facts = []
    if trace.source.packets is not None:
        facts.insert(0, plural(trace.source.packets, "packet"))
    end = "".join(f" · {fact}" for fact in facts)
    name = safe(trace.source.name)
    room = max(width - len("tlsviz  ") - len(trace.source.kind) - 3 - len(end), 4)
    while cells(name) > room:
        name = "…" + name[2 if name.startswith("…") else 1 :]
    return [Piece("tlsviz", "title"), Piece(f"  {trace.source.kind} · {name}{end}", "dim")]


def _list(connections: list[Connection], width: int) -> Iterator[Line]:
    """One line a connection."""
    digits = len(str(connections[-1].id))
    rows = [_cells(found) for found in connections]
    widths = [min(max(cells(row[column].text) for row in rows), MAX_COLUMN) for column in range(4)]
    room = width - digits - 2 * len(widths) - 2 - CLOCK
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    total = digits + 2 * len(widths) + sum(widths) + 2 + CLOCK
    for found, row in zip(connections, rows, strict=True):
        left = [Piece(f"{found.id:>{digits}}", "dim")]
        left += [Piece("  " + pad(piece.text, size), piece.style) for piece, size in zip(row, widths, strict=True)]
        yield justify(left, [Piece(clock(found.duration), "dim")], total)


def _cells(connection: Connection) -> list[Piece]:
    suite = connection.cipher_suite
    diagnosis = connection.failure
    trust = connection.trust
    last = Piece("✓ trusted", "good") if trust and trust.verdict == "trusted" else Piece("? unknown", "guess")
    if said := unproven(connection, brief=True):
        last = Piece(f"· {said}")
    if connection.plain:
        last = Piece(f"▲ {heard(connection)}", "warn")
    if diagnosis:
        last = Piece(f"✗ {safe(diagnosis.title)}", "bad")
    elif trust and trust.reasons:
        last = Piece(f"✗ {reason(trust.reasons[0])}", "bad")
    return [
        Piece(name_of(connection), "bold"),
        Piece(version(connection) or "-"),
        Piece(suite_title(suite) or "-"),
        last,
    ]


def _connection(connection: Connection, width: int, fields: bool, secrets: bool, segments: bool) -> Iterator[Line]:
    yield from header(connection, width)
    yield []
    yield from ladder(connection, width, secrets)
    yield from sections(connection, width)
    if segments:
        from tlsviz.report.tcp import segments as every

        yield []
        yield from every(connection, width)
    if fields:
        yield from trees(connection, width)
    if secrets:
        yield from _secrets(connection, width)


def header(connection: Connection, width: int) -> list[Line]:
    """What the connection is, and how long it took; in as few lines as its facts need."""
    duration = Piece(clock(connection.duration), "dim")
    for brief in (False, True):
        line = _joined(facts(connection, brief))
        if width_of(line) + 2 + cells(duration.text) <= width:
            return [justify(line, [duration], width), [Piece("─" * width, "dim")]]
    lines: list[list[Piece]] = [[]]
    for piece in facts(connection, True):
        piece = Piece(clip(piece.text, width - 14), piece.style)
        if lines[-1] and width_of(_joined([*lines[-1], piece])) + 2 + cells(duration.text) > width:
            lines.append([])
        lines[-1].append(piece)
    first, *rest = (_joined(pieces) for pieces in lines)
    return [justify(first, [duration], width), *rest, [Piece("─" * width, "dim")]]


def _joined(pieces: list[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for piece in pieces:
        found += [Piece(" · ", "dim"), piece] if found else [piece]
    return found


def _secrets(connection: Connection, width: int) -> Iterator[Line]:
    """The keys, as a key log has them, and what they opened."""
    if connection.secrets:
        yield []
        yield heading("Secrets", "", width)
        for label, value in connection.every_secret:
            yield from ([Piece("  "), Piece(part)] for part in wrap(f"{safe(label)} {value.hex()}", width - 2))
    for run in connection.application:
        if run.plaintext is None:
            continue
        yield []
        yield heading("Application data", f"{run.sender} · {clock(run.time - connection.start)}", width)
        text = run.plaintext.data.decode("utf-8", "backslashreplace").replace("\r\n", "\n").rstrip("\n")
        quoted = text.split("\n")
        for line in quoted[:MAX_QUOTED]:
            yield [Piece("  │ ", "dim"), Piece(clip(safe(line[:2_000]), width - 4))]
        if len(quoted) > MAX_QUOTED or not run.complete:
            yield [Piece("  … and more", "dim")]
