"""A server that changes its keys in the middle of an answer (RFC 9846 section 4.6.3).

OpenSSL shakes hands; what follows is sealed here, because the library's own call for a KeyUpdate is out of reach.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from OpenSSL import SSL

from tlsviz.crypto.schedule import next_traffic_secret, traffic_keys
from tlsviz.lab.listener import Waiter
from tlsviz.tls.suites import Suite, suite

LABEL = b"SERVER_TRAFFIC_SECRET_0"
TICKETS = 2
"""How many records OpenSSL sends with the first key behind a full handshake: one for each ticket."""
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
KEY_UPDATE = bytes.fromhex("1800000100")
"""update_not_requested: the client may keep its own key."""
CLOSE_NOTIFY = b"\x01\x00"
SUITES = {"TLS_AES_128_GCM_SHA256": 0x1301, "TLS_AES_256_GCM_SHA384": 0x1302}


def keep_secret(context: SSL.Context) -> None:
    """Has each connection of a context remember the secret that `answer` needs."""

    def keep(connection: SSL.Connection, line: bytes) -> None:
        label, _, secret = line.split()
        if label == LABEL:
            connection.set_app_data(bytes.fromhex(secret.decode()))

    context.set_keylog_callback(keep)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)


def answer(ssl: SSL.Connection, waiter: Waiter, data: bytes) -> None:
    """Sends half of the data, a KeyUpdate, and with the new key the other half and close_notify."""
    chosen = suite(SUITES[ssl.get_cipher_name() or ""])
    assert chosen is not None
    secret: bytes = ssl.get_app_data()
    sealer = _Sealer(chosen, secret, TICKETS)
    half = len(data) // 2
    out = sealer.seal(APPLICATION_DATA, data[:half]) + sealer.seal(HANDSHAKE, KEY_UPDATE)
    sealer = _Sealer(chosen, next_traffic_secret(chosen.prf_hash, secret))
    out += sealer.seal(APPLICATION_DATA, data[half:]) + sealer.seal(ALERT, CLOSE_NOTIFY)
    waiter.write(out)
    while waiter.read():  # the client's own KeyUpdate and close_notify, which nobody here reads
        pass


class _Sealer:
    """Writes records with one traffic secret (RFC 9846 section 5.2)."""

    def __init__(self, chosen: Suite, secret: bytes, sequence: int = 0) -> None:
        key, self._iv = traffic_keys(chosen, secret)
        self._aead = AESGCM(key)
        self._sequence = sequence

    def seal(self, content_type: int, data: bytes) -> bytes:
        inner = data + bytes([content_type])
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        number = self._sequence.to_bytes(len(self._iv), "big")
        nonce = bytes(a ^ b for a, b in zip(self._iv, number, strict=True))
        self._sequence += 1
        return header + self._aead.encrypt(nonce, inner, header)
