"""The quick look at a capture file's frame."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pcap_writer as w
import pytest
import zstandard

from tlsviz.errors import TargetError
from tlsviz.sources.pcapng import survey

FRAMES: list[w.Frame] = [(100.0, b"one frame", 9), (101.5, b"another one", 11), (102.0, b"", 0)]


def look(tmp_path: Path, data: bytes) -> tuple[str, int | None, bool, bool, list[bytes]]:
    path = tmp_path / "capture"
    path.write_bytes(data)
    found = survey(path)
    assert found.size == len(data)
    return found.kind, found.packets, found.cut, found.damaged, found.secrets


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap(tmp_path: Path, order: str, nanoseconds: bool) -> None:
    data = w.pcap(FRAMES, order, nanoseconds)
    assert look(tmp_path, data) == ("pcap", 3, False, False, [])
    assert look(tmp_path, gzip.compress(data)) == ("pcap", 3, False, False, [])
    assert look(tmp_path, zstandard.compress(data)) == ("pcap", 3, False, False, [])


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_secrets_anywhere(tmp_path: Path, order: str) -> None:
    data = (
        w.section(order)
        + w.secrets(b"first", order)
        + w.enhanced(FRAMES[:2], order)
        + w.secrets(b"WireGuard's, not TLS's", order, kind=0x57474B4C)
        + w.block(3, b"\0\0\0\4abcd", order)
        + w.secrets(b"last of all", order)
    )
    assert look(tmp_path, data) == ("pcapng", 3, False, False, [b"first", b"last of all"])


def test_sections_of_both_byte_orders(tmp_path: Path) -> None:
    parts = [w.section(o) + w.secrets(o.encode(), o) + w.enhanced(FRAMES[:1], o) for o in "<><"]
    assert look(tmp_path, b"".join(parts)) == ("pcapng", 3, False, False, [b"<", b">", b"<"])


@pytest.mark.parametrize("make", [w.pcap, w.pcapng])
def test_cut_at_every_length(tmp_path: Path, make: object) -> None:
    frames = FRAMES[:2]
    whole = make(frames)  # type: ignore[operator]
    lengths = [len(make(frames[:n])) for n in range(3)]  # type: ignore[operator]
    for size in range(len(whole)):
        if size:
            kind, packets, cut, damaged, _ = look(tmp_path, whole[:size])
            if size >= lengths[0]:
                assert (packets, cut, damaged) == (sum(size >= n for n in lengths[1:]), size not in lengths, False)
            else:
                assert kind == "other" or not packets


def test_compressed_and_cut(tmp_path: Path) -> None:
    frames = [(float(i), os.urandom(1000), 1000) for i in range(50)]
    packed = gzip.compress(w.pcap(frames))
    _, packets, cut, damaged, _ = look(tmp_path, packed[: len(packed) // 2])
    assert cut or damaged
    assert packets is not None
    assert 0 < packets < 50


def test_lengths_that_cannot_be_right(tmp_path: Path) -> None:
    bad = w.pcap([])[:24] + b"\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff" + bytes(100)
    assert look(tmp_path, bad) == ("pcap", 0, False, True, [])
    assert look(tmp_path, w.section() + b"\6\0\0\0\3\0\0\0" + bytes(100))[3]
    assert look(tmp_path, b"\x0a\x0d\x0d\x0a" + bytes(60))[3]
    assert look(tmp_path, b"no capture at all")[:2] == ("other", None)


def test_what_is_no_readable_file(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.touch()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, words in (
        (empty, "is empty"),
        (tmp_path, "is a directory"),
        (tmp_path / "none.pcap", "is not there"),
        (fifo, "is not a file"),
    ):
        with pytest.raises(TargetError, match=words):
            survey(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(w.pcap(FRAMES))
    path.chmod(0)
    with pytest.raises(TargetError, match="Cannot read"):
        survey(path)
