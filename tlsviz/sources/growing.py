"""A capture file that somebody still writes, such as tcpdump -w: what is there, and then what comes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tlsviz.sources.pcapng import require_file
from tlsviz.wire.text import shorten

LOOK = 0.1
"""Seconds between two looks at a file that has nothing new."""
_READ = 1 << 20


class Growing:
    """Feeds the file's bytes into a pipe until it is stopped; then what is there by then.

    ``taken`` counts bytes. Raises `TargetError` for what is no readable file, or empty.
    """

    def __init__(self, path: Path) -> None:
        require_file(path)
        self.taken = 0
        self.stopping = False
        self._path = path
        self._stop = threading.Event()
        self._shrunk = False

    def stop(self) -> None:
        """Ends at what the file holds now."""
        self.stopping = True
        self._stop.set()

    @contextmanager
    def running(self) -> Iterator[int]:
        """The read end of the pipe."""
        reader, writer = os.pipe()
        thread = threading.Thread(target=self._write, args=(writer,), name="growing", daemon=True)
        thread.start()
        try:
            yield reader
        finally:
            self._stop.set()
            with suppress(OSError):
                os.close(reader)
            thread.join()

    def _write(self, writer: int) -> None:
        try:
            with self._path.open("rb") as file:
                while True:
                    last = self._stop.is_set()
                    self._copy(file, writer)
                    if last or self._shrunk:
                        return
                    self._stop.wait(LOOK)
        except (BrokenPipeError, OSError):
            pass  # tshark has ended, or the file cannot be read on: what was read is shown
        finally:
            os.close(writer)

    def _copy(self, file: IO[bytes], writer: int) -> None:
        while data := file.read(_READ):
            self.taken += len(data)
            view = memoryview(data)
            while view:
                view = view[os.write(writer, view) :]
        self._shrunk = os.fstat(file.fileno()).st_size < self.taken

    def again(self, at: int, size: int) -> bytes:
        """At most ``size`` bytes of the file from place ``at`` on; b"" where it has none, or cannot be read."""
        try:
            with self._path.open("rb") as file:
                file.seek(at)
                return file.read(size)
        except OSError:
            return b""

    def check(self, frames: int) -> None:
        """Nothing can have gone wrong but what `notices` says."""

    def notices(self, frames: int) -> list[str]:
        """What is to be said in the end, after so many ``frames``."""
        name = shorten(self._path.name, 80)
        return [f"{name} was cut or begun anew by who writes it: what came before is shown."] if self._shrunk else []
