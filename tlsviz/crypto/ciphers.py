"""The ciphers of record protection: which we can do, and how long their keys are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from tlsviz.crypto.hashing import hash_length
from tlsviz.tls.suites import Suite


class Lengths(NamedTuple):
    """Bytes of the MAC key, the key and the fixed IV that the key schedule makes for one direction."""

    mac: int
    key: int
    iv: int


class BlockKind(NamedTuple):
    """A block cipher: what makes it from a key, its block size, its key length where the name does not say it
    (bytes), and how often the key is repeated (DES is triple DES with one key)."""

    algorithm: Callable[[bytes], BlockCipherAlgorithm]
    block: int
    key: int | None = None
    repeat: int = 1


_BLOCK_KINDS = {
    "AES": BlockKind(algorithms.AES, 16),
    "CAMELLIA": BlockKind(decrepit.Camellia, 16),
    "SM4": BlockKind(algorithms.SM4, 16, 16),
    "SEED": BlockKind(decrepit.SEED, 16, 16),
    "IDEA": BlockKind(decrepit.IDEA, 8, 16),
    "3DES": BlockKind(decrepit.TripleDES, 8, 24),
    "DES": BlockKind(decrepit.TripleDES, 8, 8, 3),
    "DES40": BlockKind(decrepit.TripleDES, 8, 8, 3),
    "RC2": BlockKind(decrepit.RC2, 8, 16),
}
_DRAFT_CHACHA20 = (0xCC13, 0xCC14, 0xCC15)  # another construction than RFC 7905's
_MAC_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SM3": "sm3"}


class Aead(Protocol):
    """What `cryptography`'s AEAD classes have in common; decrypt raises InvalidTag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...


class _Sm4Gcm:
    """SM4-GCM (RFC 8998), which `cryptography` has as a mode only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        mode = modes.GCM(nonce, data[-16:])
        decryptor = Cipher(algorithms.SM4(self._key), mode).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(data[:-16]) + decryptor.finalize()


def family(suite: Suite) -> str:
    """The first word of the cipher's name: "AES", "CHACHA20", "3DES", "RC4"."""
    return suite.cipher.partition("_")[0]


def tag_length(suite: Suite) -> int:
    """Bytes of an AEAD's tag."""
    return 8 if suite.name.removesuffix("_SHA256").endswith("CCM_8") else 16


def block_kind(suite: Suite) -> BlockKind | None:
    """The block cipher of a CBC suite; None if we cannot do it."""
    return _BLOCK_KINDS.get(family(suite)) if suite.mode == "CBC" else None


def aead(suite: Suite, key: bytes) -> Aead | None:
    """The AEAD of a suite with its key; None if we cannot do it."""
    kind = (family(suite), suite.mode)
    if kind == ("AES", "GCM"):
        return AESGCM(key)
    if kind == ("AES", "CCM"):
        return AESCCM(key, tag_length=tag_length(suite))
    if suite.mode == "POLY1305" and suite.code not in _DRAFT_CHACHA20:
        return ChaCha20Poly1305(key)
    if kind == ("SM4", "GCM"):
        return _Sm4Gcm(key)
    return None


def mac_hash(suite: Suite) -> str | None:
    """hashlib's name of the record MAC's hash; None for an AEAD, and for a MAC that we cannot do."""
    return _MAC_HASHES.get(suite.mac or "")


def mac_length(suite: Suite) -> int:
    """Bytes of the record MAC; 0 for an AEAD."""
    hash_name = mac_hash(suite)
    return hash_length(hash_name) if hash_name else 0


def lengths(suite: Suite, version: int) -> Lengths:
    """What the key schedule must give for this suite in this version."""
    key = suite.key_bits // 8
    if suite.tls13 or suite.mode == "POLY1305":
        return Lengths(0, key, 12)
    if suite.mode in ("GCM", "CCM"):
        return Lengths(0, key, 4)
    mac = mac_length(suite)
    if suite.mode == "NULL":
        return Lengths(mac, 0, 0)
    kind = block_kind(suite)
    if kind is None:
        return Lengths(mac, key, 0)
    if not suite.export or suite.cipher == "DES_CBC":
        key = kind.key or key
    # up to TLS 1.0 the first IV comes from the key block: later versions send one with every record
    return Lengths(mac, key, kind.block if version <= 0x0301 else 0)


def export_key_length(suite: Suite) -> int:
    """Bytes of the key that an export suite's few key bytes are stretched to (RFC 2246 section 6.3.1)."""
    kind = block_kind(suite)
    return kind.key or 16 if kind else 16
