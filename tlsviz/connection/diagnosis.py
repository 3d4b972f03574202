"""Why a handshake came to nothing: which layer failed, and how that is known.

Pure: reads what the connection shows (messages, marks, bytes) and, for a live target, what our own side met with.
"""

from __future__ import annotations

import re

from tlsviz.connection.causes import BROKEN, GREETINGS, OBJECTION_WORDS, OBJECTIONS, THE_WAY
from tlsviz.connection.failure import Failure
from tlsviz.connection.model import Connection, Finding
from tlsviz.connection.refusals import (
    after_handshake,
    asked_for_certificate,
    client_certificate,
    fatal_alert,
    refused_by_http,
    refused_by_server,
)
from tlsviz.connection.telling import after, diagnosed, hello_sent, last_of, sentence
from tlsviz.wire.chunks import CLIENT, SERVER, MarkKind
from tlsviz.wire.text import plural, shorten

DRIP = 2.0
"""Seconds: who has said something within them is slow, not silent."""


def diagnose(connection: Connection, failure: Failure | None = None, live: bool = False) -> Finding | None:
    """The one reason why the connection failed; None if it did not, or nothing is known.

    Without ``failure`` (a capture) the connection's own marks say how it ended. Of a ``live`` target that answers, an
    HTTP error is one too.
    """
    failure = failure or _seen(connection)
    if connection.complete:
        found = after_handshake(connection, failure is not None and failure.kind in ("reset", "closed"))
        return found or (refused_by_http(connection) if live else None)
    if failure is not None and failure.kind in THE_WAY:
        return _on_the_way(failure)
    if failure is not None and failure.before_tls:
        from tlsviz.connection.upgrades import stopped_before_tls

        return stopped_before_tls(failure.kind, failure.detail)
    alert = fatal_alert(connection, SERVER)
    if alert is not None:
        return refused_by_server(connection, alert)
    if failure is None:
        return None
    start = failure.received or (b"" if connection.starttls else _first_bytes(connection))
    if start and not _looks_like_tls(start):
        return _not_tls(start)
    if not hello_sent(connection) and failure.kind in ("reset", "closed", "error"):
        return _broken_at_once(failure)
    if failure.kind == "tls":
        return _our_objection(connection, failure)
    return _cut_off(connection, failure)


# -- before any TLS ----------------------------------------------------------------------------------------


def _on_the_way(failure: Failure) -> Finding:
    from tlsviz.connection.suspects import on_the_way

    code, title, mend = THE_WAY[failure.kind]
    evidence = f"{sentence(failure.detail)}No TCP connection came about."
    return diagnosed(code, title, evidence, mend, causes=on_the_way(code))


def _broken_at_once(failure: Failure) -> Finding:
    from tlsviz.connection.suspects import on_the_way

    return diagnosed(
        "connection_reset",
        "The connection broke before the ClientHello",
        f"TCP connected, then: {failure.detail or failure.kind}.",
        "Try again; something on the way or at the server ends new connections.",
        causes=on_the_way("connection_reset"),
    )


def _seen(connection: Connection) -> Failure | None:
    """How a captured connection ended, by its marks; None if it simply goes on."""
    kinds: list[MarkKind] = [placed.mark.kind for placed in connection.marks]
    if not connection.messages and not connection.prelude:
        if "refused" in kinds:
            return Failure("refused", "the connection was refused")
        if "unreachable" in kinds:
            return Failure("unreachable", "the network said so")
        if "timeout" in kinds and "connected" not in kinds and "syn_ack" not in kinds:
            return Failure("connect_timeout", "no answer")
    if "rst" in kinds or "abort" in kinds:
        return Failure("reset", "the connection was reset")
    if any(
        placed.mark.kind in ("fin", "shutdown", "closed") and placed.mark.sender == SERVER
        for placed in connection.marks
    ):
        return Failure("closed", "the server closed the connection")
    return Failure("timeout", "the server went silent") if "timeout" in kinds else None


# -- what the server sent is not what it should be -----------------------------------------------------------


def _first_bytes(connection: Connection) -> bytes:
    """The first bytes of the server, where they are no TLS records."""
    if any(record.sender == SERVER for record in connection.records):
        return b""
    return b"".join(part.data for part in connection.prelude if part.sender == SERVER)[:256]


def _looks_like_tls(start: bytes) -> bool:
    return 20 <= start[0] <= 24 and (len(start) < 2 or start[1] == 3)


def _not_tls(start: bytes) -> Finding:
    shown = shorten(start[:48].decode("utf-8", "backslashreplace"), 60)
    evidence = f"The server's answer begins with: {shown}"
    if _HTTP.match(start):
        return diagnosed(
            "plain_http_on_tls_port",
            "Plain HTTP answers on this port",
            evidence,
            "Use http:// for this port, or the port where the server speaks TLS.",
        )
    name, mend = next(
        ((name, mend) for pattern, name, mend in GREETINGS if re.match(pattern, start, re.DOTALL | re.IGNORECASE)),
        ("", "Check the port and which protocol it speaks."),
    )
    title = f"Not TLS: the port speaks {name}" if name else "What answers on this port is not TLS"
    return diagnosed("not_tls", title, evidence, mend)


