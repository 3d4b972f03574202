"""Finished: the MAC over the handshake that each side sends, recomputed."""

from __future__ import annotations

from tlsviz.crypto import ssl3
from tlsviz.crypto.hashing import mac
from tlsviz.crypto.schedule import SSL3, TLS12, TLS13, finished_key, prf
from tlsviz.crypto.transcript import Transcript
from tlsviz.wire.chunks import CLIENT, Sender

VERIFY_DATA_LENGTH = 12
"""Bytes of verify_data in TLS 1.0 to 1.2; in TLS 1.3 it is as long as the hash, in SSL 3 36."""


def verify_data_13(hash_name: str, traffic_secret: bytes, transcript_hash: bytes, version: int = TLS13) -> bytes:
    """verify_data of TLS 1.3 (RFC 9846 section 4.4.4), from the sender's handshake traffic secret.

    The transcript ends before the Finished itself. With a binder key as the secret this is a PSK binder.
    """
    return mac(hash_name, finished_key(hash_name, traffic_secret, version), transcript_hash)


def verify_data_12(version: int, hash_name: str, master: bytes, sender: Sender, handshake_hash: bytes) -> bytes:
    """verify_data of SSL 3.0 to TLS 1.2 (RFC 5246 section 7.4.9): 12 bytes, in SSL 3 36 (RFC 6101 section 5.6.9).

    ``handshake_hash`` is what `handshake_hash_12` gives for the same version.
    """
    if version == SSL3:
        return ssl3.verify_data(master, sender, handshake_hash)
    label = "client finished" if sender == CLIENT else "server finished"
    return prf(version, hash_name, master, label, handshake_hash, VERIFY_DATA_LENGTH)


def handshake_hash_12(version: int, hash_name: str, transcript: Transcript) -> bytes:
    """The handshake so far, as Finished takes it: hashed with the suite's hash in TLS 1.2, with MD5 and SHA-1 before.

    SSL 3 hashes it together with the master secret, so that it is given as it is.
    """
    if version == SSL3:
        return transcript.data()
    if version >= TLS12:
        return transcript.hash(hash_name)
    return transcript.hash("md5") + transcript.hash("sha1")


def session_hash(version: int, hash_name: str, messages: bytes) -> bytes:
    """The hash over everything up to and with ClientKeyExchange, for the extended master secret (RFC 7627 3)."""
    transcript = Transcript()
    transcript.add(messages)
    return handshake_hash_12(version, hash_name, transcript)
