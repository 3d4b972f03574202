"""Findings about what the hellos agreed on beside version and suite, and about tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection.hellos import offer_is_known
from tlsviz.connection.model import Connection, Finding, Message
from tlsviz.tls import registry
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import clock, plural, shorten

_TLS12 = 0x0303
_SSL3 = 0x0300
_SCSV = 0x00FF
_ALPN = "extensions.application_layer_protocol_negotiation"
DAY = 86_400
LONGEST_TICKET = 7 * DAY
SMALLEST_DH = 2048


def _server_hello(connection: Connection) -> Message | None:
    return next((m for m in connection.messages_of("server_hello") if m.tree is not None and m.whole), None)


def _older(connection: Connection) -> bool:
    """Whether it is TLS 1.2 or older, DTLS included."""
    version = connection.version
    return version is not None and (_SSL3 <= version.code <= _TLS12 or version.code in (0xFEFF, 0xFEFD))


def renegotiation(connection: Connection) -> Iterator[Finding]:
    """Renegotiation that is not bound to the connection before it (CVE-2009-3555)."""
    hello = _server_hello(connection)
    if hello is None or hello.tree is None or not _older(connection):
        return
    if hello.tree.get("extensions.renegotiation_info") is not None:
        return
    asked = any(point.code == _SCSV for point in connection.offered.cipher_suites)
    asked = asked or any(point.name == "renegotiation_info" for point in connection.offered.extensions)
    unasked = not asked and offer_is_known(connection)
    yield Finding(
        "insecure_renegotiation",
        "warning" if asked else "notice",
        "The server does not secure renegotiation",
        "the ServerHello has no renegotiation_info"
        + (", and the client did not ask for it either (no extension, no SCSV)" if unasked else ""),
        "Update the server, or offer TLS 1.3 alone, which has none. OpenSSL: SSL_OP_NO_RENEGOTIATION.",
        "RFC 5746 3.6; RFC 9325 3.5",
        message=hello.index,
        field="extensions",
    )


def compression(connection: Connection) -> Iterator[Finding]:
    """TLS's own compression: lengths give secrets away (CRIME)."""
    hello = _server_hello(connection)
    method = hello.tree.get("legacy_compression_method") if hello is not None and hello.tree is not None else None
    method = method or (hello.tree.get("compression_method") if hello is not None and hello.tree is not None else None)
    if hello is None or method is None or not isinstance(method.value, int) or method.value == 0:
        return
    name = registry.compression_methods.get(method.value) or f"method {method.value}"
    yield Finding(
        "compression",
        "warning",
        "TLS compression is in use",
        f"the server chose {name}",
        "Switch it off. Apache: SSLCompression off; OpenSSL: SSL_OP_NO_COMPRESSION; nginx has it off since 1.3.2.",
        "RFC 9325 3.3; CVE-2012-4929",
        message=hello.index,
        field=method.name,
    )


def tickets(connection: Connection) -> Iterator[Finding]:
    """Tickets that live longer than a week: forbidden in TLS 1.3, unwise before."""
    for message in connection.messages_of("new_session_ticket"):
        tree = message.tree
        node = (tree.child("ticket_lifetime") or tree.child("ticket_lifetime_hint")) if tree is not None else None
        if node is None or not isinstance(node.value, int) or node.value <= LONGEST_TICKET:
            continue
        newest = node.name == "ticket_lifetime"
        yield Finding(
            "long_ticket_lifetime",
            "warning" if newest else "notice",
            "A session ticket lives very long",
            f"{clock(float(node.value))} ({plural(node.value, 'second')})"
            + ("; TLS 1.3 forbids more than seven days" if newest else ""),
            "nginx: ssl_session_timeout 1d; Apache: SSLSessionCacheTimeout 86400; OpenSSL: SSL_CTX_set_timeout.",
            "RFC 8446 4.6.1; RFC 9325 3.4",
            message=message.index,
            field=node.name,
        )
        return


def small_group(connection: Connection) -> Iterator[Finding]:
    """Finite-field Diffie-Hellman with a prime that can be broken."""
    for message in connection.messages_of("server_key_exchange"):
        prime = _prime(message.tree) if message.tree is not None else None
        if prime is None or message.buffer is None:
            continue
        bits = int.from_bytes(message.buffer.data[prime.start : prime.end], "big").bit_length()
        if not 0 < bits < SMALLEST_DH:
            continue
        yield Finding(
            "small_key",
            "error" if bits < 1024 else "warning",
            f"The Diffie-Hellman prime has only {bits:,} bits",
            f"dh_p of the ServerKeyExchange: {bits:,} bits, and {SMALLEST_DH:,} are the least that is safe",
            "Prefer ECDHE. nginx: ssl_dhparam with ffdhe2048 or larger, or no DHE suite at all (RFC 7919).",
            "RFC 9325 4.4; RFC 7919",
            message=message.index,
            field="params.dh_p",
        )


def _prime(tree: Node) -> Node | None:
    """The bytes of the prime, behind their length."""
    held = tree.get("params.dh_p")
    return held.children[-1] if held is not None and held.children else held


def alpn(connection: Connection) -> Iterator[Finding]:
    """A protocol that nobody offered, or data in another than what was agreed."""
    chosen, offered = connection.alpn, connection.offered.alpn
    if chosen is None:
        return
    answers = (m for m in connection.messages if m.type in ("encrypted_extensions", "server_hello") and m.tree)
    where = next((m.index for m in answers if m.tree is not None and m.tree.get(_ALPN) is not None), None)
    if offered and chosen not in offered and offer_is_known(connection):
        yield Finding(
            "alpn_mismatch",
            "warning",
            "The server chose a protocol that was not offered",
            f"it chose {shorten(chosen, 60)}; offered were {shorten(', '.join(offered), 120)}",
            "A server must choose one that was offered, or send the alert no_application_protocol: update it.",
            "RFC 7301 3.2",
            message=where,
            field=_ALPN if where is not None else "",
        )
        return
    first = next(
        (run.plaintext.data for run in connection.application if run.sender == "client" and run.plaintext), b""
    )
    spoken = "h2" if first.startswith(b"PRI * HTTP/2.0") else "http/1.1" if first.startswith(b"GET /") else ""
    if spoken and chosen in ("h2", "http/1.1") and spoken != chosen:
        yield Finding(
            "alpn_mismatch",
            "warning",
            "Another protocol is spoken than was agreed",
            f"ALPN agreed on {chosen}, and the client speaks {spoken}",
            "Mend the client: it must speak what ALPN chose.",
            "RFC 7301 3.1; RFC 9113 3.2",
            message=where,
            field=_ALPN if where is not None else "",
        )


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    renegotiation,
    compression,
    tickets,
    small_group,
    alpn,
)
