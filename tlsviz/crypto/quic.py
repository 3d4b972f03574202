"""QUIC's packet protection: Initial secrets that everybody can compute, the keys of packets, header protection, Retry.

RFC 9001 5 and RFC 9369 3.3, and what the drafts before them had.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlsviz.crypto.ciphers import aead, family, lengths, tag_length
from tlsviz.crypto.opening import Unopened
from tlsviz.crypto.schedule import TLS13, hkdf_expand_label, hkdf_extract, xor
from tlsviz.tls.quic.packets import Unmasked
from tlsviz.tls.quic.versions import FIRST_TAGGED_RETRY, V1, V2, draft_of, is_v2, known
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.chunks import CLIENT, Sender

INITIAL_SUITE = 0x1301
SAMPLE, LONGEST_NUMBER = 16, 4
WRONG_TAG = "the tag is wrong: the key, the packet number or the bytes differ"

_SALT_V1 = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_SALT_V2 = bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")
_SALT_V2_DRAFT = bytes.fromhex("a707c203a59b47184a1d62ca570406ea7ae3e5d3")
_DRAFT_SALTS = (
    (22, bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")),
    (28, bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")),
    (32, bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")),
    (34, _SALT_V1),
)
"""The salt of all drafts up to each number that have not an earlier one."""
_RETRY_V1 = (bytes.fromhex("be0c690b9f66575a1d766b54e368c84e"), bytes.fromhex("461599d35d632bf2239825bb"))
_RETRY_V2 = (bytes.fromhex("8fb4b01b56ac48e260fbcbcead7ccc92"), bytes.fromhex("d86969bc2d7c6d9990efb04a"))
_DRAFT_RETRIES = (
    (28, (bytes.fromhex("4d32ecdb2a2133c841e4043df27d4430"), bytes.fromhex("4d1611d05513a552c587d575"))),
    (32, (bytes.fromhex("ccce187ed09a09d05728155a6cb96be1"), bytes.fromhex("e54930f97f2136f0530a8c1c"))),
    (34, _RETRY_V1),
)


class InitialSecrets(NamedTuple):
    """The secrets of Initial packets: made of nothing but a version's salt and a connection ID that was sent."""

    salt: bytes
    initial: bytes
    client: bytes
    server: bytes

    def of(self, sender: Sender) -> bytes:
        """The secret under which that side's Initial packets are sealed."""
        return self.client if sender == CLIENT else self.server


def initial_salt(version: int) -> bytes | None:
    """The salt of a version; None if the version is not known (RFC 9001 5.2, RFC 9369 3.3.1)."""
    if is_v2(version):
        return _SALT_V2 if version == V2 else _SALT_V2_DRAFT
    draft = draft_of(version)
    if not known(version) or draft is None:
        return _SALT_V1 if version == V1 else None
    return next(salt for last, salt in _DRAFT_SALTS if draft <= last)


def initial_secrets(version: int, dcid: bytes) -> InitialSecrets | None:
    """Both sides' Initial secrets from the Destination Connection ID of the client's first packet (RFC 9001 5.2).

    None if the version is not known.
    """
    salt = initial_salt(version)
    if salt is None:
        return None
    common = hkdf_extract("sha256", salt, dcid)
    client, server = (hkdf_expand_label("sha256", common, label, b"", 32) for label in ("client in", "server in"))
    return InitialSecrets(salt, common, client, server)


def label(version: int, name: str) -> str:
    """The label of a key: ``quic key``, in v2 ``quicv2 key`` (RFC 9001 5.1, RFC 9369 3.3.2)."""
    return f"{'quicv2' if is_v2(version) else 'quic'} {name}"


def retry_tag(version: int, original_dcid: bytes, packet: bytes) -> bytes | None:
    """The integrity tag that must end this Retry packet (RFC 9001 5.8); None where the version has none.

    ``original_dcid``: the Destination Connection ID of the Initial packet that it answers.
    """
    if is_v2(version):
        found = _RETRY_V2 if version == V2 else None
    elif version == V1:
        found = _RETRY_V1
    else:
        draft = draft_of(version)
        if draft is None or not FIRST_TAGGED_RETRY <= draft <= _DRAFT_RETRIES[-1][0]:
            return None
        found = next(pair for last, pair in _DRAFT_RETRIES if draft <= last)
    if found is None:
        return None
    covered = bytes([len(original_dcid)]) + original_dcid + packet[:-16]
    return AESGCM(found[0]).encrypt(found[1], b"", covered)


def retry_holds(version: int, original_dcid: bytes, packet: bytes) -> bool | None:
    """Whether a Retry's integrity tag is right; None if that cannot be said."""
    expected = retry_tag(version, original_dcid, packet)
    return None if expected is None else hmac.compare_digest(expected, packet[-16:])


