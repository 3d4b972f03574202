"""Fuzzes the decoders and the engine with Atheris (libFuzzer for Python).

    pip install '.[fuzz]'
    python tests/fuzz/run.py --minutes 30                     both targets, one after the other, half the time each
    python tests/fuzz/run.py engine --minutes 10
    python tests/fuzz/run.py engine --replay build/fuzz/engine/findings/KeyError-stream-120

Everything that breaks is kept once in WORK/TARGET/findings: the input, and beside it the traceback. Running goes on
behind it; the exit status is 1 if anything was found. What is in WORK/TARGET/corpus is used again by the next run.
Seeds are the project's captures and handshakes, and the vectors of ``--vectors`` where they are at hand.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"decoders": 8192, "engine": 12288}
"""How long an input may be."""
SECONDS, SECONDS_A_BYTE = 3.0, 0.001
"""An input may take so long. Instrumented code is slow, but quadratic code is slower."""
HARD_LIMIT, MEGABYTES = 60, 2048

Target = Callable[[bytes], None]


def target(name: str) -> Target:
    """The function that takes one input."""
    if name == "decoders":
        import fuzz_decoders

        return fuzz_decoders.one_input
    import fuzz_engine

    return fuzz_engine.one_input


class Findings:
    """Runs a target, and keeps the first input of each kind of failure."""

    def __init__(self, run: Target, folder: Path) -> None:
        self._run = run
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._known = {path.name for path in folder.iterdir()}

    def take(self, data: bytes) -> None:
        """One input."""
        limit = SECONDS + SECONDS_A_BYTE * len(data)
        try:
            if self._seconds(data) > limit and (took := self._seconds(data)) > limit:
                self._keep(f"Slow-{len(data)}", data, f"{took:.1f} s for {len(data)} bytes")
        except Exception as error:
            self._keep(kind_of(error), data, traceback.format_exc())

    def _seconds(self, data: bytes) -> float:
        start = time.process_time()
        self._run(data)
        return time.process_time() - start

    def _keep(self, kind: str, data: bytes, text: str) -> None:
        if kind in self._known:
            return
        self._known |= {kind, f"{kind}.txt"}
        (self._folder / kind).write_bytes(data)
        (self._folder / f"{kind}.txt").write_text(text)
        print(f"FOUND {kind}: {text.strip().splitlines()[-1][:300]}", flush=True)


def kind_of(error: Exception) -> str:
    """The error's type and where in the package (else in the checks) it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "tlsviz" in Path(frame.filename).parts[:-1]] or frames
    checks = "" if ours[-1] is frames[-1] else f"-{Path(frames[-1].filename).stem}-{frames[-1].lineno}"
    return f"{type(error).__name__}-{Path(ours[-1].filename).stem}-{ours[-1].lineno}{checks}"


def fuzz(name: str, folder: Path, arguments: list[str]) -> None:
    """Hands this process over to libFuzzer; does not return."""
    import atheris

    with atheris.instrument_imports(include=["tlsviz"]):
        load_everything()
        run = target(name)
        findings = Findings(run, folder / "findings")
    mutator = None
    if name == "engine":
        from fuzz_inputs import changed

        def mutator(data: bytes, most: int, seed: int) -> bytes:
            return changed(data, most, seed, atheris.Mutate)

    atheris.Setup([sys.argv[0], *arguments], findings.take, custom_mutator=mutator)
    atheris.Fuzz()


def load_everything() -> None:
    """Imports what is imported only when it is needed: code that is loaded later would not be instrumented."""
    for room in ("wire", "tls", "crypto", "pki", "connection", "explain", "report"):
        package = importlib.import_module(f"tlsviz.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)


def prepare(name: str, folder: Path, vectors: Path) -> None:
    """Writes the seeds and the dictionary."""
    import fuzz_seeds
    import fuzz_words

    make = fuzz_seeds.decoder_seeds if name == "decoders" else fuzz_seeds.engine_seeds
    count = fuzz_seeds.write(folder / "seeds", make(vectors), TARGETS[name])
    words = fuzz_words.dictionary()
    (folder / "words.dict").write_text(words)
    (folder / "corpus").mkdir(exist_ok=True)
    print(f"{name}: {count} seeds, {words.count(chr(10))} words", flush=True)


def start(name: str, folder: Path, seconds: int) -> int:
    """Runs libFuzzer in a process of its own; 1 if anything was found."""
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={TARGETS[name]}",
        f"-dict={folder / 'words.dict'}",
        f"-artifact_prefix={folder / 'findings'}/",
        f"-timeout={HARD_LIMIT}",
        f"-report_slow_units={HARD_LIMIT}",  # `Findings` measures better: a busy machine makes no slow unit
        f"-rss_limit_mb={MEGABYTES}",
        "-print_final_stats=1",
        "-len_control=0",
    ]
    command = [sys.executable, __file__, name, "--work", str(folder.parent), "--inside", "--"]
    (folder / "findings").mkdir(exist_ok=True)
    done = subprocess.run([*command, *options, str(folder / "corpus"), str(folder / "seeds")], check=False)
    found = sorted(path.name for path in (folder / "findings").iterdir() if path.suffix != ".txt")
    print(f"{name}: {', '.join(found) or 'nothing found'}", flush=True)
    return 1 if found or done.returncode else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzzes the decoders and the engine.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="decoders, engine (default: both)")
    parser.add_argument("--minutes", type=float, default=30, help="of all targets together (default: 30)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "fuzz", help="corpus and findings")
    parser.add_argument("--vectors", type=Path, default=ROOT.parent / "shared" / "vectors", help="more seeds")
    parser.add_argument("--replay", type=Path, help="runs one input, and prints what it breaks")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    chosen = parser.parse_args(sys.argv[1:cut])
    names = chosen.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
    if chosen.inside:
        fuzz(names[0], chosen.work / names[0], sys.argv[cut + 1 :])
    if chosen.replay:
        target(names[0])(chosen.replay.read_bytes())
        return 0
    status = 0
    for name in names:
        folder = chosen.work / name
        folder.mkdir(parents=True, exist_ok=True)
        prepare(name, folder, chosen.vectors)
        status |= start(name, folder, max(round(chosen.minutes * 60 / len(names)), 1))
    return status


if __name__ == "__main__":
    sys.exit(main())
