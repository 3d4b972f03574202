"""RDP: the X.224 connection request with a negotiation of security ([MS-RDPBCGR] 2.2.1.1 and 2.2.1.2)."""

from __future__ import annotations

from tlsviz.connection.declined import RDP_FAILURES
from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Speech

PROTOCOL_SSL, PROTOCOL_HYBRID, PROTOCOL_HYBRID_EX = 1, 2, 8
_WANTED = PROTOCOL_SSL | PROTOCOL_HYBRID | PROTOCOL_HYBRID_EX
"""CredSSP (hybrid) begins with TLS too, and many servers take nothing else."""

REQUEST = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00" + _WANTED.to_bytes(4, "little")
CONNECTION_CONFIRM = 0xD0
TYPE_RDP_NEG_RSP, TYPE_RDP_NEG_FAILURE = 2, 3


def rdp(speech: Speech) -> Dialogue:
    speech.say(REQUEST)
    head = yield from speech.take(4)
    size = int.from_bytes(head[2:], "big")
    if head[0] != 3 or not 7 <= size <= 1024:
        raise GarbledError(f"no TPKT header: {head.hex(' ')}")
    body = yield from speech.take(size - 4)
    if len(body) < 7 or body[1] & 0xF0 != CONNECTION_CONFIRM:
        raise GarbledError(f"no X.224 connection confirm: {body[:12].hex(' ')}")
    answer = body[7:15]
    if len(answer) < 8:
        raise RefusedError("a connection confirm without RDP_NEG_RSP: it has only RDP's own security")
    value = int.from_bytes(answer[4:], "little")
    if answer[0] == TYPE_RDP_NEG_FAILURE:
        raise RefusedError(f"RDP_NEG_FAILURE: {RDP_FAILURES.get(value, f'code {value}')}")
    if answer[0] != TYPE_RDP_NEG_RSP:
        raise GarbledError(f"no RDP_NEG_RSP: {answer.hex(' ')}")
    if not value & _WANTED:
        raise RefusedError("RDP_NEG_RSP: it chose RDP's own security (PROTOCOL_RDP)")
    return speech.said()
