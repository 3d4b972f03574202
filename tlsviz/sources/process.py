"""tshark's process for a capture file, which may be started before it is known what it is to read.

It takes tshark 0.2 s to start; meanwhile the first pass looks through the file.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tlsviz.errors import TlsvizError
from tlsviz.sources import lifting, tshark
from tlsviz.sources.asked import Asked, parameters
from tlsviz.sources.frames import framing
from tlsviz.sources.pipes import widen

if TYPE_CHECKING:
    import asyncio

_POLL = 0.002
_READ = 1 << 18
_HEAD = 24


def kill(process: Process | asyncio.subprocess.Process) -> None:
    """Not by ``process.kill``: that may collect the exit status before asyncio does, which then complains."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


class Process:
    """A tshark that is running; after `attach`, what pyshark needs of an `asyncio.subprocess.Process`."""

    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self, program: str, words: list[str], stdin: int) -> None:
        """Starts it; raises OSError where it cannot be run. Lets it write ahead where pipes can be widened (Linux)."""
        # Without -l: of a file nobody needs each packet at once, and it wakes us for each.
        self._popen = subprocess.Popen(
            [program, "-n", "-T", "ek", *words], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.pid = self._popen.pid
        with suppress(AttributeError, OSError, ValueError):
            widen(_pipe(self._popen.stdout).fileno())

    @property
    def returncode(self) -> int | None:
        """How it has ended; None while it runs."""
        return self._popen.poll()

    async def attach(self) -> None:
        """Makes its output readable in the running loop."""
        self.stdout = await _reader(_pipe(self._popen.stdout))
        self.stderr = await _reader(_pipe(self._popen.stderr))

    async def wait(self) -> int:
        """Its end."""
        import asyncio

        while self.returncode is None:
            await asyncio.sleep(_POLL)
        return self._popen.wait()

    def discard(self) -> None:
        """Ends it unread."""
        kill(self)
        self._popen.communicate()


def _pipe(file: IO[bytes] | None) -> IO[bytes]:
    assert file is not None
    return file


async def _reader(file: IO[bytes]) -> asyncio.StreamReader:
    import asyncio

    reader = asyncio.StreamReader(_READ)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader


class Ahead:
    """A tshark that waits at a pipe for frames that can be lifted (`sources.lifting`).

    ``free``: nobody has taken it. Discard it in the end, whether or not.
    """

    def __init__(self, program: str) -> None:
        self._pipe = os.pipe()
        self.free = True
        try:
            words = [*parameters(Asked(fields=lifting.FIELDS)), "-r", "-"]
            self._process = Process(program, words, self._pipe[0])
        except OSError:
            self.leave()
            raise

    def take(self) -> tuple[int, int, Process]:
        """The read and the write end of the pipe, and the process: to be closed and ended by who takes them."""
        self.free = False
        return *self._pipe, self._process

    def leave(self) -> None:
        """Closes the pipe in a process that was forked from this one: else it would have no end."""
        for end in self._pipe:
            os.close(end)

    def discard(self) -> None:
        """Ends it, if nobody has taken it."""
        if self.free:
            self.free = False
            self.leave()
            self._process.discard()


def ahead(path: Path) -> Ahead | None:
    """One for a file that the first pass can look through; None for others, and where tshark cannot be run.

    Whoever needs tshark then learns why.
    """
    if not path.is_file():  # what a pipe has given is gone
        return None
    with suppress(OSError, TlsvizError), path.open("rb") as file:
        if framing(file.read(_HEAD)).found.kind != "other":
            return Ahead(tshark.find())
    return None
