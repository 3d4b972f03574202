"""Why a handshake came to nothing: which layer failed, and how that is known.

Pure: reads what the connection shows (messages, marks, bytes) and, for a live target, what our own side met with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tlsviz.connection.causes import (
    BROKEN,
    CERTIFICATE_ALERTS,
    OBJECTION_WORDS,
    OBJECTIONS,
    PLAIN_PROTOCOLS,
    SERVER_ALERTS,
    SKIPPED_ALERTS,
    THE_WAY,
)
from tlsviz.connection.model import CodePoint, Connection, Finding, Message
from tlsviz.wire.chunks import CLIENT, SERVER, MarkKind
from tlsviz.wire.text import plural, shorten

FailureKind = Literal[
    "name_not_found",
    "name_lookup_failed",
    "unreachable",
    "refused",
    "connect_timeout",
    "reset",
    "closed",
    "timeout",
    "tls",
    "too_much",
    "error",
]

_TELLING: dict[str, int] = {"refused": 3, "reset": 3, "connect_timeout": 2, "unreachable": 1}

CLOSE_NOTIFY, HANDSHAKE_FAILURE = 0, 40
SERVER_NAME = 0
"""The extension's code."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a live handshake, as our own side met it.

    ``detail`` says it in words (safe to print); for "tls" they are our TLS library's. ``received`` holds the first
    bytes that the server sent.
    """

    kind: FailureKind
    detail: str = ""
    received: bytes = b""

    @property
    def telling(self) -> int:
        """How much this says about the target, to choose between several addresses' failures."""
        return _TELLING.get(self.kind, 0)


def diagnose(connection: Connection, failure: Failure | None = None) -> Finding | None:
    """The one reason why the connection failed; None if it did not, or nothing is known.

    Without ``failure`` (a capture) the connection's own marks say how it ended.
    """
    failure = failure or _seen(connection)
    if connection.complete:
        return _after_handshake(connection)
    if failure is not None and failure.kind in THE_WAY:
        return _on_the_way(connection, failure)
    alert = fatal_alert(connection, SERVER)
    if alert is not None:
        return _refused_by_server(connection, alert)
    if failure is None:
        return None
    start = failure.received or _first_bytes(connection)
    if start and not _looks_like_tls(start):
        return _not_tls(start)
    if not _hello_sent(connection) and failure.kind in ("reset", "closed", "error"):
        return _finding(
            "connection_reset",
            "The connection broke before the ClientHello",
            f"TCP connected, then: {failure.detail or failure.kind}.",
            "Try again; something on the way or at the server ends new connections.",
        )
    if failure.kind == "tls":
        return _our_objection(connection, failure)
    return _cut_off(connection, failure)


def _finding(
    code: str, title: str, evidence: str, mend: str, reference: str = "", message: int | None = None
) -> Finding:
    return Finding(code, "error", title, evidence, mend, reference, True, message)


# -- before any TLS ----------------------------------------------------------------------------------------


def _on_the_way(connection: Connection, failure: Failure) -> Finding:
    code, title, mend = THE_WAY[failure.kind]
    return _finding(code, title, f"{_sentence(failure.detail)}No TCP connection came about.", mend)


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
    if "rst" in kinds:
        return Failure("reset", "the connection was reset")
    if any(placed.mark.kind in ("fin", "closed") and placed.mark.sender == SERVER for placed in connection.marks):
        return Failure("closed", "the server closed the connection")
    return Failure("timeout", "the server went silent") if "timeout" in kinds else None


# -- what the server said ----------------------------------------------------------------------------------


def fatal_alert(connection: Connection, sender: str) -> Message | None:
    """The first alert of one side that ends a handshake. TLS 1.3 gives the level no meaning (RFC 8446 6)."""
    for message in connection.messages:
        if message.sender != sender or message.alert is None:
            continue
        warning = message.alert.level.code == 1
        code = message.alert.description.code
        if code == CLOSE_NOTIFY or (warning and code in SKIPPED_ALERTS):
            continue
        return message
    return None


