"""Opening DTLS records: each says its epoch and number, so that no record depends on those before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlsviz.connection.facts import Facts
from tlsviz.connection.half import Half
from tlsviz.connection.keys import KeyRing
from tlsviz.connection.model import Protection
from tlsviz.connection.opening import Result, no_key, opened_as
from tlsviz.connection.stream import RawRecord
from tlsviz.crypto.dtls12 import open_with_id
from tlsviz.crypto.dtls13 import DtlsAead13
from tlsviz.crypto.protection import Opener, Unopened
from tlsviz.crypto.schedule import DTLS13, next_traffic_secret
from tlsviz.tls.dtls import HEADER, TLS12_CID, UNIFIED, UNIFIED_MASK
from tlsviz.wire.chunks import Sender

EPOCHS = {1: "early", 2: "handshake", 3: "application"}
"""What the epochs of DTLS 1.3 are (RFC 9147 6.1); each KeyUpdate adds one more."""
MOST_EPOCHS = 64


@dataclass(slots=True, eq=False, repr=False)
class Unsealing:
    """One side's openers by epoch. ``latest``: the highest epoch that was opened, ``expected``: its next number."""

    half: Half
    openers: dict[int, Opener] = field(default_factory=dict)
    numbered: dict[int, DtlsAead13] = field(default_factory=dict)
    expected: dict[int, int] = field(default_factory=dict)
    latest: int = 0
    _tried: int = -1

    # -- DTLS 1.0 and 1.2 ----------------------------------------------------------------------------------

    def open_12(self, facts: Facts, raw: RawRecord, known: int) -> Result:
        """A protected record. ``known`` counts messages seen: keys that were lacking are asked for after new ones."""
        if raw.missing:
            return None, Protection("not_provable", f"{raw.missing} bytes of the record are missing")
        half = self.half
        if raw.epoch == half.epoch and half.opener is None and known != self._tried:
            self._tried = known
            facts.unlock(half)
        if raw.epoch == half.epoch and half.opener is not None:
            self.openers[half.epoch] = half.opener
        opener = self.openers.get(raw.epoch or 0)
        if opener is None:
            return None, Protection("not_provable", half.locked or "no key")
        sequence = (raw.epoch or 0) << 48 | (raw.sequence or 0)
        opener.sequence = sequence
        fragment = raw.data[raw.header :]
        try:
            if raw.content_type == TLS12_CID:
                connection_id = raw.data[HEADER - 2 : raw.header - 2]
                opened = open_with_id(opener, sequence, raw.version, connection_id, fragment)
            else:
                opened = opener.open(raw.content_type, raw.version, fragment)
        except Unopened as reason:
            return None, Protection("failed" if reason.failed else "not_provable", reason.why, raw.sequence)
        return opened, opened_as(opener, opened, raw.sequence or 0, 0)

    # -- DTLS 1.3 ------------------------------------------------------------------------------------------

    def open_13(self, facts: Facts, raw: RawRecord) -> tuple[Result, int]:
        """A record with a unified header, and its epoch."""
        epoch = self._epoch(raw)
        if raw.missing:
            return (None, Protection("not_provable", f"{raw.missing} bytes of the record are missing")), epoch
        try:
            opener = self._opener(facts.ring, epoch)
        except Unopened as reason:
            return (None, Protection("not_provable", reason.why)), epoch
        if opener is None:
            lacking = facts.ring.label(self.half.sender, EPOCHS.get(epoch, "application"))
            return (None, Protection("not_provable", no_key(facts.ring, lacking))), epoch
        return self._attempt(opener, raw, epoch), epoch

    def _attempt(self, opener: DtlsAead13, raw: RawRecord, epoch: int) -> Result:
        sequence: int | None = None
        try:
            start, end = number_place(raw)
            mask = opener.mask(raw.data[raw.header :])
            plain = bytes(a ^ b for a, b in zip(raw.data[start:end], mask, strict=False))
            sequence = nearest(int.from_bytes(plain, "big"), 8 * (end - start), self.expected.get(epoch, 0))
            opener.header = raw.data[:start] + plain + raw.data[end : raw.header]
            opener.sequence = sequence
            opened = opener.open(raw.content_type, raw.version, raw.data[raw.header :])
        except Unopened as reason:
            return None, Protection("failed" if reason.failed else "not_provable", reason.why, sequence)
        self.latest = max(self.latest, epoch)
        self.expected[epoch] = max(self.expected.get(epoch, 0), sequence + 1)
        return opened, opened_as(opener, opened, sequence, 0)

    def _epoch(self, raw: RawRecord) -> int:
        """The epoch nearest to the latest one, not more than one beyond, that ends in the two bits of the header."""
        bits, limit = raw.epoch or 0, max(self.latest + 1, 3)
        return next((epoch for epoch in range(limit, 0, -1) if epoch & 3 == bits), bits)

    def _opener(self, ring: KeyRing, epoch: int) -> DtlsAead13 | None:
        found = self.numbered.get(epoch)
        if found is not None or not epoch or ring.suite is None:
            return found
        secret = _traffic_secret(ring, self.half.sender, epoch)
        if secret is None:
            return None
        if len(self.numbered) >= MOST_EPOCHS:
            self.numbered.pop(min(self.numbered))
        made = self.numbered[epoch] = DtlsAead13(ring.suite, secret)
        return made


def _traffic_secret(ring: KeyRing, sender: Sender, epoch: int) -> bytes | None:
    secret = ring.traffic_secret(sender, EPOCHS.get(epoch, "application"))
    if secret is None or ring.suite is None:
        return None
    for _ in range(3, epoch):
        secret = next_traffic_secret(ring.suite.prf_hash, secret, DTLS13)
    return secret


def number_place(raw: RawRecord) -> tuple[int, int]:
    """Where the encrypted number stands in a record with a unified header: before the length, if there is one."""
    end = raw.header - (2 if raw.data[0] & 0x04 else 0)
    return end - (2 if raw.data[0] & 0x08 else 1), end


def nearest(low: int, bits: int, expected: int) -> int:
    """The number with these low bits that is nearest to the one expected (RFC 9147 4.2.2)."""
    size = 1 << bits
    guess = (expected & ~(size - 1)) | low
    candidates = [one for one in (guess - size, guess, guess + size) if one >= 0]
    return min(candidates, key=lambda one: abs(one - expected))


def is_unified(raw: RawRecord) -> bool:
    """Whether a record has DTLS 1.3's short header."""
    return raw.data[0] & UNIFIED_MASK == UNIFIED
