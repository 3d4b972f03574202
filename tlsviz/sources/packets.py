"""TCP and UDP packets of a capture file, by pyshark over tshark.

tshark knows every file format, link type and tunnel, puts IP fragments together and numbers the streams; nothing above
TCP and UDP is taken from it. pyshark runs it in EK mode, limited to the few fields needed (`-e`), which is 1.6 times
faster than whole layers, and its output is parsed a batch at a time. It need not write the payloads where the file is
mapped and its frames are plain (`sources.lifting`).
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pyshark
from packaging.version import Version
from pyshark.tshark.output_parser.tshark_ek import TsharkEkJsonParser

from tlsviz.errors import CancelledError, MissingError
from tlsviz.sources import lifting, tshark
from tlsviz.sources.asked import Asked, parameters
from tlsviz.sources.ek import Deal, Parse, Reading, parse_lines
from tlsviz.sources.feeding import Feed
from tlsviz.sources.pipes import widen
from tlsviz.sources.process import Process, kill

_POLL = 0.05
_PATIENCE = 10.0
_MOST_LINES = 50
_READ = 1 << 18
_ENOUGH = 1 << 16
_MOMENT = 0.001


Take = Callable[[list[Any], Reading], None]
"""Gets packets, or what was made of them."""


def read_packets(
    path: Path,
    take: Take,
    cancelled: Callable[[], bool] | None = None,
    program: str | None = None,
    feed: Feed | None = None,
    deal: Deal | None = None,
) -> Reading:
    """Reads every TCP packet with data, SYN, FIN or RST, and every datagram that may be DTLS or QUIC.

    They go into ``take`` in the file's order, a batch at a time; behind all of them what EAP says on the link, and
    SCTP's packets. ``feed``: tshark gets these frames of the file instead of the whole. ``deal``: makes of tshark's
    lines what ``take`` gets (`sources.spread`), instead of packets.
    Blocks until the end; not to be called from a running event loop. Raises `CancelledError` within 0.1 s of
    ``cancelled`` turning true, `MissingError` without tshark, `TargetError` when tshark cannot read the file, and
    `HiddenError` when a packet cannot be lifted as ``feed`` wants.
    """
    program = program or tshark.find()
    asked = Asked() if feed is None or feed.lifting is None else Asked(fields=lifting.FIELDS)
    reading = Reading()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        capture = _Capture(path, program, runner.get_loop(), reading, feed, asked, deal)
        runner.run(capture.read(take, cancelled or _never))

        def again(asked: Asked) -> None:
            another = _Capture(path, program, runner.get_loop(), Reading(), feed, asked)
            runner.run(another.read(lambda batch, _: take(batch, reading), cancelled or _never))

        if reading.eapol and not reading.failed:
            again(_eapol())
        if reading.sctp and not reading.failed:
            again(_sctp())
    if reading.failed and not reading.frames and not tshark.cut_short(reading.complaints):
        raise tshark.refusal(path, program, reading.complaints)
    reading.complaints = tshark.complaints(reading.complaints)
    return reading


def _never() -> bool:
    return False


class _Parser(TsharkEkJsonParser):  # type: ignore[misc]
    """Gives pyshark a list of packets at a time instead of single ones: one pass of its loop for hundreds."""

    def __init__(self, reading: Reading, feed: Feed | None, parse: Parse | None, deal: Deal | None) -> None:
        super().__init__()
        self._parse = parse
        self._deal = deal
        self._reading = reading
        self._feed = feed

    async def get_packets_from_stream(
        self, stream: asyncio.StreamReader, existing_data: bytes, got_first_packet: bool = True
    ) -> tuple[list[Any], bytes]:
        data = await _gather(stream)
        if not data:
            raise EOFError
        lines, _, rest = (existing_data + data).rpartition(b"\n")
        before = self._reading.frames
        self._reading.frames = 0
        packets: list[Any]
        if self._deal is not None:
            packets = self._deal(lines, self._reading)
        elif self._feed is not None:
            packets = self._feed.parsed(lines, self._reading, self._parse)
        else:
            packets = parse_lines(lines, self._reading, self._parse)
        if self._feed is not None:
            self._feed.place(self._reading)
        self._reading.frames = self._reading.frames or before
        return packets, rest


async def _gather(stream: asyncio.StreamReader) -> bytes:
    """What tshark has written; b"" at the end.

    Waits a moment while that is little: being woken for every packet costs more than parsing it.
    """
    data = await stream.read(_READ)
    while 0 < len(data) < _ENOUGH:
        await asyncio.sleep(_MOMENT)
        try:
            more = await asyncio.wait_for(stream.read(_READ), _MOMENT)
        except TimeoutError:
            break
        if not more:
            break
        data += more
    return data


def _eapol() -> Asked:
    from tlsviz.sources import eapol

    return Asked(eapol.FILTER, eapol.FIELDS, eapol.DISABLED, eapol.parse)


def _sctp() -> Asked:
    from tlsviz.sources import sctp

    return Asked(sctp.FILTER, sctp.FIELDS, sctp.DISABLED, sctp.parse)


class Running:
    """What both of pyshark's captures are kept from: asking tshark twice, and speaking at exit.

    To be mixed in before them; ``_reading`` and ``_feed`` are to be set before anything runs.
    """

    _reading: Reading
    _feed: Feed | None
    _asked: Asked = Asked()
    _deal: Deal | None = None
    _input: int = subprocess.DEVNULL
    _running_processes: set[asyncio.subprocess.Process | Process]
    _stderr_handling_tasks: list[asyncio.Task[None]]
    tshark_path: str

    async def _stop(self, at_once: bool) -> None:
        for process in self._running_processes:
            try:
                await asyncio.wait_for(_ended(process, at_once), _PATIENCE)
            except TimeoutError:
                kill(process)
                await process.wait()
            self._reading.failed = process.returncode != 0
        self._running_processes.clear()
        await asyncio.gather(*self._stderr_handling_tasks)

    # What pyshark would do otherwise, in the order of its calls.

    def _get_tshark_version(self) -> Version:
        """pyshark only asks whether EK mode is there; starting tshark a second time for that takes 0.3 s."""
        return Version(".".join(map(str, tshark.MINIMUM)))

    def _get_tshark_path(self) -> str:
        return str(self.tshark_path)

    async def _get_tshark_process(
        self, packet_count: int | None = None, stdin: int | None = None
    ) -> asyncio.subprocess.Process:
        process: asyncio.subprocess.Process = await pyshark.capture.capture.Capture._get_tshark_process(
            self, packet_count, stdin=self._input if stdin is None else stdin
        )
        with suppress(AttributeError, OSError, ValueError):  # or tshark has ended already
            pipe = process._transport.get_pipe_transport(1).get_extra_info("pipe")  # type: ignore[attr-defined]
            widen(pipe.fileno())
        return process

    def _created_new_process(
        self, parameters: list[str], process: asyncio.subprocess.Process | Process, process_name: str = "TShark"
    ) -> None:
        """Without looking for an early end, which is told with tshark's own words later."""
        self._running_processes.add(process)

    def _setup_tshark_output_parser(self) -> _Parser:
        """Without the field mapping of 20 MB that pyshark makes for EK mode: our fields' types are known."""
        return _Parser(self._reading, self._feed, self._asked.parse, self._deal)

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        kept = self._reading.complaints
        while data := await stream_line(stderr):
            if len(kept) < _MOST_LINES:
                kept.append(data.decode("utf-8", "replace").rstrip())


