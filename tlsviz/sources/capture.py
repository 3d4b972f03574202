"""A capture file becomes a trace: packets, put back into streams, followed by one engine each, judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tlsviz.connection.model import Source, Trace
from tlsviz.connection.redirects import traced
from tlsviz.connection.tickets import Tickets
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import CancelledError, TargetError
from tlsviz.sources import notices, tshark
from tlsviz.sources.ek import Deal, Reading
from tlsviz.sources.feeding import Feed, Mapped
from tlsviz.sources.following import Following
from tlsviz.sources.keyfiles import load_rsa_keys
from tlsviz.sources.lifting import HiddenError
from tlsviz.sources.notices import Gist, gist, read_keys
from tlsviz.sources.opening import Cancelled, OpenOptions, Progress, Report
from tlsviz.sources.scout import Early
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from tlsviz.sources.plan import Plan

REPORT_EVERY = 0.1
"""Seconds between two reports of progress, at least."""


class Crew(Protocol):
    """Who follows the packets of a capture: `Following`, or what puts them into processes of their own."""

    @property
    def found(self) -> int:
        """How many connections there are so far."""

    @property
    def unclaimed(self) -> bool:
        """Whether records were counted of a connection that never came."""

    @property
    def whole(self) -> dict[int, int]:
        """The streams, by the number of their first packet, that have to be read whole."""

    @property
    def faults(self) -> list[str]:
        """Bugs that were met."""

    @property
    def deal(self) -> Deal | None:
        """What makes of tshark's lines what `take_all` gets; None where that is packets."""

    def start(self, feed: Feed | None, look: Callable[[], None]) -> None:
        """Before anything else; ``feed`` is what tshark will read, ``look`` raises when the work is to be given up."""

    def take_all(self, packets: list[Any]) -> None:
        """Takes the next packets."""

    def end(self) -> None:
        """Nothing more comes."""


def load_capture(
    path: Path,
    options: OpenOptions | None = None,
    progress: Report | None = None,
    cancelled: Cancelled | None = None,
    *,
    strict: bool = False,
) -> Trace:
    """Reads a capture file whole: every connection in it, in the order of their first packets.

    ``progress`` is called at most every 0.1 s and at the end. Raises `TargetError` for what is no capture or cannot be
    read, `MissingError` without tshark, `UsageError` for the missing password of a key, `CancelledError` soon after
    ``cancelled`` turns true. ``strict``: a bug met on one connection raises; without, it becomes a notice.
    Not to be called from a running event loop. For long lists there is `sources.catalog`.
    """
    options = options or OpenOptions()
    with Opened(path, options, progress, cancelled) as opened:

        def begin(plan: Plan | None) -> Following:
            return Following(opened.keylog, strict, plan)

        following = opened.read(begin, begin, Following.replace)
        tickets, opinions = Tickets(), options.opinions()
        judged = following.finished(lambda each: opinions.next(each, whole=True).connection)
        connections = list(map(tickets.follow, opened.looking(judged)))
        for connection in traced(connections):
            connections[connection.id] = connection
        opened.report(following, last=True)
        notices = opened.notices(list(map(gist, connections)), following.faults)
        return Trace(opened.source, tuple(connections), notices)


C = TypeVar("C", bound=Crew)
D = TypeVar("D", bound=Crew)
A = TypeVar("A", bound=Crew)
T = TypeVar("T")


