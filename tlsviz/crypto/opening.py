"""What opening a protected record gives, and what can go wrong."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Opened(NamedTuple):
    """A record's plaintext and how it was protected.

    ``content_type`` is that of the plaintext (TLS 1.3 hides it inside). ``tag`` is the AEAD's tag or the MAC,
    ``additional_data`` what it covers beside the content, ``nonce`` the AEAD's nonce or the block cipher's
    IV; each None where there is none. ``padding`` counts the padding bytes, without TLS 1.3's content type,
    without a block cipher's padding_length byte. ``offset``: where in the fragment the ciphertext of
    plaintext byte 0 stands if the cipher works byte for byte, else None.
    """

    content_type: int
    plaintext: bytes
    nonce: bytes | None = None
    additional_data: bytes | None = None
    tag: bytes | None = None
    padding: int = 0
    offset: int | None = None


class Unopened(Exception):  # noqa: N818 - an outcome, told to the user as it is
    """A record that was not opened. ``failed``: the tag or MAC is wrong; else it cannot be done."""

    def __init__(self, why: str, *, failed: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.failed = failed


class Opener(Protocol):
    """Opens the protected records of one direction, in order, under one set of keys.

    ``sequence`` is the number of the next record. It moves on with every record given to `open`, opened or
    not, and with every `skip`. A record may be tried again at once with another sequence number set.
    """

    sequence: int

    def open(self, content_type: int, version: int, fragment: bytes) -> Opened:
        """Opens the next record; ``content_type`` and ``version`` as in its header. Raises `Unopened`."""
        ...

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a record that was lost.

        ``tail``: what is known of the end of its fragment; ``length``: its fragment's length if its header
        was seen. Ciphers that run on from record to record need one of them.
        """
        ...

    def lose(self) -> None:
        """Something of unknown size is missing here; the sequence number stays, see `resume`.

        Ciphers that run on from record to record say from here on what they cannot open.
        """
        ...


def resume(opener: Opener, content_type: int, version: int, fragment: bytes, limit: int = 64) -> Opened:
    """Opens the first record behind a loss of unknown size, trying up to ``limit`` sequence numbers.

    Raises `Unopened` if none fits; the record counts as one then.
    """
    opener.lose()
    first = opener.sequence
    for guess in range(first, first + limit):
        opener.sequence = guess
        try:
            return opener.open(content_type, version, fragment)
        except Unopened as reason:
            if not reason.failed:
                raise
    opener.sequence = first + 1
    raise Unopened(f"no sequence number from {first} to {first + limit - 1} fits", failed=True)


def mac_header(sequence: int, content_type: int, version: int, length: int) -> bytes:
    """What a MAC (RFC 5246 section 6.2.3.1) or TLS 1.2's AEAD covers beside the content: 13 bytes."""
    head = sequence.to_bytes(8, "big") + bytes([content_type]) + version.to_bytes(2, "big")
    return head + length.to_bytes(2, "big")


class Counting:
    """The part of an `Opener` that all share: the sequence number."""

    def __init__(self) -> None:
        self.sequence = 0

    def open(self, content_type: int, version: int, fragment: bytes) -> Opened:
        """See `Opener`."""
        sequence = self.sequence
        self.sequence += 1
        return self._open(sequence, content_type, version, fragment)

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """See `Opener`."""
        self.sequence += 1

    def lose(self) -> None:
        """See `Opener`."""

    def _open(self, sequence: int, content_type: int, version: int, fragment: bytes) -> Opened:
        raise NotImplementedError
