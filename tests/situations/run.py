"""Plays every situation and prints right, wrong or undecided: `.venv/bin/python tests/situations/run.py [WORD ...]`.

With words, only the situations that have one of them in their name. The exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / "support")]

from situation_runner import play  # noqa: E402
from situation_table import SITUATIONS  # noqa: E402


def main(words: list[str]) -> int:
    chosen = [one for one in SITUATIONS if not words or any(word in one.name for word in words)]
    counted: Counter[str] = Counter()
    for situation in chosen:
        outcome = play(situation)
        counted[outcome.verdict] += 1
        said = situation.code or situation.beside or "no failure"
        print(f"{outcome.verdict:10}{outcome.seconds:6.2f} s  {situation.name:52}  {said}")
        if outcome.why:
            print(f"{'':20}{outcome.why}")
    print(f"{len(chosen)} situations: " + ", ".join(f"{counted[one]} {one}" for one in ("right", "wrong", "undecided")))
    return 1 if counted["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
