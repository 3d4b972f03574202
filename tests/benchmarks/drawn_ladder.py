"""From the last Finished of a live handshake to the ladder on the screen, against a whole `openssl s_client`.

    python tests/benchmarks/drawn_ladder.py [RUNS]

`tlsviz live --save` runs on a terminal of its own (a pty, 120x36) and shakes hands with the lab on 127.0.0.1. What it
writes is put on a grid as a terminal does; the ladder is drawn at the first reading after which both Finished stand in
it. When the last Finished passed is in the saved capture: the same clock. Prints the median and the longest in
milliseconds (goal: at most 100), and as a ratio to `openssl s_client` with the same server in the same run.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

from live_show import spent

from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.capture import load_capture

ROWS, COLUMNS, LADDER = 36, 120, 52
"""The terminal's size, and how many of its columns the ladder takes."""
GOAL, PATIENCE = 0.1, 30.0
"""Seconds."""
_CONTROL = re.compile(
    rb"\x1b\[([0-9;?<>=!]*)[ -/]*([@-~])"  # CSI: its parameters, and what it does
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_].*?\x1b\\|\x1b.|[\r\n]"
)


class Grid:
    """A terminal of which only the cells are kept: text, and where the cursor goes."""

    def __init__(self) -> None:
        self._cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self._x = self._y = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Takes what was written; what a reading cuts in two waits for the next."""
        data, at = self._rest + data, 0
        cut = data.rfind(b"\x1b")
        end = cut if cut >= 0 and len(data) - cut < 40 and _CONTROL.match(data, cut) is None else len(data)
        for found in _CONTROL.finditer(data, 0, end):
            self._write(data[at : found.start()])
            at = found.end()
            if found[2] in (b"H", b"f"):
                row, _, column = found[1].partition(b";")
                self._y, self._x = int(row or 1) - 1, int(column or 1) - 1
            elif found[0] == b"\r":
                self._x = 0
            elif found[0] == b"\n":
                self._y += 1
        self._write(data[at:end])
        self._rest = data[end:]

    def _write(self, data: bytes) -> None:
        for char in data.decode("utf-8", "replace"):
            if 0 <= self._y < ROWS and 0 <= self._x < COLUMNS:
                self._cells[self._y][self._x] = char
            self._x += 1

    def holds_ladder(self) -> bool:
        """Whether both sides' Finished stand in it."""
        return sum("Finished" in "".join(row[:LADDER]) for row in self._cells) >= 2


def drawn(port: int, folder: Path) -> float:
    """Seconds from the last Finished to the ladder that has it."""
    saved = folder / "saved.pcapng"
    command = [sys.executable, "-m", "tlsviz", "live", f"{SERVER_NAME}:{port}", "--resolve", "127.0.0.1"]
    pid, terminal = pty.fork()
    if not pid:
        os.environ |= {"TERM": "xterm-256color", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        os.environ |= {"XDG_STATE_HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
        os.execv(sys.executable, [*command, "--save", str(saved)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        when = _watched(terminal)
        until = time.monotonic() + PATIENCE
        while not (saved.exists() and saved.stat().st_size and _settled(saved)):
            _read(terminal, 0.05)
            if time.monotonic() > until:
                raise SystemExit("tlsviz saved nothing")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    (connection,) = load_capture(saved).connections
    saved.unlink()
    return when - max(message.time for message in connection.messages_of("finished"))


def _settled(saved: Path) -> bool:
    """Whether nothing more is written to it."""
    size = saved.stat().st_size
    time.sleep(0.1)
    return saved.stat().st_size == size


def _watched(terminal: int) -> float:
    """The time of day at which the ladder is there."""
    grid, until = Grid(), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        data = _read(terminal, 0.5)
        now = time.time()
        if data:
            grid.feed(data)
            if grid.holds_ladder():
                return now
    raise SystemExit("the ladder did not come")


def _read(terminal: int, seconds: float) -> bytes:
    ready, _, _ = select.select([terminal], [], [], seconds)
    return os.read(terminal, 1 << 16) if ready else b""


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    authority = Authority()
    times, peers = [], []
    with (
        LabServer(ServerSettings(), authority.server(), authority) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        peer = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", SERVER_NAME]
        drawn(server.port, Path(folder))
        for _ in range(runs):
            times.append(drawn(server.port, Path(folder)))
            peers.append(spent(peer).wall)
    middle, longest = statistics.median(times), max(times)
    print(f"Finished to drawn ladder {middle * 1000:7.1f} ms, longest {longest * 1000:.1f} ms")
    print(f"goal                     {GOAL * 1000:7.1f} ms")
    print(f"openssl s_client         {statistics.median(peers) * 1000:7.1f} ms")
    print(f"drawn / s_client         {statistics.median(a / b for a, b in zip(times, peers, strict=True)):7.2f}")


if __name__ == "__main__":
    main()
