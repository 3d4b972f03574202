"""The process that reads in the background (`sources.reader`), which need not wait for the screen that shows it."""

from __future__ import annotations

import subprocess
import sys
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz.sources.spool import Spool

if TYPE_CHECKING:
    from tlsviz.sources.interface import WatchOptions
    from tlsviz.sources.opening import OpenOptions

GRACE = 2.0
"""Seconds that the process has to end by itself."""
_CHILD = """
import sys
sys.path[:] = sys.argv[3:]
from tlsviz.sources.reader import child
child(int(sys.argv[1]), int(sys.argv[2]))
"""


class Begun:
    """The process, which waits at ``channel`` to be told (`tell`) what to read; ``spool`` is where it keeps things.

    A context manager; or `close` it.
    """

    def __init__(self) -> None:
        self.channel, theirs = Pipe(duplex=True)
        self.spool = Spool()
        self._told = self._closed = False
        with theirs:
            known = theirs.fileno(), self.spool.descriptor
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, *map(str, known), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=known,
                start_new_session=True,
            )

    def tell(self, what: Path | WatchOptions, options: OpenOptions) -> None:
        """What to read, and how; only the first word counts."""
        if not self._told:
            self._told = True
            self.channel.send((what, options))

    def close(self) -> None:
        """Ends the process, if it still runs, and waits for that. What is in the spool stays."""
        if self._closed:
            return
        self._closed = True
        self.channel.close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Begun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
