"""TCP packets of a capture file, by pyshark over tshark.

tshark knows every file format, link type and tunnel, puts IP fragments together and numbers the TCP streams;
nothing above TCP is taken from it. pyshark runs it in EK mode, limited to the few fields needed (`-e`), which is 1.6
times faster than whole layers, and its output is parsed a batch at a time.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyshark
import ujson
from packaging.version import Version
from pyshark.tshark.output_parser.tshark_ek import TsharkEkJsonParser

from tlsviz.connection.model import Endpoint
from tlsviz.errors import CancelledError, MissingError
from tlsviz.sources import tshark
from tlsviz.sources.segments import Packet

FIELDS = (
    "frame.number",
    "frame.file_off",
    "frame.time_epoch",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.stream",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.len",
    "tcp.payload",
    "udp.stream",
)

# Bare acknowledgements, a third of most captures, say nothing that the packets with data do not.
FILTER = "tcp.len > 0 or tcp.flags & 7 or dtls.record.content_type == 22 or quic.header_form == 1"

PREFERENCES = (
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "frame.show_file_off:TRUE",
)

EARLIEST, LATEST = -60e9, 250e9
"""The years 68 and 9892, in Unix seconds."""

_POLL = 0.05
_PATIENCE = 10.0
_MOST_LINES = 50
_READ = 1 << 18


@dataclass(slots=True)
class Reading:
    """How far the reading is. ``frames``: the number of the last frame seen; ``offset``: its place in the file
    (uncompressed); ``others``: numbers of conversations that are not TCP, by protocol; ``complaints``: tshark's.
    """

    frames: int = 0
    offset: int = 0
    others: dict[str, set[int]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    failed: bool = False


Take = Callable[[list[Packet], Reading], None]


def read_packets(
    path: Path, take: Take, cancelled: Callable[[], bool] | None = None, program: str | None = None
) -> Reading:
    """Reads every TCP packet with data, SYN, FIN or RST, in the file's order, a batch at a time into ``take``.

    Blocks until the end; not to be called from a running event loop. Raises `CancelledError` within 0.1 s of
    ``cancelled`` turning true, `MissingError` without tshark, `TargetError` when tshark cannot read the file.
    """
    program = program or tshark.find()
    reading = Reading()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        capture = _Capture(path, program, runner.get_loop(), reading)
        runner.run(capture.read(take, cancelled or _never))
    if reading.failed and not reading.frames and not tshark.cut_short(reading.complaints):
        raise tshark.refusal(path, program, reading.complaints)
    reading.complaints = tshark.complaints(reading.complaints)
    return reading


def _never() -> bool:
    return False


class _Parser(TsharkEkJsonParser):  # type: ignore[misc]
    """Gives pyshark a list of packets at a time instead of single ones: one pass of its loop for hundreds."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading

    async def get_packets_from_stream(
        self, stream: asyncio.StreamReader, existing_data: bytes, got_first_packet: bool = True
    ) -> tuple[list[Packet], bytes]:
        data = await stream.read(_READ)
        if not data:
            raise EOFError
        lines, _, rest = (existing_data + data).rpartition(b"\n")
        return parse_lines(lines, self._reading), rest


class _Capture(pyshark.FileCapture):  # type: ignore[misc]
    """pyshark's file capture, kept from asking tshark twice and from speaking at exit."""

    def __init__(self, path: Path, program: str, loop: asyncio.AbstractEventLoop, reading: Reading) -> None:
        self._reading = reading
        parameters = ["-Y", FILTER]
        for name in FIELDS:
            parameters += ["-e", name]
        for preference in PREFERENCES:
            parameters += ["-o", preference]
        super().__init__(
            str(path.absolute()),
            keep_packets=False,
            use_ek=True,
            disable_protocol="tls",
            tshark_path=program,
            eventloop=loop,
            custom_parameters=parameters,
        )

    async def read(self, take: Take, cancelled: Callable[[], bool]) -> None:
        """Runs tshark to its end; whatever happens, no process, pipe or task of it remains."""
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
            _kill(process)

    async def _stop(self, at_once: bool) -> None:
        for process in self._running_processes:
            if at_once:
                _kill(process)
            try:
                await asyncio.wait_for(process.wait(), _PATIENCE)
            except TimeoutError:
                _kill(process)
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
        process: asyncio.subprocess.Process = await super()._get_tshark_process(
            packet_count, stdin=subprocess.DEVNULL if stdin is None else stdin
        )
        return process

    def _created_new_process(
        self, parameters: list[str], process: asyncio.subprocess.Process, process_name: str = "TShark"
    ) -> None:
        """Without looking for an early end, which is told with tshark's own words later."""
        self._running_processes.add(process)

    def _setup_tshark_output_parser(self) -> _Parser:
        """Without the field mapping of 20 MB that pyshark makes for EK mode: our fields' types are known."""
        return _Parser(self._reading)

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        kept = self._reading.complaints
        while data := await stream_line(stderr):
            if len(kept) < _MOST_LINES:
                kept.append(data.decode("utf-8", "replace").rstrip())


