"""Encrypted ClientHello (RFC 9849), opened with what the key log holds, and the sign that the server took it.

The key log gives HPKE's shared secret (ECH_SECRET) and the ECHConfig (ECH_CONFIG), so that no private key is needed:
the key schedule of HPKE (RFC 9180 section 5.1) goes on from there.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from tlsviz.crypto.hashing import hash_length
from tlsviz.crypto.schedule import hkdf_expand, hkdf_expand_label, hkdf_extract, xor
from tlsviz.crypto.transcript import Transcript

OUTER_EXTENSIONS = 0xFD00
SIGNAL = slice(4 + 2 + 24, 4 + 2 + 32)
"""Where the acceptance signal stands in a ServerHello message: the last 8 bytes of its random."""

_HASHES = {1: "sha256", 2: "sha384", 3: "sha512"}
_AEADS: dict[int, tuple[type[AESGCM | ChaCha20Poly1305], int]] = {
    1: (AESGCM, 16),
    2: (AESGCM, 32),
    3: (ChaCha20Poly1305, 32),
}


class Outer(NamedTuple):
    """What the outer hello's extension says: KDF and AEAD, and where in the message the payload stands."""

    kdf: int
    aead: int
    payload: slice


def inner_hello(message: bytes, outer: Outer, secret: bytes, config: bytes, number: int) -> bytes | None:
    """The inner ClientHello of a whole outer one; None if these secrets do not open it, or it is damaged.

    ``number``: 0 for the first hello of a connection, 1 for the one that answers a HelloRetryRequest.
    """
    hash_name, aead = _HASHES.get(outer.kdf), _AEADS.get(outer.aead)
    if hash_name is None or aead is None or len(config) < 7:
        return None
    kind, size = aead
    suite_id = b"HPKE" + config[5:7] + outer.kdf.to_bytes(2, "big") + outer.aead.to_bytes(2, "big")
    key, nonce = _hpke(hash_name, suite_id, secret, b"tls ech\0" + config, size)
    length = outer.payload.stop - outer.payload.start
    covered = message[4 : outer.payload.start] + bytes(length) + message[outer.payload.stop :]
    try:
        encoded = kind(key).decrypt(xor(nonce, number.to_bytes(12, "big")), message[outer.payload], covered)
    except (InvalidTag, ValueError):
        return None
    return _decoded(encoded, message)


def _hpke(hash_name: str, suite_id: bytes, shared: bytes, info: bytes, key_size: int) -> tuple[bytes, bytes]:
    """Key and base nonce of HPKE's base mode, from the shared secret of its KEM."""

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        # an empty salt is zeros here as everywhere; the input is never empty, the label being in it
        return hkdf_extract(hash_name, salt, b"HPKE-v1" + suite_id + label + ikm)

    def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
        return hkdf_expand(hash_name, prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + context, size)

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return expand(secret, b"key", context, key_size), expand(secret, b"base_nonce", context, 12)


def _decoded(encoded: bytes, outer: bytes) -> bytes | None:
    """EncodedClientHelloInner, with the outer session ID and the extensions that it takes from the outer hello."""
    mine, theirs = _split(encoded), _split(outer[4:])
    if mine is None or theirs is None:
        return None
    block = b""
    shared = dict(reversed(theirs.extensions))
    for code, body in mine.extensions:
        if code != OUTER_EXTENSIONS:
            block += _extension(code, body)
            continue
        for start in range(1, len(body) - 1, 2):
            wanted = int.from_bytes(body[start : start + 2], "big")
            if wanted not in shared:
                return None
            block += _extension(wanted, shared.pop(wanted))
    session = bytes([len(theirs.session_id)]) + theirs.session_id
    body = encoded[:34] + session + mine.middle + len(block).to_bytes(2, "big") + block
    return b"\x01" + len(body).to_bytes(3, "big") + body


class _Hello(NamedTuple):
    """A ClientHello's parts: ``middle`` is cipher suites and compression methods with their lengths."""

    session_id: bytes
    middle: bytes
    extensions: list[tuple[int, bytes]]


def _split(body: bytes) -> _Hello | None:
    if len(body) < 35:
        return None
    at = 35 + body[34]
    suites = at + 2 + int.from_bytes(body[at : at + 2], "big")
    methods = suites + 1 + int.from_bytes(body[suites : suites + 1], "big")
    end = methods + 2 + int.from_bytes(body[methods : methods + 2], "big")
    if end > len(body):
        return None
    found = []
    position = methods + 2
    while position + 4 <= end:
        after = position + 4 + int.from_bytes(body[position + 2 : position + 4], "big")
        if after > end:
            return None
        found.append((int.from_bytes(body[position : position + 2], "big"), body[position + 4 : after]))
        position = after
    return _Hello(body[35:at], body[at:methods], found)


def _extension(code: int, body: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def acceptance(hash_name: str, hellos: Transcript, inner_random: bytes, server_hello: bytes) -> bytes:
    """The 8 bytes that end the server's random if it took the inner hello (RFC 9849 section 7.2).

    ``hellos``: everything before the ServerHello, with the inner hellos in the place of the outer ones.
    """
    said = hellos.copy()
    said.add(server_hello[: SIGNAL.start] + bytes(8) + server_hello[SIGNAL.stop :])
    secret = hkdf_extract(hash_name, bytes(hash_length(hash_name)), inner_random)
    return hkdf_expand_label(hash_name, secret, "ech accept confirmation", said.hash(hash_name), 8)
