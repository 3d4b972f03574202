"""Opening protected records: which opener, which sequence number, and what to say when none fits."""

from __future__ import annotations

from tlsviz.connection.half import Half
from tlsviz.connection.keys import KeyRing, Unencrypted
from tlsviz.connection.model import Protection
from tlsviz.connection.stream import RawRecord
from tlsviz.crypto.protection import Opened, Opener, Unopened
from tlsviz.wire.buffers import Buffer, Piece
from tlsviz.wire.chunks import CLIENT

SEARCH = 64
"""How many lost records are bridged by trying the sequence numbers that follow."""

Result = tuple[Opened | None, Protection]


def open_12(half: Half, raw: RawRecord) -> Result:
    """A record of TLS 1.2 or earlier, behind this side's ChangeCipherSpec."""
    if half.opener is None:
        return None, Protection("not_provable", half.locked or "no key")
    if raw.missing:
        half.opener.skip(length=raw.length)
        return None, Protection("not_provable", f"{raw.missing} bytes of the record are missing")
    return _attempt(half, half.opener, raw)


def open_13(half: Half, ring: KeyRing, raw: RawRecord) -> Result:
    """A protected TLS 1.3 record; may move the side on to the phase whose key fits."""
    if raw.missing:
        if half.opener is not None:
            half.opener.skip(length=raw.length)
        return None, Protection("not_provable", f"{raw.missing} bytes of the record are missing")
    first: Protection | None = None
    for known in (half.opener, half.early_opener):
        if known is None:
            continue
        opened, protection = _attempt(half, known, raw)
        if opened is not None:
            return opened, protection
        first = first or protection
    for phase in _candidates(half):
        for secret, opener in _openers(half, ring, phase):
            opened, protection = _attempt(half, opener, raw)
            if opened is not None:
                _settle(half, phase, secret, opener)
                return opened, protection
            first = first or protection
    return None, first or Protection("not_provable", half.locked or _no_key(ring))


def _no_key(ring: KeyRing) -> str:
    if not ring.client_random:
        return "the hello messages are missing"
    return "no key: the key log has no secret for this connection" if len(ring.keylog) else "no key log was given"


def _candidates(half: Half) -> tuple[str, ...]:
    """The phases whose keys may fit besides the current one: a switch may have gone unseen."""
    if half.phase in ("clear", "early"):
        return ("early", "handshake", "application") if half.sender == CLIENT else ("handshake", "application")
    if half.phase == "handshake":
        rest = ("handshake", "application") if half.opener is None else ("application",)
        return rest if half.sender != CLIENT or half.early_opener else (*rest, "early")
    return ("application",) if half.opener is None else ()


def _openers(half: Half, ring: KeyRing, phase: str) -> list[tuple[bytes, Opener]]:
    try:
        return ring.openers_13(half.sender, phase)
    except Unopened as reason:
        half.locked = reason.why
        return []


def _settle(half: Half, phase: str, secret: bytes, opener: Opener) -> None:
    if phase == "early" and half.phase != "clear":
        half.early_opener = opener
        return
    half.phase = phase  # type: ignore[assignment]
    half.secret, half.opener = secret, opener
    half.epoch += 1


def _attempt(half: Half, opener: Opener, raw: RawRecord) -> Result:
    """Opens with the next sequence number, or after a loss with one of those that follow."""
    start = opener.sequence
    tries = (SEARCH if half.opened else 4) if half.uncertain else 1
    last = Protection("failed", "the authentication tag is wrong")
    for sequence in range(start, start + tries):
        opener.sequence = sequence
        try:
            opened = opener.open(raw.content_type, raw.version, raw.data[5:])
        except Unopened as reason:
            last = Protection("failed" if reason.failed else "not_provable", reason.why, sequence)
            continue
        half.uncertain, half.opened = False, True
        if isinstance(opener, Unencrypted):
            why = "the NULL cipher hides nothing; the MAC cannot be checked without the key"
            return opened, Protection("not_provable", why, sequence, tag=opened.tag)
        return opened, Protection(
            "verified",
            "" if sequence == start else f"{sequence - start} records before it are missing",
            sequence,
            opened.nonce,
            opened.additional_data,
            opened.tag,
            opened.padding,
        )
    opener.sequence = start
    half.uncertain = True
    return None, last


def plain_buffer(opened: Opened, wire: Buffer) -> Buffer:
    """The decrypted bytes as an address space that maps back to the record."""
    size = len(opened.plaintext)
    if opened.offset is not None:
        start = 5 + opened.offset
        piece = Piece(0, size, wire, start, start + size, True)
    else:
        piece = Piece(0, size, wire, 5, len(wire.data), False)
    return Buffer("decrypted", opened.plaintext, (piece,))
