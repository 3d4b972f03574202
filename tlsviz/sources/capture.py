"""A capture file becomes a trace: packets, put back into streams, followed by one engine each, judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.connection.tickets import Tickets
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import CancelledError, TargetError
from tlsviz.pki import stores
from tlsviz.sources import tshark
from tlsviz.sources.evidence import from_files
from tlsviz.sources.feeding import Mapped
from tlsviz.sources.following import Following
from tlsviz.sources.keyfiles import load_rsa_keys
from tlsviz.sources.opinions import Opinion, Opinions
from tlsviz.sources.pcapng import Survey
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.wire.text import plural, safe, shorten

if TYPE_CHECKING:
    from tlsviz.sources.ek import Reading
    from tlsviz.sources.plan import Plan

REPORT_EVERY = 0.1
"""Seconds between two reports of progress, at least."""
KEYLOG_LIMIT = 256 << 20


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How to open a capture. ``keylogs``: key log files; ``ca``: trust exactly the certificates in this file;
    ``at``: the (aware) time to judge certificates at, None for the time of each connection. ``rsa_keys``: files with
    private keys of servers, opened with ``rsa_password`` where they are protected. ``carve``: leave out the frames of
    long transfers, and count their records (`sources.carve`). ``crls``: files with revocation lists; ``ct_logs``: a
    list of transparency logs in place of the one that ships. ``name``: what to call the capture where that is not its
    path; ``notices``: what is to be said of it besides.
    """

    keylogs: tuple[Path, ...] = ()
    rsa_keys: tuple[Path, ...] = ()
    rsa_password: bytes | None = field(default=None, repr=False)
    ca: Path | None = None
    at: datetime | None = None
    crls: tuple[Path, ...] = ()
    ct_logs: Path | None = None
    carve: bool = True
    name: str | None = None
    notices: tuple[str, ...] = ()


class Progress(NamedTuple):
    """How far the loading is: frames seen, bytes of the (uncompressed) file, its size, TLS connections found.

    ``size`` is the file's own size: in a compressed file ``bytes`` may go beyond it.
    """

    packets: int
    bytes: int
    size: int
    connections: int

    @property
    def fraction(self) -> float:
        """Between 0 and 1."""
        return min(self.bytes / self.size, 1.0) if self.size else 0.0


Report = Callable[[Progress], None]
Found = Callable[[Connection], None]
Cancelled = Callable[[], bool]
Early = Callable[[Connection], Opinion]


def load_capture(
    path: Path,
    options: OpenOptions | None = None,
    progress: Report | None = None,
    cancelled: Cancelled | None = None,
    *,
    found: Found | None = None,
    strict: bool = False,
) -> Trace:
    """Reads a capture file whole: every TLS, DTLS and QUIC connection in it, in the order of their first packets.

    ``progress`` is called at most every 0.1 s and at the end. ``found`` gets connections as soon as they are closed, or
    known for some seconds of the capture, and at the end, in turn, each that is new or differs from what was given
    under its id; an id beyond the last one of the trace is void then.
    Raises `TargetError` for what is no capture or cannot be read, `MissingError` without tshark, `UsageError` for
    the missing password of a key, `CancelledError` soon after ``cancelled`` turns true. ``strict``: a bug met on one
    connection raises; without, it becomes a notice.
    Not to be called from a running event loop.
    """
    options = options or OpenOptions()
    trusted = (stores.from_file(options.ca),) if options.ca else (stores.mozilla(), stores.system())
    evidence = from_files(options.crls, options.ct_logs)
    given: dict[int, Connection] = {}
    opinions = Opinions(trusted, options.at, evidence)

    def early(followed: Connection) -> Opinion:
        opinion = opinions.early(followed)
        give(opinion.connection)
        return opinion

    def give(connection: Connection) -> None:
        if found is not None and given.get(connection.id) != connection:
            given[connection.id] = connection
            found(connection)

    with Mapped(path, options.carve) as mapped:
        frame = mapped.survey
        keylog, notices = _read_keys(options.keylogs, frame)
        if options.rsa_keys:
            keylog.rsa.add(load_rsa_keys(options.rsa_keys, options.rsa_password))
        report = _Reporter(progress, frame.size)
        reader = _Reader(path, mapped, keylog, strict, report, cancelled, early if found is not None else None)
        following, reading = reader.read()
    frames = max(frame.packets or 0, reading.frames)
    if frame.kind == "other" and not frames and not frame.damaged:
        # tshark opens many files that are no captures (a text, a picture) without a word.
        raise tshark.not_a_capture(path)
    connections: list[Connection] = []
    tickets = Tickets()
    for connection in following.finished(opinions.final):
        if cancelled is not None and cancelled():
            raise CancelledError("Stopped", "reading the capture was cancelled")
        connection = tickets.follow(connection)
        connections.append(connection)
        give(connection)
    report(reading, following, last=True)
    notices += _key_notices(keylog, options.keylogs, connections)
    notices += following.faults
    notices += _frame_notices(frame, frames, reading)
    notices += _content_notices(frames, connections)
    notices += _trust_notices(path, options, connections)
    notices = [*options.notices, *notices]
    source = Source("capture", safe(options.name or str(path)), frames)
    return Trace(source, tuple(connections), tuple(notices))


