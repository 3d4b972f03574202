"""Record protection: from a cipher suite and its secrets to what opens the records of one direction."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm

from tlsviz.crypto.aead import Aead12, Aead13
from tlsviz.crypto.ciphers import aead, block_kind, family, mac_hash, tag_length
from tlsviz.crypto.compression import DEFLATE, NULL, Inflating
from tlsviz.crypto.legacy import Cbc, Mac, Stream
from tlsviz.crypto.opening import Opened, Opener, Unopened, resume
from tlsviz.crypto.schedule import SSL3, TLS13, draft_of, key_block, traffic_keys
from tlsviz.crypto.ssl3 import Ssl3Mac
from tlsviz.tls.suites import Suite
from tlsviz.wire.chunks import Sender

__all__ = ["Opened", "Opener", "Unopened", "opener_12", "opener_13", "resume"]

TRUNCATED_HMAC = 10
FIRST_WITH_HEADER = 25
"""The first draft of TLS 1.3 whose additional data is the record header; before, it is empty."""


def opener_13(suite: Suite, traffic_secret: bytes, version: int = TLS13) -> Opener:
    """What opens TLS 1.3 records (of a draft, if ``version`` is one) under one traffic secret.

    Raises `Unopened` if we cannot do the cipher.
    """
    if not suite.tls13:
        raise Unopened(f"{suite.name} is no cipher suite of TLS 1.3")
    key, iv = traffic_keys(suite, traffic_secret, version)
    try:
        cipher = aead(suite, key)
    except (ValueError, UnsupportedAlgorithm):
        cipher = None
    if cipher is None:
        raise _unsupported(suite)
    header_covered = (draft_of(version) or FIRST_WITH_HEADER) >= FIRST_WITH_HEADER
    return Aead13(cipher, iv, tag_length(suite), header_covered=header_covered)


def opener_12(
    suite: Suite,
    version: int,
    master_secret: bytes,
    client_random: bytes,
    server_random: bytes,
    sender: Sender,
    encrypt_then_mac: bool = False,
    truncated_hmac: bool = False,
    compression_method: int = 0,
) -> Opener:
    """What opens ``sender``'s SSL 3.0 to TLS 1.2 records. Raises `Unopened` if we cannot do the cipher."""
    if compression_method not in (NULL, DEFLATE):
        raise Unopened(f"the compression method {compression_method} is not supported")
    cut = key_block(_fitting(suite), version, master_secret, client_random, server_random)
    opener = _opener_12(suite, version, cut.of(sender), encrypt_then_mac, truncated_hmac)
    return Inflating(opener) if compression_method == DEFLATE else opener


def _fitting(suite: Suite) -> Suite:
    """The suite, if it can be one of TLS 1.2 and its MAC can be done."""
    if suite.tls13:
        raise Unopened(f"{suite.name} is a cipher suite of TLS 1.3 only")
    if mac_hash(suite) is None and suite.mac not in (None, "NULL"):
        raise Unopened(f"the MAC {suite.mac} of {suite.name} is not supported")
    return suite


def _opener_12(
    suite: Suite, version: int, keys: tuple[bytes, bytes, bytes], encrypt_then_mac: bool, truncated_hmac: bool
) -> Opener:
    mac_key, key, iv = keys
    mac = _mac(version, mac_hash(suite) or "", mac_key, truncated_hmac)
    if suite.mode == "NULL":
        return Stream(mac)
    try:
        if family(suite) == "RC4" and len(key) == 16:
            return Stream(mac, key)
        kind = block_kind(suite)
        if kind is not None:
            algorithm, any_padding = kind.algorithm(key * kind.repeat), version == SSL3
            return Cbc(algorithm, mac, iv=iv, encrypt_then_mac=encrypt_then_mac, any_padding=any_padding)
        cipher = aead(suite, key) if version >= 0x0303 else None
    except (ValueError, UnsupportedAlgorithm):
        cipher = None
    if cipher is None:
        raise _unsupported(suite)
    return Aead12(cipher, iv, tag_length(suite))


def _mac(version: int, hash_name: str, key: bytes, truncated: bool) -> Mac:
    if version == SSL3 and key:
        if hash_name not in ("md5", "sha1"):
            raise Unopened(f"SSL 3.0 has no MAC with {hash_name}")
        return Ssl3Mac(hash_name, key, len(key))
    return Mac(hash_name, key, min(len(key), TRUNCATED_HMAC) if truncated else len(key))


def _unsupported(suite: Suite) -> Unopened:
    return Unopened(f"the cipher {suite.cipher} of {suite.name} is not supported")
