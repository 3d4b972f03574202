"""The first rows of a large capture are those that the reading itself brings, and tshark is not needed for them."""

from __future__ import annotations

from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.judge import Evidence
from tlsviz.connection.rows import rows
from tlsviz.errors import MissingError
from tlsviz.sources import preview, scout
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.entries import Entry
from tlsviz.sources.frames import framing
from tlsviz.sources.opening import OpenOptions, Progress
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.packets import read_packets
from tlsviz.sources.segments import FIN, SYN, Packet
from tlsviz.sources.shelf import Kept
from tlsviz.sources.shelving import PATIENCE
from tlsviz.sources.spool import Spool

OWN = Path(__file__).resolve().parents[2] / "captures"
SAMPLES = sorted(OWN.glob("*.pcap*"))


def closed(said: Dialogue, port: int) -> list[Packet]:
    """A connection that both sides end."""
    found = w.packets(said, port)
    last = found[-1]
    assert last.flags & FIN
    ends = {"source": last.destination, "destination": last.source}
    return [*found, last._replace(**ends, sequence=last.acknowledgement, acknowledgement=last.sequence + 1)]


def written(path: Path, *connections: list[Packet]) -> Path:
    path.write_bytes(w.pcap(w.frame(packet) for packets in connections for packet in packets))
    return path


def told(path: Path) -> list[Entry]:
    """What the look at the first bytes finds."""
    found: list[Entry] = []
    with Spool() as spool:
        preview.preview(path, Opinions((), None, Evidence()), spool, found.append)
    return found


@pytest.mark.tshark
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_its_packets_are_those_of_tshark(path: Path) -> None:
    theirs: list[Packet] = []
    read_packets(path, lambda batch, _: theirs.extend(each for each in batch if isinstance(each, Packet)))
    ours = list(preview.packets(framing(path.read_bytes())))
    known = {packet.number: packet for packet in theirs}
    assert [packet for packet in ours if packet != known[packet.number]._replace(stream=packet.stream)] == []
    streams = {known[packet.number].stream for packet in ours}
    assert len(streams) == len({packet.stream for packet in ours})
    begun = {packet.stream for packet in theirs if packet.flags & SYN}
    assert len(ours) == sum(packet.stream in begun for packet in theirs)


def test_only_what_is_complete_is_told(tmp_path: Path) -> None:
    whole, open_, broken = closed(shake(), 40001), w.packets(shake("1.2"), 40002)[:-1], w.packets(shake(), 40003)[:5]
    found = told(written(tmp_path / "a.pcap", whole, open_, broken))
    assert [(entry.row.client.port, entry.row.spoken, entry.over) for entry in found] == [
        (40001, "TLS 1.3", True),
        (40002, "TLS 1.2", False),
    ]


def test_no_more_than_a_screen_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.pcap", *(closed(shake(), 40000 + number) for number in range(5)))
    monkeypatch.setattr(preview, "ENOUGH", 3)
    assert [entry.row.client.port for entry in told(path)] == [40000, 40001, 40002]


def test_a_connection_that_is_told_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = closed(shake(), 40000), closed(shake(), 40001)
    late = [packet._replace(time=packet.time + 3 * PATIENCE) for packet in [*first[-2:], *second]]
    monkeypatch.setattr(preview, "ENOUGH", 2)
    found = told(written(tmp_path / "a.pcap", first[:-2], late[2:4], late[:2], late[4:]))
    assert [(entry.row.client.port, entry.over) for entry in found] == [(40000, False), (40000, True), (40001, True)]


def test_no_more_than_the_first_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.pcap", closed(shake(), 40000), closed(shake(), 40001))
    monkeypatch.setattr(preview, "LOOKED_AT", path.stat().st_size * 6 // 10)
    assert [entry.row.client.port for entry in told(path)] == [40000]


def test_a_port_used_again_is_another_connection(tmp_path: Path) -> None:
    def later(packet: Packet) -> Packet:
        field = "sequence" if packet.source.port == 40000 else "acknowledgement"
        return packet._replace(**{field: getattr(packet, field) + 70_000_000 & 0xFFFFFFFF})

    first, second = closed(shake(), 40000), list(map(later, closed(shake("1.2"), 40000)))
    found = told(written(tmp_path / "a.pcap", first, second))
    assert [(entry.first, entry.stream, entry.row.spoken) for entry in found] == [
        (1, 0, "TLS 1.3"),
        (len(first) + 1, 1, "TLS 1.2"),
    ]


def test_nothing_is_told_without_the_keys_that_a_file_holds() -> None:
    keyed = [path for path in SAMPLES if b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" in path.read_bytes()]
    assert keyed and not any(map(told, keyed))


def test_no_capture_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for data in (b"", b"\n\r\r\n", b"GIF89a" + bytes(100), w.pcap([])):
        path.write_bytes(data)
        assert not told(path)


@pytest.mark.tshark
def test_the_list_begins_with_it_and_ends_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.pcap", *(closed(shake(), 40000 + number) for number in range(3)))
    usual = list_capture(path)
    events: list[Kept | Progress | str] = []
    monkeypatch.setattr(scout, "WORTH", 0)
    monkeypatch.setattr(scout, "processes", lambda: 2)
    monkeypatch.setattr(scout.Early, "begin", lambda self: events.append("begun"))
    trace = list_capture(path, progress=events.append, found=events.append)
    assert trace == usual
    early = events[: events.index("begun")]
    assert [each.row for each in early if isinstance(each, Kept)] == rows(usual.connections)
    assert isinstance(early[-1], Progress)  # who batches rows knows that these are to be sent


def test_without_tshark_there_are_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.pcap", closed(shake(), 40000))
    monkeypatch.setattr(scout, "WORTH", 0)
    monkeypatch.setattr(scout, "processes", lambda: 2)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TSHARK", raising=False)
    with pytest.raises(MissingError):
        list_capture(path, found=lambda kept: pytest.fail("a row of what cannot be read"))


@pytest.mark.tshark
def test_with_keys_the_list_does_not_begin_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, keys = written(tmp_path / "a.pcap", closed(shake(), 40000)), tmp_path / "keys"
    keys.write_text(f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    monkeypatch.setattr(scout, "WORTH", 0)
    monkeypatch.setattr(scout, "processes", lambda: 2)
    monkeypatch.setattr(preview, "packets", lambda framed: pytest.fail("it looked"))
    assert len(list_capture(path, OpenOptions(keylogs=(keys,)), found=lambda kept: None).connections) == 1
