"""Bytes of a message to its tree: handshake messages, alerts, ChangeCipherSpec, heartbeats.

Total: any bytes give a tree whose leaves tile them.
"""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.tls import dtls, registry
from tlsviz.tls.context import Context
from tlsviz.tls.fields import within
from tlsviz.tls.messages.hello import is_retry_random
from tlsviz.tls.messages.table import BODIES
from tlsviz.tls.ssl2 import decode_ssl2, ssl2_message_type
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader, decode

__all__ = [
    "decode_certificate",
    "decode_content",
    "decode_handshake",
    "decode_ssl2",
    "message_type",
    "ssl2_message_type",
]

HEADER = 4
SERVER_HELLO, CERTIFICATE = 2, 11
CHANGE_CIPHER_SPEC = 20


def message_type(data: bytes, header: int = HEADER) -> str:
    """The type's name from the message's first bytes: a random tells a HelloRetryRequest from a ServerHello."""
    if not data:
        return "handshake"
    kind = data[0]
    if kind == SERVER_HELLO and is_retry_random(data[header + 2 : header + 34]):
        return "hello_retry_request"
    return BODIES[kind][0] if kind in BODIES else f"handshake_0x{kind:02x}"


def decode_handshake(data: bytes, context: Context) -> Node:
    """A whole handshake message with its header of four bytes (RFC 8446 4), in DTLS twelve: then the body's fields."""

    def message(r: Reader) -> None:
        kind = r.uint("msg_type", 1, registry.handshake_types)
        _, body = BODIES.get(kind, ("", _unknown))
        length = r.uint("length", 3)
        within(r, dtls.message_header(r, length) if context.dtls else length, lambda v: body(v, context))

    return decode(message_type(data, dtls.MESSAGE_HEADER if context.dtls else HEADER), data, message)


def decode_certificate(data: bytes, context: Context) -> Node:
    """A Certificate message without its header, as a CompressedCertificate holds it (RFC 8879 4)."""
    name, body = BODIES[CERTIFICATE]
    return decode(name, data, lambda r: body(r, context))


def _unknown(r: Reader, _: Context) -> None:
    r.rest("body")


def decode_content(content_type: int, data: bytes, context: Context) -> Node:
    """What a record of another content type carries, named by that type: alert, change_cipher_spec, heartbeat, ..."""
    name = registry.record_types.get(content_type) or f"content_type_0x{content_type:02x}"
    if context.dtls and content_type == CHANGE_CIPHER_SPEC and len(data) == 3:
        return decode(name, data, _old_change_cipher_spec)
    return decode(name.lower(), data, _CONTENTS.get(content_type, _data))


def _data(r: Reader) -> None:
    r.rest("data")


def _change_cipher_spec(r: Reader) -> None:
    """RFC 5246 7.1."""
    if r.uint("type", 1, {1: "change_cipher_spec"}) != 1:
        r.note("must be 1")


def _old_change_cipher_spec(r: Reader) -> None:
    """DTLS 1.0 as OpenSSL before 0.9.8f wrote it: with a number, like a handshake message."""
    _change_cipher_spec(r)
    r.uint("message_seq", 2)


def _alert(r: Reader) -> None:
    """RFC 8446 6."""
    if r.uint("level", 1, registry.alert_levels) not in registry.alert_levels:
        r.note("must be 1 (warning) or 2 (fatal)")
    r.uint("description", 1, registry.alerts)


def _heartbeat(r: Reader) -> None:
    """RFC 6520 4."""
    r.uint("type", 1, registry.heartbeat_message_types)
    length = r.uint("payload_length", 2)
    if length > r.remaining:
        r.note(f"asks for {length} bytes, but only {r.remaining} are there (Heartbleed, CVE-2014-0160)")
        length = r.remaining
    r.opaque("payload", length)
    if r.remaining < 16:
        r.note(f"must be followed by at least 16 bytes of padding, has {r.remaining}")
    r.rest("padding")


def _return_routability(r: Reader) -> None:
    """RFC 9853 4: asks whether the other side can be reached at its new address, and the answer."""
    r.uint("rrc_message_type", 1, registry.rrc_message_types)
    r.opaque("rrc_cookie", 8)


_CONTENTS: dict[int, Callable[[Reader], None]] = {
    20: _change_cipher_spec,
    21: _alert,
    24: _heartbeat,
    26: dtls.ack,
    27: _return_routability,
}
