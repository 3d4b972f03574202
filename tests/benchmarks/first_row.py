"""When the first row of a capture is there, and the last, against tshark reading the whole file.

    python tests/support/large_captures.py dense FILE
    python tests/benchmarks/first_row.py FILE [--rounds 3]

tshark: ``tshark -r FILE -Y tls.handshake -T fields -e tcp.stream``. Ours: `sources.background` as the screen uses it,
from its start, the child process with it. Of several rounds in turn the shortest counts. First row: goal 0.2, must 0.4.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path

from tlsviz.sources.background import Listed, Loading


def ours(path: Path) -> tuple[float, float, int]:
    """Seconds until the first row, and until the end; and the number of rows."""
    begin, first = time.perf_counter(), None
    rows: set[int] = set()
    with Loading(path) as loading:
        for event in loading:
            if isinstance(event, Listed):
                first = first if first is not None else time.perf_counter() - begin
                rows |= {kept.row.id for kept in event.kept}
    whole = time.perf_counter() - begin
    return first if first is not None else whole, whole, len(rows)


def tshark(path: Path) -> float:
    """Seconds that tshark takes for its list."""
    words = ["tshark", "-r", str(path), "-Y", "tls.handshake", "-T", "fields", "-e", "tcp.stream"]
    begin = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    first, whole, theirs, rows = float("inf"), float("inf"), float("inf"), 0
    for _ in range(given.rounds):
        theirs = min(theirs, tshark(given.file))
        one, all_of_them, rows = ours(given.file)
        first, whole = min(first, one), min(whole, all_of_them)
    print(f"tshark            {theirs:7.2f} s")
    print(f"first row         {first:7.2f} s   ratio {first / theirs:.2f}")
    print(f"all {rows:7,} rows  {whole:7.2f} s   ratio {whole / theirs:.2f}")


if __name__ == "__main__":
    main()
