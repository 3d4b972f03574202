"""The messages that end a handshake, and those that come after it."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.context import SSL_3_0, TLS_1_3, Context
from tlsviz.tls.extensions import extension_block
from tlsviz.tls.extensions.table import NST
from tlsviz.tls.fields import never_empty, text
from tlsviz.tls.suites import suite
from tlsviz.wire.reader import Reader

_HASH_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64, "sm3": 32, "gostr3411_2012_256": 32}

_WITHOUT_NONCE = (0x7F12, 0x7F13, 0x7F14)
"""Drafts 18 to 20 of TLS 1.3."""
LONGEST_TICKET = 604_800


def nothing(r: Reader, _: Context) -> None:
    """A message without a body: HelloRequest, ServerHelloDone, EndOfEarlyData."""


def finished(r: Reader, context: Context) -> None:
    """RFC 8446 4.4.4 (as long as the hash), RFC 5246 7.4.9 (12 bytes), RFC 6101 5.6.9 (an MD5 and a SHA-1)."""
    version = context.layout
    if version == SSL_3_0:
        r.opaque("md5_hash", 16)
        r.opaque("sha_hash", 20)
        return
    wanted = 12
    if version is None or version >= TLS_1_3:
        chosen = suite(context.cipher_suite) if context.cipher_suite is not None else None
        wanted = _HASH_SIZES.get(chosen.prf_hash, 0) if chosen and version else 0
    if not wanted:
        r.rest("verify_data")
        return
    size = r.remaining
    r.opaque("verify_data", min(size, wanted) if size else wanted)
    if size < wanted:
        r.note(f"must be {wanted} bytes, is {size}")


def new_session_ticket(r: Reader, context: Context) -> None:
    """RFC 8446 4.6.1; RFC 5077 3.3."""
    version = context.layout
    if version is None:
        version = TLS_1_3 if int.from_bytes(r.peek(6)[4:], "big") != r.remaining - 6 else None
    if version is None or version < TLS_1_3:
        r.uint("ticket_lifetime_hint", 4)
        _seconds(r)
        r.vector_opaque("ticket", 2)
        return
    lifetime = r.uint("ticket_lifetime", 4)
    _seconds(r)
    if lifetime > LONGEST_TICKET:
        r.note(f"more than seven days ({LONGEST_TICKET:,} s, RFC 8446 4.6.1)")
    r.uint("ticket_age_add", 4)
    if context.version not in _WITHOUT_NONCE:
        r.vector_opaque("ticket_nonce", 1)
    r.vector_opaque("ticket", 2)
    never_empty(r)
    extension_block(r, NST)


def _seconds(r: Reader) -> None:
    seconds = r.nodes[-1].value
    if isinstance(seconds, int):
        days, rest = divmod(seconds, 86400)
        hours, rest = divmod(rest, 3600)
        minutes, rest = divmod(rest, 60)
        parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")) if n]
        r.label(" ".join(parts) or "0 s")


def key_update(r: Reader, _: Context) -> None:
    """RFC 8446 4.6.3."""
    if r.uint("request_update", 1, registry.key_update_requests) > 1:
        r.note("must be 0 or 1")


def next_protocol(r: Reader, _: Context) -> None:
    """draft-agl-tls-nextprotoneg-04 3."""
    text(r, "selected_protocol", 1)
    r.vector_opaque("padding", 1)
