"""Records under a block cipher in CBC mode with an HMAC, and MAC-only ones and RC4: TLS 1.0 to 1.2."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes

from tlsviz.crypto.opening import Counting, Opened, Unopened, mac_header


class Mac:
    """The record MAC: an HMAC, cut to 10 bytes under truncated_hmac (RFC 6066 section 7)."""

    def __init__(self, hash_name: str, key: bytes, length: int) -> None:
        self.length = length
        self._hash_name = hash_name
        self._key = key

    def right(self, header: bytes, content: bytes, given: bytes) -> bool:
        """Whether ``given`` is the MAC over header and content."""
        if not self.length:
            return not given
        expected = hmac.digest(self._key, header + content, self._hash_name)
        return hmac.compare_digest(expected[: self.length], given)


WRONG_MAC = "the MAC is wrong: the key, the sequence number or the bytes differ"
TOO_SHORT = "the record is too short for its MAC"


class Cbc(Counting):
    """GenericBlockCipher (RFC 5246 section 6.2.3.2), MAC first or, with encrypt_then_mac, encryption first.

    ``iv`` is the first IV of TLS 1.0, where each record goes on from the last block of the one before; empty
    from TLS 1.1 on, where each record brings its own.
    """

    def __init__(self, algorithm: BlockCipherAlgorithm, mac: Mac, *, iv: bytes, encrypt_then_mac: bool = False) -> None:
        super().__init__()
        self._algorithm = algorithm
        self._block = algorithm.block_size // 8
        self._mac = mac
        self._implicit = bool(iv)
        self._iv: bytes | None = iv or None
        self._encrypt_then_mac = encrypt_then_mac

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a lost record; TLS 1.0 needs its last block to open the next one."""
        super().skip(tail, length)
        self._go_on_from(tail)

    def _go_on_from(self, tail: bytes) -> None:
        if not self._implicit:
            return
        if self._encrypt_then_mac:
            tail = tail[: max(len(tail) - self._mac.length, 0)]
        self._iv = tail[-self._block :] if len(tail) >= self._block else None

    def open(self, content_type: int, version: int, fragment: bytes) -> Opened:
        """Opens the next record; the one after it goes on from its last block even if it is not right."""
        try:
            return super().open(content_type, version, fragment)
        finally:
            self._go_on_from(fragment)

    def resume(self, content_type: int, version: int, fragment: bytes, limit: int = 64) -> Opened:
        """Opens the first record behind a loss; in TLS 1.0 only the second one can be opened."""
        if self._implicit:
            self._iv = None
        try:
            return super().resume(content_type, version, fragment, limit)
        finally:
            self._go_on_from(fragment)

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        body, given = fragment, b""
        if self._encrypt_then_mac:
            if len(fragment) < self._mac.length:
                raise Unopened(TOO_SHORT, failed=True)
            body, given = self._split(fragment, len(fragment) - self._mac.length)
            header = mac_header(sequence, content_type, version, len(body))
            if not self._mac.right(header, body, given):
                raise Unopened(WRONG_MAC, failed=True)
        iv, ciphertext = self._iv_of(body)
        if not ciphertext or len(ciphertext) % self._block:
            raise Unopened("the ciphertext is not a whole number of blocks", failed=True)
        decryptor = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        if self._encrypt_then_mac:
            content, padding = self._unpad(padded, 0)
        else:
            rest, padding = self._unpad(padded, self._mac.length)
            content, given = self._split(rest, len(rest) - self._mac.length)
            header = mac_header(sequence, content_type, version, len(content))
            if not self._mac.right(header, content, given):
                raise Unopened(WRONG_MAC, failed=True)
        return Opened(content_type, content, iv, header, given, padding, None)

    def _iv_of(self, body: bytes) -> tuple[bytes, bytes]:
        """The IV and the ciphertext behind it."""
        if not self._implicit:
            if len(body) < self._block:
                raise Unopened("the record is too short for its IV", failed=True)
            return self._split(body, self._block)
        if self._iv is None:
            raise Unopened("its IV is the last block of the record before, which is lost")
        return self._iv, body

    def _unpad(self, padded: bytes, kept: int) -> tuple[bytes, int]:
        """Takes off the padding, whose bytes all repeat its length; ``kept`` bytes must remain."""
        length = padded[-1]
        if length + 1 + kept > len(padded):
            raise Unopened("the padding is longer than the record: the key or the bytes differ", failed=True)
        if padded[-length - 1 :] != bytes([length]) * (length + 1):
            raise Unopened("the padding is wrong: the key or the bytes differ", failed=True)
        return padded[: -length - 1], length

    @staticmethod
    def _split(data: bytes, at: int) -> tuple[bytes, bytes]:
        return data[:at], data[at:]


class Stream(Counting):
    """GenericStreamCipher (RFC 5246 section 6.2.3.1): RC4, or no cipher at all, and a MAC."""

    def __init__(self, mac: Mac, key: bytes = b"") -> None:
        super().__init__()
        self._mac = mac
        self._decrypt: Callable[[bytes], bytes] = Cipher(ARC4(key), None).decryptor().update if key else bytes
        self._runs_on = bool(key)
        self._lost = False

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a lost record; RC4's key stream goes on only if the record's length is known."""
        super().skip(tail, length)
        if not self._runs_on or self._lost:
            return
        if length is None:
            self._lost = True
        else:
            self._decrypt(bytes(length))

    def resume(self, content_type: int, version: int, fragment: bytes, limit: int = 64) -> Opened:
        """Opens the first record behind a loss; impossible with RC4."""
        self._lost = self._runs_on
        return super().resume(content_type, version, fragment, limit)

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        if self._lost:
            raise Unopened("RC4's key stream runs on from record to record, and some of it was lost")
        plain = self._decrypt(fragment)
        length = len(plain) - self._mac.length
        if length < 0:
            raise Unopened(TOO_SHORT, failed=True)
        content, given = plain[:length], plain[length:]
        header = mac_header(sequence, content_type, version, length)
        if not self._mac.right(header, content, given):
            raise Unopened(WRONG_MAC, failed=True)
        return Opened(content_type, content, None, header, given, 0, 0)
