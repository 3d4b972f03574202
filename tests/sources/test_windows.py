"""Closed receive windows: what is known of them, how it is told, and that tshark sees the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jsonschema
import pcap_writer as w
import pytest
import spoils as s
import stalls as made
from dialogue import Dialogue, shake
from test_spoiled_captures import Read, codes, evidence, tcp, told

from tlsviz.connection import stalls
from tlsviz.connection.ladder import steps
from tlsviz.connection.segments import line, placed
from tlsviz.connection.tcp import Segment, Stall, Tcp
from tlsviz.report.json import schema, to_json
from tlsviz.report.text import render_text
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.reassembly import Stream
from tlsviz.sources.segments import ACK, PSH, RST, SYN, Packet
from tlsviz.sources.windows import MOVES_KEPT, STALLS_KEPT
from tlsviz.wire.chunks import CLIENT, SERVER

pytestmark = pytest.mark.tshark

SPOILS: list[s.Spoil] = [*made.STALLED, *made.TAKEN, made.never_read, made.without_windows]
VERSIONS = ("1.2", "1.3")
A, B = s.SERVER_END._replace(port=40000), s.SERVER_END


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stalls") / "a.pcap"


@pytest.fixture(scope="module")
def read(path: Path) -> Read:
    ports: dict[tuple[str, str], int] = {}
    packets: list[Packet] = []
    dialogues: dict[str, Dialogue] = {version: shake(version) for version in VERSIONS}
    for version, said in dialogues.items():
        plain = s.timed(said, think=0.1)
        for name, each in {"whole": plain, **{spoil.__name__: spoil(plain) for spoil in SPOILS}}.items():
            ports[name, version] = 40_000 + len(ports)
            packets += s.moved(each, ports[name, version])
    path.write_bytes(w.pcap(map(w.frame, packets)))
    keys = path.with_name("keys")
    keys.write_bytes(b"\n".join(each for said in dialogues.values() for each in said.keylog))
    carved, whole = (load_capture(path, OpenOptions(keylogs=(keys,), carve=carve), strict=True) for carve in (1, 0))
    return Read(carved, whole, ports)


def only(read: Read, name: str, version: str = "1.3") -> Stall:
    (found,) = tcp(read.one(name, version)).stalls
    return found


def moves(read: Read, name: str) -> list[str]:
    return [each.window or each.kind for each in tcp(read.one(name, "1.3")).segments if each.window or each.kind]


def test_carving_changes_nothing(read: Read, path: Path) -> None:
    assert read.carved == read.whole
    rows = list_capture(path, OpenOptions(keylogs=(path.with_name("keys"),)), strict=True)
    assert [each.tcp for each in rows.connections] == [each.tcp for each in read.whole.connections]
    plain = [list_capture(path, OpenOptions(carve=carve), strict=True).connections for carve in (True, False)]
    assert [each.tcp for each in plain[0]] == [each.tcp for each in plain[1]]
    assert sum(bool(each.tcp and each.tcp.stalls) for each in plain[0]) == 2 * (len(SPOILS) - 1)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("spoil", [*made.STALLED, *made.TAKEN, made.without_windows], ids=lambda spoil: spoil.__name__)
def test_what_was_said_is_the_same(read: Read, spoil: s.Spoil, version: str) -> None:
    assert told(read.one(spoil.__name__, version)) == told(read.one("whole", version))
    assert {each.kind for each in tcp(read.one(spoil.__name__, version)).segments} <= {"", "probe"}


@pytest.mark.parametrize(
    ("name", "reason", "lasts"),
    [
        ("unread", "opened", made.WAIT),
        ("unread_bytewise", "opened", made.WAIT),
        ("unread_unseen", "resumed", made.WAIT + 0.008),
        ("unread_soon", "resumed", made.PROBES[-1] + made.UNSEEN + 0.008),
        ("never_read", "", made.PROBES[-1] + 0.001),
    ],
)
def test_a_stall(read: Read, name: str, reason: str, lasts: float) -> None:
    found, connection = only(read, name), read.one(name, "1.3")
    assert (found.sender, found.taken, found.reason) == (SERVER, 2 * s.MSS, reason)
    assert (found.zeros, found.probes) == (1 + len(made.PROBES), len(made.PROBES))
    assert stalls.lasted(connection, found) == pytest.approx(lasts, abs=0.001)
    assert moves(read, name) == [
        "closed",
        *["probe", "still_closed"] * len(made.PROBES),
        *([reason] if reason else []),
    ]


def test_windows_that_were_never_open_mean_nothing(read: Read) -> None:
    for name in ("without_windows", "whole"):
        assert not tcp(read.one(name, "1.3")).stalls and not moves(read, name)
        assert "window_closed" not in codes(read.one(name, "1.3"))


def test_tshark_sees_the_same(read: Read, path: Path) -> None:
    """Linux's probes it calls keep-alives."""
    marks = {
        "closed": "zero_window",
        "still_closed": "zero_window",
        "opened": "window_update",
        "probe": "zero_window_probe",
    }
    unasked = {("window_update", "unread_soon"), ("window_update", "flight_taken")}
    names = {name for name, _ in read.ports} - {"without_windows"}
    ports = {read.ports[name, "1.3"]: name for name in names}
    for mark in sorted(set(marks.values())):
        asked = ["-T", "fields", "-e", "frame.number", "-e", "tcp.port", "-Y", f"tcp.analysis.{mark}"]
        said = subprocess.run(["tshark", "-r", path, *asked], capture_output=True, text=True, check=True).stdout
        seen: set[int] = set()
        for number, both in (each.split("\t") for each in said.splitlines()):
            name = next((ports[port] for port in map(int, both.split(",")) if port in ports), "")
            if name and (mark, name) not in unasked:
                seen.add(int(number))
        ours = {
            each.packet
            for name in names
            if mark != "zero_window_probe" or name == "unread_bytewise"
            for each in tcp(read.one(name, "1.3")).segments
            if marks.get(each.window or each.kind) == mark
        }
        assert seen == ours and ours, mark


