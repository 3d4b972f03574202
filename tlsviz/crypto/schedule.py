"""The key schedules: HKDF for TLS 1.3 (RFC 9846 section 7.1), the PRF for TLS 1.0 to 1.2 (RFC 5246 5).

Hash names are hashlib's: "sha256", "sha384", "sha1", "md5". Secrets and keys are bytes.
A hash that cannot be had raises `Unopened`, here and in all that builds on it.
"""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.crypto import ssl3
from tlsviz.crypto.ciphers import Lengths, export_key_length, lengths
from tlsviz.crypto.hashing import digest, hash_length, mac
from tlsviz.tls.suites import Suite
from tlsviz.wire.chunks import CLIENT, Sender

SSL3, TLS12, TLS13, DTLS13 = 0x0300, 0x0303, 0x0304, 0xFEFC


# TLS 1.3


def hkdf_extract(hash_name: str, salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract (RFC 5869 section 2.2); an empty salt or key means zeros, as TLS 1.3 uses them."""
    return mac(hash_name, salt or bytes(hash_length(hash_name)), ikm)


def hkdf_expand(hash_name: str, prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869 section 2.3): ``length`` bytes, at most 255 digests (ValueError beyond)."""
    if not 0 <= length <= 255 * hash_length(hash_name):
        raise ValueError("HKDF-Expand gives at most 255 digests")
    found, block, counter = b"", b"", 0
    while len(found) < length:
        counter += 1
        block = mac(hash_name, prk, block + info + bytes([counter]))
        found += block
    return found[:length]


def draft_of(version: int) -> int | None:
    """Which draft of TLS 1.3 a version is; None if none."""
    return version & 0xFF if version >> 8 == 0x7F else None


def hkdf_label(label: str, context: bytes, length: int, version: int = TLS13) -> bytes:
    """The HkdfLabel structure, with "tls13 " before the label ("TLS 1.3, " in drafts before 20, "dtls13" in DTLS)."""
    prefix = b"TLS 1.3, " if (draft_of(version) or 20) < 20 else b"dtls13" if version == DTLS13 else b"tls13 "
    full = prefix + label.encode("ascii")
    return length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context


def hkdf_expand_label(
    hash_name: str, secret: bytes, label: str, context: bytes, length: int, version: int = TLS13
) -> bytes:
    """HKDF-Expand-Label(secret, label, context, length)."""
    return hkdf_expand(hash_name, secret, hkdf_label(label, context, length, version), length)


def derive_secret(hash_name: str, secret: bytes, label: str, transcript_hash: bytes, version: int = TLS13) -> bytes:
    """Derive-Secret, with the messages already hashed."""
    return hkdf_expand_label(hash_name, secret, label, transcript_hash, hash_length(hash_name), version)


def early_secret(hash_name: str, psk: bytes = b"") -> bytes:
    """The Early Secret; without a PSK its place is taken by zeros."""
    return hkdf_extract(hash_name, b"", psk or bytes(hash_length(hash_name)))


def next_stage(hash_name: str, secret: bytes, ikm: bytes = b"") -> bytes:
    """The Handshake Secret from the Early Secret and (EC)DHE; the Main Secret from that and zeros."""
    salt = derive_secret(hash_name, secret, "derived", digest(hash_name, b""))
    return hkdf_extract(hash_name, salt, ikm or bytes(hash_length(hash_name)))


def binder_key(hash_name: str, secret: bytes, *, external: bool, version: int = TLS13) -> bytes:
    """The binder key, from the Early Secret of an external or a resumption PSK."""
    label = "ext binder" if external else "res binder"
    return derive_secret(hash_name, secret, label, digest(hash_name, b""), version)


def resumption_psk(hash_name: str, resumption_secret: bytes, ticket_nonce: bytes, version: int = TLS13) -> bytes:
    """The PSK that belongs to a NewSessionTicket (RFC 9846 section 4.6.1)."""
    return hkdf_expand_label(hash_name, resumption_secret, "resumption", ticket_nonce, hash_length(hash_name), version)


def next_traffic_secret(hash_name: str, secret: bytes, version: int = TLS13) -> bytes:
    """application_traffic_secret_N+1, after a KeyUpdate (RFC 9846 section 7.2)."""
    return hkdf_expand_label(hash_name, secret, "traffic upd", b"", hash_length(hash_name), version)


def traffic_keys(suite: Suite, secret: bytes, version: int = TLS13) -> tuple[bytes, bytes]:
    """The write key and write IV of a traffic secret (RFC 9846 section 7.3)."""
    sizes = lengths(suite, version)
    key = hkdf_expand_label(suite.prf_hash, secret, "key", b"", sizes.key, version)
    return key, hkdf_expand_label(suite.prf_hash, secret, "iv", b"", sizes.iv, version)


def finished_key(hash_name: str, secret: bytes, version: int = TLS13) -> bytes:
    """The key of Finished's MAC, from a traffic secret or a binder key."""
    return hkdf_expand_label(hash_name, secret, "finished", b"", hash_length(hash_name), version)


# SSL 3.0 to TLS 1.2


def p_hash(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash (RFC 5246 section 5): ``length`` bytes."""
    found, a = b"", seed
    while len(found) < length:
        a = mac(hash_name, secret, a)
        found += mac(hash_name, secret, a + seed)
    return found[:length]


def prf(version: int, suite_hash: str, secret: bytes, label: str, seed: bytes, n: int) -> bytes:
    """The PRF: P_hash of the suite's hash in TLS 1.2, P_MD5 xor P_SHA-1 over the secret's halves before."""
    full = label.encode("ascii") + seed
    if version >= TLS12:
        return p_hash(suite_hash, secret, full, n)
    half = (len(secret) + 1) // 2
    return xor(p_hash("md5", secret[:half], full, n), p_hash("sha1", secret[len(secret) - half :], full, n))


def xor(a: bytes, b: bytes) -> bytes:
    """The exclusive or of two strings of the same length."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def master_secret(version: int, suite_hash: str, premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """The master secret from the premaster secret (RFC 5246 section 8.1, RFC 6101 section 6.1)."""
    if version == SSL3:
        return ssl3.expand(premaster, client_random + server_random, 48)
    return prf(version, suite_hash, premaster, "master secret", client_random + server_random, 48)


def extended_master_secret(version: int, suite_hash: str, premaster: bytes, session_hash: bytes) -> bytes:
    """The master secret bound to the handshake so far (RFC 7627 section 4).

    ``session_hash`` covers everything up to and with ClientKeyExchange: the suite's hash in TLS 1.2, MD5 and
    SHA-1 before.
    """
    return prf(version, suite_hash, premaster, "extended master secret", session_hash, 48)


class KeyBlock(NamedTuple):
    """The key block cut into its parts (RFC 5246 section 6.3); a part without use is empty."""

    client_write_mac_key: bytes
    server_write_mac_key: bytes
    client_write_key: bytes
    server_write_key: bytes
    client_write_iv: bytes
    server_write_iv: bytes

    def of(self, sender: Sender) -> tuple[bytes, bytes, bytes]:
        """The MAC key, key and IV with which that side writes."""
        if sender == CLIENT:
            return self.client_write_mac_key, self.client_write_key, self.client_write_iv
        return self.server_write_mac_key, self.server_write_key, self.server_write_iv


def cut_key_block(block: bytes, sizes: Lengths) -> KeyBlock:
    """Cuts ``2 * (mac + key + iv)`` bytes into the six parts."""
    parts: list[bytes] = []
    start = 0
    for size in (sizes.mac, sizes.mac, sizes.key, sizes.key, sizes.iv, sizes.iv):
        parts.append(block[start : start + size])
        start += size
    return KeyBlock(*parts)


def key_block(suite: Suite, version: int, master: bytes, client_random: bytes, server_random: bytes) -> KeyBlock:
    """The write keys of both sides, from the master secret (the server's random comes first here)."""
    sizes = lengths(suite, version)
    # an export suite's IVs are made from the randoms alone
    size = 2 * (sizes.mac + sizes.key + (0 if suite.export else sizes.iv))
    if version == SSL3:
        block = ssl3.expand(master, server_random + client_random, size)
    else:
        block = prf(version, suite.prf_hash, master, "key expansion", server_random + client_random, size)
    cut = cut_key_block(block, sizes)
    return _export_keys(suite, version, cut, client_random, server_random) if suite.export else cut


def _export_keys(suite: Suite, version: int, cut: KeyBlock, client_random: bytes, server_random: bytes) -> KeyBlock:
    """Stretches an export suite's short keys (RFC 2246 section 6.3.1, RFC 6101 section 6.2.2.1)."""
    randoms, size, iv = client_random + server_random, export_key_length(suite), lengths(suite, version).iv
    if version == SSL3:
        swapped = server_random + client_random
        return cut._replace(
            client_write_key=digest("md5", cut.client_write_key + randoms)[:size],
            server_write_key=digest("md5", cut.server_write_key + swapped)[:size],
            client_write_iv=digest("md5", randoms)[:iv],
            server_write_iv=digest("md5", swapped)[:iv],
        )
    ivs = prf(version, suite.prf_hash, b"", "IV block", randoms, 2 * iv)
    return cut._replace(
        client_write_key=prf(version, suite.prf_hash, cut.client_write_key, "client write key", randoms, size),
        server_write_key=prf(version, suite.prf_hash, cut.server_write_key, "server write key", randoms, size),
        client_write_iv=ivs[:iv],
        server_write_iv=ivs[iv:],
    )
