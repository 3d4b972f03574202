"""A capture that several processes follow: the same trace, and an end to every process."""

from __future__ import annotations

import errno
import os
import re
import select
import sys
from multiprocessing.connection import Connection as Channel
from pathlib import Path

import pytest

from tlsviz.errors import CancelledError, TlsvizError
from tlsviz.sources import catalog
from tlsviz.sources import spread as spread_module
from tlsviz.sources.capture import Opened, load_capture
from tlsviz.sources.catalog import Crews, list_capture
from tlsviz.sources.ek import Reading
from tlsviz.sources.memory import recalled
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.shelving import Shelving
from tlsviz.sources.spool import Spool
from tlsviz.sources.spread import Spread

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux alone")
ROOT = Path(__file__).resolve().parents[2]
STREAM = re.compile(rb'tcp_stream":\["(\d+)')


@pytest.mark.tshark
@pytest.mark.parametrize("carve", [True, False])
@pytest.mark.parametrize("name", ["resumption.pcapng", "several.pcapng", "quic.pcapng", "tls12-no-keys.pcapng"])
def test_several_processes_give_the_same(monkeypatch: pytest.MonkeyPatch, name: str, carve: bool) -> None:
    path = ROOT / "captures" / name
    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 3)
    monkeypatch.setattr(catalog.Opened, "keyed", False)
    started: list[int] = []
    start = Spread.start
    monkeypatch.setattr(Spread, "start", lambda spread, *how: (started.append(1), start(spread, *how))[1])
    seen: list[int] = []
    options = OpenOptions(carve=carve)
    trace = list_capture(path, options, found=lambda kept: seen.append(kept.row.id), strict=True)
    assert trace == recalled(load_capture(path, options, strict=True))
    assert started and set(seen) == set(range(len(trace.connections)))


@pytest.mark.tshark
def test_a_process_that_meets_a_bug_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 2)
    monkeypatch.setattr(Shelving, "take", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng")
    monkeypatch.setattr(Shelving, "take", lambda *_: os._exit(9))
    with pytest.raises(TlsvizError, match="a process is gone"):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng")


@pytest.mark.tshark
@pytest.mark.parametrize("count", [1, 2])
def test_it_can_be_given_up_when_all_is_read(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    over: list[int] = []
    crew = Spread if count > 1 else Shelving
    end = crew.end
    monkeypatch.setattr(crew, "end", lambda crew: (over.append(1), end(crew))[1])
    monkeypatch.setattr(Spread, "_ended", lambda *_: pytest.fail("it waited for the processes"))
    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: count)
    with pytest.raises(CancelledError):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng", cancelled=lambda: bool(over))


def test_processes_of_an_attempt_that_was_given_up_are_gone_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 2)
    options = OpenOptions(carve=False)
    with (
        Opened(ROOT / "captures" / "tls12-no-keys.pcapng", options, None, None) as opened,
        Crews(opened, options.opinions(), Spool(), lambda _: None, strict=True) as crews,
    ):
        first = crews.begin(None)
        first.start(None, opened.look)
        assert isinstance(first, Spread)
        processes = list(first._processes)
        crews.begin(None)
        for process in processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)


def test_where_no_process_can_be_started_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 2)
    monkeypatch.setattr(os, "fork", none_left)
    with pytest.raises(TlsvizError, match="no process can be started"):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng")


def idle_crew(count: int) -> tuple[Spread, list[Channel]]:
    """What deals to so many processes, and where they would read."""
    spread = Spread(count, lambda *_: pytest.fail("nothing is started"), lambda _: None)
    pipes = [spread_module._pipe(1 << 16) for _ in range(count)]
    spread._channels = [ours for ours, _ in pipes]
    return spread, [theirs for _, theirs in pipes]


def lines(*streams: int) -> bytes:
    """What tshark says of packets of these streams."""
    about = b'{"layers":{"frame_number":["%d"],"tcp_stream":["%d"],"x":"' + b" " * 500 + b'"}}'
    return b"\n".join(b'{"index":{}}\n' + about % (number, stream) for number, stream in enumerate(streams, 1))


def got(channel: Channel) -> list[int]:
    """Of which streams a process has got packets."""
    found: list[int] = []
    while channel.poll():
        found += map(int, STREAM.findall(channel.recv_bytes()))
    return found


def test_a_stream_stays_with_its_process_and_a_new_one_is_for_who_has_least_to_do() -> None:
    spread, (one, two) = idle_crew(2)
    reading = Reading()
    spread.take_all(spread.deal(lines(0, 0, 0, 1, 1, 2, 0, 3, 3), reading))
    assert (got(one), got(two), reading.frames) == ([0, 0, 0, 0], [1, 1, 2, 3, 3], 9)
    spread._channels[1].send_bytes(bytes(20_000))
    spread.take_all(spread.deal(lines(4, 1, 5, 6), reading))
    assert got(one) == [4, 5, 6]
    assert two.recv_bytes() == bytes(20_000) and got(two) == [1]


def test_who_is_busy_does_not_hold_up_the_others() -> None:
    spread, (_busy, idle) = idle_crew(2)
    while select.select([], [spread._channels[0]], [], 0)[1]:
        spread._channels[0].send_bytes(bytes(20_000))
    came: list[bytes] = []

    def look() -> None:
        came.append(idle.recv_bytes())
        raise CancelledError("Stopped", "")

    spread._look = look
    with pytest.raises(CancelledError):
        spread._send([b"for who is busy", b"for who is not"])
    assert came == [b"for who is not"]