class _Capture(Running, pyshark.FileCapture):  # type: ignore[misc]
    """pyshark's file capture."""

    def __init__(
        self,
        path: Path,
        program: str,
        loop: asyncio.AbstractEventLoop,
        reading: Reading,
        feed: Feed | None,
        asked: Asked,
        deal: Deal | None = None,
    ) -> None:
        self._reading = reading
        self._feed = feed
        self._asked = asked
        self._deal = deal
        super().__init__(
            str(path.absolute()),
            keep_packets=False,
            use_ek=True,
            tshark_path=program,
            eventloop=loop,
            custom_parameters=parameters(asked),
        )

    async def _get_tshark_process(  # type: ignore[override]
        self, packet_count: int | None = None, stdin: int | None = None
    ) -> Process:
        """As pyshark does it, unless it runs already."""
        process = self._feed.process() if self._feed is not None else None
        if process is None:
            process = Process(self.tshark_path, self.get_parameters(packet_count), self._input)
        self._created_new_process([], process)
        await process.attach()
        self._create_stderr_handling_task(process.stderr)
        return process

    async def read(self, take: Take, cancelled: Callable[[], bool]) -> None:
        """Runs tshark to its end; whatever happens, no process, pipe or task of it remains."""
        # The feed ends after tshark has: it waits for whoever reads its pipe.
        with self._feed.running() if self._feed is not None else nullcontext(subprocess.DEVNULL) as self._input:
            watch = asyncio.ensure_future(self._watch(cancelled))
            try:
                await self.packets_from_tshark(lambda batch: take(batch, self._reading), close_tshark=False)
            except OSError as error:
                raise MissingError("tshark cannot be run", str(error), tshark.MEND) from None
            finally:
                watch.cancel()
                await self._stop(at_once=not self._eof_reached)
        if cancelled():
            raise CancelledError("Stopped", "reading the capture was cancelled")

    async def _watch(self, cancelled: Callable[[], bool]) -> None:
        while not cancelled():
            await asyncio.sleep(_POLL)
        for process in self._running_processes:
            kill(process)

    def get_parameters(self, packet_count: int | None = None) -> list[str]:
        """With the pipe in place of the file, where there is one."""
        parameters: list[str] = super().get_parameters(packet_count)
        if self._feed is not None:
            parameters[parameters.index("-r") + 1] = "-"
        return parameters


async def stream_line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or a part of one that is longer than any of tshark's; b"" at the end."""
    try:
        return await stream.readline()
    except ValueError:
        return b"\n"


async def _ended(process: asyncio.subprocess.Process | Process, at_once: bool) -> None:
    """Waits for the end, or makes one. What is left is read then: asyncio sees no end behind a pipe that it paused."""
    if at_once:
        kill(process)
        while process.stdout is not None and await process.stdout.read(_READ):
            pass
    await process.wait()
