"""Records with a MAC: under a block cipher in CBC mode, under RC4, or in the clear. SSL 3.0 to TLS 1.2."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes

from tlsviz.crypto.opening import Counting, Opened, Unopened, mac_header

WRONG_MAC = "the MAC is wrong: the key, the sequence number or the bytes differ"
TOO_SHORT = "the record is too short for its MAC"


class Mac:
    """The record MAC: an HMAC, cut to ``length`` bytes (10 under truncated_hmac, RFC 6066 section 7)."""

    def __init__(self, hash_name: str, key: bytes, length: int) -> None:
        self.hash_name = hash_name
        self.key = key
        self.length = length

    def header(self, sequence: int, content_type: int, version: int, length: int) -> bytes:
        """What it covers beside the content."""
        return mac_header(sequence, content_type, version, length)

    def right(self, header: bytes, content: bytes, given: bytes) -> bool:
        """Whether ``given`` is the MAC over header and content."""
        if not self.length:
            return not given
        expected = hmac.digest(self.key, header + content, self.hash_name)
        return hmac.compare_digest(expected[: self.length], given)


class Cbc(Counting):
    """GenericBlockCipher (RFC 5246 section 6.2.3.2), MAC first or, with encrypt_then_mac, encryption first.

    ``iv`` is the first IV of TLS 1.0 and SSL 3, where each record goes on from the last block of the one before;
    empty from TLS 1.1 on, where each record brings its own. ``any_padding``: SSL 3 leaves its content open.
    """

    def __init__(
        self,
        algorithm: BlockCipherAlgorithm,
        mac: Mac,
        *,
        iv: bytes,
        encrypt_then_mac: bool = False,
        any_padding: bool = False,
    ) -> None:
        super().__init__()
        self._algorithm = algorithm
        self._block = algorithm.block_size // 8
        self._mac = mac
        self._encrypt_then_mac = encrypt_then_mac
        self._any_padding = any_padding
        self._implicit = bool(iv)
        self._iv: bytes | None = None
        self._next_iv: bytes | None = iv
        self._latest: bytes | None = None

    def open(self, content_type: int, version: int, fragment: bytes) -> Opened:
        """Opens the next record; the one after it goes on from its last block even if it is not right."""
        self._go_on(fragment)
        return super().open(content_type, version, fragment)

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a lost record; TLS 1.0 needs its last block to open the next one."""
        super().skip(tail, length)
        self._next_iv = self._last_block(tail)

    def lose(self) -> None:
        """See `Opener`; in TLS 1.0 only the second record behind it can be opened."""
        self._next_iv, self._latest = None, None

    def _go_on(self, fragment: bytes) -> None:
        """Moves the chain of implicit IVs on to this record; once, however often it is tried."""
        if self._implicit and fragment != self._latest:
            self._latest = fragment
            self._iv, self._next_iv = self._next_iv, self._last_block(fragment)

    def _last_block(self, fragment: bytes) -> bytes | None:
        if self._encrypt_then_mac:
            fragment = fragment[: max(len(fragment) - self._mac.length, 0)]
        return fragment[-self._block :] if len(fragment) >= self._block else None

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        if self._encrypt_then_mac:
            body, given = self._cut_mac(fragment)
            header = self._checked(sequence, content_type, version, body, given)
            iv, padded = self._decrypt(body)
            content, padding = self._unpad(padded, 0)
        else:
            iv, padded = self._decrypt(fragment)
            rest, padding = self._unpad(padded, self._mac.length)
            content, given = self._cut_mac(rest)
            header = self._checked(sequence, content_type, version, content, given)
        return Opened(content_type, content, iv, header, given, padding, None)

    def _checked(self, sequence: int, content_type: int, version: int, data: bytes, given: bytes) -> bytes:
        """The MAC's header, if the MAC is right."""
        header = self._mac.header(sequence, content_type, version, len(data))
        if not self._mac.right(header, data, given):
            raise Unopened(WRONG_MAC, failed=True)
        return header

    def _cut_mac(self, data: bytes) -> tuple[bytes, bytes]:
        at = len(data) - self._mac.length
        if at < 0:
            raise Unopened(TOO_SHORT, failed=True)
        return data[:at], data[at:]

    def _decrypt(self, body: bytes) -> tuple[bytes, bytes]:
        """The IV, and the content with its padding."""
        iv = self._iv
        if not self._implicit:
            iv, body = body[: self._block], body[self._block :]
        if iv is None:
            raise Unopened("its IV is the last block of the record before, which is lost")
        if not body or len(body) % self._block:
            raise Unopened("the ciphertext is not a whole number of blocks", failed=True)
        decryptor = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        return iv, decryptor.update(body) + decryptor.finalize()

    def _unpad(self, padded: bytes, kept: int) -> tuple[bytes, int]:
        """Takes off the padding, whose bytes all repeat its length; ``kept`` bytes must remain."""
        length = padded[-1]
        if length + 1 + kept > len(padded):
            raise Unopened("the padding is longer than the record: the key or the bytes differ", failed=True)
        if not self._any_padding and padded[-length - 1 :] != bytes([length]) * (length + 1):
            raise Unopened("the padding is wrong: the key or the bytes differ", failed=True)
        return padded[: -length - 1], length


class Stream(Counting):
    """GenericStreamCipher (RFC 5246 section 6.2.3.1): RC4, or no cipher at all, and a MAC."""

    def __init__(self, mac: Mac, key: bytes = b"") -> None:
        super().__init__()
        self._mac = mac
        self._decrypt: Callable[[bytes], bytes] = Cipher(ARC4(key), None).decryptor().update if key else bytes
        self._runs_on = bool(key)
        self._lost = False
        self._latest: bytes | None = None
        self._plain = b""

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a lost record; RC4's key stream goes on only if the record's length is known."""
        super().skip(tail, length)
        if not self._runs_on or self._lost:
            return
        if length is None:
            self._lost = True
        else:
            self._decrypt(bytes(length))

    def lose(self) -> None:
        """See `Opener`; nothing behind it can be opened with RC4."""
        self._lost = self._runs_on

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        if self._lost:
            raise Unopened("RC4's key stream runs on from record to record, and some of it was lost")
        if fragment != self._latest:  # the key stream moves on once, however often a record is tried
            self._latest, self._plain = fragment, self._decrypt(fragment)
        length = len(self._plain) - self._mac.length
        if length < 0:
            raise Unopened(TOO_SHORT, failed=True)
        content, given = self._plain[:length], self._plain[length:]
        header = self._mac.header(sequence, content_type, version, length)
        if not self._mac.right(header, content, given):
            raise Unopened(WRONG_MAC, failed=True)
        return Opened(content_type, content, None, header, given, 0, 0)
