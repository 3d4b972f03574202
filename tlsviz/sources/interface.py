"""Watching an interface: connections as they happen, decrypted as keys are written.

dumpcap captures, run by pyshark's live capture. What it writes goes into a queue on disk (`sources.ring`), and from
there to tshark, so that a machine that decodes slower than it captures loses nothing before the queue is full. pyshark
itself would tie the two together, and have tshark write a file that grows without end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyshark

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import MissingError, TargetError
from tlsviz.pki import stores
from tlsviz.sources import dumpcap, tshark
from tlsviz.sources.capture import OpenOptions, Progress
from tlsviz.sources.ek import Reading
from tlsviz.sources.evidence import from_files
from tlsviz.sources.keyfollower import KeyFollower
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.packets import Running, parameters
from tlsviz.sources.ring import Ring
from tlsviz.sources.saving import Saving
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.sources.watching import Watching
from tlsviz.wire.text import plural, safe, shorten

FILTER = "tcp or udp"
"""Not bound to ports: TLS runs on any."""
RING = 256 << 20
KERNEL_BUFFER = 16
"""MiB that the kernel holds for dumpcap: a second of a busy line."""
TICK = 0.1
REPORT_EVERY = 0.5
_READ = 1 << 20
_PATIENCE = 10.0
_MOST_LINES = 50

Report = Callable[[Progress], None]
Found = Callable[[Connection, bool], None]
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What to watch and for how long. ``interface``: None for the usual one; ``filter`` in libpcap's language.

    It ends after ``duration`` seconds, or when ``count`` connections are over. ``save``: a pcapng that takes all that
    was captured, with the secrets that belong to it if ``secrets``. ``ring``: bytes of the queue on disk. ``opening``:
    keys and whom to trust, as for a capture.
    """

    interface: str | None = None
    filter: str = FILTER
    duration: float | None = None
    count: int | None = None
    save: Path | None = None
    secrets: bool = False
    ring: int = RING
    opening: OpenOptions = field(default_factory=OpenOptions)


def watch(options: WatchOptions, found: Found, progress: Report | None = None, stopped: Stopped | None = None) -> Trace:
    """Watches until it is stopped; gives every connection to ``found``, with whether it is over.

    The trace that it returns holds no connections: they were given. Raises `MissingError` where capturing is not
    permitted or the interface is not there, `UsageError` for a bad filter, `TargetError` for what cannot be written.
    Not to be called from a running event loop.
    """
    name = options.interface or dumpcap.usual(dumpcap.interfaces()).name
    opening = options.opening
    trusted = (stores.from_file(opening.ca),) if opening.ca else (stores.mozilla(), stores.system())
    opinions = Opinions(trusted, opening.at, from_files(opening.crls, opening.ct_logs))
    follower = KeyFollower(opening.keylogs)
    follower.poll()
    saving = Saving(options.save) if options.save is not None else None

    def told(connection: Connection, over: bool) -> None:
        if saving is not None and options.secrets:
            saving.note(connection)
        found(connection, over)

    watching = Watching(follower, opinions, told)
    reading = Reading()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        live = _Live(name, options, runner.get_loop(), reading)
        session = _Session(options, watching, reading, live, progress, stopped)
        runner.run(live.read(session, saving))
    watching.end()
    if saving is not None:
        saving.finish(follower.keylog)
    notices = [*watching.faults, *live.notices()]
    return Trace(Source("interface", safe(name), reading.frames), (), tuple(notices))


@dataclass(slots=True)
class _Session:
    """When to go on: takes packets, looks at the clock, says how far it is."""

    options: WatchOptions
    watching: Watching
    reading: Reading
    live: _Live
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
            self.progress(Progress(self.reading.frames, self.live.ring.taken, 0, self.watching.connections))
        options = self.options
        if self.stopped is not None and self.stopped():
            return False
        if options.duration is not None and now - self.began >= options.duration:
            return False
        return options.count is None or self.watching.over < options.count


