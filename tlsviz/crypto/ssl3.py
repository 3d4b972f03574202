"""SSL 3.0's own constructions (RFC 6101): key derivation, record MAC, Finished and CertificateVerify."""

from __future__ import annotations

import hmac

from tlsviz.crypto.hashing import digest
from tlsviz.crypto.legacy import Mac
from tlsviz.wire.chunks import CLIENT, Sender

SSL3 = 0x0300

_PAD_SIZES = {"md5": 48, "sha1": 40}
_SENDERS = {"client": b"CLNT", "server": b"SRVR"}


def expand(secret: bytes, seed: bytes, length: int) -> bytes:
    """What stands in the PRF's place: MD5(secret + SHA(label + secret + seed)) with labels A, BB, CCC, …

    With the premaster secret and client before server random it gives the master secret (section 6.1), with the
    master secret and server before client random the key block (section 6.2.2). At most 26 digests.
    """
    rounds = (length + 15) // 16
    if rounds > 26:
        raise ValueError("SSL 3 derives at most 416 bytes")
    labels = (bytes([ord("A") + number]) * (number + 1) for number in range(rounds))
    return b"".join(digest("md5", secret + digest("sha1", label + secret + seed)) for label in labels)[:length]


class Ssl3Mac(Mac):
    """The record MAC (section 5.2.3.1): a forerunner of HMAC that does not cover the version."""

    def header(self, sequence: int, content_type: int, version: int, length: int) -> bytes:
        """What it covers beside the content: 11 bytes."""
        return sequence.to_bytes(8, "big") + bytes([content_type]) + length.to_bytes(2, "big")

    def right(self, header: bytes, content: bytes, given: bytes) -> bool:
        """Whether ``given`` is the MAC over header and content."""
        return hmac.compare_digest(_nested(self.hash_name, self.key, header + content), given)


def _nested(hash_name: str, key: bytes, data: bytes) -> bytes:
    pad = _PAD_SIZES[hash_name]
    return digest(hash_name, key + b"\x5c" * pad + digest(hash_name, key + b"\x36" * pad + data))


def verify_data(master: bytes, sender: Sender, messages: bytes) -> bytes:
    """Finished (section 5.6.9): 36 bytes, an MD5 and a SHA over all handshake messages before it."""
    return handshake_hashes(master, messages + _SENDERS["client" if sender == CLIENT else "server"])


def handshake_hashes(master: bytes, messages: bytes) -> bytes:
    """The MD5 and SHA hashes that CertificateVerify signs (section 5.6.8) and Finished holds: 36 bytes."""
    found = b""
    for hash_name, pad in _PAD_SIZES.items():
        inner = digest(hash_name, messages + master + b"\x36" * pad)
        found += digest(hash_name, master + b"\x5c" * pad + inner)
    return found