def packet_number(largest: int, truncated: int, size: int) -> int:
    """The whole packet number from its last ``size`` bytes, close to the next after ``largest`` (RFC 9000 A.3).

    ``largest`` is the largest number so far, -1 before the first.
    """
    expected, window = largest + 1, 1 << 8 * size
    candidate = (expected & ~(window - 1)) | truncated
    if candidate <= expected - window // 2 and candidate < (1 << 62) - window:
        return candidate + window
    if candidate > expected + window // 2 and candidate >= window:
        return candidate - window
    return candidate


class OpenedPacket(NamedTuple):
    """A packet's payload. ``header`` is what the tag covers beside it: the header without its mask."""

    unmasked: Unmasked
    header: bytes
    payload: bytes
    nonce: bytes
    tag: bytes


class PacketKeys:
    """What opens the packets of one side at one level: key, IV and header protection key of a secret (RFC 9001 5.1).

    Raises `Unopened` if the suite is none of QUIC's.
    """

    __slots__ = ("_aead", "_suite", "_tag", "hp", "iv", "key", "secret", "version")

    def __init__(self, version: int, chosen: Suite, secret: bytes, hp: bytes | None = None) -> None:
        self.version, self.secret, self._suite = version, secret, chosen
        self._tag = tag_length(chosen)
        if not chosen.tls13 or self._tag != 16 or family(chosen) not in ("AES", "CHACHA20"):
            raise Unopened(f"{chosen.name} is no cipher suite of QUIC")
        sizes = lengths(chosen, TLS13)
        self.key = self._derive("key", sizes.key)
        self.iv = self._derive("iv", sizes.iv)
        self.hp = hp or self._derive("hp", sizes.key)
        try:
            self._aead = aead(chosen, self.key)
        except (ValueError, UnsupportedAlgorithm):
            self._aead = None
        if self._aead is None:
            raise Unopened(f"the cipher {chosen.cipher} of {chosen.name} is not supported")

    def _derive(self, name: str, size: int) -> bytes:
        return hkdf_expand_label(self._suite.prf_hash, self.secret, label(self.version, name), b"", size)

    def updated(self) -> PacketKeys:
        """The keys of the next key phase; the header protection key stays (RFC 9001 6)."""
        following = self._derive("ku", len(self.secret))
        return PacketKeys(self.version, self._suite, following, self.hp)

    def mask(self, sample: bytes) -> bytes:
        """The five bytes that mask a header, from 16 bytes of ciphertext (RFC 9001 5.4.3 and 5.4.4)."""
        if family(self._suite) == "CHACHA20":
            chacha = Cipher(algorithms.ChaCha20(self.hp, sample), None).encryptor()
            return chacha.update(bytes(5))
        # One block of ECB is AES itself: no mode hides anything here, nor must it.
        return Cipher(algorithms.AES(self.hp), modes.ECB()).encryptor().update(sample)[:5]  # noqa: S305

    def unmask(self, packet: bytes, start: int, largest: int) -> Unmasked:
        """Takes the mask off a packet whose packet number begins at ``start``. Raises `Unopened` if it is too short."""
        sample = packet[start + LONGEST_NUMBER : start + LONGEST_NUMBER + SAMPLE]
        if len(sample) < SAMPLE:
            raise Unopened("the packet is too short for header protection", failed=True)
        mask = self.mask(sample)
        first = packet[0] ^ mask[0] & (0x0F if packet[0] & 0x80 else 0x1F)
        size = (first & 3) + 1
        truncated = int.from_bytes(xor(packet[start : start + size], mask[1 : 1 + size]), "big")
        return Unmasked(first, packet_number(largest, truncated, size), size)

    def decrypt(self, packet: bytes, start: int, unmasked: Unmasked) -> OpenedPacket:
        """Opens an unmasked packet; raises `Unopened` if the tag is wrong."""
        size = unmasked.number_length
        number = (unmasked.number & ((1 << 8 * size) - 1)).to_bytes(size, "big")
        header = bytes([unmasked.first]) + packet[1:start] + number
        nonce = xor(self.iv, unmasked.number.to_bytes(len(self.iv), "big"))
        sealed = packet[start + size :]
        if self._aead is None or len(sealed) < self._tag:
            raise Unopened("the packet is too short for a tag", failed=True)
        try:
            payload = self._aead.decrypt(nonce, sealed, header)
        except InvalidTag:
            raise Unopened(WRONG_TAG, failed=True) from None
        return OpenedPacket(unmasked, header, payload, nonce, sealed[-self._tag :])


def initial_keys(version: int, secret: bytes) -> PacketKeys:
    """The keys of one side's Initial packets, whatever suite is agreed later (RFC 9001 5.2)."""
    chosen = suite(INITIAL_SUITE)
    assert chosen is not None
    return PacketKeys(version, chosen, secret)
