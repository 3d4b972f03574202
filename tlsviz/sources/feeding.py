"""Feeding tshark the frames of a plan through a pipe, and telling their numbers in the file from those in the pipe."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tlsviz.sources.carve import plan
from tlsviz.sources.ek import Parse, Reading, parse_lines
from tlsviz.sources.frames import Data
from tlsviz.sources.lifting import Lifting
from tlsviz.sources.pcapng import Survey, require_file, survey
from tlsviz.sources.plan import Plan
from tlsviz.sources.process import Ahead, Process
from tlsviz.sources.scout import Scout
from tlsviz.sources.segments import Datagram, Packet

_PIECE = 1 << 20
_SMALL = 1 << 16


def on() -> None:
    """A look at whether to give up, where nobody wants that."""


class Mapped:
    """A capture file, and after `look_through` what the first pass found in it. A context manager.

    ``survey`` is the look at its frame. ``plan`` is None where the whole file goes to tshark: formats that are not read
    here, files that are damaged or cut, ``carve`` False. Raises `TargetError` for what is no readable file.
    """

    def __init__(self, path: Path, carve: bool = True) -> None:
        require_file(path)
        self._path = path
        self._carve = carve
        self._data: Data = b""
        self.survey = Survey()
        self.plan: Plan | None = None

    def __enter__(self) -> Mapped:
        with self._path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self

    def look_through(self, scout: Scout | None = None, look: Callable[[], None] = on) -> Mapped:
        """The first pass, here or by the process that is at it already; ``look`` is called while that is awaited."""
        found = None
        if self._carve:
            found = plan(self._data) if scout is None else scout.plan(self._data, look)
        if found is None:
            self.survey = survey(self._path)
        else:
            self.survey = found.survey
            self.plan = None if self.survey.cut or self.survey.damaged else found
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def feed(self, chosen: Plan, lifted: bool = False, ahead: Ahead | None = None) -> Feed:
        """The frames of a plan for this file, ready to be read; the rest as in `Feed`."""
        return Feed(self._data, chosen, lifted, ahead)


class Feed:
    """The frames of a plan on their way to a process that reads a pipe.

    ``lifted``: payloads are taken out of the file (`sources.lifting`), so tshark need not write them. ``ahead``: the
    process, if it waits already.
    """

    def __init__(self, data: Data, chosen: Plan, lifted: bool = False, ahead: Ahead | None = None) -> None:
        self._data = data
        self._ahead = ahead if ahead is not None and ahead.free else None
        self._process: Process | None = None
        self._ranges = chosen.ranges()
        self._numbers = chosen.numbers()
        self._ends = chosen.ends
        kind = chosen.survey.kind
        self.lifting = Lifting(data, kind, chosen.starts, chosen.ends, self._numbers) if lifted else None

    def place(self, reading: Reading) -> None:
        """Puts right how far the reading is."""
        numbers = self._numbers
        if reading.frames:
            reading.frames = numbers[min(reading.frames, len(numbers)) - 1]
            reading.offset = self._ends[reading.frames - 1]

    def parsed(self, lines: bytes, reading: Reading, parse: Parse | None = None) -> list[Packet | Datagram]:
        """The packets in whole lines of tshark's output, with their numbers in the file. May raise `HiddenError`."""
        if self.lifting is not None and parse is None:
            return parse_lines(lines, reading, self.lifting)
        numbers = self._numbers
        packets = parse_lines(lines, reading, parse)
        return [packet._replace(number=numbers[packet.number - 1]) for packet in packets]

    def leave(self) -> None:
        """In a process that was forked from the one that feeds."""
        if self._ahead is not None:
            self._ahead.leave()

    def process(self) -> Process | None:
        """The process that waited already, once."""
        process, self._process = self._process, None
        return process

    @contextmanager
    def running(self) -> Iterator[int]:
        """The read end of the pipe; a thread writes the other end until all is written or nobody reads."""
        if self._ahead is not None and self._ahead.free:
            reader, writer, self._process = self._ahead.take()
        else:
            reader, writer = os.pipe()
        thread = threading.Thread(target=self._write, args=(writer,), name="feed", daemon=True)
        thread.start()
        try:
            yield reader
        finally:
            unused = self.process()
            if unused is not None:
                unused.discard()
            with suppress(OSError):
                os.close(reader)
            thread.join()

    def _write(self, writer: int) -> None:
        view = memoryview(self._data)
        try:
            for piece in _gathered(view, _merged(self._ranges)):
                at = 0
                while at < len(piece):
                    at += os.write(writer, piece[at:])
                piece.release()
        except BrokenPipeError:
            pass  # tshark has ended: it says why
        finally:
            view.release()
            os.close(writer)


def _gathered(view: memoryview, ranges: Iterator[tuple[int, int]]) -> Iterator[memoryview]:
    """The ranges' bytes in pieces that are worth a call of the system; to be released."""
    small = bytearray()
    for start, end in ranges:
        if end - start < _SMALL:
            small += view[start:end]
        if end - start >= _SMALL or len(small) >= _SMALL:
            yield memoryview(bytes(small))
            small.clear()
        for begin in range(start, end, _PIECE) if end - start >= _SMALL else ():
            yield view[begin : min(end, begin + _PIECE)]
    yield memoryview(bytes(small))


def _merged(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges that touch become one."""
    begin = end = 0
    for start, stop in ranges:
        if start != end:
            yield begin, end
            begin = start
        end = stop
    yield begin, end
