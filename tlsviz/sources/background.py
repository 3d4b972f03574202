"""A capture loaded, or an interface watched, in a process of its own: neither pyshark nor decoding holds up a screen.

The child has no terminal: its standard streams go to the null device and it is in a session of its own. It talks
through one socket pair, and ends when that closes, that is, when its parent dies, however it dies.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import TlsvizError
from tlsviz.sources.begun import Begun
from tlsviz.sources.opening import OpenOptions, Progress
from tlsviz.sources.shelf import Kept, Shelf

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


class Bug(NamedTuple):
    """The child raised what it should not."""

    traceback: str


class Rest(NamedTuple):
    """What a trace has beside its connections."""

    source: Source
    connections: int
    notices: tuple[str, ...]


Event = Progress | Found | Listed | Done | Failed

CANCEL = "cancel"


class Loading:
    """A capture being loaded, or an interface watched. Iterate over it, or `poll`; it ends with `Done` or `Failed`.

    ``shelf`` holds the connections of a capture so far, which are the trace's in the end; those of an interface are
    told as they go by, and kept by nobody.

    Not thread-safe but for `cancel`. Use it as a context manager, or `close` it.
    """

    def __init__(
        self, what: Path | WatchOptions, options: OpenOptions | None = None, begun: Begun | None = None
    ) -> None:
        """``begun``: the process, if it runs already."""
        options = options or OpenOptions()
        opinions = cache(options.opinions)  # stores and lists are read when the first connection is opened
        self._begun = begun or Begun()
        self.shelf = Shelf(self._begun.spool, lambda connection, above: opinions().judge(connection, above))
        self._channel = self._begun.channel
        self._over = False
        self._begun.tell(what, options)

    def poll(self, timeout: float = 0.0) -> Event | None:
        """The next event; None if there is none within ``timeout`` seconds, or nothing comes any more.

        Raises RuntimeError, with the child's traceback, for a bug in the child.
        """
        if self._over or not self._channel.poll(timeout):
            return None
        try:
            event = self._channel.recv()
        except (EOFError, OSError):
            event = Failed(_died(self._begun.process.poll()))
        if isinstance(event, Bug):
            self._over = True
            raise RuntimeError(event.traceback)
        if isinstance(event, Listed):
            for kept in event.kept:
                self.shelf.put(kept)
        elif isinstance(event, Rest):
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
            self._channel.send(CANCEL)

    def close(self) -> None:
        """Ends the child, if it still runs, and waits for that."""
        self._over = True
        self._begun.close()

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
    begun: Begun | None = None,
) -> Trace:
    """What `list_capture` does, in a child process; blocks the calling thread without burdening the others.

    ``found`` gets the shelf with what is new on it. ``begun``: the process, if it runs already.
    """

    def told(event: Found | Listed) -> None:
        if found is not None and isinstance(event, Listed):
            found(loading.shelf, event)

    with Loading(path, options, begun) as loading:
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