def _refused_by_server(connection: Connection, message: Message) -> Finding:
    alert = message.alert
    code = alert.description.code if alert else -1
    name = str(alert.description) if alert else "unreadable"
    evidence = f"The server sent the alert {name} ({code}) {_after(connection, message)}."
    if code in CERTIFICATE_ALERTS and _asked_for_certificate(connection):
        return _client_certificate(connection, evidence, message.index)
    if code == HANDSHAKE_FAILURE:
        return _handshake_failure(connection, evidence, message)
    finding, title, mend = SERVER_ALERTS.get(code, ("handshake_alert", "", ""))
    title = title or f"The server refused the handshake: {name}"
    mend = mend or "See what the alert means, and compare with a client that this server accepts."
    if finding == "version_not_supported":
        evidence += f" Offered: {_listed(connection.offered.versions) or 'no version that it speaks'}."
    elif finding == "no_application_protocol":
        evidence += f" Offered: {', '.join(connection.offered.alpn) or 'none'}."
    elif finding == "unrecognized_name":
        sent = any(code.code == SERVER_NAME for code in connection.offered.extensions)
        evidence += f" Name sent: {connection.server_name if sent else 'none'}."
    return _finding(finding, title, evidence, mend, "RFC 8446 6.2", message.index)


def _handshake_failure(connection: Connection, evidence: str, message: Message) -> Finding:
    """handshake_failure says only that nothing acceptable was offered: the narrowest list is the likeliest cause."""
    if connection.messages_of("server_hello"):
        return _finding(
            "handshake_alert",
            "The server gave up during the handshake",
            evidence,
            "The server's log says more than this alert.",
            "RFC 8446 6.2",
            message.index,
        )
    offered = connection.offered
    groups = _real(offered.groups)
    schemes = _real(offered.signature_schemes)
    suites = [suite for suite in _real(offered.cipher_suites) if suite.code not in (0x00FF, 0x5600)]
    code, what, names = "no_common_cipher_suite", "cipher suite", suites
    if len(suites) > 4:
        if len(groups) == 1:
            code, what, names = "no_common_group", "group", groups
        elif 0 < len(schemes) <= 2:
            code, what, names = "no_common_signature_scheme", "signature scheme", schemes
    listed = _listed(tuple(names)) if len(names) <= 4 else plural(len(names), what)
    evidence += (
        f" It means that no acceptable set of parameters was offered; likeliest is the {what} (offered: {listed}),"
        " but other parameters cannot be ruled out."
    )
    mend = "Offer more (--ciphers, --groups, --sigalgs, --min), or let the server accept what current clients offer."
    return _finding(code, f"No {what} in common, likely", evidence, mend, "RFC 8446 6.2", message.index)


def _after_handshake(connection: Connection) -> Finding | None:
    """TLS 1.3 servers judge the client's certificate when the client already counts the handshake as done."""
    alert = fatal_alert(connection, SERVER)
    if alert is None or connection.server_data.records or not _asked_for_certificate(connection):
        return None
    return _refused_by_server(connection, alert)


def _asked_for_certificate(connection: Connection) -> bool:
    return bool(connection.messages_of("certificate_request"))


def _client_certificate(connection: Connection, evidence: str, message: int | None) -> Finding:
    if connection.client_auth or any(sent.sender == CLIENT for sent in connection.certificates):
        return _finding(
            "client_certificate_refused",
            "The server refused the client certificate",
            f"{evidence} A client certificate was sent.",
            "Use one from an issuer that the server's CertificateRequest names, valid today.",
            "RFC 8446 4.4.2.4",
            message,
        )
    return _finding(
        "client_certificate_required",
        "The server wants a client certificate",
        f"{evidence} It had asked for a client certificate, and none was sent.",
        "Give one with --cert FILE --key FILE, from an issuer that the CertificateRequest names.",
        "RFC 8446 4.3.2",
        message,
    )


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
    lowered = start[:64].lstrip().lower()
    if lowered.startswith((b"http/", b"<!doctype html", b"<html")):
        return _finding(
            "plain_http_on_tls_port",
            "Plain HTTP answers on this port",
            evidence,
            "Use http:// for this port, or the port where the server speaks TLS.",
        )
    name, mend = next(
        ((name, mend) for prefix, name, mend in PLAIN_PROTOCOLS if start.startswith(prefix)),
        ("", "Check the port and which protocol it speaks."),
    )
    title = f"Not TLS: the port speaks {name}" if name else "What answers on this port is not TLS"
    return _finding("not_tls", title, evidence, mend)


