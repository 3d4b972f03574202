"""What can begin before all else is imported: the first pass in a process of its own, and tshark's start.

A large file takes as long to look through as the rest takes to get ready.
"""

from __future__ import annotations

import marshal
import mmap
import os
import pickle
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz.sources.carve import plan
from tlsviz.sources.pipes import widen
from tlsviz.sources.segment_log import Bare

if TYPE_CHECKING:
    from tlsviz.sources.frames import Data
    from tlsviz.sources.plan import Plan
    from tlsviz.sources.process import Ahead

WORTH = 8 << 20
"""Bytes to read from which on another process is worth its start."""
MOST = 8
_MOMENT = 50
"""Milliseconds."""
_PIECE = 1 << 20


def processes() -> int:
    """How many processes there should be; 1 where this one cannot be doubled."""
    if not sys.platform.startswith("linux") or threading.current_thread() is not threading.main_thread():
        return 1
    return min(len(os.sched_getaffinity(0)), MOST)


class Scout:
    """A process that looks through a capture file; `plan` waits for what it has found. Discard it in the end."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be read, or no process started."""
        self._reader, writer = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # and so it stays in the new process
        try:
            with path.open("rb") as file:
                self._process = os.fork()
                if self._process == 0:
                    _look_through(file.fileno(), writer)
        except OSError:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def plan(self, data: Data, look: Callable[[], None]) -> Plan | None:
        """What `carve.plan` finds in ``data``, the same file; ``look`` is called while this waits, and may raise.

        If the process came to nothing, it is found here.
        """
        room = select.poll()
        room.register(self._reader, select.POLLIN)
        pieces: list[bytes] = []
        while not pieces or pieces[-1]:
            while not room.poll(_MOMENT):
                look()
            pieces.append(os.read(self._reader, _PIECE))
        if not self._ended():
            return plan(data)
        return _unpacked(b"".join(pieces), data)

    def _ended(self) -> bool:
        """Waits for the process to end; whether it ended well."""
        process, self._process = self._process, 0
        os.close(self._reader)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0

    def discard(self) -> None:
        """Ends it, wherever it is."""
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            self._ended()


def _look_through(file: int, writer: int) -> None:
    """The life of the process."""
    status = 1
    try:
        # Whoever waits for the end of another pipe, or of this one's other side, must not wait for us.
        one, two = sorted((file, writer))
        for first, behind in ((3, one), (one + 1, two), (two + 1, os.sysconf("SC_OPEN_MAX"))):
            os.closerange(first, behind)
        left = memoryview(_packed(plan(mmap.mmap(file, 0, access=mmap.ACCESS_READ))))
        with suppress(AttributeError, OSError, ValueError):
            widen(writer)
        while left:
            left = left[os.write(writer, left) :]
        status = 0
    finally:
        os._exit(status)


def _packed(found: Plan | None) -> bytes:
    """A plan without the file. Thousands of small tuples take pickle longer than all the rest."""
    if found is None:
        return pickle.dumps(None)
    found.framing.data = b""
    bare = marshal.dumps({first: list(map(tuple, each)) for first, each in found.bare.items()})
    found.bare = {}
    return pickle.dumps((found, bare), pickle.HIGHEST_PROTOCOL)


def _unpacked(packed: bytes, data: Data) -> Plan | None:
    told = pickle.loads(packed)  # noqa: S301  # of the process that was this one
    if told is None:
        return None
    found: Plan = told[0]
    found.framing.data = data
    found.bare = {first: list(map(Bare._make, each)) for first, each in marshal.loads(told[1]).items()}  # noqa: S302
    for taken in found.taken.values():
        taken.data = data
    return found


class Early:
    """Whatever can begin at once for a capture file that is to be carved. A context manager.

    ``large``: a process more is worth its start. The others are None before they `begin`, and where they are not to be
    had, or not worth it; what nobody has taken ends with it.
    """

    scout: Scout | None = None
    ahead: Ahead | None = None

    def __init__(self, path: Path, carve: bool = True) -> None:
        self._path = path
        self._waiting = carve
        self.large = False
        with suppress(OSError):
            self.large = carve and processes() > 1 and path.is_file() and path.stat().st_size >= WORTH

    def begin(self) -> None:
        """Begins, once."""
        if not self._waiting:
            return
        self._waiting = False
        with suppress(OSError):
            if self.large:
                self.scout = Scout(self._path)
        # Even this takes longer to import than the first pass needs.
        from tlsviz.sources.process import ahead

        self.ahead = ahead(self._path)

    def __enter__(self) -> Early:
        return self

    def __exit__(self, *_: object) -> None:
        if self.scout is not None:
            self.scout.discard()
        if self.ahead is not None:
            self.ahead.discard()
