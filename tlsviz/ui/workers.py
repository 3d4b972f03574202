"""Jobs: sources read in a thread of their own, followed by one screen at a time.

A `Job` is filled by its thread and read by the screens; it never touches a widget. It tells its listener with
`JobAdvanced` (one at a time: a fast source cannot flood the screen) and, once, `JobEnded`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from tlsviz.connection.rows import Row, newer, row
from tlsviz.errors import CancelledError, TlsvizError
from tlsviz.ui.messages import JobAdvanced, JobEnded
from tlsviz.wire.text import plural, shorten

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump

    from tlsviz.connection.model import Connection, Trace
    from tlsviz.sources.background import Listed
    from tlsviz.sources.begun import Begun
    from tlsviz.sources.gate import Gate, Held
    from tlsviz.sources.interface import WatchOptions
    from tlsviz.sources.keyfollower import KeyFollower
    from tlsviz.sources.opening import OpenOptions, Progress
    from tlsviz.sources.options import LiveOptions
    from tlsviz.sources.shelf import Shelf
    from tlsviz.sources.target import Target

KEYS_EVERY = 1.0
"""Seconds between two looks at key logs that may grow."""

State = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Capture:
    """Read a capture file. A ``sample`` is none of the user's own and not to be remembered."""

    path: Path
    options: OpenOptions | None = None
    sample: bool = False
    doing: ClassVar[str] = "reading"

    @property
    def title(self) -> str:
        return shorten((self.options and self.options.name) or self.path.name, 80)


@dataclass(frozen=True)
class Live:
    """Shake hands with a server."""

    target: Target
    options: LiveOptions | None = None
    doing: ClassVar[str] = "reading"

    @property
    def title(self) -> str:
        return shorten(str(self.target), 80)


@dataclass(frozen=True)
class Lab:
    """Run a scenario of the lab."""

    name: str
    doing: ClassVar[str] = "reading"

    @property
    def title(self) -> str:
        return shorten(f"lab {self.name}", 80)


@dataclass(frozen=True)
class Watch:
    """Watch an interface, or a capture file that grows."""

    options: WatchOptions
    doing: ClassVar[str] = "watching"

    @property
    def title(self) -> str:
        file = self.options.file
        return shorten(file.name if file is not None else f"interface {self.options.interface}", 80)


Request = Capture | Live | Lab | Watch


