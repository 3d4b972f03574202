"""What a key press in the connection list takes, with many rows and with few: seconds of work, and their ratio.

    python tests/benchmarks/list_keys.py [--rows 100000] [--against 100] [--presses 60]

A press is timed from the key to the painted screen. Goal 1.1, must 1.5. Beside it: how long the rows take to come in
by fifty at a time as they do while a capture loads, to be sorted and to be filtered, in microseconds a row, and the
memory that the rows take.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "ui")]

from shellhelp import make_app  # noqa: E402
from shellsample import several  # noqa: E402

from tlsviz.connection.model import Connection  # noqa: E402
from tlsviz.connection.rows import row  # noqa: E402
from tlsviz.ui.listing import Listing  # noqa: E402
from tlsviz.ui.screens.connections import ConnectionsScreen  # noqa: E402
from tlsviz.ui.workers import Capture, Job  # noqa: E402

KEYS = ("down", "pagedown", "up", "end", "home")
TOGETHER = 50


def connections(count: int) -> Iterator[Connection]:
    """Connections that share their messages, so that they cost little beside their rows."""
    kinds = several()
    for number in range(count):
        kind = kinds[number % len(kinds)]
        name = f"host{number % 5000}.example.com"
        yield replace(kind, id=number, start=kind.start + number / 100, server_name=name)


async def presses(count: int, times: int) -> dict[str, float]:
    """The median seconds of each key, with so many rows."""
    job = Job(Capture(Path("made.pcap")))
    for connection in connections(count):
        job.found(connection)
    job.state = "done"
    found: dict[str, list[float]] = {key: [] for key in KEYS}
    with tempfile.TemporaryDirectory() as folder:
        app = make_app(Path(folder))
        async with app.run_test(size=(120, 36)) as pilot:
            await app.push_screen(ConnectionsScreen(job))
            await pilot.pause(0.5)
            for _ in range(times):
                for key in KEYS:
                    begin = time.process_time()
                    await pilot.press(key)
                    app.screen._compositor.render_strips()
                    found[key].append(time.process_time() - begin)
    return {key: statistics.median(values) for key, values in found.items()}


def work(count: int) -> None:
    """Times the listing alone."""
    made = list(map(row, connections(count)))
    listing, begin = Listing(), time.process_time()
    for start in range(0, count, TOGETHER):
        listing.put(made[start : start + TOGETHER])
    took = {"put": time.process_time() - begin}
    tracemalloc.start()  # it slows everything down: the time was taken without
    Listing().put(made)
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for key in ("name", "time"):
        begin = time.process_time()
        listing.sort_by(key)
        took[f"sort by {key}"] = time.process_time() - begin
    for text in ("version:1.2", "sni:*77.example.com or alert:", "77.example"):
        begin = time.process_time()
        listing.filter = text
        listing.arrange()
        took[f"filter {text}"] = time.process_time() - begin
    for name, seconds in took.items():
        print(f"{name:38} {seconds:8.3f} s {seconds / count * 1e6:8.2f} us a row")
    print(f"{'memory, at most':38} {size / 1e6:8.1f} MB {size / count:7.0f} B a row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--against", type=int, default=100)
    parser.add_argument("--presses", type=int, default=60)
    given = parser.parse_args()
    few = asyncio.run(presses(given.against, given.presses))
    many = asyncio.run(presses(given.rows, given.presses))
    for key in KEYS:
        print(f"{key:10} {few[key] * 1e3:8.2f} ms {many[key] * 1e3:8.2f} ms   ratio {many[key] / few[key]:.2f}")
    print(f"{'all':10} {sum(few.values()) * 1e3:8.2f} ms {sum(many.values()) * 1e3:8.2f} ms   "
          f"ratio {sum(many.values()) / sum(few.values()):.2f}")  # fmt: skip
    work(given.rows)


if __name__ == "__main__":
    main()
