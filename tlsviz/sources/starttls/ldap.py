"""LDAP: the StartTLS extended operation (RFC 4511 section 4.14)."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection.declined import LDAP_RESULTS
from tlsviz.sources.starttls.speech import LIMIT, Dialogue, GarbledError, Reading, RefusedError, Speech, quoted

SEQUENCE, EXTENDED_RESPONSE = 0x30, 0x78
_NAME = b"1.3.6.1.4.1.1466.20037"
REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _NAME


class _Value(NamedTuple):
    tag: int
    body: bytes


def ldap(speech: Speech) -> Dialogue:
    speech.say(REQUEST)
    message = yield from _read(speech)
    parts = _inside(message.body)
    if message.tag != SEQUENCE or len(parts) < 2 or parts[1].tag != EXTENDED_RESPONSE:
        raise GarbledError("an LDAP message, but not the answer to StartTLS")
    result = _inside(parts[1].body)
    if not result or result[0].tag != 0x0A:
        raise GarbledError("an LDAP answer without a result")
    code = int.from_bytes(result[0].body[:4], "big")
    if code:
        words = quoted(result[2].body) if len(result) > 2 else ""
        named = f"{LDAP_RESULTS.get(code, 'result')} ({code})"
        raise RefusedError(f"{named}: {words}" if words else named)
    return speech.said()


def _read(speech: Speech) -> Reading[_Value]:
    """The next value of BER from the server."""
    head = yield from speech.take(2)
    if head[0] != SEQUENCE:
        raise GarbledError(f"no LDAP message: {head.hex(' ')} …")
    size = head[1]
    if size & 0x80:
        if not 1 <= size & 0x7F <= 4:
            raise GarbledError("an LDAP message without a length")
        size = int.from_bytes((yield from speech.take(size & 0x7F)), "big")
    if size > LIMIT:
        raise GarbledError(f"an LDAP message of {size} bytes")
    return _Value(head[0], (yield from speech.take(size)))


def _inside(data: bytes) -> list[_Value]:
    """The values that make up a constructed one, as far as they are whole."""
    values: list[_Value] = []
    at = 0
    while len(data) - at >= 2:
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            octets = size & 0x7F
            size = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if size > len(data) - at:
            break
        values.append(_Value(tag, data[at : at + size]))
        at += size
    return values