# -- what is said of it ------------------------------------------------------------------------------------------


def test_it_is_found_and_nobody_else_blamed(read: Read) -> None:
    others = {"packets_sent_again", "slow_server", "slow_network", "capture_duplicates"}
    for spoil in (*made.STALLED, made.never_read):
        connection = read.one(spoil.__name__, "1.3")
        assert "window_closed" in codes(connection) and not codes(connection) & others
    said = evidence(read.one("unread", "1.3"), "window_closed")
    closed = only(read, "unread")
    assert said.startswith(f"the client took no more bytes for 3.00 s (packets {closed.packet} to {closed.end}")
    assert "the server asked 4 times" in said and "neither the network nor TLS" in said
    severities = {
        name: next(each.severity for each in read.one(name, "1.3").findings if each.code == "window_closed")
        for name in ("unread", "never_read")
    }
    assert severities == {"unread": "notice", "never_read": "warning"}


@pytest.mark.parametrize("version", VERSIONS)
def test_who_had_nothing_left_to_send_did_not_wait(read: Read, version: str) -> None:
    for name, reader in (("hello_taken", "server"), ("flight_taken", "client")):
        connection = read.one(name, version)
        assert "slow_server" in codes(connection) and "window_closed" not in codes(connection)
        assert not stalls.in_handshake(connection)
        said = render_text(read.whole, width=400, connection=connection.id, segments=True)
        (line_,) = (each for each in said.splitlines() if "window closed" in each)
        assert f"the {reader} took no more bytes for" in line_
        assert f"nothing shows that the {only(read, name, version).sender} had more to send" in line_
        assert not any(each in said for each in (stalls.INNOCENT, "did not read", "has to wait"))


