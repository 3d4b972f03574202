"""SQL Server: PRELOGIN ([MS-TDS] 2.2.6.5). The TLS handshake that follows travels inside of TDS packets."""

from __future__ import annotations

import struct

from tlsviz.connection.declined import ENCRYPT_NOT_SUP, ENCRYPT_ON, prelogin_option
from tlsviz.connection.tds import HEADER, LARGEST, PRELOGIN, TABULAR_RESULT, packet
from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Speech

VERSION, ENCRYPTION, INSTOPT, THREADID, MARS, TERMINATOR = 0, 1, 2, 3, 4, 0xFF
_OPTIONS = (
    (VERSION, bytes(6)),
    (ENCRYPTION, bytes([ENCRYPT_ON])),
    (INSTOPT, b"\0"),
    (THREADID, bytes(4)),
    (MARS, b"\0"),
)


def options(values: tuple[tuple[int, bytes], ...]) -> bytes:
    """PRELOGIN's body: for each option its token, offset and length, then the values."""
    at = 5 * len(values) + 1
    heads, bodies = b"", b""
    for token, value in values:
        heads += struct.pack(">BHH", token, at + len(bodies), len(value))
        bodies += value
    return heads + bytes([TERMINATOR]) + bodies


def mssql(speech: Speech) -> Dialogue:
    speech.say(packet(PRELOGIN, options(_OPTIONS)))
    head = yield from speech.take(HEADER)
    size = int.from_bytes(head[2:4], "big")
    if head[0] not in (TABULAR_RESULT, PRELOGIN) or not HEADER < size <= LARGEST:
        raise GarbledError(f"no TDS packet: {head.hex(' ')}")
    body = yield from speech.take(size - HEADER)
    chosen = prelogin_option(body, ENCRYPTION)
    if chosen is None:
        raise GarbledError("a TDS packet that is no answer to PRELOGIN")
    if chosen == ENCRYPT_NOT_SUP:
        raise RefusedError("PRELOGIN: ENCRYPT_NOT_SUP, it has no encryption")
    return speech.said()
