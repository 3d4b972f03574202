"""What diagnoses are told with: the finding itself, and the words for places and lists in a handshake."""

from __future__ import annotations

from collections.abc import Sequence

from tlsviz.connection import titles
from tlsviz.connection.model import Cause, CodePoint, Connection, Finding, Message
from tlsviz.wire.chunks import CLIENT, Sender


def diagnosed(
    code: str,
    title: str,
    evidence: str,
    mend: str,
    reference: str = "",
    message: int | None = None,
    causes: tuple[Cause, ...] = (),
) -> Finding:
    """The finding that says why a connection failed."""
    return Finding(code, "error", title, evidence, mend, reference, True, message, causes)


def hello_sent(connection: Connection) -> bool:
    """Whether anything of TLS left the client at all."""
    return any(message.sender == CLIENT for message in connection.messages)


def last_of(connection: Connection, sender: Sender) -> Message | None:
    return next((m for m in reversed(connection.messages) if m.sender == sender), None)


def after(connection: Connection, message: Message | None, inclusive: bool = False) -> str:
    """Where in the handshake something happened: behind which message."""
    before = [m for m in connection.messages if message is None or m.order < message.order]
    place = message if inclusive else next((m for m in reversed(before) if m.alert is None), None)
    return f"after {titles.message(place)}" if place is not None else "at the very beginning"


def real(codes: Sequence[CodePoint]) -> list[CodePoint]:
    """Without GREASE."""
    return [code for code in codes if code.name != "GREASE"]


def listed(codes: Sequence[CodePoint]) -> str:
    return ", ".join(str(code) for code in real(codes))


def sentence(detail: str) -> str:
    """The detail as a sentence with a blank behind it; "" stays ""."""
    detail = detail.strip()
    return f"{detail[:1].upper()}{detail[1:].rstrip('.')}. " if detail else ""