class Job:
    """One request being read: what is known of it so far, and whom to tell.

    ``begun``: the process that reads it, if it runs already.
    """

    def __init__(self, request: Request, begun: Begun | None = None) -> None:
        self.request = request
        self.begun = begun
        self.state: State = "running"
        self.progress: Progress | None = None
        self.began, self.elapsed = time.monotonic(), 0.0
        """When it was asked for (seconds of a clock of its own), and how long that was before the last progress."""
        self.trace: Trace | None = None
        self.error: TlsvizError | None = None
        self.renewed = False
        """It was read once more, with new keys, and nobody has been told yet."""
        self._rows: dict[int, Row] = {}
        self._fresh: dict[int, Row] = {}
        self._whole: dict[int, Connection] = {}
        self._shelf: Shelf | None = None
        """Where the connections are, of which only the rows are here."""
        self._announced = False
        self._listener: MessagePump | None = None
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self.probes = True
        """Re-probes of what failed are its business; False where a screen runs them, to show each as it comes."""
        self.gate = _gate(request, self._held_changed)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The newest row of every connection so far, in order of their first appearance."""
        with self._lock:
            return tuple(self._rows.values())

    def connection(self, number: int) -> Connection | None:
        """The newest snapshot of one connection."""
        with self._lock:
            whole, shelf = self._whole.get(number), self._shelf
        return shelf.get(number) if whole is None and shelf is not None else whole

    def newest(self, shown: Connection, fresh: Iterable[Row]) -> Connection | None:
        """A connection that was shown before as it is now; None if none of the fresh rows has its ends and start."""
        found = newer({each.id: each for each in fresh}, shown)
        return self.connection(found.id) if found is not None else None

    @property
    def listing(self) -> bool:
        """Whether its connections are on a shelf."""
        return self._shelf is not None

    @property
    def held(self) -> Held | None:
        """The flight that step mode holds just now."""
        return self.gate.held if self.gate is not None else None

    @property
    def stepping(self) -> bool:
        """Whether its flights are held, one after the other, and more may come."""
        return self.gate is not None and self.state == "running"

    def let_go(self) -> None:
        """Lets pass what is held."""
        if self.gate is not None:
            self.gate.let_go()

    def _held_changed(self) -> None:
        with self._lock:
            self._tell()

    def start(self, app: App[Any]) -> None:
        """Starts reading, in a thread worker of the app."""
        app.run_worker(self.read, thread=True, group="job", name=self.request.title, exit_on_error=True)

    def follow(self, listener: MessagePump) -> None:
        """From now on tells ``listener``, beginning with everything that is known already."""
        with self._lock:
            self._listener = listener
            self._fresh = dict(self._rows)
            self._announced = True
            listener.post_message(JobAdvanced(self))
            if self.state != "running":
                listener.post_message(JobEnded(self))

    def leave(self) -> None:
        """Tells nobody any more."""
        with self._lock:
            self._listener = None

    def take(self) -> list[Row]:
        """The rows of connections that are new or changed since the last call, oldest first."""
        with self._lock:
            fresh, self._fresh, self._announced = list(self._fresh.values()), {}, False
            return fresh

    def cancel(self) -> None:
        """Asks the source to stop; `JobEnded` follows when it has."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    # What follows runs in the job's thread.

    def read(self) -> None:
        """Reads the source to its end. Never raises: what went wrong is the job's `error`."""
        follower = _follower(self.request)
        try:
            trace = _read(self)
        except CancelledError as error:
            self._end("cancelled", error=error)
        except TlsvizError as error:
            if not self.cancelled and self.progress is not None and not self.progress.packets:
                self._forget_beyond(0)  # rows that came ahead of the reading
            self._end("cancelled" if self.cancelled else "failed", error=error)
        except Exception as error:
            self._end("failed", error=bug(error))
        else:
            if not self.listing:
                for connection in trace.connections:
                    self.found(connection)
            if isinstance(self.request, Capture):
                self._forget_beyond(len(trace.connections))
            self._end("done", trace=trace)
            if follower is not None:
                self._follow_keys(follower)

    def _forget_beyond(self, count: int) -> None:
        """Of the ids that a capture's connections were given early, some may be void in the end."""
        with self._lock:
            for number in [number for number in self._rows if number >= count]:
                del self._rows[number]
                self._fresh.pop(number, None)

    def _follow_keys(self, follower: KeyFollower) -> None:
        """Reads the source once more whenever its key logs bring what may open it, until somebody stops the job."""
        while not self._cancel.wait(KEYS_EVERY):
            if not follower.poll() or not follower.concerns(self._randoms()):
                continue
            try:
                trace = _capture(self)
            except TlsvizError:
                # The capture is gone, or the user has left: what was read stays.
                return
            with self._lock:
                self.trace, self.renewed = trace, True
                shelf = self._shelf = cast("Shelf", trace.connections)
                self._put(shelf.rows)

    def _randoms(self) -> Iterator[frozenset[bytes] | None]:
        """By which secrets can be told to concern each connection."""
        shelf = self._shelf
        return iter([kept.randoms for kept in shelf.kept.values()] if shelf is not None else [])

    def found(self, connection: Connection) -> None:
        """A connection, or a newer snapshot of one."""
        with self._lock:
            if self._whole.get(connection.id) is connection:
                return
            self._whole[connection.id] = connection
            self._put([row(connection)])

    def listed(self, shelf: Shelf, event: Listed) -> None:
        """Connections that are on a shelf, or newer states of some."""
        with self._lock:
            self._shelf = shelf
            self._put([kept.row for kept in event.kept])

    def _put(self, rows: Iterable[Row]) -> None:
        for each in rows:
            self._rows[each.id] = self._fresh[each.id] = each
        self._tell()

    def advanced(self, progress: Progress) -> None:
        with self._lock:
            self.progress, self.elapsed = progress, time.monotonic() - self.began
            self._tell()

    def _tell(self) -> None:
        if self._listener is not None and not self._announced:
            self._announced = True
            self._listener.post_message(JobAdvanced(self))

    def _end(self, state: State, trace: Trace | None = None, error: TlsvizError | None = None) -> None:
        with self._lock:
            self.state, self.trace, self.error = state, trace, error
            if self._listener is not None:
                self._listener.post_message(JobEnded(self))


