"""Following a capture's connections in several processes: each has its share of the TCP streams.

tshark's lines are dealt out unread, so that all of the work is done behind; entries come back. Only where there are no
keys: what one connection tells about another's secrets stays in its process.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import re
import select
import signal
import socket
import termios
import threading
import traceback
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Channel
from queue import Empty, SimpleQueue
from typing import NamedTuple, NoReturn

import ujson

from tlsviz.errors import TlsvizError
from tlsviz.sources.ek import Reading, parse_lines, parse_packet, reached
from tlsviz.sources.entries import Entry
from tlsviz.sources.feeding import Feed, on
from tlsviz.sources.lifting import HiddenError
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.sources.shelving import Shelving

_PIECE, _SHORT = 1 << 15, 1 << 13
"""Bytes of lines that are dealt at a time: a quarter of what a socket holds. Of lines that leave out the bytes, which
are read elsewhere, each is much work: few of them wait, so that nobody has many left when all are dealt.
"""
_STEP = 20
"""Packets after which a process tells what it has found."""
_MOMENT = 0.05
_NOBODY = 255
_STREAM = re.compile(rb'"tcp_stream":\["(\d+)"([],])')
_INDEX = b'{"index"'
_PICKLED = b"\x80"

Make = Callable[[int, Callable[[Entry], None]], Shelving]
"""Makes what follows the streams of one process, by its number; entries go where it is told."""


class _News(NamedTuple):
    """What a process has found since the last time; ``found``: how many connections in all."""

    entries: tuple[Entry, ...]
    found: int


class _End(NamedTuple):
    """What a process leaves: the connections that are still there, by the number of their first packet, and the rest
    as in `Following`.
    """

    entries: frozenset[float]
    carved: frozenset[int]
    whole: dict[int, int]
    faults: tuple[str, ...]


class _Bug(NamedTuple):
    """A process raised what it should not."""

    error: Exception | None
    traceback: str


class Spread:
    """Takes tshark's lines, with `deal` in the place of `parse_lines`; `end`, and then `entries`.

    ``told`` gets each entry, in the thread that calls `take_all` or `end`. Close it, whatever happens.
    """

    def __init__(self, count: int, make: Make, told: Callable[[Entry], None]) -> None:
        self.entries: dict[float, Entry] = {}
        self.whole: dict[int, int] = {}
        self.faults: list[str] = []
        self.unclaimed = False
        self._told = told
        self._found = [0] * count
        self._channels: list[Channel] = []
        self._processes: list[int] = []
        self._listeners: list[threading.Thread] = []
        self._piece = _PIECE
        self._shares = bytearray()
        """Whose each TCP stream is, by its number."""
        self._came: SimpleQueue[tuple[int, _News | _End | _Bug | None]] = SimpleQueue()
        self._feed: Feed | None = None
        self._look: Callable[[], None] = on
        self._make = make

    @property
    def found(self) -> int:
        """How many connections there are so far."""
        return sum(self._found)

    def start(self, feed: Feed | None, look: Callable[[], None]) -> None:
        """Starts the processes; ``feed`` knows the packets' numbers. To be called before any other thread starts.

        ``look`` is called while this waits for them, and raises when all is to be given up.
        """
        self._feed, self._look = feed, look
        self._piece = _PIECE if feed is None or feed.lifting is None else _SHORT
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # and so it stays in the new processes
        try:
            for number in range(len(self._found)):
                self._fork(number)
        except OSError as error:
            why = f"no process can be started: {error.strerror or error}"
            raise TlsvizError("Cannot read the capture", why, "Is there a limit on memory or processes?") from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, channel in enumerate(self._channels):
            thread = threading.Thread(target=self._listen, args=(number, channel), daemon=True)
            thread.start()
            self._listeners.append(thread)

    def _fork(self, number: int) -> None:
        ours, theirs = _pipe(2 * self._piece)
        self._channels.append(ours)
        with theirs:
            process = os.fork()
            if process == 0:
                for channel in self._channels:
                    channel.close()
                if self._feed is not None:
                    self._feed.leave()
                _work(theirs, number, self._make, self._feed)
        self._processes.append(process)

    def _listen(self, number: int, channel: Channel) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._came.put((number, channel.recv()))
        self._came.put((number, None))

    def deal(self, lines: bytes, reading: Reading) -> list[bytes]:
        """Whole lines, unread, for `take_all`; notes how far the reading is, by the last of them."""
        reading.eapol = reading.eapol or b":eapol" in lines
        reading.sctp = reading.sctp or b":sctp" in lines
        last = next((line for line in reversed(lines.rsplit(b"\n", 3)) if _tells(line)), None)
        if last is not None:
            reached(ujson.loads(last).get("layers") or {}, reading)
        return [lines]

    def take_all(self, parts: Sequence[bytes] | Sequence[Packet | Datagram]) -> None:
        """Deals lines out, and tells what came back meanwhile. The first process gets what was read already."""
        whole = [each for each in parts if isinstance(each, bytes)]
        for lines in whole:
            for piece in _pieces(lines, self._piece):
                self._send(self._dealt(piece))
        if not whole:
            self._send([pickle.dumps(parts)])
        with suppress(Empty):
            while True:
                self._hear(*self._came.get_nowait())

    def _dealt(self, lines: bytes) -> list[bytes]:
        """The lines, a part for each process."""
        parts: list[list[bytes]] = [[] for _ in self._channels]
        loads = list(map(_unread, self._channels))
        stream_of = _STREAM.search
        for line in filter(_tells, lines.split(b"\n")):
            stream = stream_of(line)
            share = 0
            if stream is not None and stream[2] == b"]":
                share = self._share(int(stream[1]), loads)
            elif stream is not None:
                packet = parse_packet(ujson.loads(line).get("layers") or {})
                share = self._share(packet.stream, loads) if isinstance(packet, Packet) else 0
            parts[share].append(line)
            loads[share] += len(line)
        return [b"\n".join(part) for part in parts]

    def _share(self, stream: int, loads: list[int]) -> int:
        """Whose a TCP stream is; a new one is for who has the least to do."""
        shares = self._shares
        if stream >= len(shares):
            shares.extend(_NOBODY for _ in range(stream + 1 - len(shares)))
        if shares[stream] == _NOBODY:
            shares[stream] = loads.index(min(loads))
        return shares[stream]

    def _send(self, parts: Sequence[bytes], end: bool = False) -> None:
        """Sends each process its part, whoever has room for it first; looks while nobody has.

        An empty part is none, unless it is the ``end``.
        """
        room = select.poll()
        left = {
            channel.fileno(): (channel, part)
            for channel, part in zip(self._channels, parts, strict=False)
            if part or end
        }
        for number in left:
            room.register(number, select.POLLOUT)
        while left:
            ready = room.poll(_MOMENT * 1000)
            if not ready:
                self._look()
            for number, _ in ready:
                room.unregister(number)
                channel, part = left.pop(number)
                with suppress(BrokenPipeError, ConnectionResetError):  # its end says why
                    channel.send_bytes(part)

    def end(self) -> None:
        """Nothing more comes: waits for the processes."""
        self._send([b""] * len(self._channels), end=True)
        ends: list[_End] = []
        while len(ends) < len(self._channels):
            self._look()
            with suppress(Empty):
                end = self._hear(*self._came.get(timeout=_MOMENT))
                if end is not None:
                    ends.append(end)
        alive = frozenset().union(*(end.entries for end in ends))
        self.entries = {first: made for first, made in self.entries.items() if first in alive}
        # What was counted of a connection is claimed by the one process that has its stream.
        self.unclaimed = bool(frozenset.intersection(*(end.carved for end in ends)))
        for end in ends:
            self.whole |= end.whole
            self.faults += end.faults

    def replace(self, others: Shelving) -> None:
        """Takes the streams that were to be read whole from another reading."""
        made = others.entries
        for first, stream in self.whole.items():
            if first in made:
                self.entries[first] = made[first]._replace(stream=stream)
        self.faults += others.faults

    def _hear(self, number: int, news: _News | _End | _Bug | None) -> _End | None:
        if isinstance(news, _News):
            self._found[number] = news.found
            for each in news.entries:
                self.entries[each.first] = each
                self._told(each)
        elif isinstance(news, _End):
            return news
        elif isinstance(news, _Bug):
            if news.error is not None:
                raise news.error
            raise RuntimeError(news.traceback)
        elif len(self._processes) > number and not self._ended(number):
            raise TlsvizError("Reading the capture broke off", "a process is gone", "Is there enough memory?")
        return None

    def _ended(self, number: int) -> bool:
        """Whether a process has ended well."""
        process = self._processes[number]
        if process:
            _, status = os.waitpid(process, 0)
            self._processes[number] = 0
            return os.waitstatus_to_exitcode(status) == 0
        return True

    def close(self) -> None:
        """Ends the processes, wherever they are."""
        for number, process in enumerate(self._processes):
            if process:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                self._processes[number] = 0
        for thread in self._listeners:
            thread.join()  # it reads to the end that the process has left
        for channel in self._channels:
            channel.close()


def _pipe(room: int) -> tuple[Channel, Channel]:
    """Two ends; into the first go so many bytes ahead of who reads, of which the system keeps as many for itself."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * room)
    return Channel(ours.detach()), Channel(theirs.detach())


