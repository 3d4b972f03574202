"""The diagnosis in lines: what failed and how that is known, what may lie behind it, and what re-probes have shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsviz.connection import titles
from tlsviz.connection.model import GRAVE, Cause, Connection, Finding, Probe, ProbeOutcome, Standing
from tlsviz.connection.variations import VARIATIONS
from tlsviz.ui.glyphs import Sign, glyphs
from tlsviz.ui.widgets.finding_lines import Place, evidence, leads_to
from tlsviz.ui.widgets.key_bar import plain
from tlsviz.ui.widgets.lines import Line, fit, wrap
from tlsviz.ui.widgets.pane import paragraph
from tlsviz.wire.text import clock, safe

WIDE = 96
"""Cells from which on a re-probe's change and outcome stand in one line."""
_WIDEST = 140
_SIGN = 18


def lines(
    connection: Connection, width: int, done: Sequence[Probe] = (), waiting: Sequence[str] = (), running: bool = False
) -> list[Line]:
    """``done``: the re-probes so far; ``waiting``: the names of those to come, of which the first is under way."""
    width = min(width, _WIDEST)
    found = connection.failure
    if found is None:
        return [[], *paragraph("Nothing has failed here.", width, "muted", 1)]
    return [
        [],
        *_finding(connection, found, width),
        *_causes(found.causes, width),
        *_probes(done, waiting, width, running),
    ]


def why_none(connection: Connection, running: bool) -> str:
    """Why there is no diagnosis, and where to look instead."""
    if running:
        return "The handshake is under way: if it fails, d will say why."
    words = "Nothing has failed here, so there is nothing to diagnose."
    if connection.plain:
        words = f"This is {titles.plain(connection)}: there is no handshake that could have failed."
    found = len(connection.findings)
    return f"{words} f goes through what was found ({found})." if found else words


def evident(connection: Connection, width: int) -> Place | None:
    """The lines of `lines` that lead to the message and the field that show the failure; None where none does."""
    found = connection.failure
    chosen = evidence(connection, found) if found is not None else None
    if found is None or chosen is None:
        return None
    return Place(1, sum(1 for _ in _finding(connection, found, min(width, _WIDEST))), chosen)


def _finding(connection: Connection, found: Finding, width: int) -> Iterator[Line]:
    serious = found.severity in GRAVE
    sign, role = (glyphs().failed, "failed") if serious else (glyphs().odd, "warning")
    yield from _hung([(f" {sign} ", role)], found.title, width, f"bold {role}")
    yield []
    yield from _hung([("   ", "")], found.evidence, width)
    if found.mend:
        yield []
        yield from _hung([(f" {glyphs().arrow} ", "server bold")], found.mend, width)
    said = " · ".join(filter(None, (found.code, found.reference))).replace("·", glyphs().dot)
    yield from _hung([("   ", "")], said, width, "muted")
    if (chosen := evidence(connection, found)) is not None:
        yield []
        lead = [(" ", ""), (plain("⏎"), "server bold"), (" ", "")]
        yield from _hung(lead, leads_to(connection, found, chosen), width, "accent")


def _causes(causes: Sequence[Cause], width: int) -> Iterator[Line]:
    if not causes:
        return
    yield []
    yield [(" What may lie behind it", "bold"), ("  the likeliest first", "muted")]
    for number, cause in enumerate(causes, 1):
        sign = standing(cause.standing)
        lead: Line = [(f" {number}. ", "muted"), (fit(f"{sign.glyph} {sign.word}", 13), sign.role)]
        style = "muted" if cause.standing == "ruled_out" else "bold" if cause.standing == "supported" else ""
        yield from _hung(lead, cause.what, width, style)
        yield from _hung([(" " * 17, "")], cause.why, width, "muted")


def standing(value: Standing) -> Sign:
    """How a cause stands after the re-probes."""
    set_ = glyphs()
    return {
        "supported": Sign(set_.verified, "supported", "verified"),
        "open": Sign(set_.unknown, "open", "inferred"),
        "ruled_out": Sign(set_.failed, "ruled out", "muted"),
    }[value]


def outcome(value: ProbeOutcome) -> Sign:
    """What came of a re-probe."""
    set_ = glyphs()
    return {
        "worked": Sign(set_.verified, "works", "verified"),
        "same": Sign(set_.failed, "fails the same", "failed"),
        "other": Sign(set_.odd, "fails otherwise", "warning"),
        "skipped": Sign(set_.dot, "not tried", "muted"),
    }[value]


def _probes(done: Sequence[Probe], waiting: Sequence[str], width: int, running: bool) -> Iterator[Line]:
    if not done and not waiting:
        return
    yield []
    begun = bool(done) or running
    about = "the same handshake with one thing changed each" if begun else "r tries these, one after the other"
    far = [(f"  {len(done)} of {len(done) + len(waiting)}", "bold")] if running else []
    yield [(" Re-probes", "bold"), *far, (f"  {about}", "muted")]
    for probe in done:
        yield from _probe(probe, width)
    for place, name in enumerate(waiting):
        now = running and not place
        sign = Sign(glyphs().half, "trying", "server bold") if now else Sign(glyphs().offered, "waiting", "muted")
        if not running:
            sign = Sign(glyphs().offered, "", "muted")
        lead: Line = [(" " + fit(f"{sign.glyph} {sign.word}", _SIGN if running else 2), sign.role)]
        yield from _hung(lead, VARIATIONS[name].changed, width, "" if now else "muted")


def _probe(probe: Probe, width: int) -> Iterator[Line]:
    sign = outcome(probe.outcome)
    lead: Line = [(" " + fit(f"{sign.glyph} {sign.word}", _SIGN), sign.role)]
    below: Line = [(" " * (_SIGN + 1), "")]
    if width >= WIDE:
        room = width - _SIGN - 1
        left = 46
        changed, said = wrap(safe(probe.changed), left - 2), wrap(safe(_came(probe)), room - left)
        for place in range(max(len(changed), len(said))):
            one = changed[place] if place < len(changed) else ""
            two = said[place] if place < len(said) else ""
            yield [*(lead if not place else below), (fit(one, left), "bold"), (two, "muted")]
    else:
        yield from _hung(lead, probe.changed, width, "bold")
        yield from _hung(below, _came(probe), width, "muted")
    if probe.meaning:
        yield from _hung([*below, (f"{glyphs().arrow} ", "muted")], probe.meaning, width)


def _came(probe: Probe) -> str:
    parts = [probe.said]
    if probe.hello is not None:
        parts.append(f"hello {probe.hello:,} B")
    if probe.duration:
        parts.append(clock(probe.duration))
    return f" {glyphs().dot} ".join(parts)


def _hung(lead: Line, text: str, width: int, style: str = "") -> Iterator[Line]:
    """A paragraph behind a lead, its further lines below its first."""
    size = sum(len(part) for part, _ in lead)
    for place, part in enumerate(wrap(safe(text), max(width - size - 1, 8))):
        yield [*(lead if not place else [(" " * size, "")]), (part, style)]
