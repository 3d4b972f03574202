"""TLS and DTLS over SCTP: what a capture's associations carry is as over TCP and UDP, and as tshark sees it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from dialogue import Dialogue, shake
from dtls_flow import Association as Datagrams
from dtls_flow import associate
from eap_writer import conversation as said_in_eap
from eap_writer import in_eapol, in_radius
from pcap_writer import Frame, frame, packets, pcap, pcapng
from sctp_writer import ABORT, Association, Sent, chunk, conversation

from tlsviz.cli import main
from tlsviz.connection.compare import compare
from tlsviz.connection.filters import parse
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection
from tlsviz.connection.rows import row
from tlsviz.explain.narrate import narrate_step
from tlsviz.report.json import schema, to_json
from tlsviz.report.text import render_text
from tlsviz.sources import tshark
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.interface import WatchOptions, watch
from tlsviz.sources.opening import OpenOptions

pytestmark = pytest.mark.tshark

CARVE = pytest.mark.parametrize("carve", [False, True], ids=["whole", "carved"])


@cache
def handshake(version: str) -> Dialogue:
    return shake(version)


@cache
def dtls() -> Datagrams:
    return associate()


def read(path: Path, frames: list[Frame], carve: bool = True) -> tuple[Connection, ...]:
    path.write_bytes(pcap(sorted(frames, key=lambda each: each[0])))
    return tuple(load_capture(path, OpenOptions(carve=carve), strict=True).connections)


def frames_of(sent: list[Sent]) -> list[Frame]:
    return [each.frame() for each in sent]


def hashes(connection: Connection) -> list[tuple[str, str | None]]:
    return [(message.type, message.sha256) for message in connection.messages]


def said() -> list[Sent]:
    return conversation(handshake("1.3").chunks)


@cache
def as_said(version: str) -> list[tuple[str, str | None]]:
    """The messages of the same handshake, without a carrier."""
    return hashes(handshake(version).connection(keys=False))


def as_tshark_sees(path: Path, *words: str, dtls: bool = False) -> list[str]:
    """The types of the handshake messages in the clear, by tshark's own decoding."""
    name = "dtls" if dtls else "tls"
    command = [tshark.find(), "-r", str(path), *words, "-Y", f"{name}.handshake", "-T", "fields"]
    out = subprocess.run(
        [*command, "-e", f"{name}.handshake.type"], capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    return [CLEAR[kind] for line in out.split() for kind in line.split(",") if kind in CLEAR]


CLEAR = {"1": "client_hello", "2": "server_hello", "3": "hello_verify_request", "11": "certificate",
         "12": "server_key_exchange", "14": "server_hello_done", "16": "client_key_exchange"}  # fmt: skip


def in_the_clear(connection: Connection) -> list[str]:
    return [m.type for m in connection.messages if m.type in CLEAR.values() and m.provenance == "wire"]


WAYS: dict[str, dict[str, object]] = {
    "plain": {},
    "a message a packet": {"message": 100},
    "many chunks a packet": {"message": 60, "bundle": 9},
    "fragments": {"message": 5000, "part": 300},
    "fragments, bundled, two ways": {"part": 200, "bundle": 3, "ways": 2},
    "numbers that wrap": {"tsns": (0xFFFFFFFE, 0xFFFFFFF0), "message": 200},
    "I-DATA": {"interleaved": True, "part": 400},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tls_is_as_over_tcp(tmp_path: Path, version: str, way: str) -> None:
    (found,) = read(tmp_path / "sctp.pcap", frames_of(conversation(handshake(version).chunks, **WAYS[way])))
    expected = handshake(version).connection(keys=False)
    assert hashes(found) == hashes(expected) and not found.holes
    assert (found.version, found.cipher_suite, found.server_name) == (
        *(expected.version, expected.cipher_suite),
        expected.server_name,
    )
    assert (found.transport, found.carrier, found.tcp_stream) == ("sctp", "SCTP stream 0", None)
    assert (str(found.client), str(found.server)) == ("10.0.0.1:40000", "10.0.0.2:3868")


@pytest.mark.parametrize("part", [1 << 14, 300])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tshark_sees_the_same_tls(tmp_path: Path, version: str, part: int) -> None:
    """As far as it goes: records that span user messages it does not put together."""
    path = tmp_path / "sctp.pcap"
    (found,) = read(path, frames_of(conversation(handshake(version).chunks, message=1 << 14, part=part)))
    assert as_tshark_sees(path, "-d", "sctp.port==3868,tls") == in_the_clear(found)


@pytest.mark.parametrize("way", WAYS)
def test_dtls_is_as_over_udp(tmp_path: Path, way: str) -> None:
    path = tmp_path / "sctp.pcap"
    how = {**WAYS[way], "message": 1 << 14, "ppid": 47}
    (found,) = read(path, frames_of(conversation(dtls().chunks, 3, **how)))
    expected = dtls().connection(keys=False)
    assert hashes(found) == hashes(expected) and not found.holes
    assert (found.transport, found.carrier, found.cipher_suite) == ("dtls", "SCTP", expected.cipher_suite)
    if way == "plain":  # of fragmented messages tshark shows the fragments too
        assert set(as_tshark_sees(path, dtls=True)) == set(in_the_clear(found))


CARRIED: dict[str, Callable[[Sent], Frame]] = {
    "IPv4": Sent.frame,
    "IPv6": lambda sent: sent.frame(six=True),
    "UDP": Sent.in_udp,
    "a wrong checksum": lambda sent: sent.frame(sound=False),
}


@CARVE
@pytest.mark.parametrize("carried", CARRIED)
def test_whatever_carries_sctp(tmp_path: Path, carried: str, carve: bool) -> None:
    frames = [CARRIED[carried](each) for each in conversation(handshake("1.3").chunks)]
    (found,) = read(tmp_path / "sctp.pcap", frames, carve)
    assert hashes(found) == as_said("1.3")


def test_every_stream_is_a_connection(tmp_path: Path) -> None:
    """And so is each of another association at the same ports, at the same time, beside TCP."""
    made = Association(message=300)
    start = handshake("1.2").chunks[0].time
    made.begin(start)
    both = [(each, 2) for each in handshake("1.2").chunks] + [(each, 5) for each in handshake("1.3").chunks]
    for each, stream in sorted(both, key=lambda one: one[0].time):
        made.talk([each], stream)
    made.end(start + 1)
    other = conversation(handshake("1.2").chunks, tags=(5, 6), tsns=(9, 9))
    tcp = [frame(each) for each in packets(handshake("1.3"))]
    path = tmp_path / "sctp.pcap"
    found = read(path, [*frames_of(made.sent), *frames_of(other), *tcp])
    told = {(each.transport, each.carrier, str(each.version)): hashes(each) for each in found}
    assert told == {
        ("sctp", "SCTP stream 2", "TLS 1.2"): as_said("1.2"),
        ("sctp", "SCTP stream 5", "TLS 1.3"): as_said("1.3"),
        ("sctp", "SCTP stream 0", "TLS 1.2"): as_said("1.2"),
        ("tcp", None, "TLS 1.3"): as_said("1.3"),
    }
    listed = list_capture(path, strict=True)
    assert [replace(each, earlier=()) for each in listed.connections] == list(found)


def test_two_streams_may_begin_in_one_packet(tmp_path: Path) -> None:
    made = Association(message=1 << 14, part=1 << 14)
    start = handshake("1.2").chunks[0].time
    made.begin(start)
    both = [handshake("1.2").chunks, handshake("1.3").chunks]
    hellos = [made.parts(False, stream, chunks[0].data) for stream, chunks in enumerate(both)]
    made.put(start, False, *hellos[0], *hellos[1])
    for stream, chunks in enumerate(both):
        made.talk(chunks[1:], stream)
    path = tmp_path / "sctp.pcap"
    found = read(path, frames_of(made.sent))
    assert [hashes(each) for each in found] == [as_said("1.2"), as_said("1.3")]
    assert [hashes(each) for each in list_capture(path, strict=True).connections] == [hashes(each) for each in found]


@CARVE
def test_it_stands_beside_eap_and_tcp(tmp_path: Path, carve: bool) -> None:
    chunks = handshake("1.2").chunks
    eap = in_radius(said_in_eap(chunks)) + in_eapol(said_in_eap(chunks))
    tcp = [frame(each) for each in packets(handshake("1.2"))]
    found = read(tmp_path / "all.pcap", [*frames_of(conversation(chunks)), *eap, *tcp], carve)
    assert sorted(each.transport for each in found) == ["eap", "eap", "sctp", "tcp"]
    assert [hashes(each) for each in found] == [as_said("1.2")] * 4


def test_dtls_on_several_streams_is_one_connection(tmp_path: Path) -> None:
    """Handshake messages go on stream 0, data on any, unordered too (RFC 6083 4.4)."""
    made = Association(message=1 << 14)
    chunks = dtls().chunks
    made.begin(chunks[0].time)
    for each in chunks:
        data = each.data[0] == 23
        made.say(each.time, each.sender == "server", 4 if data else 0, each.data, 4 if data else 0)
    (found,) = read(tmp_path / "sctp.pcap", frames_of(made.sent))
    expected = dtls().connection(keys=False)
    assert hashes(found) == hashes(expected)
    assert (found.client_data, found.server_data) == (expected.client_data, expected.server_data)


def test_a_key_log_opens_it(tmp_path: Path) -> None:
    path, keys = tmp_path / "sctp.pcap", tmp_path / "keys.log"
    said = handshake("1.3")
    path.write_bytes(pcap(frames_of(conversation(said.chunks, message=300))))
    keys.write_bytes(b"\n".join(said.keylog))
    (found,) = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True).connections
    assert hashes(found) == hashes(said.connection())
    statuses = [proof.status for proof in found.proofs]
    assert "verified" in statuses and "failed" not in statuses
    assert list_capture(path, OpenOptions(keylogs=(keys,)), strict=True).connections[0].complete


def test_a_message_in_the_clear_may_come_before(tmp_path: Path) -> None:
    made = Association()
    chunks = handshake("1.2").chunks
    made.begin(chunks[0].time)
    made.say(chunks[0].time, False, 0, b"\1\0\0\x14capabilities?")
    made.say(chunks[0].time, True, 0, b"\1\0\0\x14capabilities!")
    made.talk(chunks)
    (found,) = read(tmp_path / "sctp.pcap", frames_of(made.sent))
    assert hashes(found) == as_said("1.2") and len(found.prelude) == 2


def test_what_never_is_tls_is_no_connection(tmp_path: Path) -> None:
    made = Association()
    made.begin(1000.0)
    for at in range(30):
        made.say(1000.0 + at, bool(at % 2), 0, b"\1\0\0\x14 \x16\x03 " * 90)
    assert read(tmp_path / "sctp.pcap", frames_of(made.sent)) == ()


# -- how it ends, and what is cut -------------------------------------------------------------------------------------


def test_what_a_snap_length_cut_is_named(tmp_path: Path) -> None:
    frames = [(when, data[:400], size) for when, data, size in frames_of(conversation(handshake("1.2").chunks))]
    (found,) = read(tmp_path / "sctp.pcap", frames)
    assert any(hole.cut and hole.length for hole in found.holes)
    assert "capture_cut_packets" in {finding.code for finding in found.findings}


def test_an_abort_in_the_handshake_is_its_end(tmp_path: Path) -> None:
    chunks = handshake("1.2").chunks
    made = Association()
    made.begin(chunks[0].time)
    made.talk(chunks[:1])
    made.put(chunks[0].time + 0.01, True, chunk(ABORT, b"\0\x0c\0\4"))
    (found,) = read(tmp_path / "sctp.pcap", frames_of(made.sent))
    assert not found.complete and found.failure
    marks = [(placed.mark.kind, placed.mark.sender, placed.mark.detail) for placed in found.marks]
    assert marks == [("init", "client", ""), ("init_ack", "server", ""), ("abort", "server", "ended by the user")]
    titles = [step.title for step in steps(found)]
    assert titles == ["SCTP INIT", "SCTP INIT ACK", "ClientHello", "SCTP ABORT"]


# -- where it is told --------------------------------------------------------------------------------------------


def test_ladder_list_filters_and_json_say_what_carried_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    path = tmp_path / "sctp.pcap"
    tcp = [frame(each) for each in packets(handshake("1.3"))]
    plain, found = read(path, [*frames_of(conversation(handshake("1.2").chunks, 7)), *tcp])
    marks = [step.title for step in steps(found) if step.kind == "mark"]
    assert marks == ["SCTP INIT", "SCTP INIT ACK", "SCTP SHUTDOWN", "SCTP SHUTDOWN"]
    assert all(narrate_step(found, step).lead for step in steps(found))
    trace = load_capture(path, strict=True)
    assert "SCTP stream 7" in render_text(trace)
    told = to_json(trace, fields=True)
    jsonschema.validate(told, schema())
    one = told["connections"][1]
    assert (one["transport"], one["carrier"], one["tcp"]) == ("sctp", "SCTP stream 7", None)
    assert row(found).transport == "sctp"
    assert [parse("transport:sctp").matches(row(each), 0.0) for each in (found, plain)] == [True, False]
    assert any(each.what == "transport" for each in compare(found, plain).differences)
    assert main(["show", str(path), "--list", "--filter", "transport:sctp"]) == 0
    assert "3868" in capsys.readouterr().out


@pytest.mark.parametrize("written", [pcap, pcapng], ids=["pcap", "pcapng"])
@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_what_is_watched_is_what_is_opened(tmp_path: Path, written: Callable[[list[Frame]], bytes], six: bool) -> None:
    path = tmp_path / "sctp"
    sent = conversation(handshake("1.2").chunks, message=300, part=100) + conversation(dtls().chunks, ports=(1, 2))
    tcp = [frame(each) for each in packets(handshake("1.3"))]
    path.write_bytes(written([*[each.frame(six=six) for each in sent], *tcp]))
    told: dict[int, Connection] = {}
    watch(WatchOptions(file=path), lambda one, over: told.update({one.id: one}), stopped=lambda: True)
    opened = load_capture(path, strict=True).connections
    assert {each.transport for each in opened} == {"sctp", "dtls", "tcp"}
    assert sorted((one.transport, hashes(one), one.carrier, one.complete) for one in told.values()) == sorted(
        (one.transport, hashes(one), one.carrier, one.complete) for one in opened
    )
