"""A capture loaded, or an interface watched, in a process of its own: neither pyshark nor decoding holds up a screen.

The child has no terminal: its standard streams go to the null device and it is in a session of its own. It talks
through one socket pair, and ends when that closes, that is, when its parent dies, however it dies.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection as Channel
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import TlsvizError
from tlsviz.sources.capture import OpenOptions, Progress, load_capture

if TYPE_CHECKING:
    from tlsviz.sources.interface import WatchOptions


class Found(NamedTuple):
    """A connection, or a newer snapshot of one under the same id; ``over``: nothing more will happen on it."""

    connection: Connection
    over: bool = True


class Done(NamedTuple):
    """Everything is loaded."""

    trace: Trace


class Failed(NamedTuple):
    """The loading ended with an error of the environment."""

    error: TlsvizError


Event = Progress | Found | Done | Failed

_CANCEL = "cancel"
_GRACE = 2.0
"""Seconds that the child has to end by itself."""


class Loading:
    """A capture being loaded, or an interface watched. Iterate over it, or `poll`; it ends with `Done` or `Failed`.

    The trace of a capture holds its connections; that of an interface none, since those were told as they went by.

    Not thread-safe but for `cancel`. Use it as a context manager, or `close` it.
    """

    def __init__(self, what: Path | WatchOptions, options: OpenOptions | None = None) -> None:
        ours, theirs = Pipe(duplex=True)
        self._channel = ours
        self._keep = isinstance(what, Path)
        self._connections: dict[int, Connection] = {}
        self._over = False
        self._closed = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(theirs.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        ours.send((what, options or OpenOptions()))

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
        if isinstance(event, Found) and self._keep:
            self._connections[event.connection.id] = event.connection
        elif isinstance(event, _Rest):
            connections = tuple(self._connections[number] for number in range(event.connections))
            event = Done(Trace(event.source, connections, event.notices))
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
    found: Callable[[Connection], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """What `load_capture` does, in a child process; blocks the calling thread without burdening the others."""
    with Loading(path, options) as loading:
        return _followed(loading, progress, None if found is None else lambda event: found(event.connection), cancelled)


def watch_interface(
    options: WatchOptions,
    found: Callable[[Found], None],
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """What `interface.watch` does, in a child process that no Ctrl-C of the terminal reaches."""
    with Loading(options) as loading:
        return _followed(loading, progress, found, cancelled)


def _followed(
    loading: Loading,
    progress: Callable[[Progress], None] | None,
    found: Callable[[Found], None] | None,
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
        elif isinstance(event, Found) and found is not None:
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
sys.path[:] = sys.argv[2:]
from tlsviz.sources.background import child
child(int(sys.argv[1]))
"""


def child(descriptor: int) -> None:
    """The child's main function: ``descriptor`` is its end of the socket pair."""
    channel = Channel(descriptor)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody listens any more
        what, options = channel.recv()
        stop = threading.Event()
        threading.Thread(target=_listen, args=(channel, stop), daemon=True).start()
        channel.send(_load(what, options, channel, stop))
    os._exit(0)  # the listening thread cannot be woken, and there is nothing to clean up


def _load(
    what: Path | WatchOptions, options: OpenOptions, channel: Channel, stop: threading.Event
) -> _Rest | Failed | _Bug:
    def found(connection: Connection, over: bool = True) -> None:
        channel.send(Found(connection, over))

    try:
        if isinstance(what, Path):
            trace = load_capture(what, options, channel.send, stop.is_set, found=found)
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


def _listen(channel: Channel, stop: threading.Event) -> None:
    """Waits for the parent's word or end. After its end, what does not stop by itself is ended."""
    with suppress(EOFError, OSError):
        while channel.recv() == _CANCEL:
            stop.set()
    stop.set()
    time.sleep(_GRACE / 2)
    os._exit(1)