class Opened:
    """A capture file that is being read, its keys, and how far the reading is. A context manager."""

    def __init__(
        self,
        path: Path,
        options: OpenOptions,
        progress: Report | None,
        cancelled: Cancelled | None,
        early: Early | None = None,
    ) -> None:
        self.path = path
        self.options = options
        self.mapped = Mapped(path, options.carve)
        self.keylog = KeyLog()
        self.reading = Reading()
        self.early = early or Early(path, options.carve)
        self._notices: list[str] = []
        self._progress = progress
        self._cancelled = cancelled
        self._next = 0.0

    def __enter__(self) -> Opened:
        early = self.early
        try:
            early.begin()
            if early.scout is not None:
                import tlsviz.sources.packets  # noqa: F401  # while the first pass goes on elsewhere
            survey = self.mapped.__enter__().look_through(early.scout, self.look).survey
            self.keylog, self._notices = read_keys(self.options.keylogs, survey)
            if self.options.rsa_keys:
                self.keylog.rsa.add(load_rsa_keys(self.options.rsa_keys, self.options.rsa_password))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.early.__exit__()
        self.mapped.__exit__()

    @property
    def keyed(self) -> bool:
        """Whether there are any keys."""
        return bool(self.keylog or len(self.keylog.rsa))

    def look(self) -> None:
        """Raises `CancelledError` if somebody wants that."""
        if self._cancelled is not None and self._cancelled():
            raise CancelledError("Stopped", "reading the capture was cancelled")

    def looking(self, items: Iterable[T]) -> Iterator[T]:
        """The items, with a `look` before each."""
        for item in items:
            self.look()
            yield item

    def read(
        self, begin: Callable[[Plan | None], C], aside: Callable[[Plan | None], D], replace: Callable[[C, D], None]
    ) -> C:
        """Reads the file's packets: what the first pass left of them, or all.

        ``begin`` makes what follows them. ``aside``: the same for the few streams that it had to leave out, which are
        read whole; ``replace`` gives them back.
        """
        plan = self.mapped.plan
        if plan is not None and len(self.keylog.rsa):
            plan.spare(lambda _: True)
        elif plan is not None:
            plan.spare(self.keylog.knows)
        try:
            crew = self._read(plan, begin)
        except TargetError:
            if plan is None:
                raise
            plan = None
            crew = self._read(None, begin)  # of some odd formats a file tells more than a pipe
        if plan is not None and (crew.unclaimed or self.reading.failed):
            plan = None
            crew = self._read(None, begin)
        if crew.whole and plan is not None:
            reading = self.reading
            replace(crew, self._read(plan.only(crew.whole), aside))
            self.reading = reading
        if self.mapped.survey.kind == "other" and not self.frames and not self.mapped.survey.damaged:
            # tshark opens many files that are no captures (a text, a picture) without a word.
            raise tshark.not_a_capture(self.path)
        return crew

    def _read(self, plan: Plan | None, begin: Callable[[Plan | None], A]) -> A:
        if plan is not None:
            with suppress(HiddenError):
                return self._read_once(plan, begin, lifted=True)
        return self._read_once(plan, begin)

    def _read_once(self, plan: Plan | None, begin: Callable[[Plan | None], A], lifted: bool = False) -> A:
        from tlsviz.sources.packets import read_packets

        ahead = self.early.ahead
        if ahead is not None and not lifted:
            ahead.discard()
        feed = self.mapped.feed(plan, lifted, ahead) if plan is not None else None
        crew = begin(plan)

        def take(packets: list[Any], reading: Reading) -> None:
            crew.take_all(packets)
            self.reading = reading
            self.report(crew)

        crew.start(feed, self.look)
        self.reading = read_packets(self.path, take, self._cancelled, feed=feed, deal=crew.deal)
        crew.end()
        return crew

    def report(self, crew: Crew, last: bool = False) -> None:
        """Tells the progress, not too often."""
        if self._progress is None:
            return
        now = time.monotonic()
        if last or now >= self._next:
            self._next = now + REPORT_EVERY
            size = self.mapped.survey.size
            self._progress(Progress(self.reading.frames, size if last else self.reading.offset, size, crew.found))

    @property
    def frames(self) -> int:
        """How many frames the file has."""
        return max(self.mapped.survey.packets or 0, self.reading.frames)

    @property
    def source(self) -> Source:
        """What a trace says of where it is from."""
        return Source("capture", safe(self.options.name or str(self.path)), self.frames)

    def notices(self, found: list[Gist], faults: list[str]) -> tuple[str, ...]:
        """What is to be said of the file, once it is read."""
        return (
            *self.options.notices,
            *self._notices,
            *notices.of_keys(self.keylog, self.options.keylogs, found),
            *notices.of_faults(faults),
            *notices.of_frames(self.mapped.survey, self.frames, self.reading),
            *notices.of_content(self.frames, found),
            *notices.of_trust(self.path, self.options.ca, found),
        )
