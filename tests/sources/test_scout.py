"""The first pass in a process of its own finds what it finds here; whatever happens to it, the file is read."""

from __future__ import annotations

import mmap
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import shake

from tlsviz.cli import main
from tlsviz.errors import CancelledError
from tlsviz.sources import scout
from tlsviz.sources.carve import plan
from tlsviz.sources.scout import Early, Scout

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux only")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A handshake and a long transfer, of which much is counted."""
    said = shake()
    last = said.chunks[-1]
    said.chunks.insert(-2, last._replace(data=(b"\x17\x03\x03\x3a\x98" + bytes(15000)) * 40))
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, w.packets(said))))
    return path


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process and no pipe."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def on() -> None:
    """Goes on."""


def test_it_finds_what_is_found_here(path: Path) -> None:
    with mapped(path) as data:
        there, here = Scout(path).plan(data, on), plan(data)
        assert there is not None and here is not None
        for name in ("keep", "starts", "ends", "carved", "flows", "randoms", "bare", "survey", "framing"):
            assert getattr(there, name) == getattr(here, name), name
        assert here.carved and list(there.taken) == list(here.taken) != []
        for mine, its in zip(here.taken.values(), there.taken.values(), strict=True):
            assert its.data is data
            assert [getattr(mine, each) for each in mine.__slots__ if hasattr(mine, each)] == [
                getattr(its, each) for each in its.__slots__ if hasattr(its, each)
            ]


def test_what_is_no_capture_has_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("no capture\n" * 9)
    with mapped(path) as data:
        assert Scout(path).plan(data, on) is None


def test_if_it_dies_the_file_is_looked_through_here(path: Path) -> None:
    with mapped(path) as data:
        sent = Scout(path)
        os.kill(sent._process, signal.SIGKILL)
        found = sent.plan(data, on)
        assert found is not None and found.carved


def test_waiting_for_it_can_be_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise CancelledError("Stopped", "")

    monkeypatch.setattr(scout, "plan", lambda data: time.sleep(600))
    sent = Scout(path)
    with mapped(path) as data, pytest.raises(CancelledError):
        sent.plan(data, stop)
    sent.discard()
    sent.discard()


def test_small_and_missing_files_have_none(path: Path, tmp_path: Path) -> None:
    for each in (path, tmp_path / "missing"):
        with Early(each) as early:
            early.begin()
            assert early.scout is None and not early.large


@pytest.mark.tshark
def test_the_list_is_the_same(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[Path] = []

    class Noted(Scout):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            sent.append(path)

    assert main(["show", str(path), "--list"]) == 0
    usual = capsys.readouterr()
    monkeypatch.setattr(scout, "WORTH", 0)
    monkeypatch.setattr(scout, "Scout", Noted)
    monkeypatch.setattr(scout, "processes", lambda: 2)
    assert main(["show", str(path), "--list"]) == 0
    assert capsys.readouterr() == usual
    assert main(["show", str(path), "--list", "--no-carve"]) == 0
    assert main(["show", str(path), "--list", "--keylog", str(path.with_name("missing"))]) != 0
    assert sent == [path, path]


def test_nobody_waits_for_it(tmp_path: Path) -> None:
    """Its parent dies while it has more to say than a pipe holds: it goes too, and keeps nobody's pipe open."""
    path = tmp_path / "large.pcap"
    frame = w.frame(w.packets(shake())[0])
    path.write_bytes(w.pcap([frame] * 80_000))
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        try:
            sent = Scout(path)
            os.write(writer, str(sent._process).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    os.waitpid(parent, 0)
    watch = select.poll()
    watch.register(reader, select.POLLIN)
    assert watch.poll(10_000)
    assert os.read(reader, 99).isdigit()
    assert watch.poll(10_000), "its pipe has no end"
    assert os.read(reader, 99) == b""
    os.close(reader)
