"""Step mode: every flight is held until it is let go; what the user waits costs nothing, what the server waits may."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from effort import Stopwatch
from odd_servers import playing, reset, wait_for_end

from tlsviz.connection.model import Trace
from tlsviz.errors import CancelledError
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.gate import Gate, described
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target


class Keys:
    """Somebody at the keys: lets each held flight go after ``wait`` seconds, and remembers them all."""

    def __init__(self, wait: float = 0.0, most: int = 100) -> None:
        self.seen: list[tuple[str, str]] = []
        self.gate = Gate(self._told)
        self._wait, self._most = wait, most

    def _told(self) -> None:
        held = self.gate.held
        if held is not None:
            self.seen.append((held.sender, held.what))
            if len(self.seen) <= self._most:
                threading.Timer(self._wait, self.gate.let_go).start()


def run(port: int, keys: Keys, timeout: float = 5.0) -> Trace:
    options = LiveOptions(timeout=timeout, stores=(), step=True, gate=keys.gate, max_version="1.3")
    return run_live(Target("127.0.0.1", port), options.checked())


def test_every_flight_is_held_and_named() -> None:
    keys = Keys()
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        (connection,) = run(server.port, keys).connections
    assert connection.complete
    senders = [sender for sender, _ in keys.seen]
    assert senders[:4] == ["client", "server", "client", "server"]
    assert all(one != other for one, other in pairwise(senders))
    assert keys.seen[0][1].startswith("ClientHello 1,")
    assert keys.seen[1][1].startswith("the server's ServerHello, ChangeCipherSpec, encrypted records ")
    assert keys.seen[2][1].startswith("ChangeCipherSpec, encrypted records ")


def test_the_users_own_time_is_not_the_servers() -> None:
    """Four flights of 0.2 s each are more than the time-out, and still nothing runs out."""
    keys = Keys(0.2)
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        (connection,) = run(server.port, keys, timeout=0.5).connections
    assert connection.complete
    assert connection.diagnosis is None
    assert len(keys.seen) >= 4


@pytest.mark.parametrize(("end", "words"), [(lambda sock: None, "the server closed"), (reset, "reset")])
def test_a_server_that_does_not_wait_ends_it(end: object, words: str) -> None:
    keys = Keys(most=0)
    with playing(end) as port:  # type: ignore[arg-type]
        (connection,) = run(port, keys).connections
    (found,) = [finding for finding in connection.findings if finding.diagnosis]
    assert found.code == "connection_reset"
    assert words in found.evidence
    assert keys.gate.held is None


def test_cancelling_while_a_flight_is_held() -> None:
    keys = Keys(most=0)
    watch = Stopwatch()
    options = LiveOptions(stores=(), step=True, gate=keys.gate)
    with playing(wait_for_end) as port, pytest.raises(CancelledError):
        run_live(Target("127.0.0.1", port), options, cancelled=lambda: bool(keys.seen))
    assert watch.seconds() < 2
    assert keys.gate.held is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"220 mail.test ESMTP\r\n250 x\r\n", "the server's 220 mail.test ESMTP 28 B"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "the server's alert 7 B"),
        (b"\x00\x01\x02", "the server's plaintext 3 B"),
        (b"\x1b[31m\r\n", "the server's plaintext 7 B"),
        (b"\x16\x03\x03\x00\x00", "the server's empty record 5 B"),
        (b"\x16\x03\x03\xff\xff\x02", "the server's ServerHello 6 B"),
    ],
)
def test_flights_are_named_safely(data: bytes, words: str) -> None:
    assert described(data, "server") == words
