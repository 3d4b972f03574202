"""tshark started before it is known what it is to read: used where it fits, ended wherever it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import shake

from tlsviz.errors import TlsvizError
from tlsviz.sources import capture, process
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.process import Ahead, Process, ahead

pytestmark = pytest.mark.tshark


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    """Every tshark that was started; in the end none is left, nor any of their pipes."""
    found: list[Process] = []

    class Noted(Process):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            found.append(self)

    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    monkeypatch.setattr(process, "Process", Noted)
    monkeypatch.setattr("tlsviz.sources.packets.Process", Noted)
    yield found
    assert [each.returncode for each in found].count(None) == 0
    assert not before or len(os.listdir("/proc/self/fd")) <= before


@pytest.fixture
def handshake(tmp_path: Path) -> Path:
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, w.packets(shake()))))
    return path


def test_the_one_that_waits_is_the_one_that_reads(handshake: Path, started: list[Process]) -> None:
    assert load_capture(handshake, strict=True).connections
    assert [each.returncode for each in started] == [0]


def test_a_file_that_has_to_be_read_as_it_is(handshake: Path, started: list[Process]) -> None:
    """Its last frame is cut: tshark reads the file itself, and not from the pipe."""
    handshake.write_bytes(handshake.read_bytes()[:-7])
    assert load_capture(handshake, strict=True).connections
    assert len(started) == 2


def test_without_carving_none_waits(handshake: Path, started: list[Process]) -> None:
    load_capture(handshake, OpenOptions(carve=False), strict=True)
    assert len(started) == 1


def test_a_wrong_key_file_ends_it(handshake: Path, tmp_path: Path, started: list[Process]) -> None:
    with pytest.raises(TlsvizError):
        load_capture(handshake, OpenOptions(keylogs=(tmp_path / "missing",)))
    assert len(started) == 1


def test_a_crew_that_cannot_start_ends_it(
    handshake: Path, started: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise TlsvizError("Cannot read the capture", "no process can be started")

    monkeypatch.setattr(capture.Following, "start", full)
    with pytest.raises(TlsvizError, match="no process"):
        load_capture(handshake)
    assert len(started) == 1


def test_what_is_no_capture_starts_none(tmp_path: Path, started: list[Process]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("this is no capture, whatever its name may be\n" * 9)
    assert ahead(path) is None
    assert ahead(tmp_path / "missing") is None
    assert not started


def test_without_tshark_whoever_needs_it_says_so(handshake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSHARK", "/nowhere/tshark")
    assert ahead(handshake) is None
    with pytest.raises(TlsvizError, match="tshark"):
        load_capture(handshake)


def test_a_program_that_cannot_be_run_leaves_no_pipe(tmp_path: Path, started: list[Process]) -> None:
    with pytest.raises(OSError):
        Ahead(str(tmp_path / "missing"))
    assert not started


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_read_from(tmp_path: Path, started: list[Process]) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert ahead(path) is None
    assert not started