class _Live(Running, pyshark.LiveCapture):  # type: ignore[misc]
    """pyshark's live capture, with a queue between dumpcap and tshark."""

    def __init__(self, name: str, options: WatchOptions, loop: asyncio.AbstractEventLoop, reading: Reading) -> None:
        self._reading = reading
        self._feed = None
        self.interfaces = [name]
        self.bpf_filter = options.filter
        self.monitor_mode = False
        self.ring = Ring(options.ring)
        self._fault: OSError | None = None
        self._lines: list[str] = []
        self._stopping = False
        # Not by LiveCapture: it would have tshark list all interfaces first, which takes 0.3 s.
        super(pyshark.LiveCapture, self).__init__(
            use_ek=True,
            disable_protocol="tls",
            tshark_path=tshark.find(),
            eventloop=loop,
            custom_parameters=parameters(),
        )

    def get_parameters(self, packet_count: int | None = None) -> list[str]:
        """Reading a pipe as a file: as an interface, tshark would copy it into a file of its own first."""
        words: list[str] = super().get_parameters(packet_count)
        words[words.index("-i")] = "-r"
        return words

    def _verify_capture_parameters(self) -> None:
        """dumpcap says what is wrong with an interface, and why."""

    async def read(self, session: _Session, saving: Saving | None) -> None:
        """Captures until the session ends; whatever happens, no process, thread or file of it remains."""
        capturing = self._start()
        pump = threading.Thread(target=self._pump, args=(capturing, saving), name="dumpcap", daemon=True)
        pump.start()
        try:
            with self._feeding() as self._input:
                ticking = asyncio.ensure_future(self._tick(session, capturing))
                try:
                    await self.packets_from_tshark(session.take, close_tshark=False)
                except OSError as error:
                    raise MissingError("tshark cannot be run", str(error), tshark.MEND) from None
                finally:
                    ticking.cancel()
                    _end(capturing)
                    await self._stop(at_once=not self._eof_reached)
            with suppress(asyncio.CancelledError):
                await ticking
        finally:
            _end(capturing)
            pump.join(_PATIENCE)
            self.ring.close()
        if self._fault is not None:
            why = self._fault.strerror or str(self._fault)
            raise TargetError(
                "What is captured cannot be kept", why, "Make room on the disk, or name a file elsewhere."
            )
        if capturing.returncode and not self._stopping and not self._reading.frames:
            raise dumpcap.refusal(self.interfaces[0], self.bpf_filter, self._lines)

    def _start(self) -> subprocess.Popen[bytes]:
        words = [dumpcap.find(), *self._get_dumpcap_parameters(), "-B", str(KERNEL_BUFFER)]
        try:
            return subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise MissingError("dumpcap cannot be run", str(error), dumpcap.PERMIT) from None

    async def _tick(self, session: _Session, capturing: subprocess.Popen[bytes]) -> None:
        while session.tick():
            await asyncio.sleep(TICK)
        # dumpcap writes what it still has, and ends; then the queue, the pipe and tshark do.
        self._stopping = True
        _interrupt(capturing)

    # -- in threads of their own ---------------------------------------------------------------------------

    def _pump(self, capturing: subprocess.Popen[bytes], saving: Saving | None) -> None:
        """From dumpcap into the queue, until dumpcap has ended."""
        assert capturing.stdout is not None and capturing.stderr is not None
        hearing = threading.Thread(target=self._hear, args=(capturing.stderr,), name="dumpcap-says", daemon=True)
        hearing.start()
        try:
            while data := os.read(capturing.stdout.fileno(), _READ):
                self.ring.write(data)
                if saving is not None:
                    saving.write(data)
        except OSError as error:
            self._fault = error
            _end(capturing)
        finally:
            hearing.join(_PATIENCE)
            capturing.wait()
            self.ring.end()

    def _hear(self, stderr: IO[bytes]) -> None:
        while line := stderr.readline(1 << 16):
            if len(self._lines) < _MOST_LINES:
                self._lines.append(line.decode("utf-8", "replace").strip())

    @contextmanager
    def _feeding(self) -> Iterator[int]:
        """The read end of a pipe that carries what is in the queue."""
        reader, writer = os.pipe()
        thread = threading.Thread(target=self._write, args=(writer,), name="feed", daemon=True)
        thread.start()
        try:
            yield reader
        finally:
            with suppress(OSError):
                os.close(reader)
            self.ring.end()
            thread.join()

    def _write(self, writer: int) -> None:
        try:
            while data := self.ring.read(_READ):
                view = memoryview(data)
                while view:
                    view = view[os.write(writer, view) :]
        except BrokenPipeError:
            pass  # tshark has ended: it says why
        finally:
            os.close(writer)

    # -- afterwards ----------------------------------------------------------------------------------------

    def notices(self) -> list[str]:
        """What went wrong although something was captured."""
        found = []
        if self.ring.lost:
            found.append(
                f"{self.ring.lost / 1e6:,.0f} MB went by unread: more was captured than this machine can decode. "
                "Narrow it with --filter."
            )
        if dropped := _dropped(self._lines):
            found.append(f"The system dropped {plural(dropped, 'packet')} before they could be captured.")
        if not self._stopping and self._reading.frames:
            said = " ".join(line for line in tshark.complaints(self._lines) if not line.startswith(_COUNTS))
            found.append(f"Capturing broke off: {shorten(said, 200) or 'dumpcap ended'}")
        if self._reading.failed and not self._stopping:
            found.append(f"tshark ended: {shorten(' '.join(tshark.complaints(self._reading.complaints)), 200)}")
        return found


_COUNTS = ("File: ", "Packets ", "\r")


def _dropped(lines: list[str]) -> int:
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
        process.wait(_PATIENCE / 5)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            process.kill()