@dataclass(slots=True)
class _Reader:
    """Reads a file's packets into streams: what the first pass left of them, or all."""

    path: Path
    mapped: Mapped
    keylog: KeyLog
    strict: bool
    report: _Reporter
    cancelled: Cancelled | None
    early: Early | None

    def read(self) -> tuple[Following, Reading]:
        plan = self.mapped.plan
        if plan is not None and len(self.keylog.rsa):
            plan.spare(lambda _: True)
        elif plan is not None:
            plan.spare(lambda random: bool(self.keylog.labels(random)))
        try:
            following, reading = self._read(plan, self.early)
        except TargetError:
            if plan is None:
                raise
            return self._read(None, self.early)  # of some odd formats a file tells more than a pipe
        if plan is not None and (following.unclaimed or reading.failed):
            return self._read(None, self.early)
        if following.whole and plan is not None:
            again, _ = self._read(plan.only(following.whole), early=None)
            following.replace(again)
        return following, reading

    def _read(self, plan: Plan | None, early: Early | None) -> tuple[Following, Reading]:
        from tlsviz.sources.packets import read_packets

        carved = plan.carved if plan is not None else None
        following = Following(self.keylog, self.strict, carved, early)

        def take(packets: list[Packet | Datagram], reading: Reading) -> None:
            for packet in packets:
                following.take(packet)
            self.report(reading, following)

        feed = self.mapped.feed(plan) if plan is not None else None
        reading = read_packets(self.path, take, self.cancelled, feed=feed)
        following.end()
        return following, reading


class _Reporter:
    """Tells the progress, not too often."""

    def __init__(self, progress: Report | None, size: int) -> None:
        self._progress = progress
        self._size = size
        self._next = 0.0

    def __call__(self, reading: Reading, following: Following, last: bool = False) -> None:
        if self._progress is None:
            return
        now = time.monotonic()
        if last or now >= self._next:
            self._next = now + REPORT_EVERY
            place = self._size if last else reading.offset
            self._progress(Progress(reading.frames, place, self._size, following.found))


# -- keys --------------------------------------------------------------------------------------------------


def _read_keys(paths: tuple[Path, ...], frame: Survey) -> tuple[KeyLog, list[str]]:
    """The key log of the capture's own secrets and of the given files, and what is wrong with them."""
    keylog = KeyLog()
    notices: list[str] = []
    for secrets in frame.secrets:
        keylog.add_text(secrets, "secrets inside the capture")
    for path in paths:
        shown = shorten(path.name, 80)
        try:
            with path.open("rb") as file:
                text = file.read(KEYLOG_LIMIT)
        except OSError as error:
            why = error.strerror or str(error)
            raise TargetError(f"Cannot read the key log {shown}", why, "Check its name and permissions.") from None
        if not keylog.add_text(text, shown):
            notices.append(f"The key log {shown} holds no secrets.")
    if keylog.damaged:
        lines = plural(keylog.damaged, "line")
        notices.append(f"{lines} of the key log could not be used; the first: {keylog.problems[0]}.")
    return keylog, notices


def _key_notices(keylog: KeyLog, paths: tuple[Path, ...], connections: list[Connection]) -> list[str]:
    if not connections or any(connection.every_secret for connection in connections):
        return []
    if len(keylog.rsa) and not len(keylog):
        return [_no_use(connections)]
    if not len(keylog):
        return []
    names = keylog.source or ", ".join(shorten(path.name, 80) for path in paths)
    return [f"The key log ({names}) matches no connection here: its secrets are of other connections."]


def _no_use(connections: list[Connection]) -> str:
    """Why an RSA key opened nothing: what stands in the way of most connections."""
    tried = [found.why for connection in connections for found in connection.premasters]
    if tried:
        return f"The RSA key opens no connection here: {tried[0]}."
    return "The RSA key opens no connection here: none of them uses RSA key exchange, the only one that it can open."


# -- the file ----------------------------------------------------------------------------------------------


def _trust_notices(path: Path, options: OpenOptions, connections: list[Connection]) -> list[str]:
    """Where an authority lies beside a capture (as beside the samples), how to judge by it."""
    beside = path.parent / "ca.pem"
    unknown = any(found.trust is not None and "unknown_issuer" in found.trust.reasons for found in connections)
    if options.ca is not None or not unknown or not beside.is_file():
        return []
    return [f"An authority lies beside this capture: --ca {safe(str(beside))} judges by it."]


def _frame_notices(frame: Survey, frames: int, reading: Reading) -> list[str]:
    if frame.cut or tshark.cut_short(reading.complaints):
        where = f" (frame {frames + 1})" if frame.packets is not None else ""
        return [f"The capture is cut short in the middle of a packet{where}: what came before it is shown."]
    if reading.failed or frame.damaged:
        why = " ".join(reading.complaints) or "what follows is no packet"
        return [f"The capture cannot be read beyond frame {frames}: {shorten(why, 240)}"]
    return []


def _content_notices(frames: int, connections: list[Connection]) -> list[str]:
    notices = []
    if not frames:
        notices.append("The capture holds no packets.")
    elif not connections:
        notices.append(f"There is no TLS, DTLS or QUIC in the {plural(frames, 'packet')} of this capture.")
    return notices
