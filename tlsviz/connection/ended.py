"""How a captured connection ended, when it did not end well: who gave up first, and what is known of why."""

from __future__ import annotations

from tlsviz.connection import titles
from tlsviz.connection.causes import CERTIFICATE_ALERTS
from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.holes import incomplete
from tlsviz.connection.model import Connection, Finding, Message
from tlsviz.connection.refusals import fatal_alert
from tlsviz.connection.upgrades import stopped_before_tls
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

_ENDS = ("rst", "fin", "abort", "shutdown", "closed")
_AGAIN = "Shake hands with the server live (`tlsviz HOST`) to see whether it does so again."


def ended(connection: Connection) -> Finding | None:
    """The reason why a captured handshake did not come to its end, None where it did or nothing shows it."""
    if connection.complete:
        return diagnose(connection)
    if not connection.messages and connection.prelude:
        from tlsviz.connection.declined import declined

        if (no := declined(connection.prelude)) is not None:
            return stopped_before_tls("starttls_refused", no.words, no.protocol)
    refusal = fatal_alert(connection, CLIENT)
    server = fatal_alert(connection, SERVER)
    if refusal is not None and (server is None or refusal.order < server.order):
        return _refused_by_client(refusal)
    if server is None and connection.transport in ("tcp", "sctp") and incomplete(connection):
        return None  # what the capture lacks may be the reason, or that there was none
    if server is None and _first_to_leave(connection) == CLIENT:
        return _left_by_client(connection) if connection.messages else None
    found = diagnose(connection)
    return None if found is None else found._replace(mend=found.mend if server is not None else _AGAIN)


def _first_to_leave(connection: Connection) -> Sender | None:
    """Who ended the connection below, or said an alert that cannot be read, first."""
    ends = [(placed.order, placed.mark.sender) for placed in connection.marks if placed.mark.kind in _ENDS]
    ends += [(m.order, m.sender) for m in connection.messages if m.type == "alert" and m.alert is None]
    return min(ends)[1] if ends else None


def _refused_by_client(message: Message) -> Finding:
    assert message.alert is not None
    description = message.alert.description
    what = "the server's certificate" if description.code in CERTIFICATE_ALERTS - {40} else "the handshake"
    return Finding(
        "handshake_alert",
        "error",
        f"The client refused {what}: {description}",
        f"{message.alert.level} alert {description} ({description.code}) from the client",
        f'See `tlsviz explain "alert {description.code}"` for the usual causes.',
        "RFC 8446 6.2",
        message=message.index,
    )


def _left_by_client(connection: Connection) -> Finding:
    said = [m for m in reversed(connection.messages) if m.sender == SERVER]
    last = next((m for m in said if m.provenance != "inferred"), None)
    sealed = any(m.type == "alert" and m.sender == CLIENT and m.alert is None for m in connection.messages)
    evidence = (
        f"the last that was seen of the server before that is its {titles.message(last)}"
        if last
        else "the server had not answered yet"
    )
    if last and last is not said[0]:
        evidence += "; how much came of what is encrypted behind it nobody can tell without keys"
    return Finding(
        "client_left",
        "notice",
        "The client gave up before the handshake was done",
        evidence + (", and the client's last word was an alert that cannot be read" if sealed else ""),
        "The reason lies with the client: its log, or its alert if the keys are known.",
        "RFC 8446 6",
        message=last.index if last else None,
    )
