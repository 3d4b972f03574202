"""Hello messages (RFC 8446 4.1; RFC 5246 7.4.1; RFC 6347 4.2.1).

All versions get the field names of TLS 1.3: the structures are the same, and one name a field is easier to explain.
"""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.context import TLS_1_3, Context, layout
from tlsviz.tls.extensions import extension_block
from tlsviz.tls.extensions.table import CH, EE, HRR, SH
from tlsviz.tls.fields import codes, never_empty, remembered
from tlsviz.tls.messages.agreement import check_client_hello, check_server_hello
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader

HELLO_RETRY_REQUEST_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
DOWNGRADE_TLS_1_2 = b"DOWNGRD\x01"
DOWNGRADE_TLS_1_1 = b"DOWNGRD\x00"
_SENTINELS = {
    DOWNGRADE_TLS_1_2: "downgrade to TLS 1.2",
    DOWNGRADE_TLS_1_1: "downgrade to TLS 1.1 or before",
}


def is_retry_random(random: bytes) -> bool:
    """Whether a ServerHello of this random is a HelloRetryRequest (RFC 8446 4.1.3)."""
    return random == HELLO_RETRY_REQUEST_RANDOM


def client_hello(r: Reader, _: Context) -> None:
    version = r.uint("legacy_version", 2, registry.versions)
    r.opaque("random", 32)
    _session_id(r, "legacy_session_id")
    if version in (0x0100, 0xFEFF, 0xFEFD):
        r.vector_opaque("cookie", 1)
    remembered(r, "cipher_suites", 2 + int.from_bytes(r.peek(2), "big"), _cipher_suites)
    never_empty(r)
    codes(r, "legacy_compression_methods", 1, "compression_method", 1, registry.compression_methods)
    never_empty(r)
    _extensions(r, CH)
    check_client_hello(r)


def _cipher_suites(r: Reader) -> None:
    codes(r, "cipher_suites", 2, "cipher_suite", 2, registry.cipher_suites)


def server_hello(r: Reader, _: Context) -> None:
    """ServerHello and, told by its random, HelloRetryRequest."""
    version = r.uint("legacy_version", 2, registry.versions)
    retry = is_retry_random(r.peek(32))
    _server_random(r, retry)
    short = _is_short_form(r, version)
    if not short:
        _session_id(r, "legacy_session_id_echo")
    r.uint("cipher_suite", 2, registry.cipher_suites)
    if not short:
        r.uint("legacy_compression_method", 1, registry.compression_methods)
    _extensions(r, HRR if retry else SH, draft=layout(version) == TLS_1_3)
    check_server_hello(r, retry)


def _is_short_form(r: Reader, version: int) -> bool:
    """Whether session id and compression method are left out, as in TLS 1.3's drafts until 21.

    Some wrote 0x0304 as the version; then the place of the extensions' length tells.
    """
    if version == TLS_1_3:
        return int.from_bytes(r.peek(4)[2:], "big") == r.remaining - 4
    return 0x7F00 <= version <= 0x7F15


def hello_retry_request(r: Reader, _: Context) -> None:
    """The message of its own that it was until draft 21 of TLS 1.3."""
    if r.uint("server_version", 2, registry.versions) >= 0x7F13:
        r.uint("cipher_suite", 2, registry.cipher_suites)
    _extensions(r, HRR, draft=True)


def hello_verify_request(r: Reader, _: Context) -> None:
    r.uint("server_version", 2, registry.versions)
    r.vector_opaque("cookie", 1)


def encrypted_extensions(r: Reader, _: Context) -> None:
    extension_block(r, EE)


def _extensions(r: Reader, message: str, draft: bool = False) -> None:
    if r.remaining:  # a hello without extensions ends here (RFC 5246 7.4.1.2)
        extension_block(r, message, draft)


def _session_id(r: Reader, name: str) -> None:
    if len(r.vector_opaque(name, 1)) > 32:
        r.note("longer than 32 bytes")


def _server_random(r: Reader, retry: bool) -> None:
    sentinel = r.peek(32)[24:]
    if retry:
        r.opaque("random", 32, "HelloRetryRequest")
    elif sentinel in _SENTINELS:
        start = r.position
        r.position += 32
        parts = (
            Node("random_bytes", start, start + 24, r.data[start : start + 24]),
            Node("downgrade_sentinel", start + 24, start + 32, sentinel, _SENTINELS[sentinel]),
        )
        r.nodes.append(Node("random", start, start + 32, r.data[start : start + 32], None, parts))
    else:
        r.opaque("random", 32)
