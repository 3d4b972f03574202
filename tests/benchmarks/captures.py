"""Large captures: `tlsviz show --list` against `tshark -Y tls.handshake -T fields`, in the same run.

    python tests/benchmarks/captures.py [bulk] [dense] [growth] [--folder FOLDER]

`bulk`: 50 long downloads in 429 MB. `dense`: 2,000 handshakes in 50 MB. `growth`: 400 handshakes against 4,000. The
captures are made from the project's samples (`tests/support/large_captures.py`); FOLDER keeps them. Wall times are
medians of five runs in turns; memory is the peak of what the process and its children hold together, in a run of its
own (to look at it takes processor time).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from large_captures import TOGETHER, make

PAUSE = 0.03
RUNS = 5
HANDSHAKES = ["-Y", "tls.handshake", "-T", "fields", "-e", "frame.number", "-e", "tls.handshake.type"]


class Cost(NamedTuple):
    """Seconds and bytes."""

    time: float
    memory: int


def children_of(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has just ended
            for child in task.read_text().split():
                found += [int(child), *children_of(int(child))]
    return found


def held(process: int) -> int:
    """What a process and its children hold in memory now, in bytes; pages that several share count once."""
    total = 0
    for each in (process, *children_of(process)):
        with suppress(OSError, IndexError, ValueError):  # it has just ended
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(rollup.split("\nPss:", 1)[1].split()[0]) << 10
    return total


def took(command: list[str]) -> float:
    """Seconds from a command's start to its end."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def peak(command: list[str]) -> int:
    """The most bytes that a command holds."""
    most = 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, held(process.pid))
        time.sleep(PAUSE)
    return most


def ours(path: Path) -> list[str]:
    return [sys.executable, "-m", "tlsviz", "show", str(path), "--list"]


def medians(commands: list[list[str]]) -> list[Cost]:
    """The commands in turns, several times."""
    rounds = [[took(command) for command in commands] for _ in range(RUNS)]
    times = map(statistics.median, zip(*rounds, strict=True))
    return [Cost(each, peak(command)) for each, command in zip(times, commands, strict=True)]


def against_tshark(name: str, path: Path, goals: str) -> None:
    mine, theirs = medians([ours(path), ["tshark", "-r", str(path), *HANDSHAKES]])
    print(f"{name}: {path.stat().st_size / 1e6:.0f} MB")
    print(f"  tlsviz {mine.time:6.2f} s {mine.memory / 1e6:6.0f} MB")
    print(f"  tshark {theirs.time:6.2f} s {theirs.memory / 1e6:6.0f} MB")
    print(f"  time {mine.time / theirs.time:.2f}, memory {mine.memory / theirs.memory:.2f}  ({goals})")


def growth(small: Path, large: Path) -> None:
    one, ten = medians([ours(small), ours(large)])
    print(f"ten times the handshakes: time x{ten.time / one.time:.1f}, memory x{ten.memory / one.memory:.1f}")
    print("  (goals x10 and x3, must x11 and x6)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=("bulk", "dense", "growth", []), default=[])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    wanted = given.what or ["bulk", "dense", "growth"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)

        def capture(name: str, connections: int, size: int, together: int) -> Path:
            path = folder / f"{name}.pcap"
            if not path.exists():
                make(path, connections, size, together)
            return path

        if "bulk" in wanted:
            path = capture("bulk", 50, 429_000_000, 50)
            against_tshark("bulk", path, "goals 0.08 and 0.15, must 0.15 and 0.3")
        if "dense" in wanted:
            against_tshark("dense", capture("dense", 2000, 50_000_000, TOGETHER), "time: goal 0.8, must 1.3")
        if "growth" in wanted:
            growth(capture("few", 400, 10_000_000, TOGETHER), capture("many", 4000, 100_000_000, TOGETHER))


if __name__ == "__main__":
    main()
