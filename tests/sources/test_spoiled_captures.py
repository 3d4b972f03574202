"""Captures spoiled on purpose: what was said is the same, or what is missing is named; and TCP's facts say why.

All of them are in one file, each from a client port of its own, which is read with carving and without.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jsonschema
import pcap_writer as w
import pytest
import spoils as s
from dialogue import Dialogue, shake

from tlsviz.connection.model import Connection, Trace
from tlsviz.connection.tcp import Tcp, answer, trips
from tlsviz.report.json import schema, to_json
from tlsviz.report.text import render_text
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.reassembly import Stream
from tlsviz.sources.segment_log import SEGMENTS_KEPT, SIGNS_KEPT
from tlsviz.sources.segments import Packet
from tlsviz.wire.chunks import CLIENT, SERVER

pytestmark = pytest.mark.tshark

SAMPLES = ("1.2", "1.3")
LOSSES: list[s.Spoil] = [s.dropped, s.cut, s.middle, s.client_only, s.server_only, s.reset, s.fin_early, s.stopped]
LINKS = ("vlan", "cooked", "raw")


class Read(NamedTuple):
    """One file, read in both ways; the connections by what was done to them, and for which version of TLS."""

    carved: Trace
    whole: Trace
    ports: dict[tuple[str, str], int]

    def all_of(self, name: str, version: str) -> list[Connection]:
        port = self.ports[name, version]
        return [each for each in self.whole.connections if each.client.port == port]

    def one(self, name: str, version: str) -> Connection:
        (found,) = self.all_of(name, version)
        return found


@pytest.fixture(scope="module")
def dialogues() -> dict[str, Dialogue]:
    return {version: shake(version) for version in SAMPLES}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, dialogues: dict[str, Dialogue]) -> Read:
    folder = tmp_path_factory.mktemp("spoiled")
    path, keys = folder / "a.pcap", folder / "keys"
    ports: dict[tuple[str, str], int] = {}
    packets: list[Packet] = []
    for version, said in dialogues.items():
        plain = s.timed(said, think=0.1)
        made = {"whole": plain, **{spoil.__name__: spoil(plain) for spoil in (*s.HARMLESS, *LOSSES)}}
        made["near server"] = s.timed(said, to_client=0.05, to_server=0.0001, think=0.4)
        made["between"] = s.timed(said, to_client=0.02, to_server=0.03)
        made["reused"] = [*plain[:-3], *s.renewed(plain, 1.0)]  # the first one without a FIN
        for name, each in made.items():
            ports[name, version] = 40_000 + len(ports)
            packets += s.moved(each, ports[name, version])
    path.write_bytes(w.pcap(map(w.frame, packets)))
    keys.write_bytes(b"\n".join(line for said in dialogues.values() for line in said.keylog))
    carved, whole = (load_capture(path, OpenOptions(keylogs=(keys,), carve=carve), strict=True) for carve in (1, 0))
    return Read(carved, whole, ports)


def told(connection: Connection) -> tuple[object, ...]:
    """What was said, without when and in which packets."""
    return (
        connection.version,
        connection.cipher_suite,
        connection.group,
        connection.server_name,
        connection.complete,
        [(m.sender, m.type, m.sha256, m.provenance, m.whole, m.note) for m in connection.messages],
        [(run.sender, run.bytes, run.plaintext.data if run.plaintext else None) for run in connection.application],
        connection.certificates,
        connection.secrets,
    )


def codes(connection: Connection) -> set[str]:
    return {finding.code for finding in connection.findings}


def evidence(connection: Connection, code: str) -> str:
    return next(finding.evidence for finding in connection.findings if finding.code == code)


def tcp(connection: Connection) -> Tcp:
    assert connection.tcp is not None
    return connection.tcp


def test_carving_changes_nothing(read: Read) -> None:
    assert read.carved == read.whole
    assert {each.client.port for each in read.whole.connections} == set(read.ports.values())


@pytest.mark.parametrize("version", SAMPLES)
@pytest.mark.parametrize("spoil", s.HARMLESS, ids=lambda spoil: spoil.__name__)
def test_what_was_said_is_the_same(read: Read, spoil: s.Spoil, version: str) -> None:
    spoiled, whole = read.one(spoil.__name__, version), read.one("whole", version)
    assert whole.complete
    assert told(spoiled) == told(whole)
    assert not spoiled.holes


@pytest.mark.parametrize("version", SAMPLES)
def test_nothing_is_wrong_with_the_whole(read: Read, version: str) -> None:
    whole = read.one("whole", version)
    assert {each.kind for each in tcp(whole).segments} == {""}
    assert not {code for code in codes(whole) if code.startswith(("capture_", "packets_", "conflicting", "reset"))}


KINDS = {
    s.duplicated: {"", "duplicate"},
    s.sent_again: {"", "retransmitted"},
    s.lost_before: {"", "retransmitted"},
    s.overlapping: {"", "overlap"},
    s.contradicted: {"", "conflicting"},
    s.wrapped: {""},
    s.keep_alives: {"", "keep_alive"},
    s.asked_again: {"", "retransmitted"},
}


@pytest.mark.parametrize("version", SAMPLES)
@pytest.mark.parametrize("spoil", KINDS, ids=lambda spoil: spoil.__name__)
def test_segments_are_told_apart(read: Read, spoil: s.Spoil, version: str) -> None:
    assert {each.kind for each in tcp(read.one(spoil.__name__, version)).segments} == KINDS[spoil]


FOUND = {
    s.duplicated: "capture_duplicates",
    s.sent_again: "packets_sent_again",
    s.lost_before: "packets_sent_again",
    s.contradicted: "conflicting_segments",
    s.clock_step: "capture_clock_steps",
    s.reset_forged: "reset_ignored",
    s.dropped: "capture_lost_packets",
    s.cut: "capture_cut_packets",
    s.middle: "capture_started_late",
    s.client_only: "capture_one_sided",
    s.server_only: "capture_one_sided",
    s.stopped: "capture_ended_early",
    s.reset: "reset_after_client_hello",
    s.fin_early: "closed_after_client_hello",
}
"""What each spoiling is found to be; where the capture is to blame, nobody else is."""
_BLAMED = {"client_left", "connection_reset", "reset_after_client_hello", "closed_after_client_hello", "bad_record"}
_BLAMED |= {"middlebox_marks", "early_data_replayable", "slow_network"}


@pytest.mark.parametrize("version", SAMPLES)
@pytest.mark.parametrize("spoil", FOUND, ids=lambda spoil: spoil.__name__)
def test_it_is_found_and_nobody_else_blamed(read: Read, spoil: s.Spoil, version: str) -> None:
    found = codes(read.one(spoil.__name__, version))
    assert FOUND[spoil] in found
    assert not found & (_BLAMED - {FOUND[spoil]})


def test_a_retransmission_says_what_it_repeats(read: Read) -> None:
    found = tcp(read.one("sent_again", "1.3")).of("retransmitted", SERVER)
    assert len(found) == 3
    by_packet = {each.packet: each for each in tcp(read.one("sent_again", "1.3")).segments}
    for each in found:
        first = by_packet[each.of or 0]
        assert (first.start, first.length, first.kind) == (each.start, each.length, "")
        assert each.delay == pytest.approx(0.03, abs=1e-6)


def test_a_segment_whose_first_copy_was_lost_is_no_reordering(read: Read) -> None:
    (found,) = tcp(read.one("lost_before", "1.3")).of("retransmitted")
    assert found.delay == pytest.approx(0.3, abs=0.01)
    ahead = next(each for each in tcp(read.one("lost_before", "1.3")).segments if each.ahead)
    assert (ahead.packet, ahead.ahead) == (found.of, found.length)


def test_overtaken_segments(read: Read) -> None:
    found = tcp(read.one("reordered", "1.3")).of("out_of_order")
    assert found and all(0 <= each.delay < 0.001 for each in found)


def test_the_first_of_the_bytes_that_differ(read: Read) -> None:
    (found,) = tcp(read.one("contradicted", "1.3")).of("conflicting")
    assert found.sender == CLIENT and found.differs == 60
    assert f"packet {found.packet} of the client: byte 60" in evidence(
        read.one("contradicted", "1.3"), "conflicting_segments"
    )


def test_a_lost_segment_is_named(read: Read) -> None:
    connection = read.one("dropped", "1.3")
    hole, *rest = connection.holes
    assert all(each.stray is not None for each in rest)
    assert (hole.sender, hole.offset, hole.length) == (SERVER, s.MSS, s.MSS)
    sent = [each for each in tcp(connection).segments if each.sender == SERVER and each.length]
    said = evidence(connection, "capture_lost_packets")
    assert f"700 bytes of the server (700 to 1,399), between packets {sent[0].packet} and {sent[1].packet}" in said
    assert "in ServerHello" in said


def test_cut_segments_are_named(read: Read) -> None:
    connection = read.one("cut", "1.3")
    first = connection.holes[0]
    assert (first.cut, first.sender, first.offset, first.length) == (True, CLIENT, 90, s.MSS - 90)
    said = evidence(connection, "capture_cut_packets")
    assert said.startswith("cut off by the snap length: 610 bytes of the client (90 to 699), at the end of packet")
    assert "in ClientHello" in said


@pytest.mark.parametrize("version", SAMPLES)
def test_reused_ports_are_two_connections(read: Read, version: str) -> None:
    one, two = read.all_of("reused", version)
    assert told(one) == told(two) == told(read.one("whole", version))
    assert one.tcp_stream != two.tcp_stream
    assert {each.start for each in tcp(two).segments if each.length} == {
        each.start for each in tcp(one).segments if each.length
    }


# -- the way and the work --------------------------------------------------------------------------------------


def test_where_it_was_captured(read: Read) -> None:
    places = {name: trips(read.one(name, "1.3")) for name in ("whole", "near server", "between")}
    assert [each.place for each in places.values()] == [CLIENT, SERVER, "between"]
    assert places["whole"].server == pytest.approx(0.02, abs=1e-5)
    assert places["near server"].whole == pytest.approx(0.1002, abs=1e-5)
    assert trips(read.one("no_syn", "1.3")).whole is None


def test_a_lost_syn_is_no_slow_network(read: Read) -> None:
    timed = trips(read.one("asked_again", "1.3"))
    assert timed.server == pytest.approx(0.02, abs=1e-5) and timed.tries == 2
    assert "slow_network" not in codes(read.one("asked_again", "1.3"))


@pytest.mark.parametrize("version", SAMPLES)
def test_what_the_server_thought_is_told_from_the_way(read: Read, version: str) -> None:
    said = answer(read.one("whole", version))
    assert said is not None and said.acknowledged == pytest.approx(0.02, abs=0.001)
    assert said.thought == pytest.approx(0.1, abs=0.002)
    slow = read.one("near server", version)
    assert "slow_server" in codes(slow) and "slow_network" not in codes(slow)
    assert "TCP had the hello after 0." in evidence(slow, "slow_server")
    assert "slow_server" not in codes(read.one("between", version))


# -- other frames, another byte order ----------------------------------------------------------------------------


def framed(packet: Packet, link: str) -> w.Frame:
    time, data, size = w.frame(packet)
    if link == "vlan":
        return time, data[:12] + b"\x81\x00\x00\x07" + data[12:], size + 4
    if link == "cooked":
        return time, bytes(14) + data[12:], size + 2
    return time, data[14:], size - 14


@pytest.mark.parametrize("link", LINKS)
def test_frames_change_nothing(tmp_path: Path, read: Read, dialogues: dict[str, Dialogue], link: str) -> None:
    """Big-endian nanoseconds, in a VLAN, from Linux's `any`, without any frame."""
    packets = s.moved(s.timed(dialogues["1.3"], think=0.1), read.ports["whole", "1.3"])
    path = tmp_path / "a.pcap"
    kind = {"vlan": 1, "cooked": 113, "raw": 101}[link]
    path.write_bytes(w.pcap([framed(each, link) for each in packets], ">", nanoseconds=True, link=kind))
    keys = tmp_path / "keys"
    keys.write_bytes(b"\n".join(dialogues["1.3"].keylog))
    trace = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True)
    (connection,) = trace.connections
    assert told(connection) == told(read.one("whole", "1.3"))
    assert len(tcp(connection).segments) == len(tcp(read.one("whole", "1.3")).segments)