def _unread(channel: Channel) -> int:
    """How much of what was sent is still to be read, in bytes or so."""
    found = array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(channel.fileno(), termios.TIOCOUTQ, found)
    return found[0]


def _tells(line: bytes) -> bool:
    """Whether a line of tshark's is about a packet."""
    return bool(line) and not line.startswith(_INDEX)


def _pieces(lines: bytes, size: int) -> Iterator[bytes]:
    """Whole lines, some at a time."""
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + size) if len(lines) - begin > size else -1
        end = end if end >= 0 else lines.find(b"\n", begin + size)
        end = end if end >= 0 else len(lines)
        yield lines[begin:end]
        begin = end + 1


def _work(channel: Channel, number: int, make: Make, feed: Feed | None) -> NoReturn:
    """A process's life; it never returns to what it was copied from."""
    status = 1
    try:
        gc.freeze()
        _follow(channel, number, make, feed)
        status = 0
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # nobody listens any more
    except Exception as error:
        with suppress(Exception):
            known = isinstance(error, (TlsvizError, HiddenError, MemoryError))
            channel.send(_Bug(error if known else None, traceback.format_exc()))
        status = 0
    finally:
        os._exit(status)


def _follow(channel: Channel, number: int, make: Make, feed: Feed | None) -> None:
    told: list[Entry] = []
    shelving = make(number, told.append)

    def tell() -> None:
        if told:
            shelving.spool.flush()
            channel.send(_News(tuple(told), shelving.found))
            told.clear()

    while lines := channel.recv_bytes():
        if lines.startswith(_PICKLED):
            packets = pickle.loads(lines)  # noqa: S301  # from the process that this one is a copy of
        else:
            packets = feed.parsed(lines, Reading()) if feed is not None else parse_lines(lines, Reading())
        for at in range(0, len(packets), _STEP):
            shelving.take_all(packets[at : at + _STEP])
            tell()
    shelving.end()
    tell()
    channel.send(_End(frozenset(shelving.entries), shelving.left, shelving.whole, tuple(shelving.faults)))
