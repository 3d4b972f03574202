"""Findings about what was agreed: old, weak, or better left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection.hellos import offer_is_known
from tlsviz.connection.model import Connection, Finding
from tlsviz.tls import suites

_TLS12 = 0x0303
_POST_QUANTUM = {0x0200, 0x0201, 0x0202, 0x11EB, 0x11EC, 0x11ED, 0x11EE, 0x4138, 0x6399, 0x639A}

_ECDHE = "nginx: ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; Apache: SSLCipherSuite."
_KEYED = "Take AEAD suites with ECDHE_PSK (RFC 8442) on both sides, or TLS 1.3 with psk_dhe_ke."


def _server_hello(connection: Connection) -> int | None:
    return next((message.index for message in connection.messages_of("server_hello")), None)


def old_version(connection: Connection) -> Iterator[Finding]:
    """TLS 1.1 and older are deprecated (RFC 8996)."""
    version = connection.version
    if version is not None and version.code < _TLS12:
        yield Finding(
            "old_version",
            "warning",
            f"{version} is deprecated",
            f"the server chose {version} ({version.hex})",
            "nginx: ssl_protocols TLSv1.2 TLSv1.3; Apache: SSLProtocol -all +TLSv1.2 +TLSv1.3.",
            "RFC 8996; RFC 9325 3.1.1; NIST SP 800-52r2 3.1",
            message=_server_hello(connection),
            field="legacy_version",
        )


def weak_suite(connection: Connection) -> Iterator[Finding]:
    """Suites with known weaknesses, and those without forward secrecy."""
    chosen = connection.cipher_suite
    suite = suites.suite(chosen.code) if chosen else None
    if suite is None:
        return
    shared = suite.authentication == "PSK"
    if suite.weaknesses:
        open_to_all = suite.export or suite.anonymous or suite.mode == "NULL"
        yield Finding(
            "weak_cipher_suite",
            "error" if open_to_all else "warning",
            f"{suite.name} is weak",
            "; ".join(suite.weaknesses),
            _KEYED if shared else f"Take AEAD suites with ECDHE. {_ECDHE}",
            "RFC 9325 4.1",
            message=_server_hello(connection),
            field="cipher_suite",
        )
    if not suite.forward_secret:
        key = "pre-shared key" if shared else "server's private key"
        if suite.key_exchange == "RSA_PSK":
            key += " and the pre-shared key"
        yield Finding(
            "no_forward_secrecy",
            "warning",
            f"Whoever gets the {key} later can read this connection",
            f"{suite.name}: the key exchange is {suite.key_exchange}, without fresh keys",
            _KEYED if shared else f"Use ECDHE, or TLS 1.3. {_ECDHE}",
            "RFC 9325 4.1",
            message=_server_hello(connection),
            field="cipher_suite",
        )


def post_quantum(connection: Connection) -> Iterator[Finding]:
    """A recording of this connection could be read by a later quantum computer."""
    group = connection.group
    if group is None or group.code in _POST_QUANTUM:
        return
    offered = any(point.code in _POST_QUANTUM for point in connection.offered.groups)
    if offered:
        why = "the client offered a post-quantum group, the server chose another"
    elif offer_is_known(connection):
        why = "no post-quantum group was offered"
    else:
        why = "what else the client offered was not seen whole"
    yield Finding(
        "no_post_quantum_group",
        "info",
        f"The key exchange {group} does not resist quantum computers",
        why,
        _quantum_mend(connection, offered),
        "draft-ietf-tls-ecdhe-mlkem",
        message=_server_hello(connection),
    )


def _quantum_mend(connection: Connection, offered: bool) -> str:
    if connection.version is not None and connection.version.code <= _TLS12:
        return "Only TLS 1.3 has post-quantum groups: enable it with X25519MLKEM768 on both sides."
    where = "the server" if offered else "both sides"
    return f"Enable X25519MLKEM768 on {where}. nginx: ssl_ecdh_curve X25519MLKEM768:X25519 (with OpenSSL 3.5)."


def extended_master_secret(connection: Connection) -> Iterator[Finding]:
    """TLS 1.2 and older without it is open to triple handshakes (RFC 7627)."""
    version = connection.version
    hello = next(iter(connection.messages_of("server_hello")), None)
    if version is None or version.code > _TLS12 or version.code < 0x0301 or hello is None or hello.tree is None:
        return
    if not hello.whole:
        return
    if hello.tree.get("extensions.extended_master_secret") is None:
        yield Finding(
            "no_extended_master_secret",
            "notice",
            "The master secret is not bound to the handshake",
            "the ServerHello has no extended_master_secret extension",
            "Update the side that does not support it (OpenSSL has it since 1.1.0), or use TLS 1.3.",
            "RFC 7627 1; RFC 9325 3.5",
            message=hello.index,
            field="extensions",
        )


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    old_version,
    weak_suite,
    post_quantum,
    extended_master_secret,
)
