"""Where the bytes of many connections wait until somebody looks at one: a file without a name, gone with its users."""

from __future__ import annotations

import os
import tempfile
from types import TracebackType
from typing import NamedTuple

from tlsviz.errors import TlsvizError

AHEAD = 1 << 20
"""So many bytes are written together."""
SHARE = 1 << 36
"""Room in the file for each process that writes to it, in bytes; what nobody writes takes no place on a disk."""


class Place(NamedTuple):
    """Where a connection is kept: at a place in the spool, or here (``held``). ``whole``: itself, else its inputs."""

    at: int = 0
    size: int = 0
    held: bytes = b""
    whole: bool = False


class Spool:
    """Bytes by their place. Several processes may write to one: each gets a ``share`` of its own.

    Only for what a capture holds in the clear anyway: secrets do not go to a disk.
    """

    def __init__(self, descriptor: int | None = None, share: int = 0) -> None:
        """``descriptor``: of a spool that another process made; it stays that one's to close."""
        self._file = None
        if descriptor is None:
            try:
                self._file = tempfile.TemporaryFile(prefix="tlsviz-", buffering=0)  # noqa: SIM115
            except OSError as error:
                raise _full(error) from None
            descriptor = self._file.fileno()
        self.descriptor = descriptor
        self._end = self._written = share * SHARE
        self._ahead = bytearray()

    def add(self, data: bytes) -> int:
        """Keeps some bytes; returns their place. Raises `TlsvizError` where the disk is full."""
        place = self._end
        self._end += len(data)
        self._ahead += data
        if len(self._ahead) >= AHEAD:
            self.flush()
        return place

    def flush(self) -> None:
        """Writes what was added, so that other processes can read it."""
        while self._ahead:  # where the disk is full, the rest stays: what comes behind it has its place already
            try:
                written = os.pwrite(self.descriptor, self._ahead, self._written)
            except OSError as error:
                raise _full(error) from None
            self._written += written
            del self._ahead[:written]

    def read(self, place: int, size: int) -> bytes:
        """The bytes at a place."""
        if self._ahead:
            self.flush()
        return os.pread(self.descriptor, size, place)

    def close(self) -> None:
        """Gives the file back to the system."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _full(error: OSError) -> TlsvizError:
    why = error.strerror or str(error)
    try:
        mend = f"Make room in {tempfile.gettempdir()}, or name another folder in TMPDIR."
    except OSError:
        mend = "Name a folder with room in TMPDIR."  # no usual one can be written to
    return TlsvizError("Cannot keep what was read", why, mend)
