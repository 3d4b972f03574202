"""A queue of captured bytes on disk: who captures never waits for who decodes, and it never grows beyond a bound.

The bytes are pcapng as dumpcap writes it. They are kept in files without names, which are gone with the process however
it ends. Where the reader falls too far behind, the oldest blocks that it has not begun are let go, whole ones only.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from typing import IO

PIECE = 16 << 20
"""Bytes of one file, at least; what is let go is let go by files."""
_HEAD = struct.Struct("=II")
"""A block's type and length (draft-ietf-opsawg-pcapng 3.1), in the byte order of this machine."""
_SMALLEST_BLOCK = 12


@dataclass(slots=True, eq=False)
class _Piece:
    """One file: how much was written and read, and where its first byte is among all that were read."""

    file: IO[bytes]
    written: int = 0
    read: int = 0
    start: int = 0


class Ring:
    """One thread writes, one reads. ``taken`` and ``lost`` count bytes. A full disk raises OSError."""

    def __init__(self, limit: int, piece: int = PIECE) -> None:
        self.taken = self.lost = 0
        self._limit = limit
        self._piece = piece
        self._pieces = deque([_new()])
        self._last: _Piece | None = None
        self._left = 0
        self._head = b""
        self._over = False
        self._news = threading.Condition()

    def write(self, data: bytes) -> None:
        """Appends; blocks may be split among calls in any way."""
        start = at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            if not self._head and self._pieces[-1].written + at - start >= self._piece:
                self._append(data[start:at])
                start = at
                self._rotate()
            need = _HEAD.size - len(self._head)
            self._head += data[at : at + need]
            at = min(at + need, len(data))
            if len(self._head) == _HEAD.size:
                _, length = _HEAD.unpack(self._head)
                self._left = max(length + 3 & ~3, _SMALLEST_BLOCK) - _HEAD.size
                self._head = b""
        self._append(data[start:])

    def _append(self, data: bytes) -> None:
        piece = self._pieces[-1]
        view = memoryview(data)
        while view:
            view = view[os.pwrite(piece.file.fileno(), view, piece.written + len(data) - len(view)) :]
        with self._news:
            piece.written += len(data)
            self.taken += len(data)
            self._news.notify()

    def _rotate(self) -> None:
        with self._news:
            self._pieces.append(_new())
            # The first may be half read: its blocks have to be read to their end.
            while len(self._pieces) > 2 and sum(piece.written for piece in self._pieces) > self._limit:
                gone = self._pieces[1]
                del self._pieces[1]
                self.lost += gone.written
                gone.file.close()

    def end(self) -> None:
        """Nothing more will be written."""
        with self._news:
            self._over = True
            self._news.notify()

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; waits for some; b"" at the end."""
        with self._news:
            while True:
                piece = self._pieces[0]
                if piece.read < piece.written:
                    break
                if len(self._pieces) > 1:
                    self._next()
                elif self._over:
                    return b""
                else:
                    self._news.wait()
        data = os.pread(piece.file.fileno(), min(size, piece.written - piece.read), piece.read)
        piece.read += len(data)
        return data

    def _next(self) -> None:
        """The first file was read to its end; it is kept for a while longer."""
        if self._last is not None:
            self._last.file.close()
        self._last = self._pieces.popleft()
        self._pieces[0].start = self._last.start + self._last.read

    def again(self, at: int, size: int) -> bytes:
        """At most ``size`` bytes of those that were read, from place ``at`` on; b"" where they are gone."""
        with self._news:
            for piece in (self._last, *self._pieces):
                if piece is not None and piece.start <= at < piece.start + piece.read:
                    return os.pread(piece.file.fileno(), min(size, piece.start + piece.read - at), at - piece.start)
        return b""

    @property
    def waiting(self) -> int:
        """Bytes that were written and not yet read."""
        with self._news:
            return sum(piece.written - piece.read for piece in self._pieces)

    def close(self) -> None:
        """Gives the disk back."""
        with self._news:
            self._over = True
            for piece in (self._last, *self._pieces):
                if piece is not None:
                    piece.file.close()
            self._pieces.clear()
            self._last = None


def _new() -> _Piece:
    return _Piece(tempfile.TemporaryFile(prefix="tlsviz-"))
