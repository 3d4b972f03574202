"""DTLS 1.3's records (RFC 9147 4.2): TLS 1.3's, with the sequence number encrypted too."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tlsviz.crypto.aead import Aead13
from tlsviz.crypto.ciphers import aead, family, lengths, tag_length
from tlsviz.crypto.opening import Unopened
from tlsviz.crypto.schedule import DTLS13, hkdf_expand_label, traffic_keys
from tlsviz.tls.suites import Suite

SAMPLE = 16
"""Bytes of the ciphertext that the mask of the sequence number is made from."""


class DtlsAead13(Aead13):
    """One epoch's records of one side. Each is opened with the ``header`` set first: as sent, its number decrypted."""

    def __init__(self, suite: Suite, traffic_secret: bytes) -> None:
        key, iv = traffic_keys(suite, traffic_secret, DTLS13)
        try:
            cipher = aead(suite, key)
        except (ValueError, UnsupportedAlgorithm):
            cipher = None
        if cipher is None:
            raise Unopened(f"the cipher {suite.cipher} of {suite.name} is not supported")
        super().__init__(cipher, iv, tag_length(suite))
        self.header = b""
        size = lengths(suite, DTLS13).key
        self._family = family(suite)
        self._number_key = hkdf_expand_label(suite.prf_hash, traffic_secret, "sn", b"", size, DTLS13)

    def mask(self, fragment: bytes) -> bytes:
        """What the sequence number on the wire is xored with (RFC 9147 4.2.3), from the fragment's first 16 bytes."""
        sample = fragment[:SAMPLE]
        if len(sample) < SAMPLE:
            raise Unopened("the record is too short to decrypt its sequence number", failed=True)
        if self._family == "AES":
            encryptor = Cipher(algorithms.AES(self._number_key), modes.ECB()).encryptor()  # noqa: S305 - of one block
            return encryptor.update(sample)
        if self._family == "CHACHA20":
            return Cipher(algorithms.ChaCha20(self._number_key, sample), None).encryptor().update(bytes(SAMPLE))
        raise Unopened(f"the encryption of sequence numbers with {self._family} is not supported")

    def _additional_data(self, content_type: int, version: int, length: int) -> bytes:
        return self.header
