"""How long until the home screen is painted, as a multiple of an empty Textual app's time in the same run.

    python tests/benchmarks/home_paint.py [ROUNDS]

Each time runs from the start of a fresh process to the moment the screen has been painted: interpreter, imports,
start, layout, paint. The two kinds take turns, so that a busy machine slows both alike; the best of each counts.
Exit status 1 above 1.5.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 1.5
ROOT = Path(__file__).resolve().parents[2]

_EMPTY = """
from textual.app import App as Base
"""
_HOME = """
from tlsviz.ui.app import TlsvizApp as Base
"""
_RUN = """
import time

class App(Base):
    def on_mount(self):
        self.screen.call_after_refresh(self.painted)

    def painted(self):
        self.when = time.perf_counter()
        self.exit()

app = App()
app.run(headless=True, size=(120, 36))
print(app.when)
"""


def once(code: str, state: str) -> float:
    """The seconds from the start of a process to its first paint (`perf_counter` is one clock for all here)."""
    environment = {**os.environ, "XDG_STATE_HOME": state, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    command = [sys.executable, "-c", code + _RUN]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return float(done.stdout) - began


def measure(rounds: int) -> tuple[list[float], list[float]]:
    """The times of the empty app and of the home screen, taken in turns after one round to warm up."""
    empty, home = [], []
    with tempfile.TemporaryDirectory() as state:
        for number in range(rounds + 1):
            first, second = once(_EMPTY, state), once(_HOME, state)
            if number:
                empty.append(first)
                home.append(second)
    return empty, home


def main() -> int:
    """Prints the ratio; the exit status says whether it is within the limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    empty, home = measure(rounds)
    ratio = min(home) / min(empty)
    middle = statistics.median(home) / statistics.median(empty)
    print(f"empty app {min(empty):.3f} s, home screen {min(home):.3f} s, ratio {ratio:.2f} (median {middle:.2f})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
