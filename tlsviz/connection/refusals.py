"""What a server that refuses says: its alerts, its wish for a client certificate, and its HTTP errors."""

from __future__ import annotations

import re

from tlsviz.connection.causes import CERTIFICATE_ALERTS, SERVER_ALERTS, SKIPPED_ALERTS
from tlsviz.connection.hellos import is_cut
from tlsviz.connection.model import Cause, Connection, Finding, Message
from tlsviz.connection.telling import after, diagnosed, last_of, listed
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import walk
from tlsviz.wire.text import plural, shorten

CLOSE_NOTIFY, HANDSHAKE_FAILURE = 0, 40
SERVER_NAME = 0
"""The extension's code."""
MOST_ISSUERS = 4
"""How many acceptable issuers are named; the message has them all."""
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]{0,80}))?")


def fatal_alert(connection: Connection, sender: Sender) -> Message | None:
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


def refused_by_server(connection: Connection, message: Message) -> Finding:
    """What the server's alert means here, with the causes that this hello and the server's answers leave."""
    alert = message.alert
    code = alert.description.code if alert else -1
    name = str(alert.description) if alert else "unreadable"
    evidence = f"The server sent the alert {name} ({code}) {after(connection, message)}."
    if code in CERTIFICATE_ALERTS and asked_for_certificate(connection):
        return client_certificate(connection, evidence, message.index)
    from tlsviz.connection.suspects import suspects

    causes = suspects(connection, code)
    if code == HANDSHAKE_FAILURE:
        return _handshake_failure(connection, evidence, message, causes)
    finding, title, mend = SERVER_ALERTS.get(code, ("handshake_alert", "", ""))
    title = title or f"The server refused the handshake: {name}"
    mend = mend or "See what the alert means, and compare with a client that this server accepts."
    if is_cut(connection.messages):
        evidence += " What was offered is not known: the ClientHello was not seen whole."
    elif finding == "version_not_supported":
        evidence += f" Offered: {listed(connection.offered.versions) or 'no version that it speaks'}."
    elif finding == "no_application_protocol":
        evidence += f" Offered: {', '.join(connection.offered.alpn) or 'none'}."
    elif finding == "unrecognized_name":
        sent = any(code.code == SERVER_NAME for code in connection.offered.extensions)
        evidence += f" Name sent: {connection.server_name if sent else 'none'}."
    return diagnosed(finding, title, evidence, mend, "RFC 8446 6.2", message.index, causes)


def _handshake_failure(connection: Connection, evidence: str, message: Message, causes: tuple[Cause, ...]) -> Finding:
    """handshake_failure says only that nothing acceptable was offered: the narrowest list is the likeliest cause."""
    if connection.messages_of("server_hello") or is_cut(connection.messages):
        return diagnosed(
            "handshake_alert",
            "The server gave up during the handshake",
            evidence,
            "The server's log says more than this alert.",
            "RFC 8446 6.2",
            message.index,
            causes,
        )
    probes = {cause.probe: cause.why for cause in reversed(causes)}
    found = next((cause.probe for cause in causes if cause.probe in _CHOICES), "wide_ciphers")
    code, what = _CHOICES[found]
    shown = probes.get(found, "offered: none")
    evidence += (
        f" It means that no acceptable set of parameters was offered; likeliest is the {what} ({shown}),"
        " but other parameters cannot be ruled out."
    )
    mend = "Offer more (--ciphers, --groups, --sigalgs, --min), or let the server accept what current clients offer."
    return diagnosed(code, f"No {what} in common, likely", evidence, mend, "RFC 8446 6.2", message.index, causes)


_CHOICES = {
    "wide_ciphers": ("no_common_cipher_suite", "cipher suite"),
    "other_groups": ("no_common_group", "group"),
    "other_sigalgs": ("no_common_signature_scheme", "signature scheme"),
}
"""By the re-probe that would tell: what it is that the two sides have not in common."""


# -- client certificates -----------------------------------------------------------------------------------


def asked_for_certificate(connection: Connection) -> bool:
    return bool(connection.messages_of("certificate_request"))