def test_a_window_that_was_open_before_it_was_seen_was_not_closed_until_then(read: Read) -> None:
    connection, found = read.one("flight_taken", "1.3"), only(read, "flight_taken")
    assert (found.sender, found.reason, stalls.lasted(connection, found)) == (SERVER, "opened_before", 0)
    shown = next(each for each in tcp(connection).segments if each.packet == found.end)
    assert (shown.sender, shown.window, shown.of) == (CLIENT, "opened_before", None) and shown.length
    assert line(connection, shown).note == "the window is open again, at the latest here"
    assert line(connection, shown).detail.startswith("window open")
    every = to_json(read.whole, segments=True)
    jsonschema.Draft202012Validator(schema()).validate(every)
    (stall,) = next(
        each["tcp"]["stalls"]
        for each in every["connections"]
        if each["client"]["port"] == read.ports["flight_taken", "1.3"]
    )
    assert (stall["end"], stall["duration"], stall["end_packet"]) == ("opened_before", None, found.end)
    assert f"for a time that the capture does not show (packets {found.packet} to {found.end} at" in stall["note"]


def test_json_and_text(read: Read) -> None:
    found = to_json(read.whole, segments=True)
    jsonschema.Draft202012Validator(schema()).validate(found)
    each = next(one["tcp"] for one in found["connections"] if one["client"]["port"] == read.ports["unread", "1.3"])
    (stall,) = each["stalls"]
    assert (stall["reader"], stall["stalled"], stall["end"], stall["probes"]) == ("client", "server", "opened", 4)
    assert stall["duration"] == pytest.approx(made.WAIT, abs=0.001)
    assert each["client"]["zero_windows"] == 5 and each["server"]["window_probes"] == 4
    assert each["server"]["keep_alives"] == each["server"]["retransmitted"] == 0
    said = render_text(read.whole, width=400, connection=read.one("unread", "1.3").id, segments=True)
    assert "window closed" in said and said.count("window probe") == 4
    assert "the client's window is closed: the server may send nothing more until the client's program reads" in said
    assert "its program did not read; neither the network nor TLS is to blame" in said
    assert f"the window is open again, 3.00 s after packet {only(read, 'unread').packet}" in said


def test_they_stand_in_their_places(read: Read) -> None:
    connection = read.one("unread", "1.3")
    drawn = [each for below in placed(connection, steps(connection)) for each in below]
    numbers = [each.packets[0] for each in drawn]
    assert numbers == sorted(numbers)
    asked = [each for each in drawn if "window" in each.detail]
    assert [each.sender for each in asked] == [CLIENT, *[SERVER, CLIENT] * len(made.PROBES), CLIENT]
    assert asked[0].detail == f"window 0, ACK of {2 * s.MSS:,} B" and asked[-1].detail.startswith("window open")


# -- windows alone -----------------------------------------------------------------------------------------------


def packet(number: int, mine: bool, at: int, ack: int, size: int = 0, window: int = 500, flags: int = ACK) -> Packet:
    ends = (A, B) if mine else (B, A)
    data = b"\x16\x03\x03\x40\x00"[:size].ljust(size, b"x")
    return Packet(number, number / 10, 0, *ends, at, ack, flags, data, 0, window)


BEGIN = [
    packet(1, True, 99, 0, flags=SYN),
    packet(2, False, 999, 100, flags=SYN | ACK),
    packet(3, True, 100, 1000, 50, flags=ACK | PSH),
    packet(4, False, 1000, 150, 400),
]


def followed(*packets: Packet) -> tuple[tuple[Stall, ...], tuple[Segment, ...]]:
    stream = Stream()
    for each in (*BEGIN, *packets):
        stream.feed(each)
    stream.finish()
    return stream.tcp.stalls, stream.tcp.segments


def test_bytes_that_were_under_way_open_nothing() -> None:
    (found,), segments = followed(
        packet(5, True, 150, 1200, window=0),
        packet(6, False, 1400, 150, 100),
        packet(7, True, 150, 1200, window=0),
        packet(8, True, 150, 1500),
    )
    assert (found.packet, found.end, found.reason, found.zeros) == (5, 8, "opened", 2)
    assert [each.packet for each in segments if each.window] == [5, 7, 8]


