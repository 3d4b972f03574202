"""Compressed records (RFC 3749): one DEFLATE stream runs through all records of a direction."""

from __future__ import annotations

import zlib

from tlsviz.crypto.opening import Opened, Opener, Unopened

NULL, DEFLATE = 0, 1
MOST = 1 << 14
"""Bytes that a record may inflate to (RFC 5246 section 6.2.2)."""


class Inflating:
    """Opens records with another opener, then inflates their plaintext. See `Opener`."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._stream = zlib.decompressobj()
        self._lost = False

    @property
    def sequence(self) -> int:
        """The number of the next record."""
        return self._opener.sequence

    @sequence.setter
    def sequence(self, number: int) -> None:
        self._opener.sequence = number

    def open(self, content_type: int, version: int, fragment: bytes) -> Opened:
        """Opens and inflates the next record; raises `Unopened`."""
        return self._inflated(self._opener.open(content_type, version, fragment))

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a lost record; what follows refers back to it and cannot be inflated."""
        self._opener.skip(tail, length)
        self._lost = True

    def lose(self) -> None:
        """See `Opener`; nothing behind it can be inflated."""
        self._opener.lose()
        self._lost = True

    def _inflated(self, opened: Opened) -> Opened:
        if self._lost:
            raise Unopened("it is compressed and refers back to records that are lost")
        try:
            plaintext = self._stream.decompress(opened.plaintext, MOST + 1)
        except zlib.error:
            self._lost = True
            raise Unopened("the MAC is right, but the compressed content is damaged", failed=True) from None
        if len(plaintext) > MOST:
            self._lost = True
            raise Unopened(f"it inflates to more than {MOST:,} bytes", failed=True)
        return opened._replace(plaintext=plaintext, offset=None)
