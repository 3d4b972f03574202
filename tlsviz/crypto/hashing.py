"""Hashes by name, as the cipher suites name them."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from tlsviz.crypto.opening import Unopened

if TYPE_CHECKING:
    from hashlib import _Hash


def new_hash(hash_name: str) -> _Hash:
    """A running hash. Raises `Unopened` if this hash is not to be had here (GOST's, for example)."""
    try:
        return hashlib.new(hash_name, usedforsecurity=False)
    except ValueError:
        raise Unopened(f"the hash {hash_name} is not supported") from None


def supported(hash_name: str) -> bool:
    """Whether this hash is to be had here."""
    try:
        new_hash(hash_name)
    except Unopened:
        return False
    return True


def hash_length(hash_name: str) -> int:
    """Bytes of a digest. Raises `Unopened` like `new_hash`."""
    return new_hash(hash_name).digest_size


def digest(hash_name: str, data: bytes) -> bytes:
    """The hash of ``data``. Raises `Unopened` like `new_hash`."""
    running = new_hash(hash_name)
    running.update(data)
    return running.digest()


def mac(hash_name: str, key: bytes, data: bytes) -> bytes:
    """HMAC (RFC 2104). Raises `Unopened` like `new_hash`."""
    try:
        return hmac.digest(key, data, hash_name)
    except ValueError:
        raise Unopened(f"the hash {hash_name} is not supported") from None
