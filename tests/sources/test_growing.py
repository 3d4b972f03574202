"""A capture file that still grows is followed."""

from __future__ import annotations

import threading
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import shake

from tlsviz.connection.model import Connection
from tlsviz.sources.interface import WatchOptions, watch

pytestmark = pytest.mark.tshark


def test_what_is_appended_is_told(tmp_path: Path) -> None:
    """Half of the file is there; the rest is written once the first half was told, cut inside a packet."""
    data = w.pcap(map(w.frame, w.packets(shake("1.2"))))
    path = tmp_path / "growing.pcap"
    half = len(data) // 2
    path.write_bytes(data[:half])
    told: list[tuple[Connection, bool]] = []
    stop = threading.Event()

    def found(connection: Connection, over: bool) -> None:
        told.append((connection, over))
        if len(told) == 1:
            with path.open("ab") as file:
                file.write(data[half:])
        if connection.messages[-1].type == "alert":
            stop.set()

    trace = watch(WatchOptions(file=path, duration=30), found, None, stop.is_set)
    assert stop.is_set()
    assert trace.source.kind == "capture"
    assert len(told[0][0].messages) < len(told[-1][0].messages)
    assert told[-1][1]


def test_a_file_that_is_begun_anew_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcap"
    path.write_bytes(w.pcap(map(w.frame, w.packets(shake("1.2")))))

    def found(connection: Connection, over: bool) -> None:
        if path.stat().st_size > 24:
            path.write_bytes(path.read_bytes()[:24])

    trace = watch(WatchOptions(file=path, duration=30), found)
    assert any("begun anew" in notice for notice in trace.notices)