# -- what is said of it ------------------------------------------------------------------------------------------


def test_json_has_the_counts_and_on_demand_the_segments(read: Read) -> None:
    for segments in (False, True):
        found = to_json(read.whole, segments=segments)
        jsonschema.Draft202012Validator(schema()).validate(found)
    connections = {each["client"]["port"]: each["tcp"] for each in found["connections"]}
    again = connections[read.ports["sent_again", "1.3"]]
    assert again["server"]["retransmitted"] == 3 and again["client"]["retransmitted"] == 0
    assert [each["kind"] for each in again["segments"]].count("retransmitted") == 3
    assert again["vantage"] == "client" and again["server_time"] == pytest.approx(0.1, abs=0.002)
    assert connections[read.ports["dropped", "1.3"]]["server"]["lost_bytes"] == s.MSS


def test_text_has_a_section_and_on_demand_the_segments(read: Read) -> None:
    connection = read.one("sent_again", "1.3")
    plain, every = (render_text(read.whole, width=160, connection=connection.id, segments=on) for on in (False, True))
    assert "captured near the client" in plain and "3 segments of the server" in plain
    assert "Segments  time" in every and "Segments  time" not in plain
    assert every.count("sent again, 30.0 ms after packet") == 3


def test_what_is_remembered_is_bounded() -> None:
    stream = Stream()
    for number in range(3000):
        flags, at = (s.SYN, 0) if not number else (s.ACK, number)
        ends = (s.SERVER_END._replace(port=40000), s.SERVER_END)
        payload = b"" if not number else b"\x16"
        stream.feed(Packet(number + 1, number / 1e4, 0, *ends, at, 0, flags, payload))
    stream.finish()
    assert len(stream.tcp.segments) <= SEGMENTS_KEPT + SIGNS_KEPT
    assert stream.tcp.more >= 3000 - SEGMENTS_KEPT - SIGNS_KEPT
