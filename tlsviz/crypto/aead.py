"""Records under an AEAD: all of TLS 1.3, and TLS 1.2's GCM, CCM and ChaCha20-Poly1305."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography.exceptions import InvalidTag

from tlsviz.crypto.ciphers import Aead
from tlsviz.crypto.opening import Counting, Opened, Unopened, mac_header
from tlsviz.crypto.schedule import xor

EXPLICIT = 8
"""Bytes of the nonce that TLS 1.2's GCM and CCM send with each record."""


ALL_ZERO = "the tag is right, but the plaintext is all zeros: it has no content type"
WRONG_TAG = "the tag is wrong: the key, the sequence number or the bytes differ"


class Aead13(Counting):
    """TLS 1.3 records (RFC 9846 section 5.2): the nonce is the IV xor the sequence number."""

    def __init__(self, aead: Aead, iv: bytes, tag_length: int, *, header_covered: bool = True) -> None:
        super().__init__()
        self._header_covered = header_covered
        self._aead = aead
        self._iv = iv
        self._tag_length = tag_length

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        nonce = xor(self._iv, sequence.to_bytes(len(self._iv), "big"))
        header = self._additional_data(content_type, version, len(fragment))
        inner = _decrypt(self._aead, nonce, fragment, header, self._tag_length)
        content = inner.rstrip(b"\x00")
        if not content:
            raise Unopened(ALL_ZERO, failed=True)
        return Opened(
            content_type=content[-1],
            plaintext=content[:-1],
            nonce=nonce,
            additional_data=header,
            tag=fragment[-self._tag_length :],
            padding=len(inner) - len(content),
            offset=0,
        )

    def _additional_data(self, content_type: int, version: int, length: int) -> bytes:
        """The record's header."""
        if not self._header_covered:
            return b""
        return bytes([content_type]) + version.to_bytes(2, "big") + length.to_bytes(2, "big")


class Aead12(Counting):
    """TLS 1.2 records.

    A 4-byte IV is completed by 8 bytes in the record (RFC 5288, RFC 6655), a 12-byte IV is xored with the
    sequence number (RFC 7905).
    """

    def __init__(self, aead: Aead, iv: bytes, tag_length: int) -> None:
        super().__init__()
        self._aead = aead
        self._iv = iv
        self._tag_length = tag_length
        self._explicit = EXPLICIT if len(iv) == 4 else 0

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        return self.unseal(sequence, content_type, fragment, partial(mac_header, sequence, content_type, version))

    def unseal(
        self, sequence: int, content_type: int, fragment: bytes, additional_data: Callable[[int], bytes]
    ) -> Opened:
        """Opens a record of that number; ``additional_data`` of the plaintext's length. Raises `Unopened`."""
        if self._explicit:
            nonce = self._iv + fragment[: self._explicit]
        else:
            nonce = xor(self._iv, sequence.to_bytes(len(self._iv), "big"))
        length = len(fragment) - self._explicit - self._tag_length
        if length < 0:
            raise Unopened("the record is too short for its nonce and tag", failed=True)
        header = additional_data(length)
        plaintext = _decrypt(self._aead, nonce, fragment[self._explicit :], header, self._tag_length)
        return Opened(
            content_type=content_type,
            plaintext=plaintext,
            nonce=nonce,
            additional_data=header,
            tag=fragment[len(fragment) - self._tag_length :],
            offset=self._explicit,
        )


def _decrypt(aead: Aead, nonce: bytes, sealed: bytes, additional_data: bytes, tag_length: int) -> bytes:
    if len(sealed) < tag_length:
        raise Unopened("the record is too short for a tag", failed=True)
    try:
        return aead.decrypt(nonce, sealed, additional_data)
    except InvalidTag:
        raise Unopened(WRONG_TAG, failed=True) from None
