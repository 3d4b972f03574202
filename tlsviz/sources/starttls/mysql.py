"""MySQL and MariaDB: SSLRequest after the greeting (MySQL's internals manual, protocol version 10)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Speech, quoted

CLIENT_SSL = 0x0800
_LONG_PASSWORD, _PROTOCOL_41, _SECURE_CONNECTION, _PLUGIN_AUTH = 0x1, 0x200, 0x8000, 0x80000
_WANTED = _LONG_PASSWORD | _PROTOCOL_41 | CLIENT_SSL | _SECURE_CONNECTION | _PLUGIN_AUTH
_LARGEST_PACKET = 1 << 24
_UTF8 = 33
_MOST = 4096
"""No greeting is longer, in bytes."""

REQUEST = (
    b"\x20\x00\x00\x01"
    + _WANTED.to_bytes(4, "little")
    + _LARGEST_PACKET.to_bytes(4, "little")
    + bytes([_UTF8, *bytes(23)])
)


def mysql(speech: Speech) -> Dialogue:
    head = yield from speech.take(4)
    size = int.from_bytes(head[:3], "little")
    if not 1 <= size <= _MOST:
        raise GarbledError(f"no MySQL greeting: {quoted(head)}")
    greeting = yield from speech.take(size)
    if greeting[0] == 0xFF:
        raise RefusedError(f"error {int.from_bytes(greeting[1:3], 'little')}: {quoted(greeting[3:])}")
    end = greeting.find(b"\0", 1)
    if greeting[0] != 10 or end < 0 or len(greeting) < end + 16:
        raise GarbledError(f"no MySQL greeting: {quoted(greeting)}")
    # Behind the version: thread id (4), part of the scramble (8), a zero, the lower half of the capabilities.
    if not int.from_bytes(greeting[end + 14 : end + 16], "little") & CLIENT_SSL:
        raise RefusedError(f"the greeting of {quoted(greeting[1:end])} does not offer SSL")
    speech.say(REQUEST)
    return speech.said()
