"""When the first row of a capture is on the screen, and when all are there, against tshark reading the whole file.

    python tests/benchmarks/first_row.py [FILE] [--rounds 5]

FILE: 2,000 handshakes in 50 MB (`tests/support/large_captures.py`) unless it is given.

tshark: ``tshark -r FILE -Y tls.handshake -T fields -e tcp.stream``. Ours: the command ``tlsviz FILE`` in a terminal of
its own, from its start until it has written a row of the list; and the reading process behind it, from its start to
its first row and its last. Medians of rounds in turns. First row on the screen: goal 0.2, must 0.4.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from large_captures import TOGETHER, make

from tlsviz.sources.background import Listed, Loading

SIZE = struct.pack("HHHH", 36, 120, 0, 0)
ROW = re.compile(rb"TLS 1\.[0-3]")
"""What stands in a row, and in nothing that comes before."""
PATIENCE = 60.0


def screen(path: Path) -> float:
    """Seconds from the command's start until a row is on its terminal."""
    begin = time.perf_counter()
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "tlsviz", str(path)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, SIZE)
    written = b""
    try:
        while ROW.search(written) is None:
            if not select.select([terminal], [], [], PATIENCE)[0]:
                raise SystemExit(f"no row within {PATIENCE:.0f} s")
            written += os.read(terminal, 1 << 16)
        return time.perf_counter() - begin
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def reading(path: Path) -> tuple[float, float]:
    """Seconds until the reading process gives its first row, and until its end."""
    begin, first = time.perf_counter(), None
    with Loading(path) as loading:
        for event in loading:
            if isinstance(event, Listed) and first is None:
                first = time.perf_counter() - begin
    whole = time.perf_counter() - begin
    return first if first is not None else whole, whole


def tshark(path: Path) -> float:
    """Seconds that tshark takes for its list."""
    words = ["tshark", "-r", str(path), "-Y", "tls.handshake", "-T", "fields", "-e", "tcp.stream"]
    begin = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file
        if path is None:
            path = Path(folder) / "dense.pcap"
            make(path, 2000, 50_000_000, TOGETHER)
        measure(path, given.rounds)


def measure(path: Path, count: int) -> None:
    rounds = [(tshark(path), screen(path), *reading(path)) for _ in range(count)]
    theirs, *ours = map(statistics.median, zip(*rounds, strict=True))
    print(f"tshark                        {theirs:6.2f} s")
    for what, took in zip(
        ("first row on the screen", "first row of the reading", "all rows of the reading"), ours, strict=True
    ):
        print(f"{what:28}  {took:6.2f} s   ratio {took / theirs:.2f}")


if __name__ == "__main__":
    main()
