"""dumpcap at work: what it captures goes into a queue on disk, and from there into a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from tlsviz.errors import MissingError, TargetError
from tlsviz.sources import dumpcap, tshark
from tlsviz.sources.pipes import widen
from tlsviz.sources.ring import Ring
from tlsviz.sources.saving import Saving
from tlsviz.wire.text import plural, shorten

KERNEL_BUFFER = 64
"""MiB that the kernel holds for dumpcap: half a second of a busy line."""
_READ = 1 << 20
_PATIENCE = 10.0
_KIND = 2.0
_MOST_LINES = 50
_COUNTS = ("File: ", "Packets ", "\r")


class Capturing:
    """Runs dumpcap with pyshark's ``words`` for it. ``limit`` bounds the queue, ``saving`` gets everything as well."""

    def __init__(
        self, interface: str, bpf_filter: str, words: Sequence[str], limit: int, saving: Saving | None
    ) -> None:
        self.stopping = False
        self._interface = interface
        self._filter = bpf_filter
        self._words = [dumpcap.find(), *words, "-B", str(KERNEL_BUFFER)]
        self._ring = Ring(limit)
        self._saving = saving
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: OSError | None = None
        self._lines: list[str] = []

    @property
    def taken(self) -> int:
        """Bytes captured so far."""
        return self._ring.taken

    def stop(self) -> None:
        """dumpcap writes what it still has, and ends; then the queue and the pipe do."""
        self.stopping = True
        if self._process is not None:
            _interrupt(self._process)

    @contextmanager
    def running(self) -> Iterator[int]:
        """The read end of the pipe. Afterwards no process, thread or file of it remains."""
        try:
            self._process = process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise MissingError("dumpcap cannot be run", str(error), dumpcap.PERMIT) from None
        assert process.stdout is not None
        reader, writer = os.pipe()
        for pipe in (process.stdout.fileno(), reader):
            with suppress(AttributeError, OSError, ValueError):
                widen(pipe)
        threads = [
            threading.Thread(target=self._pump, args=(process,), name="dumpcap", daemon=True),
            threading.Thread(target=self._feed, args=(writer,), name="feed", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield reader
        finally:
            _end(process)
            with suppress(OSError):
                os.close(reader)
            for thread in threads:
                thread.join(_PATIENCE)
            self._ring.close()

    def again(self, at: int, size: int) -> bytes:
        """At most ``size`` bytes of what went through the pipe, from place ``at`` on; b"" where they are gone."""
        return self._ring.again(at, size)

    def check(self, frames: int) -> None:
        """Raises what kept it from capturing: the disk, or what dumpcap gave up for before its first frame."""
        if self._fault is not None:
            why = self._fault.strerror or str(self._fault)
            hint = "Make room, or have --save and TMPDIR elsewhere."
            raise TargetError("What is captured cannot be kept", why, hint)
        process = self._process
        if process is not None and process.returncode and not self.stopping and not frames:
            raise dumpcap.refusal(self._interface, self._filter, self._lines)

    def notices(self, frames: int) -> list[str]:
        """What went wrong although ``frames`` were captured."""
        found = []
        if self._ring.lost:
            lost = f"{self._ring.lost / 1e6:,.0f} MB"
            found.append(f"{lost} went by unread: more than this machine can decode. Narrow it with --filter.")
        if dropped := _dropped(self._lines):
            found.append(f"The system dropped {plural(dropped, 'packet')} before they could be captured.")
        if not self.stopping and frames:
            said = " ".join(line for line in tshark.complaints(self._lines) if not line.startswith(_COUNTS))
            found.append(f"Capturing broke off: {shorten(said, 200) or 'dumpcap ended'}")
        return found

    # -- in threads of their own ---------------------------------------------------------------------------

    def _pump(self, process: subprocess.Popen[bytes]) -> None:
        """From dumpcap into the queue, until dumpcap has ended."""
        assert process.stdout is not None and process.stderr is not None
        hearing = threading.Thread(target=self._hear, args=(process.stderr,), name="dumpcap-says", daemon=True)
        hearing.start()
        try:
            while data := os.read(process.stdout.fileno(), _READ):
                self._ring.write(data)
                if self._saving is not None:
                    self._saving.write(data)
        except OSError as error:
            self._fault = error
            _end(process)
        finally:
            hearing.join(_PATIENCE)
            process.wait()
            self._ring.end()

    def _hear(self, stderr: IO[bytes]) -> None:
        while line := stderr.readline(1 << 16):
            if len(self._lines) < _MOST_LINES:
                self._lines.append(line.decode("utf-8", "replace").strip())

    def _feed(self, writer: int) -> None:
        try:
            while data := self._ring.read(_READ):
                view = memoryview(data)
                while view:
                    view = view[os.write(writer, view) :]
        except BrokenPipeError:
            pass  # tshark has ended: it says why
        finally:
            os.close(writer)


def _dropped(lines: Sequence[str]) -> int:
    """From dumpcap's last words: ``Packets received/dropped on interface 'lo': 3/0 (pcap:0/...) (100.0%)``."""
    for line in lines:
        if "received/dropped on interface" in line:
            with suppress(ValueError, IndexError):
                return int(line.rsplit("': ", 1)[1].split(" ", 1)[0].split("/")[1])
    return 0


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(OSError):
            process.send_signal(signal.SIGINT)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends dumpcap, kindly first."""
    _interrupt(process)
    try:
        process.wait(_KIND)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            process.kill()
