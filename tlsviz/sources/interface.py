"""Watching an interface, or a capture file that grows: connections as they happen, decrypted as keys are written.

dumpcap captures, with the words that pyshark's live capture has for it. What it writes goes through a queue on disk
(`sources.capturing`) to tshark, so that a machine that decodes slower than it captures loses nothing before the queue
is full. pyshark itself would tie the two together, and have tshark write a file that grows without end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyshark

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import MissingError
from tlsviz.sources import dumpcap, eapol, ek, sctp, tshark
from tlsviz.sources.asked import Asked, parameters
from tlsviz.sources.capturing import Capturing
from tlsviz.sources.ek import Reading, parse_packet
from tlsviz.sources.growing import Growing
from tlsviz.sources.keyfollower import KeyFollower
from tlsviz.sources.opening import OpenOptions, Progress
from tlsviz.sources.packets import Running
from tlsviz.sources.pcapng import survey
from tlsviz.sources.saving import Saving
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.sources.watching import Watching
from tlsviz.wire.text import safe, shorten

FILTER = f"tcp or udp or {sctp.CAPTURED} or {eapol.CAPTURED}"
"""Not bound to ports: TLS runs on any."""
RING = 256 << 20
TICK = 0.1
REPORT_EVERY = 0.5

Report = Callable[[Progress], None]
Found = Callable[[Connection, bool], None]
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What to watch and for how long. ``interface``: None for the usual one; ``filter`` in libpcap's language.

    ``file``: a capture that grows, in place of an interface. It ends after ``duration`` seconds, or when ``count``
    connections are over. ``save``: a pcapng that takes all that was captured, with the secrets that belong to it if
    ``secrets``. ``ring``: bytes of the queue on disk. ``opening``: keys and whom to trust, as for a capture.
    """

    interface: str | None = None
    filter: str = FILTER
    file: Path | None = None
    duration: float | None = None
    count: int | None = None
    save: Path | None = None
    secrets: bool = False
    ring: int = RING
    opening: OpenOptions = field(default_factory=OpenOptions)


class Supply(Protocol):
    """Where packets come from, as bytes of a capture file in a pipe."""

    stopping: bool

    @property
    def taken(self) -> int:
        """Bytes so far."""

    def running(self) -> AbstractContextManager[int]:
        """The pipe's read end."""

    def stop(self) -> None:
        """Nothing new from now on: the pipe ends behind what is there."""

    def again(self, at: int, size: int) -> bytes:
        """At most ``size`` bytes of what went through the pipe, from place ``at`` on; b"" where they are gone."""

    def check(self, frames: int) -> None:
        """Raises what kept it from giving anything."""

    def notices(self, frames: int) -> list[str]:
        """What went wrong otherwise."""


def watch(options: WatchOptions, found: Found, progress: Report | None = None, stopped: Stopped | None = None) -> Trace:
    """Watches until it is stopped; gives every connection to ``found``, with whether it is over.

    The trace that it returns holds no connections: they were given. Raises `MissingError` where capturing is not
    permitted or the interface is not there, `UsageError` for a bad filter, `TargetError` for what cannot be read or
    written. Not to be called from a running event loop.
    """
    opening = options.opening
    opinions = opening.opinions()
    keylog = KeyLog()
    if options.file is not None:
        for secrets in survey(options.file).secrets:
            keylog.add_text(secrets, "secrets inside the capture")
    follower = KeyFollower(opening.keylogs, keylog)
    follower.poll()
    saving = Saving(options.save) if options.save is not None else None

    def told(connection: Connection, over: bool) -> None:
        if saving is not None and options.secrets:
            saving.note(connection)
        found(connection, over)

    watching = Watching(follower, opinions, told)
    reading = Reading()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        live = _Live(options, runner.get_loop(), reading)
        supply = live.supply(saving)
        runner.run(live.read(supply, _Session(options, watching, reading, supply, progress, stopped)))
    watching.end()
    if saving is not None:
        saving.finish(keylog)
    source = Source("interface", safe(live.interfaces[0]), reading.frames)
    if options.file is not None:
        source = Source("capture", safe(str(options.file)), reading.frames)
    return Trace(source, (), (*watching.faults, *supply.notices(reading.frames), *_complaints(reading, supply)))