def bug(error: BaseException, hint: str = "Nothing else is affected.") -> TlsvizError:
    """A fault of tlsviz itself, said like any other: the screen must not fall over before a class."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return TlsvizError(
        "tlsviz itself made a mistake",
        f"{type(error).__name__} at {where}: {shorten(str(error), 200)}",
        f"Please report it with the target. {hint}",
    )


def _follower(request: Request) -> KeyFollower | None:
    """What follows the key logs of a capture, from before it is read: nothing that is added later gets lost."""
    if not isinstance(request, Capture) or request.options is None or not request.options.keylogs:
        return None
    from tlsviz.sources.keyfollower import KeyFollower

    follower = KeyFollower(request.options.keylogs)
    follower.poll()
    return follower


def _gate(request: Request, tell: Callable[[], None]) -> Gate | None:
    """What holds the flights of a live target in step mode."""
    if not isinstance(request, Live) or request.options is None or not request.options.step:
        return None
    from tlsviz.sources.gate import Gate

    return Gate(tell)


def _read(job: Job) -> Trace:
    """Reads the job's source; its connections know of the handshakes before them."""
    trace = _fresh(job)
    if job.listing:
        return trace  # it is told already, and connections that nobody opens stay on their shelf
    from tlsviz.sources.memory import recalled

    return recalled(trace)


def _fresh(job: Job) -> Trace:
    """Reads the job's source, with the heavy imports only now, off the screen's thread."""
    request = job.request
    if isinstance(request, Live):
        from tlsviz.sources.live import run_live
        from tlsviz.sources.options import LiveOptions

        options = request.options or LiveOptions()
        options = replace(options, gate=job.gate, probe=options.probe and job.probes)
        return run_live(request.target, options, job.found, lambda: job.cancelled)
    if isinstance(request, Lab):
        from tlsviz.lab.run import run_scenario

        return run_scenario(request.name, job.found, lambda: job.cancelled)
    if isinstance(request, Watch):
        from tlsviz.sources.background import watch_interface

        return watch_interface(
            request.options, lambda event: job.found(event.connection), job.advanced, lambda: job.cancelled
        )
    return _capture(job, job.listed)


def _capture(job: Job, listed: Callable[[Shelf, Listed], None] | None = None) -> Trace:
    """Reads the job's capture."""
    from tlsviz.sources.background import read_capture
    from tlsviz.sources.opening import OpenOptions

    request = job.request
    assert isinstance(request, Capture)
    begun, job.begun = job.begun, None
    options = request.options or OpenOptions()
    return read_capture(request.path, options, job.advanced, listed, lambda: job.cancelled, begun)


def progress_words(progress: Progress, seconds: float = 0.0) -> list[str]:
    """How far a reading has come, in words: packets, bytes of the file, and both a second after so many seconds.

    None before it has begun, although there may be rows.
    """
    if not progress.packets:
        return []
    packets = plural(progress.packets, "packet")
    words = [packets]
    if progress.size:
        words.append(f"{min(progress.bytes, progress.size) / 1e6:,.1f} of {progress.size / 1e6:,.1f} MB")
    if seconds > 0.5 and progress.packets:
        words.append(f"{progress.packets / seconds:,.0f} packets/s")
        if progress.size:
            words.append(f"{min(progress.bytes, progress.size) / 1e6 / seconds:,.1f} MB/s")
    return words
