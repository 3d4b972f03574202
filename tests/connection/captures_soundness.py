"""What must hold for every connection of every capture: ``python tests/connection/captures_soundness.py FOLDER``.

The leaves of every message tile it, all that opens opened; and a connection is equal whether its bytes come in one
chunk a flight, in small pieces, or one by one. Exit status 1 if something does not hold.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from soundness import assert_sound

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Message
from tlsviz.connection.plain import undecided
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.wire.chunks import Chunk, Input

SUFFIXES = (".pcap", ".pcapng", ".cap", ".gz", ".zst")
ONE_BY_ONE = 64 << 10
"""Connections of more bytes are cut into pieces of 61 instead of 1."""


class Taped(Engine):
    """An engine that keeps what it was given."""

    made: list[Taped] = []
    tape: list[Input]

    def __post_init__(self) -> None:
        Engine.__post_init__(self)
        self.tape = []
        Taped.made.append(self)

    def receive(self, item: Input) -> list[Message]:
        self.tape.append(item)
        return Engine.receive(self, item)


def opened(path: Path) -> tuple[tuple[Connection, ...], list[Taped]]:
    """A capture's connections, and the engines that followed its TCP streams of TLS."""
    keylogs, keys = (
        tuple(each for each in (path.with_name(path.name + suffix),) if each.exists())
        for suffix in (".keylog", ".rsakey.pem")
    )
    Taped.made = []
    with patch.object(undecided, "Engine", Taped):
        trace = load_capture(path, OpenOptions(keylogs=keylogs, rsa_keys=keys), strict=True)
    return trace.connections, [engine for engine in Taped.made if engine.is_tls]


def flights(tape: list[Input]) -> list[Input]:
    """The same bytes with all that one side says in a row in one chunk, of the time and packets of its first part."""
    merged: list[Input] = []
    for item in tape:
        last = merged[-1] if merged else None
        if isinstance(item, Chunk) and isinstance(last, Chunk) and last.sender == item.sender:
            merged[-1] = last._replace(data=last.data + item.data)
        else:
            merged.append(item)
    return merged


def pieces(tape: list[Input], size: int) -> Iterator[Input]:
    """The same with every chunk cut into pieces of ``size`` bytes."""
    for item in tape:
        if isinstance(item, Chunk):
            for start in range(0, len(item.data), size):
                yield item._replace(data=item.data[start : start + size])
        else:
            yield item


def connection(tape: Iterator[Input] | list[Input], like: Engine, keylog: KeyLog) -> Connection:
    engine = Engine(client=like.client, server=like.server, keylog=deepcopy(keylog))
    last = None
    for item in tape:
        engine.receive(item)
        last = item.time
    engine.finish(last)
    return engine.connection()


def check_capture(path: Path) -> Counter[str]:
    """Raises AssertionError for what does not hold; else says how much was looked at."""
    counts: Counter[str] = Counter(captures=1)
    connections, engines = opened(path)
    for each in connections:
        counts["connections"] += 1
        counts["streams"] += each.transport == "tcp" and each.plain is None  # datagrams are not to be cut
        for message in each.messages:
            if message.tree is not None and message.buffer is not None:
                start = message.tree.start  # what cannot be read starts behind its record's header
                counts["nodes"] += assert_sound(message.tree, message.buffer.data[start:], start)
                counts["messages"] += 1
            if message.inner is not None:
                counts["nodes"] += assert_sound(message.inner.tree, message.inner.buffer.data)
    for engine in engines:
        tape = flights(engine.tape)
        size = sum(len(item.data) for item in tape if isinstance(item, Chunk))
        whole = connection(tape, engine, engine.keylog)
        for step in (1 if size <= ONE_BY_ONE else 61, 7 if size <= ONE_BY_ONE else 1021):
            assert connection(pieces(tape, step), engine, engine.keylog) == whole, f"in pieces of {step} bytes"
            counts["equal when cut"] += 1
    return counts


def captures(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.endswith(SUFFIXES)]


def main(folder: Path) -> int:
    total: Counter[str] = Counter()
    for path in captures(folder):
        try:
            total += check_capture(path)
        except TlsvizError:
            total["unreadable"] += 1
        except AssertionError as error:
            total["wrong"] += 1
            print(f"{path}: {error}", flush=True)
    print(dict(total))
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
