"""Files with secrets are for their owner alone, whatever was there before."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from tlsviz import printing
from tlsviz.sources.private import private_file
from tlsviz.sources.record import save
from tlsviz.sources.saving import Saving


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def readable(tmp_path: Path) -> Path:
    """A file that all may read."""
    path = tmp_path / "there.before"
    path.write_bytes(b"x" * 10_000)
    path.chmod(0o644)
    return path


def test_a_file_that_was_there_is_emptied_and_taken_from_others(readable: Path) -> None:
    with private_file(readable) as file:
        assert (mode(readable), readable.stat().st_size) == (0o600, 0)
        file.write(b"new")
    assert readable.read_bytes() == b"new"


def test_a_new_file_is_private_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_file(tmp_path / "new").close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o600


def test_every_way_to_save_secrets(readable: Path) -> None:
    save(readable, [], "")
    assert mode(readable) == 0o600
    readable.chmod(0o644)
    Saving(readable)._file.close()
    assert mode(readable) == 0o600
    readable.chmod(0o644)
    printing.write("text ✓", readable, private=True)
    assert (mode(readable), readable.read_text(encoding="utf-8")) == (0o600, "text ✓")


def test_without_secrets_the_mode_stays(readable: Path) -> None:
    save(readable, [], "", secrets=False)
    printing.write("text", readable, private=False)
    assert (mode(readable), readable.read_text()) == (0o644, "text")


def test_a_pipe_keeps_its_mode(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o644)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with private_file(pipe) as file:
        file.write(b"through")
    reader.join(10)
    assert (read, mode(pipe)) == ([b"through"], 0o644)
