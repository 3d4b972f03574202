"""The sample captures, read once a run: their connections, and what the engines were given to make them."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from once_a_run import once

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.plain import undecided
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.tls.context import Context
from tlsviz.wire.chunks import Chunk, Input

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "captures"
SHARED = ROOT.parent / "shared" / "captures"


class Tape(NamedTuple):
    """What one engine was given, in order."""

    name: str
    client: Endpoint
    server: Endpoint
    keylog: KeyLog
    inputs: list[Input]

    def play(self, size: int | None = None) -> Connection:
        """The model of it; ``size``: all chunks cut to so many bytes."""
        engine = Engine(client=self.client, server=self.server, keylog=copy.deepcopy(self.keylog))
        for item in self.inputs:
            if size is None or not isinstance(item, Chunk):
                engine.receive(item)
                continue
            for start in range(0, len(item.data), size):
                engine.receive(item._replace(data=item.data[start : start + size]))
        engine.finish(max((item.time for item in self.inputs), default=None))
        return engine.connection()


class Sample(NamedTuple):
    """A message as it was decoded: where it is from, its type, its bytes and the context they were read in."""

    name: str
    type: str
    content_type: str
    data: bytes
    context: Context


@cache
def connections() -> dict[str, tuple[Connection, ...]]:
    """Those of each sample capture, by its name without suffix; {} without tshark."""
    return {name: found for name, (found, _) in _read().items()}


@cache
def tapes() -> tuple[Tape, ...]:
    """What the engines were given; () without tshark."""
    return tuple(tape for _, found in _read().values() for tape in found)


@cache
def _read() -> dict[str, tuple[tuple[Connection, ...], list[Tape]]]:
    if shutil.which("tshark") is None:
        return {}
    paths = sorted(FOLDER.glob("*.pcapng"))
    found = {path.stem: once(path.stem, partial(_load, path)) for path in _from_elsewhere(paths)}
    return {path.stem: found[path.stem] for path in paths}


def _from_elsewhere(paths: list[Path]) -> list[Path]:
    """The same, but workers begin at different places: what one is reading the others need not wait for."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    start = len(paths) * int(worker.removeprefix("gw")) // int(workers)
    return paths[start:] + paths[:start]


def _load(path: Path) -> tuple[tuple[Connection, ...], list[Tape]]:
    found: list[Tape] = []

    class Taping(Engine):
        """An engine that remembers what it was given."""

        __slots__ = ("tape",)

        def __post_init__(self) -> None:
            Engine.__post_init__(self)
            self.tape = Tape(path.stem, self.client, self.server, self.keylog, [])
            found.append(self.tape)

        def receive(self, item: Input) -> object:  # type: ignore[override]
            self.tape.inputs.append(item)
            return Engine.receive(self, item)

    true, undecided.Engine = undecided.Engine, Taping  # type: ignore[misc]
    try:
        trace = load_capture(path, OpenOptions(ca=FOLDER / "ca.pem"), strict=True)
    finally:
        undecided.Engine = true  # type: ignore[misc]
    return trace.connections, found


def messages(found: dict[str, tuple[Connection, ...]]) -> Iterator[Sample]:
    """Every message that can be read, each content once."""
    seen: set[tuple[str, bytes]] = set()
    for name, several in found.items():
        for connection in several:
            version = connection.version.code if connection.version else None
            suite = connection.cipher_suite.code if connection.cipher_suite else None
            for message in connection.messages:
                if message.buffer is None or message.tree is None or message.tree.start:
                    continue
                data = message.buffer.data
                if (message.type, data) not in seen:
                    seen.add((message.type, data))
                    context = Context(message.sender, version, suite, connection.transport == "dtls")
                    yield Sample(f"{name}-{message.type}", message.type, message.content_type, data, context)


@cache
def foreign(*names: str, keys: bool = True) -> dict[str, tuple[Connection, ...]]:
    """The connections of captures from elsewhere, with their key logs; without those that are not here."""
    found = {}
    for name in names:
        path, log = SHARED / name, SHARED / f"{name}.keylog"
        if path.exists() and shutil.which("tshark") is not None:
            found[name] = load_capture(path, OpenOptions(keylogs=(log,) if keys and log.exists() else ())).connections
    return found