async def stream_line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or a part of one that is longer than any of tshark's; b"" at the end."""
    try:
        return await stream.readline()
    except ValueError:
        return b"\n"


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


def parse_lines(lines: bytes, reading: Reading) -> list[Packet]:
    """The TCP packets in whole lines of tshark's EK output; other conversations are counted in ``reading``."""
    packets: list[Packet] = []
    layers: dict[str, list[str]] | None = None
    for line in lines.split(b"\n"):
        if line.startswith(b'{"index"') or not line:
            continue
        layers = ujson.loads(line).get("layers") or {}
        packet = parse_packet(layers)
        if packet is not None:
            packets.append(packet)
        else:
            _count_other(layers, reading)
    if layers:
        reading.frames = int(layers["frame_number"][0])
        reading.offset = int(layers.get("frame_file_off", ("0",))[0])
    return packets


def _count_other(layers: dict[str, list[str]], reading: Reading) -> None:
    stream = layers.get("udp_stream")
    if stream:
        protocols = layers["frame_protocols"][0].split(":")
        for name in ("quic", "dtls"):
            if name in protocols:
                reading.others.setdefault(name, set()).add(int(stream[-1]))


def parse_packet(layers: dict[str, Any]) -> Packet | None:
    """The innermost TCP packet of a frame's fields; None if it has none, or only one quoted by ICMP."""
    place = tcp_place(layers["frame_protocols"][0])
    if place is None:
        return None
    family, ip, tcp = place
    try:
        length = int(layers["tcp_len"][tcp])
        payload = _payload(layers, tcp) if length else b""
        return Packet(
            int(layers["frame_number"][0]),
            epoch(layers["frame_time_epoch"][0]),
            int(layers["tcp_stream"][tcp]),
            _endpoint(layers[family + "_src"][ip] if family else "", layers["tcp_srcport"][tcp]),
            _endpoint(layers[family + "_dst"][ip] if family else "", layers["tcp_dstport"][tcp]),
            int(layers["tcp_seq_raw"][tcp]),
            int(layers["tcp_ack_raw"][tcp]),
            int(layers["tcp_flags"][tcp], 16),
            payload,
            max(length - len(payload), 0),
        )
    except (KeyError, IndexError, ValueError):
        return None  # the capture has only a part of the TCP header


def _payload(layers: dict[str, Any], tcp: int) -> bytes:
    """The payload of a frame's TCP layer, as far as it was captured.

    Layers without payload have no entry; proxies' dissectors (SOCKS) add a second one for the same layer.
    """
    lengths = [int(size) for size in layers["tcp_len"]]
    index = sum(size > 0 for size in lengths[:tcp])
    payloads = layers.get("tcp_payload", ())
    return bytes.fromhex(payloads[index].replace(":", "")) if index < len(payloads) else b""


@lru_cache(maxsize=1024)
def tcp_place(protocols: str) -> tuple[str, int, int] | None:
    """Which of a frame's IP and TCP layers count: the innermost TCP and the IP layer next outside it.

    ``protocols`` is frame.protocols, such as ``eth:ethertype:ip:gre:ipv6:tcp``. Gives the IP family, and the
    indexes of the layers among their kind; None if there is no TCP but in what an ICMP message quotes.
    """
    family, counts = "", {"ip": 0, "ipv6": 0, "tcp": 0}
    found = None
    for name in protocols.split(":"):
        if name in ("icmp", "icmpv6"):
            break
        if name in counts:
            counts[name] += 1
            if name == "tcp":
                found = family, max(counts.get(family, 0) - 1, 0), counts["tcp"] - 1
            else:
                family = name
    return found


@lru_cache(maxsize=65536)
def _endpoint(address: str, port: str) -> Endpoint:
    return Endpoint(address, int(port))


def epoch(text: str) -> float:
    """A frame's time in Unix seconds: a number, or ISO 8601 as tshark 4.2 and later have it.

    Times that no calendar has (a capture can claim any) become the nearest that one has.
    """
    try:
        return min(max(float(text), EARLIEST), LATEST)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
