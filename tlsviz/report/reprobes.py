"""Causes of a failure, ranked, and the re-probes that tell them apart: in text and in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlsviz.connection.model import Cause, Connection, Finding, Probe, ProbeOutcome, Standing
from tlsviz.report.paint import Line, Piece, cells, clip, pad, paragraph
from tlsviz.wire.text import clock, safe

STANDING: dict[Standing, Piece] = {
    "supported": Piece("✓ supported", "good"),
    "open": Piece("? open", "guess"),
    "ruled_out": Piece("✗ ruled out", "dim"),
}
OUTCOME: dict[ProbeOutcome, Piece] = {
    "worked": Piece("✓ works", "good"),
    "same": Piece("✗ fails the same", "bad"),
    "other": Piece("▲ fails otherwise", "warn"),
    "skipped": Piece("· not tried", "dim"),
}
_WIDEST = 18


def causes(finding: Finding, width: int, indent: int) -> Iterator[Line]:
    """What may lie behind a failure, the likeliest first."""
    for number, cause in enumerate(finding.causes, 1):
        sign = STANDING[cause.standing]
        lead = [Piece(" " * indent), Piece(f"{number}. ", "dim")]
        if cause.standing != "open":
            lead.append(Piece(pad(sign.text, 13), sign.style))
        yield from paragraph(lead, f"{safe(cause.what)}: {safe(cause.why)}", width)


def probes(connection: Connection, width: int) -> Iterator[Line]:
    """A line or two a re-probe: what was changed, what came of it, what that tells."""
    if not connection.probes:
        return
    beside = "the same handshake with one thing changed each"
    yield [Piece("Re-probes", "title"), Piece(clip(f"  {beside}", width - cells("Re-probes")), "dim")]
    for probe in connection.probes:
        sign = OUTCOME[probe.outcome]
        lead = [Piece("  "), Piece(pad(sign.text, _WIDEST), sign.style), Piece("  ")]
        yield from paragraph(lead, safe(probe.changed), width, "bold")
        below = [Piece(" " * (_WIDEST + 4))]
        yield from paragraph(below, safe(_came(probe)), width, "dim")
        if probe.meaning:
            yield from paragraph([*below, Piece("→ ", "dim")], safe(probe.meaning), width)


def _came(probe: Probe) -> str:
    parts = [probe.said]
    if probe.hello is not None:
        parts.append(f"hello of {probe.hello:,} bytes")
    if probe.duration:
        parts.append(clock(probe.duration))
    return " · ".join(parts)


def cause_json(cause: Cause) -> dict[str, Any]:
    return {
        "what": safe(cause.what),
        "why": safe(cause.why),
        "probe": cause.probe or None,
        "standing": cause.standing,
    }


def probe_json(probe: Probe) -> dict[str, Any]:
    return {
        "name": probe.name,
        "changed": safe(probe.changed),
        "outcome": probe.outcome,
        "code": probe.code,
        "said": safe(probe.said),
        "meaning": safe(probe.meaning) or None,
        "client_hello_length": probe.hello,
        "duration": round(probe.duration, 6),
    }