def client_certificate(connection: Connection, evidence: str, message: int | None, sent: bool | None = None) -> Finding:
    """The server wants a client certificate, or does not want the one that it got (``sent``; None: as seen)."""
    if sent is None:
        sent = connection.client_auth or any(one.sender == CLIENT for one in connection.certificates)
    if sent:
        return diagnosed(
            "client_certificate_refused",
            "The server refused the client certificate",
            _spaced(evidence, "A client certificate was sent.", _acceptable(connection)),
            "Use one from an issuer that the server's CertificateRequest names, valid today.",
            "RFC 8446 4.4.2.4",
            message,
        )
    return diagnosed(
        "client_certificate_required",
        "The server wants a client certificate",
        _spaced(evidence, "It had asked for a client certificate, and none was sent.", _acceptable(connection)),
        "Give one with --cert FILE --key FILE, from an issuer that the CertificateRequest names.",
        "RFC 8446 4.3.2",
        message,
    )


def _spaced(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def issuers(connection: Connection) -> tuple[str, ...]:
    """The distinguished names in the server's CertificateRequest, in its order; safe to print."""
    requests = connection.messages_of("certificate_request", SERVER)
    if not requests or requests[-1].tree is None:
        return ()
    nodes = (node for _, node in walk(requests[-1].tree))
    names = (node.child("data") for node in nodes if node.name == "distinguished_name")
    return tuple(node.label for node in names if node is not None and node.label)


def _acceptable(connection: Connection) -> str:
    if not asked_for_certificate(connection):
        return ""
    known = issuers(connection)
    if not known:
        return "Its CertificateRequest names no issuers: any might do."
    more = f" and {plural(len(known) - MOST_ISSUERS, 'more', 'more')}" if len(known) > MOST_ISSUERS else ""
    return f"Acceptable issuers: {'; '.join(shorten(name, 80) for name in known[:MOST_ISSUERS])}{more}."


# -- behind the handshake ----------------------------------------------------------------------------------


def after_handshake(connection: Connection, gone: bool) -> Finding | None:
    """TLS 1.3 servers judge the client's certificate when the client already counts the handshake as done.

    ``gone``: the server has closed or reset the connection before it said anything.
    """
    if connection.server_data.records or not asked_for_certificate(connection):
        return None
    alert = fatal_alert(connection, SERVER)
    if alert is not None:
        return refused_by_server(connection, alert)
    if not gone or connection.client_auth:
        return None
    last = last_of(connection, SERVER)
    evidence = f"The server ended the connection {after(connection, last, inclusive=True)}, without an alert."
    return client_certificate(connection, evidence, None)


def refused_by_http(connection: Connection) -> Finding | None:
    """What an HTTP error inside of the connection says; None where there is none, or none can be read."""
    answer = b""
    for run in connection.application:
        if run.sender == SERVER and run.plaintext is not None:
            answer += run.plaintext.data[:4096]
    number, words = _status(connection, answer)
    if number < 400:
        return None
    evidence = f"TLS works; the answer to the HTTP request is {number} {words}."
    # nginx lets every client in, and says afterwards who may not.
    if number == 400 and b"No required SSL certificate" in answer:
        return client_certificate(connection, evidence, None, sent=False)
    if number == 400 and b"SSL certificate error" in answer:
        return client_certificate(connection, evidence, None, sent=True)
    mend = _MENDS.get(number) or ("Look into the server's log, and its backend's." if number >= 500 else _ASKED)
    found = diagnosed("http_error", f"The web server answers {number} {words}", evidence, mend, "RFC 9110 15")
    return found._replace(severity="warning")


def _status(connection: Connection, answer: bytes) -> tuple[int, str]:
    """The final answer's status code, 0 where none can be read, and its words."""
    from tlsviz.connection.http import phrase, spoken

    line = _STATUS_LINE.match(answer)
    if line is not None:
        number, words = int(line[1]), shorten((line[2] or b"").decode("latin-1").strip(), 60)
    elif answer and connection.alpn == "h2":
        heard = spoken(connection)
        number, words = heard.reply.status if heard is not None and heard.reply is not None else 0, ""
    else:
        return 0, ""
    return number, words or phrase(number) or "(no words)"


_ASKED = "The request is what it dislikes: check the path and the host."
_MENDS = {
    401: "It wants a login: nothing that TLS could give.",
    403: "It is not allowed: a login, an address range, or a client certificate may be what is missing.",
    404: "TLS and the server are fine; there is nothing at this path.",
    421: "It does not serve this name over this connection: send the right one with --servername (RFC 9110 15.5.20).",
    502: "The server works, what stands behind it does not: look there.",
    503: "The server works and is overloaded or down for maintenance: try again later.",
    504: "The server works, what stands behind it does not answer: look there.",
}
