"""Opening protected records: which opener, which sequence number, and what to say when none fits."""

from __future__ import annotations

from tlsviz.connection.half import Half
from tlsviz.connection.keys import NO_KEYS, KeyRing, Unencrypted
from tlsviz.connection.model import Protection
from tlsviz.connection.stream import RawRecord
from tlsviz.crypto.protection import Opened, Opener, Unopened
from tlsviz.wire.buffers import Buffer, Piece
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.text import plural

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
    if half.opener is None and half.early_opener is None and not ring.keylog.knows(ring.client_random):
        return None, Protection("not_provable", half.locked or no_key(ring, ""))
    failed: Protection | None = None
    for known in (half.opener, half.early_opener):
        if known is None:
            continue
        opened, protection = _attempt(half, known, raw)
        if opened is not None:
            return opened, protection
        failed = failed or protection
    lacking = ""
    for phase in _candidates(half, ring):
        openers = _openers(half, ring, phase)
        lacking = lacking or ("" if openers else ring.label(half.sender, phase))
        for secret, opener in openers:
            opened, protection = _attempt(half, opener, raw)
            if opened is not None:
                _settle(half, phase, secret, opener)
                return opened, protection
            failed = failed or protection
    if failed is not None and not (lacking and _may_be_another(half)):
        return None, failed
    return None, Protection("not_provable", half.locked or no_key(ring, lacking))


def _may_be_another(half: Half) -> bool:
    """Whether a record that the known keys do not open may rightly be of a phase whose key is lacking."""
    return half.opener is None or half.phase == "early"


def no_key(ring: KeyRing, lacking: str) -> str:
    if not ring.client_random:
        return "the hello messages are missing"
    if not ring.keylog:
        return NO_KEYS
    if not ring.keylog.knows(ring.client_random):
        return "no key: the key log has no secret for this connection"
    return f"the key log has no {lacking}" if lacking else "no key fits"


def _candidates(half: Half, ring: KeyRing) -> tuple[str, ...]:
    """The phases whose keys may fit besides the current one: a switch may have gone unseen."""
    early = ("early",) if half.sender == CLIENT and ring.early_data and half.early_opener is None else ()
    if half.phase in ("clear", "early"):
        return (*early, "handshake", "application")
    if half.phase == "handshake":
        return (*(("handshake", "application") if half.opener is None else ("application",)), *early)
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
    # A record that did not open has most likely used its number all the same.
    spent = 1 if half.spent and opener is half.opener else 0
    last = Protection("failed", "the authentication tag is wrong")
    for sequence in (*range(start + spent, start + spent + tries), *range(start, start + spent)):
        opener.sequence = sequence
        try:
            opened = opener.open(raw.content_type, raw.version, raw.data[raw.header :])
        except Unopened as reason:
            last = Protection("failed" if reason.failed else "not_provable", reason.why, sequence)
            if reason.failed:
                continue
            # Something is lacking that no other number brings; with encrypt-then-MAC this one is even known to fit.
            break
        half.uncertain, half.opened, half.spent = False, True, False
        return opened, opened_as(opener, opened, sequence, max(sequence - start - spent, 0))
    opener.sequence = start
    half.uncertain = True
    half.spent = half.spent or opener is half.opener
    return None, last


def opened_as(opener: Opener, opened: Opened, sequence: int, lost: int) -> Protection:
    if isinstance(opener, Unencrypted):
        why = "the NULL cipher hides nothing; the MAC cannot be checked without the key"
        return Protection("not_provable", why, sequence, tag=opened.tag)
    why = f"{plural(lost, 'record')} before it {'is' if lost == 1 else 'are'} missing" if lost else ""
    return Protection("verified", why, sequence, opened.nonce, opened.additional_data, opened.tag, opened.padding)


def plain_buffer(opened: Opened, wire: Buffer, header: int = 5) -> Buffer:
    """The decrypted bytes as an address space that maps back to the record, whose header has ``header`` bytes."""
    size = len(opened.plaintext)
    if opened.offset is not None:
        start = header + opened.offset
        piece = Piece(0, size, wire, start, start + size, True)
    else:
        piece = Piece(0, size, wire, header, len(wire.data), False)
    return Buffer("decrypted", opened.plaintext, (piece,))
