"""Servers that never end: every wait has a limit, every heap a bound, and a cancel is heard at every stage."""

from __future__ import annotations

import contextlib
import random
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import pytest
from effort import Stopwatch
from odd_servers import Play, flood, playing, saying, silent, trickle, wait_for_end

from tlsviz.connection.model import Connection
from tlsviz.errors import CancelledError
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target

PATIENCE = 0.4
SLACK = 1.5
"""Seconds that a busy machine may take beyond the limit."""
MEMORY = 64 << 20
"""Bytes: a server may send 256 KiB, which as the smallest of messages are many, each with its tree."""


def run(port: int, **options: object) -> Connection:
    wanted = LiveOptions(timeout=PATIENCE, stores=(), **options)  # type: ignore[arg-type]
    (connection,) = run_live(Target("127.0.0.1", port), wanted).connections
    return connection


@cache
def flight(version: str) -> bytes:
    """The first flight of a real server."""
    authority = Authority()
    with LabServer(ServerSettings(max_version=version), authority.server(), authority) as server:
        hello = bytearray()

        def record(sock: socket.socket) -> None:
            hello.extend(sock.recv(65536))

        with playing(record) as port:
            run(port, max_version=version)
        with socket.create_connection(("127.0.0.1", server.port), 3) as sock:
            sock.sendall(bytes(hello))
            return sock.recv(65536)


CUTS = (0, 1, 4, 5, 6, 9, 11, 43, 44, 60, 90, 130, 200, 500)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("cut", CUTS)
def test_garbage_after_any_byte(version: str, cut: int) -> None:
    garbage = random.Random(cut).randbytes(20000)
    watch = Stopwatch()
    with playing(saying(flight(version)[:cut] + garbage)) as port:
        connection = run(port, max_version=version)
    assert watch.seconds() < PATIENCE + SLACK
    assert sum(finding.diagnosis for finding in connection.findings) == 1


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("cut", CUTS)
def test_half_open_after_any_byte(version: str, cut: int) -> None:
    """The server falls silent: only the time-out ends it, and the evidence says how far it came."""

    def play(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(flight(version)[:cut])
        wait_for_end(sock)

    for patience in (0.1, 1.0, 10.0):  # where the machine is so busy that the server does not even begin in time
        with playing(play) as port:
            (connection,) = run_live(
                Target("127.0.0.1", port), LiveOptions(timeout=patience, stores=(), max_version=version)
            ).connections
        found = connection.diagnosis
        assert found is not None
        if not cut or "Not one byte" not in found.evidence:
            break
    assert found.code in ("handshake_timed_out", "malformed_message", "bad_record")
    if found.code == "handshake_timed_out" and cut:
        assert f"{cut} byte" in found.evidence


LARGEST = b"\x16\x03\x03\x00\x04\x0b\xff\xff\xff"
"""A record with the header of a Certificate message of 16 MiB."""
ZEROS = b"\x16\x03\x03\x3e\x80" + bytes(16000)
ENDLESS: dict[str, Callable[[], Play]] = {
    "records of one byte": lambda: flood(b"\x16\x03\x03\x00\x01\x0b"),
    "hello requests": lambda: flood(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00"),
    "a message of 16 MB": lambda: saying(
        b"\x16\x03\x03\x00\x04\x0b\xff\xff\xff", flood(b"\x16\x03\x03\x3e\x80" + bytes(16000))
    ),
    "certificates of 16 MB": lambda: saying(flight("1.2")[:90] + LARGEST, flood(ZEROS)),
    "warnings": lambda: flood(b"\x15\x03\x03\x00\x02\x01\x5a"),
    "heartbeats": lambda: flood(b"\x18\x03\x03\x00\x13\x01\x00\x10" + bytes(16)),
    "a byte now and then": lambda: trickle(flight("1.3"), 0.02),
    "nothing": lambda: silent,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_without_end(name: str) -> None:
    watch = Stopwatch()
    with playing(ENDLESS[name]()) as port:
        connection = run(port)
    assert watch.seconds() < PATIENCE + 4 * SLACK
    assert sum(finding.diagnosis for finding in connection.findings) == 1


@pytest.mark.parametrize("name", ["a message of 16 MB", "records of one byte"])
def test_without_end_in_bounded_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with playing(ENDLESS[name]()) as port:
            run(port)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY


@contextlib.contextmanager
def unanswered() -> Iterator[int]:
    """A port whose queue is full: SYNs are dropped."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            sock = held.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


STAGES: dict[str, Callable[[], contextlib.AbstractContextManager[int]]] = {
    "connecting": unanswered,
    "waiting for the ServerHello": lambda: playing(silent),
    "bytes dripping": lambda: playing(trickle(flight("1.3"), 0.02)),
}


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_is_heard(stage: str) -> None:
    """At every stage somebody looks at least five times a second: the longest time between two looks is measured."""
    looks = [time.monotonic()]
    start = looks[0]

    def cancelled() -> bool:
        looks.append(time.monotonic())
        return looks[-1] - start > PATIENCE

    with STAGES[stage]() as port, contextlib.suppress(CancelledError):
        run_live(Target("127.0.0.1", port), LiveOptions(timeout=2 * PATIENCE, stores=()), cancelled=cancelled)
    pauses = sorted(after - before for before, after in pairwise(looks))
    assert len(pauses) > 3
    assert pauses[len(pauses) * 9 // 10] < 0.2
