"""What the plaintext dialogues before TLS have in common: reading what came, saying something, giving up.

A dialogue is a generator and does no I/O: it yields what is to be said before more can be read, is sent the bytes
that came then, and returns what is to be said last, before the ClientHello.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeVar

from tlsviz.connection.declined import WORDS as WORDS
from tlsviz.connection.declined import quoted as quoted

LIMIT = 32 * 1024
"""How much a server may say before TLS, in bytes."""
LONGEST_LINE = 4096

T = TypeVar("T")


class Said(NamedTuple):
    """Bytes for the wire, and the same bytes as they may be shown and kept: secrets in them are struck out."""

    wire: bytes = b""
    shown: bytes = b""


Dialogue = Generator[Said, bytes, Said]
Reading = Generator[Said, bytes, T]


class RefusedError(Exception):
    """The server spoke the protocol and said no; the text is its words, safe to print."""


class GarbledError(Exception):
    """What the server said is not the protocol; the text says what was expected, or quotes it, safe to print."""


class Speech:
    """Our side of one dialogue.

    ``host``: the name (or address) of the server that is meant; ``port``: its port; ``came``: what it has said already.
    """

    def __init__(self, host: str, port: int, came: bytes = b"") -> None:
        self.host = host
        self.port = port
        self._came = bytearray(came)
        self._taken = 0
        self._wire = bytearray()
        self._shown = bytearray()

    def say(self, data: bytes, shown: bytes | None = None) -> None:
        """Something to be sent before anything more is read."""
        self._wire += data
        self._shown += data if shown is None else shown

    def said(self) -> Said:
        """What has not been sent yet; afterwards it has."""
        said = Said(bytes(self._wire), bytes(self._shown))
        self._wire.clear()
        self._shown.clear()
        return said

    def _more(self) -> Reading[None]:
        if self._taken >= LIMIT:
            raise GarbledError(f"it went on for more than {LIMIT >> 10} KiB")
        data = yield self.said()
        self._taken += len(data)
        self._came += data

    def take(self, size: int) -> Reading[bytes]:
        """So many bytes."""
        while len(self._came) < size:
            yield from self._more()
        taken = bytes(self._came[:size])
        del self._came[:size]
        return taken

    def until(self, find: Callable[[bytes], int], limit: int = LIMIT) -> Reading[bytes]:
        """The bytes up to where ``find`` says that they end (an offset; -1: not there yet)."""
        while (end := find(bytes(self._came))) < 0:
            if len(self._came) >= limit:
                raise GarbledError(quoted(bytes(self._came)))
            yield from self._more()
        return (yield from self.take(end))

    def rest(self) -> bytes:
        """What has come and is not read yet."""
        return bytes(self._came)

    def line(self) -> Reading[bytes]:
        """One line, without its end."""
        line = yield from self.until(lambda data: data.find(b"\n") + 1 or -1, LONGEST_LINE)
        return line.rstrip(b"\r\n")