def _complaints(reading: Reading, supply: Supply) -> list[str]:
    if not reading.failed or supply.stopping:
        return []
    return [f"tshark ended: {shorten(' '.join(tshark.complaints(reading.complaints)), 200)}"]


@dataclass(slots=True)
class _Session:
    """When to go on: takes packets, looks at the clock, says how far it is."""

    options: WatchOptions
    watching: Watching
    reading: Reading
    supply: Supply
    progress: Report | None
    stopped: Stopped | None
    began: float = field(default_factory=time.monotonic)
    next_report: float = 0.0

    def take(self, packets: list[Packet | Datagram]) -> None:
        self.watching.take(packets)

    def tick(self) -> bool:
        """To be called several times a second; False once it is to end."""
        self.watching.tick()
        now = time.monotonic()
        if self.progress is not None and now >= self.next_report:
            self.next_report = now + REPORT_EVERY
            self.progress(Progress(self.reading.frames, self.supply.taken, 0, self.watching.connections))
        options = self.options
        if self.stopped is not None and self.stopped():
            return False
        if options.duration is not None and now - self.began >= options.duration:
            return False
        return options.count is None or self.watching.over < options.count


class _Live(Running, pyshark.LiveCapture):  # type: ignore[misc]
    """pyshark's live capture, with something else than dumpcap's own pipe before tshark."""

    def __init__(self, options: WatchOptions, loop: asyncio.AbstractEventLoop, reading: Reading) -> None:
        self._reading = reading
        self._feed = None
        self._options = options
        named = options.interface or ("" if options.file is not None else dumpcap.usual(dumpcap.interfaces()).name)
        self.interfaces = [named]
        self.bpf_filter = options.filter
        self.monitor_mode = False
        # Not by LiveCapture: it would have tshark list all interfaces first, which takes 0.3 s.
        super(pyshark.LiveCapture, self).__init__(
            use_ek=True,
            tshark_path=tshark.find(),
            eventloop=loop,
            custom_parameters=parameters(Asked(f"{ek.FILTER} or {sctp.ALL}")),
        )

    def supply(self, saving: Saving | None) -> Supply:
        """What the options name: a file that grows, or dumpcap."""
        options = self._options
        if options.file is not None:
            return Growing(options.file)
        words: list[str] = self._get_dumpcap_parameters()
        return Capturing(self.interfaces[0], options.filter, words, options.ring, saving)

    def get_parameters(self, packet_count: int | None = None) -> list[str]:
        """Reading a pipe as a file: as an interface, tshark would copy it into a file of its own first."""
        words: list[str] = super().get_parameters(packet_count)
        words[words.index("-i")] = "-r"
        return words

    def _verify_capture_parameters(self) -> None:
        """dumpcap says what is wrong with an interface, and why."""

    async def read(self, supply: Supply, session: _Session) -> None:
        """Reads until the session ends; whatever happens, no process, thread or file of it remains."""
        ticking = None

        def parse(layers: dict[str, Any]) -> Packet | Datagram | None:
            again = supply.again
            return parse_packet(layers) or sctp.lifted(layers, again) or eapol.lifted(layers, again)

        self._asked = Asked(parse=parse)
        try:
            with supply.running() as self._input:
                ticking = asyncio.ensure_future(self._tick(supply, session))
                try:
                    await self.packets_from_tshark(session.take, close_tshark=False)
                except OSError as error:
                    raise MissingError("tshark cannot be run", str(error), tshark.MEND) from None
                finally:
                    await self._stop(at_once=not self._eof_reached)
        finally:
            if ticking is not None:
                # What a tick raised is not to be lost.
                ticking.cancel()
                await asyncio.wait([ticking])
        if (fault := ticking.exception()) is not None:
            raise fault
        supply.check(self._reading.frames)

    async def _tick(self, supply: Supply, session: _Session) -> None:
        try:
            while session.tick():
                await asyncio.sleep(TICK)
        except asyncio.CancelledError:
            return  # the supply has ended by itself
        except BaseException:
            supply.stop()
            raise
        supply.stop()