_HTTP = re.compile(rb"\s*(HTTP/|<!doctype html|<html)", re.IGNORECASE)
_HTTPS_PORT = re.compile(rb"HTTP request (was sent )?to (an )?HTTPS|speaking plain HTTP to an SSL")
_ALERT = re.compile(rb"\x15\x03[\x00-\x04]\x00\x02[\x01\x02]", re.DOTALL)


def in_the_clear(answer: bytes) -> Finding | None:
    """What a port speaks, by its answer to an HTTP request in the clear, or its greeting; None if it says nothing.

    A TLS server betrays itself by an alert, or by the words that web servers have for it.
    """
    if not answer:
        return None
    if _ALERT.match(answer) or _HTTPS_PORT.search(answer):
        return diagnosed(
            "tls_on_plain_port",
            "TLS is what this port speaks",
            "Its answer to plain HTTP is that of a TLS server.",
            "Use https:// for this port.",
        )
    return _not_tls(answer)


def _our_objection(connection: Connection, failure: Failure) -> Finding:
    """Our own TLS library refused what the server sent; its alert, if it sent one, says why."""
    alert = fatal_alert(connection, CLIENT)
    code = alert.alert.description.code if alert and alert.alert else -1
    finding, title, mend = OBJECTIONS.get(code, ("bad_record", "The server's bytes make no valid record", BROKEN))
    for words, special in OBJECTION_WORDS:
        if words in failure.detail:
            finding, title = special, f"What the server chose was not offered: {failure.detail}"
    last = last_of(connection, SERVER)
    evidence = f"OpenSSL stopped with: {failure.detail or 'no reason given'}"
    evidence += f", {after(connection, last, inclusive=True)}." if last else "."
    if last is not None and last.note:
        evidence += f" In {last.type}: {last.note}."
    return diagnosed(finding, title, evidence, mend, "RFC 8446 6.2", alert.index if alert else None)


# -- it simply ended -----------------------------------------------------------------------------------------


def _cut_off(connection: Connection, failure: Failure) -> Finding:
    """Reset, closed or silent in the middle of the handshake."""
    from tlsviz.connection.suspects import suspects

    last = last_of(connection, SERVER)
    part = "" if last is None or last.whole else "the beginning of "
    evidence = f"{sentence(failure.detail)}The last thing from the server was {part}{last.type}." if last else ""
    evidence = evidence or sentence(failure.detail) + _received(failure)
    if failure.kind in ("reset", "closed") and asked_for_certificate(connection) and not connection.client_auth:
        return client_certificate(connection, evidence, None)
    causes = suspects(connection)
    if failure.kind == "reset":
        title = "The connection was reset during the handshake" if last else _RESET
        mend = f"The server or a device on the way dropped it without an alert. {_PROBE}"
        return diagnosed("reset_after_client_hello", title, evidence, mend, causes=causes)
    if failure.kind == "timeout":
        return _in_vain(failure, evidence, last is not None)._replace(causes=causes)
    if failure.kind == "too_much":
        return diagnosed(
            "malformed_message",
            "The server sent far more than a handshake needs",
            evidence,
            "No client would take this: the server is broken or hostile.",
        )
    title = "The server closed the connection during the handshake" if last else _CLOSED
    return diagnosed("closed_after_client_hello", title, evidence, f"It did not say why. {_PROBE}", causes=causes)


_CLOSED = "The server closed after the ClientHello"
_RESET = "The connection was reset after the ClientHello"
_PROBE = "--probe tries other hellos: smaller, older, without a name, cut in two."


def _in_vain(failure: Failure, evidence: str, begun: bool) -> Finding:
    """The time was up: nothing came, too little, or too slowly."""
    mend = f"TCP works, TLS does not: something lost on the way, or a server that waits. {_PROBE}"
    title = "The handshake was not done in time" if begun else "No answer to the ClientHello"
    if failure.taken and failure.quiet is not None:
        came = f" {plural(failure.taken, 'byte')} came in all, the last {failure.quiet:.1f} s before the time was up."
        evidence += came
        if failure.quiet < min(DRIP, failure.limit / 3):
            title = "The server answers too slowly"
            mend = "It does answer: give it more time with --timeout, and look why it, or the network, is so slow."
        else:
            title = "The server fell silent in the middle of the handshake"
    return diagnosed("handshake_timed_out", title, evidence, mend)


def _received(failure: Failure) -> str:
    start = failure.received
    if not start:
        return "Not one byte came from the server."
    return f"Only {plural(len(start), 'byte')} came from the server, the beginning of a record: {start[:16].hex(' ')}."
