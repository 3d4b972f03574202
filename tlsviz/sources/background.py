"""A capture loaded, or an interface watched, in a process of its own: neither pyshark nor decoding holds up a screen.

The child has no terminal: its standard streams go to the null device and it is in a session of its own. It talks
through one socket pair, and ends when that closes, that is, when its parent dies, however it dies.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection as Channel
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import TlsvizError
from tlsviz.sources.capture import OpenOptions, Progress
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.scout import Early
from tlsviz.sources.shelf import Kept, Shelf
from tlsviz.sources.spool import Spool

if TYPE_CHECKING:
    from tlsviz.sources.interface import WatchOptions


class Found(NamedTuple):
    """A connection, or a newer snapshot of one under the same id; ``over``: nothing more will happen on it."""

    connection: Connection
    over: bool = True


class Listed(NamedTuple):
    """Connections of a capture, or newer states of some under the same ids, for a `Shelf`."""

    kept: tuple[Kept, ...]


class Done(NamedTuple):
    """Everything is loaded."""

    trace: Trace


class Failed(NamedTuple):
    """The loading ended with an error of the environment."""

    error: TlsvizError


Event = Progress | Found | Listed | Done | Failed

_CANCEL = "cancel"
_GRACE = 2.0
"""Seconds that the child has to end by itself."""
PATIENT_COLLECTOR = 50_000
"""Objects between two collections of cyclic garbage in the child, of which what it decodes holds next to nothing."""
_MOST, _SOON = 200, 0.1
"""So many connections are sent together, or as many as come within so many seconds."""


class Loading:
    """A capture being loaded, or an interface watched. Iterate over it, or `poll`; it ends with `Done` or `Failed`.

    ``shelf`` holds the connections of a capture so far, which are the trace's in the end; those of an interface are
    told as they go by, and kept by nobody.

    Not thread-safe but for `cancel`. Use it as a context manager, or `close` it.
    """

    def __init__(self, what: Path | WatchOptions, options: OpenOptions | None = None) -> None:
        ours, theirs = Pipe(duplex=True)
        options = options or OpenOptions()
        opinions = cache(options.opinions)  # stores and lists are read when the first connection is opened
        self.shelf = Shelf(Spool(), lambda connection, above: opinions().judge(connection, above))
        self._channel = ours
        self._over = False
        self._closed = False
        carved = str(what) if isinstance(what, Path) and options.carve else ""
        with theirs:
            known = (str(theirs.fileno()), str(self.shelf.spool.descriptor), carved)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, *known, *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), self.shelf.spool.descriptor),
                start_new_session=True,
            )
        ours.send((what, options))

    def poll(self, timeout: float = 0.0) -> Event | None:
        """The next event; None if there is none within ``timeout`` seconds, or nothing comes any more.

        Raises RuntimeError, with the child's traceback, for a bug in the child.
        """
        if self._over or not self._channel.poll(timeout):
            return None
        try:
            event = self._channel.recv()
        except (EOFError, OSError):
            event = Failed(_died(self._process.poll()))
        if isinstance(event, _Bug):
            self._over = True
            raise RuntimeError(event.traceback)
        if isinstance(event, Listed):
            for kept in event.kept:
                self.shelf.put(kept)
        elif isinstance(event, _Rest):
            self.shelf.keep(event.connections)
            event = Done(Trace(event.source, self.shelf, event.notices))
        if isinstance(event, (Done, Failed)):
            self._over = True
        known: Event = event
        return known

    def __iter__(self) -> Iterator[Event]:
        """Every event to the end, waiting for each."""
        while not self._over:
            event = self.poll(60.0)
            if event is not None:
                yield event

    def cancel(self) -> None:
        """Asks the child to stop: `Failed` with a `CancelledError` follows, or `Done` for an interface.

        Safe from any thread, at any time.
        """
        with suppress(OSError):
            self._channel.send(_CANCEL)

    def close(self) -> None:
        """Ends the child, if it still runs, and waits for that."""
        if self._closed:
            return
        self._closed = self._over = True
        self._channel.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Loading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_capture(
    path: Path,
    options: OpenOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    found: Callable[[Shelf, Listed], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """What `list_capture` does, in a child process; blocks the calling thread without burdening the others.

    ``found`` gets the shelf with what is new on it.
    """

    def told(event: Found | Listed) -> None:
        if found is not None and isinstance(event, Listed):
            found(loading.shelf, event)

    with Loading(path, options) as loading:
        return _followed(loading, progress, told, cancelled)


def watch_interface(
    options: WatchOptions,
    found: Callable[[Found], None],
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """What `interface.watch` does, in a child process that no Ctrl-C of the terminal reaches."""

    def told(event: Found | Listed) -> None:
        if isinstance(event, Found):
            found(event)

    with Loading(options) as loading:
        return _followed(loading, progress, told, cancelled)


def _followed(
    loading: Loading,
    progress: Callable[[Progress], None] | None,
    found: Callable[[Found | Listed], None],
    cancelled: Callable[[], bool] | None,
) -> Trace:
    asked = False
    while True:
        event = loading.poll(0.05)
        if cancelled is not None and cancelled() and not asked:
            asked = True
            loading.cancel()
        if isinstance(event, Progress) and progress is not None:
            progress(event)
        elif isinstance(event, Found | Listed):
            found(event)
        elif isinstance(event, Done):
            return event.trace
        elif isinstance(event, Failed):
            raise event.error


def _died(status: int | None) -> TlsvizError:
    how = f"it ended with status {status}" if status is not None else "it closed its connection"
    if status is not None and status < 0:
        how = f"it was ended by {signal.strsignal(-status) or f'signal {-status}'}"
    return TlsvizError(
        "Reading the capture broke off", f"the reading process is gone: {how}", "Is there enough memory?"
    )


# -- the child ---------------------------------------------------------------------------------------------


class _Bug(NamedTuple):
    """The child raised what it should not."""

    traceback: str


class _Rest(NamedTuple):
    """What a trace has beside its connections."""

    source: Source
    connections: int
    notices: tuple[str, ...]


_CHILD = """
import sys
sys.path[:] = sys.argv[4:]
from pathlib import Path
from tlsviz.sources.scout import Early
early = Early(Path(sys.argv[3]), bool(sys.argv[3]))
from tlsviz.sources.background import child
child(int(sys.argv[1]), int(sys.argv[2]), early)
"""


def child(descriptor: int, spool: int, early: Early) -> None:
    """The child's main function: ``descriptor`` is its end of the socket pair, ``spool`` the file of the shelf.

    ``early``: what was begun for a capture file already.
    """
    gc.set_threshold(PATIENT_COLLECTOR, 20, 20)
    channel = Channel(descriptor)
    with early, suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody listens any more
        what, options = channel.recv()
        stop = threading.Event()
        threading.Thread(target=_listen, args=(channel, stop), daemon=True).start()
        channel.send(_load(what, options, channel, stop, Spool(spool), early))
    os._exit(0)  # the listening thread cannot be woken, and there is nothing to clean up


def _load(
    what: Path | WatchOptions,
    options: OpenOptions,
    channel: Channel,
    stop: threading.Event,
    spool: Spool,
    early: Early,
) -> _Rest | Failed | _Bug:
    def found(connection: Connection, over: bool = True) -> None:
        channel.send(Found(connection, over))

    try:
        if isinstance(what, Path):
            batch = _Batch(channel, spool)
            trace = list_capture(what, options, batch.progress, stop.is_set, found=batch.add, spool=spool, early=early)
            batch.send()
        else:
            from tlsviz.sources.interface import watch

            trace = watch(what, found, channel.send, stop.is_set)
    except TlsvizError as error:
        return Failed(error)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except MemoryError:
        return Failed(TlsvizError("Reading the capture needs more memory", "there is none left", "Open a part of it."))
    except Exception:
        return _Bug(traceback.format_exc())
    return _Rest(trace.source, len(trace.connections), trace.notices)


class _Batch:
    """Sends connections some at a time: what they share travels once."""

    def __init__(self, channel: Channel, spool: Spool) -> None:
        self._channel = channel
        self._spool = spool
        self._kept: list[Kept] = []
        self._next = 0.0

    def add(self, kept: Kept) -> None:
        self._kept.append(kept)
        if len(self._kept) >= _MOST or time.monotonic() >= self._next:
            self.send()

    def progress(self, progress: Progress) -> None:
        self.send()
        self._channel.send(progress)

    def send(self) -> None:
        if self._kept:
            self._spool.flush()
            self._channel.send(Listed(tuple(self._kept)))
            self._kept.clear()
        self._next = time.monotonic() + _SOON


def _listen(channel: Channel, stop: threading.Event) -> None:
    """Waits for the parent's word or end. After its end, what does not stop by itself is ended."""
    with suppress(EOFError, OSError):
        while channel.recv() == _CANCEL:
            stop.set()
    stop.set()
    time.sleep(_GRACE / 2)
    os._exit(1)