def _our_objection(connection: Connection, failure: Failure) -> Finding:
    """Our own TLS library refused what the server sent; its alert, if it sent one, says why."""
    alert = fatal_alert(connection, CLIENT)
    code = alert.alert.description.code if alert and alert.alert else -1
    finding, title, mend = OBJECTIONS.get(code, ("bad_record", "The server's bytes make no valid record", BROKEN))
    for words, special in OBJECTION_WORDS:
        if words in failure.detail:
            finding, title = special, f"What the server chose was not offered: {failure.detail}"
    last = _last_of(connection, SERVER)
    evidence = f"OpenSSL stopped with: {failure.detail or 'no reason given'}"
    evidence += f", {_after(connection, last, inclusive=True)}." if last else "."
    if last is not None and last.note:
        evidence += f" In {last.type}: {last.note}."
    return _finding(finding, title, evidence, mend, "RFC 8446 6.2", alert.index if alert else None)


# -- it simply ended -----------------------------------------------------------------------------------------


def _cut_off(connection: Connection, failure: Failure) -> Finding:
    """Reset, closed or silent in the middle of the handshake."""
    last = _last_of(connection, SERVER)
    evidence = f"{_sentence(failure.detail)}The last thing from the server was {last.type}." if last else ""
    evidence = evidence or _sentence(failure.detail) + _received(failure.received or _first_bytes(connection))
    if failure.kind in ("reset", "closed") and _asked_for_certificate(connection) and not connection.client_auth:
        return _client_certificate(connection, evidence, None)
    probe = "Try a smaller hello (--groups X25519), another version (--max 1.2), or without a name (--servername '')."
    if failure.kind == "reset":
        return _finding(
            "reset_after_client_hello",
            "The connection was reset during the handshake"
            if last
            else "The connection was reset after the ClientHello",
            evidence,
            f"The server or a device on the way dropped it without an alert. {probe}",
        )
    if failure.kind == "timeout":
        return _finding(
            "handshake_timed_out",
            "The handshake was not done in time" if last else "No answer to the ClientHello",
            evidence,
            f"TCP works, TLS does not: something lost on the way, or a server that waits. {probe}",
        )
    if failure.kind == "too_much":
        return _finding(
            "malformed_message",
            "The server sent far more than a handshake needs",
            evidence,
            "No client would take this: the server is broken or hostile.",
        )
    return _finding(
        "closed_after_client_hello",
        "The server closed the connection during the handshake" if last else "The server closed after the ClientHello",
        evidence,
        f"It did not say why. {probe}",
    )


def _received(start: bytes) -> str:
    if not start:
        return "Not one byte came from the server."
    return f"Only {plural(len(start), 'byte')} came from the server, the beginning of a record: {start[:16].hex(' ')}."


# -- words ---------------------------------------------------------------------------------------------------


def _hello_sent(connection: Connection) -> bool:
    return any(message.sender == CLIENT for message in connection.messages)


def _last_of(connection: Connection, sender: str) -> Message | None:
    return next((m for m in reversed(connection.messages) if m.sender == sender), None)


def _after(connection: Connection, message: Message | None, inclusive: bool = False) -> str:
    """Where in the handshake something happened: behind which message."""
    before = [m for m in connection.messages if message is None or m.order < message.order]
    place = message if inclusive else next((m for m in reversed(before) if m.alert is None), None)
    return f"after {place.type}" if place is not None else "at the very beginning"


def _real(codes: tuple[CodePoint, ...]) -> list[CodePoint]:
    return [code for code in codes if code.name != "GREASE"]


def _listed(codes: tuple[CodePoint, ...]) -> str:
    return ", ".join(str(code) for code in _real(codes))


def _sentence(detail: str) -> str:
    """The detail as a sentence with a blank behind it; "" stays ""."""
    detail = detail.strip()
    return f"{detail[:1].upper()}{detail[1:].rstrip('.')}. " if detail else ""
