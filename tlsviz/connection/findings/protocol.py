"""Findings about what went wrong on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection.holes import orphaned
from tlsviz.connection.model import Connection, Finding
from tlsviz.connection.titles import type_title
from tlsviz.wire.nodes import notes
from tlsviz.wire.text import plural

FATAL = 2
HARMLESS = {0, 90, 100}
"""close_notify, user_canceled, no_renegotiation: not failures."""


def alerts(connection: Connection) -> Iterator[Finding]:
    """An alert that ended the connection."""
    for message in connection.messages:
        alert = message.alert
        if alert is None or alert.description.code in HARMLESS:
            continue
        yield Finding(
            "handshake_alert",
            "error",
            f"The {message.sender} ended it: {alert.description}",
            f"{alert.level} alert {alert.description} ({alert.description.code}) from the {message.sender}",
            f'See `tlsviz explain "alert {alert.description.code}"` for the usual causes.',
            "RFC 8446 6.2",
            message=message.index,
        )


def malformed(connection: Connection) -> Iterator[Finding]:
    """Messages whose bytes are not what the protocol says."""
    for message in connection.messages:
        # The message's own note repeats the first of its tree: most have none, and need no second look.
        if message.note is None or message.tree is None or not message.whole or message.type == "heartbeat":
            continue
        fault = next(notes(message.tree), None)
        if fault is None:
            continue
        yield Finding(
            "malformed_message",
            "warning",
            f"{type_title(message.type)} is malformed",
            f"{fault.name} at byte {fault.start}: {fault.note}",
            "The bytes are marked where they stand; whoever sent them has a bug, or they were changed on the way.",
            "RFC 8446 6.2 (decode_error)",
            message=message.index,
        )


def heartbeats(connection: Connection) -> Iterator[Finding]:
    """Heartbleed (CVE-2014-0160): a request that must be dropped in silence (RFC 6520 4), and whether it was."""
    beats = [message for message in connection.messages_of("heartbeat") if message.tree is not None]
    for message in beats:
        fault = next(notes(message.tree), None) if message.tree is not None else None
        if fault is None or fault.name not in ("payload_length", "payload"):
            continue
        answered = any(reply.sender != message.sender and reply.order > message.order for reply in beats)
        yield Finding(
            "heartbeat_overread",
            "critical" if answered else "error",
            "A Heartbleed request was answered: memory may have leaked" if answered else "A Heartbleed request",
            f"the {message.sender}'s heartbeat: {fault.name} {fault.note}",
            "Update the side that answers, and replace its keys and certificates.",
            "RFC 6520 4; CVE-2014-0160",
            message=message.index,
        )


def bad_records(connection: Connection) -> Iterator[Finding]:
    """Records that are none, too long, or that their key does not open."""
    odd = [hole for hole in connection.holes if hole.stray is not None and not orphaned(connection, hole)]
    strays = sum(hole.length for hole in odd)
    if strays:
        yield Finding(
            "bad_record",
            "warning",
            "There are bytes between the records that are no TLS",
            f"{plural(strays, 'byte')} that do not start with a record header",
            "Look at them in the Bytes pane: another protocol, or damage on the way.",
            "RFC 8446 5.1",
        )
    failed = [r for r in connection.records if r.protection is not None and r.protection.status == "failed"]
    if failed:
        first = failed[0]
        why = first.protection.why if first.protection else ""
        yield Finding(
            "bad_record",
            "warning",
            f"{plural(len(failed), 'record')} did not open with the given key",
            f"the first is record {first.index} from the {first.sender}: {why}",
            "The key log is of another connection, or the bytes were changed after they were encrypted.",
            "RFC 8446 5.2",
        )


def plain_ports(connection: Connection) -> Iterator[Finding]:
    """TLS where the world expects plain HTTP: browsers that are given http:// cannot read a word of it."""
    if connection.server.port == HTTP_PORT and connection.messages_of("server_hello"):
        yield Finding(
            "tls_on_plain_port",
            "notice",
            "TLS answers on the port of plain HTTP",
            f"The server at port {HTTP_PORT} chose {connection.version or 'a version'}.",
            "Let port 80 speak plain HTTP and redirect to port 443, or name the port in https:// addresses.",
            "RFC 9110 4.2.1",
        )


HTTP_PORT = 80

FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    alerts,
    malformed,
    heartbeats,
    bad_records,
    plain_ports,
)