def test_new_bytes_tell_that_it_opened_and_then_closed_again() -> None:
    found, _ = followed(
        packet(5, True, 150, 1400, window=0),
        packet(6, False, 1400, 150, 100),
        packet(7, True, 150, 1500, window=0),
        packet(8, True, 150, 1500),
    )
    assert [(each.packet, each.end, each.reason) for each in found] == [(5, 6, "resumed"), (7, 8, "opened")]


def test_an_older_acknowledgement_opens_nothing() -> None:
    (found,), _ = followed(packet(5, True, 150, 1400, window=0), packet(6, True, 150, 1300), packet(7, True, 150, 1400))
    assert found.end == 7


def test_own_bytes_tell_that_it_is_open_and_the_last_zero_how_long_it_was_not() -> None:
    (found,), segments = followed(
        packet(5, True, 150, 1400, window=0),
        packet(6, False, 1399, 150),
        packet(7, True, 150, 1400, window=0),
        packet(8, False, 1399, 150),
        packet(90, True, 150, 1400, 60),
    )
    assert (found.end, found.reason, found.zeros, found.probes) == (90, "opened_before", 2, 2)
    assert (found.time, found.last) == (0.5, 0.7)
    assert stalls.kept_waiting(Tcp(segments, stalls=(found,)), found)


@pytest.mark.parametrize(
    ("following", "waited"),
    [
        ([], False),
        ([(False, 1400, 150, 100)], True),
        ([(False, 1000, 150, 400), (True, 150, 1400, 60)], False),
        ([(True, 150, 1400, 60), (False, 1400, 210, 100)], False),
    ],
    ids=["nothing", "new bytes", "old bytes", "its own first"],
)
def test_what_follows_an_opening_tells_whether_anybody_waited(
    following: list[tuple[bool, int, int, int]], waited: bool
) -> None:
    (found,), segments = followed(
        packet(5, True, 150, 1400, window=0),
        packet(6, True, 150, 1400),
        *(packet(number, *each) for number, each in enumerate(following, 7)),
    )
    assert found.reason == "opened"
    assert stalls.kept_waiting(Tcp(segments, stalls=(found,)), found) is waited


def test_a_reset_ends_it_and_both_sides_may_be_closed() -> None:
    found, _ = followed(
        packet(5, True, 150, 1400, window=0),
        packet(6, False, 1400, 150, window=0),
        packet(7, True, 150, 1400, flags=RST | ACK, window=0),
    )
    assert [(each.sender, each.end, each.reason) for each in found] == [(SERVER, 7, "reset"), (CLIENT, 7, "reset")]


def test_a_refused_byte_is_a_probe_and_no_retransmission() -> None:
    (found,), segments = followed(
        packet(5, True, 150, 1400, window=0),
        *(packet(number, False, 1400, 150, 1) for number in (6, 7, 8)),
        packet(9, True, 150, 1400),
        packet(10, False, 1400, 150, 300),
    )
    assert found.probes == 3
    assert [each.kind for each in segments if each.sender == SERVER] == ["", "", "probe", "probe", "probe", ""]


def test_what_is_remembered_is_bounded() -> None:
    many = []
    for number in range(5, 4000, 4):
        many += [packet(number, True, 150, 1400, window=0), packet(number + 1, False, 1399, 150)]
        many += [packet(number + 2, True, 150, 1400, window=0), packet(number + 3, True, 150, 1400)]
    found, segments = followed(*many)
    assert len(found) == STALLS_KEPT
    assert len(segments) <= len(BEGIN) + 2 * STALLS_KEPT + MOVES_KEPT + 4


def test_one_line_of_a_probe(read: Read) -> None:
    connection = read.one("unread_bytewise", "1.3")
    probe = next(each for each in tcp(connection).segments if each.kind == "probe")
    assert line(connection, probe).detail == "window probe, 1 B" and line(connection, probe).note is None
