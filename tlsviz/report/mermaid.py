"""The ladder as a Mermaid sequence diagram, for documents that draw such."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Trace
from tlsviz.report.phrases import facts, name, step_words
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.text import clock, safe

MAX_STEPS = 400
_PLAIN = frozenset(" .,/()+-_=*?!'")
"""What may stand in a text as it is, beside letters and digits; all else has a meaning somewhere in Mermaid."""


def escape(text: str) -> str:
    """A text that Mermaid draws and never obeys: everything else becomes an entity of its own (``#59;``)."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in safe(text))


def render_mermaid(trace: Trace, secrets: bool = False) -> str:
    """One diagram, or several apart by a comment for each connection."""
    parts = ["\n".join(_diagram(connection, secrets)) + "\n" for connection in trace.connections]
    return "\n".join(parts) or "sequenceDiagram\n"


def _diagram(connection: Connection, secrets: bool) -> Iterator[str]:
    yield f"%% connection {connection.id}"
    yield "sequenceDiagram"
    yield "    participant C as client"
    yield f"    participant S as {escape(name(connection))}"
    yield f"    Note over C,S: {escape(', '.join(piece.text for piece in facts(connection, True)[1:]))}"
    found = steps(connection)
    flight = 0
    for step in found[:MAX_STEPS]:
        title, detail = step_words(connection, step, secrets)
        client = step.sender == CLIENT
        text = escape(f"{title} {detail}".strip())
        when = escape(clock(step.time))
        if step.kind == "hole":
            yield f"    Note over C,S: {when} {text}"
            continue
        if step.kind == "mark" and not title.startswith("TCP "):
            yield f"    Note over {'C' if client else 'S'}: {when} {text}"
            continue
        if step.flight != flight and flight and step.gap >= 0.001:
            yield f"    Note over {'C' if client else 'S'}: {escape(clock(step.gap))} later"
        flight = step.flight
        arrow = "-->>" if step.encrypted else "->>"
        sealed = " (encrypted)" if step.encrypted else ""
        yield f"    {'C' if client else 'S'}{arrow}{'S' if client else 'C'}: {text}{sealed}"
        if step.note:
            yield f"    Note over C,S: {escape(step.note)}"
    if len(found) > MAX_STEPS:
        yield f"    Note over C,S: {len(found) - MAX_STEPS} more steps"
