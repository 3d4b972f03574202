"""EAP-TLS and its relatives, in RADIUS and on the link: the TLS inside is as without EAP, and as tshark sees it."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from dialogue import Dialogue, shake
from eap_writer import EAP_TLS, PEAP, STATION, Said, conversation, in_eapol, in_radius
from encapsulations import WRAPS
from hypothesis import given
from hypothesis import strategies as st
from pcap_writer import Frame, frame, packets, pcap, pcapng

from tlsviz.connection import eap
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.rows import row
from tlsviz.crypto.keylog import KeyLog
from tlsviz.explain.narrate import narrate_step
from tlsviz.report.json import schema, to_json
from tlsviz.report.text import render_text
from tlsviz.sources import eapol, tshark
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.interface import WatchOptions, watch
from tlsviz.sources.opening import OpenOptions
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

pytestmark = pytest.mark.tshark


@cache
def handshake(version: str = "1.3") -> Dialogue:
    return shake(version)


def said(version: str = "1.3", kind: int = EAP_TLS, size: int = 700) -> list[Said]:
    return conversation(handshake(version).chunks, kind, size)


def read(path: Path, frames: list[Frame], carve: bool = True) -> tuple[Connection, ...]:
    path.write_bytes(pcap(sorted(frames, key=lambda each: each[0])))
    return tuple(load_capture(path, OpenOptions(carve=carve), strict=True).connections)


def hashes(connection: Connection) -> list[tuple[str, str | None]]:
    return [(message.type, message.sha256) for message in connection.messages]


def in_tcp(tmp_path: Path, version: str = "1.3") -> Connection:
    """The same handshake, as TCP carries it."""
    return read(tmp_path / "tcp.pcap", [frame(each) for each in packets(handshake(version))])[0]


def as_tshark_sees(path: Path) -> list[str]:
    """The types of the handshake messages in the clear, by tshark's own decoding of EAP and TLS."""
    words = [tshark.find(), "-r", str(path), "-Y", "tls.handshake", "-T", "fields", "-e", "tls.handshake.type"]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [kind for line in out.split() for kind in line.split(",")]


CLEAR = {"1": "client_hello", "2": "server_hello", "11": "certificate", "12": "server_key_exchange",
         "14": "server_hello_done", "16": "client_key_exchange", "4": "new_session_ticket"}  # fmt: skip


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("size", [100, 700, 5000])
def test_what_radius_carries_is_what_tcp_carried(tmp_path: Path, version: str, size: int) -> None:
    path = tmp_path / "radius.pcap"
    (found,) = read(path, in_radius(said(version, size=size)))
    assert hashes(found) == hashes(in_tcp(tmp_path, version))
    assert (found.transport, found.carrier, found.tcp_stream) == ("eap", "EAP-TLS in RADIUS", None)
    assert (str(found.client), str(found.server)) == ("02-00-00-00-00-11", "198.51.100.2:1812")
    assert [CLEAR[kind] for kind in as_tshark_sees(path)] == [
        message.type for message in found.messages if message.type in CLEAR.values() and message.provenance == "wire"
    ]


@pytest.mark.parametrize("group", [False, True], ids=["to each other", "to the group"])
@pytest.mark.parametrize("carve", [False, True])
def test_what_8021x_carries_is_what_tcp_carried(tmp_path: Path, carve: bool, group: bool) -> None:
    path = tmp_path / "eapol.pcap"
    (found,) = read(path, in_eapol(said("1.2", kind=PEAP), group=group), carve)
    assert hashes(found) == hashes(in_tcp(tmp_path, "1.2"))
    assert found.carrier == "PEAP in 802.1X" and found.messages[0].packets
    assert (str(found.client), str(found.server)) == ("02:00:00:00:00:11", "02:00:00:00:00:22")
    assert "client_hello" in [CLEAR[kind] for kind in as_tshark_sees(path)]


def stacked(frames: list[Frame], head: bytes) -> list[Frame]:
    """Frames of Ethernet with something between addresses and type."""
    return [(when, data[:12] + head + data[12:], size + len(head)) for when, data, size in frames]


def cooked(frames: list[Frame]) -> list[Frame]:
    """Frames of Ethernet as Linux's interface `any` has them: with the sender's address alone."""
    return [(when, b"\0\0\0\1\0\6" + data[6:12] + b"\0\0" + data[12:], size + 2) for when, data, size in frames]


WRITTEN: dict[str, Callable[[list[Frame]], bytes]] = {
    "pcap": pcap,
    "big-endian pcap": lambda frames: pcap(frames, ">", nanoseconds=True),
    "pcapng": pcapng,
    "big-endian pcapng": lambda frames: pcapng(frames, ">"),
    "VLAN": lambda frames: pcapng(stacked(frames, b"\x81\0\0\x05")),
    "cooked": lambda frames: pcap(cooked(frames), link=113),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_what_is_watched_is_what_is_opened(tmp_path: Path, written: str) -> None:
    """Its bytes are taken from what tshark was given, not from what it writes."""
    path = tmp_path / "eapol"
    path.write_bytes(WRITTEN[written]([*in_eapol(said("1.2")), *map(frame, packets(handshake()))]))
    told: dict[int, Connection] = {}
    watch(WatchOptions(file=path), lambda one, over: told.update({one.id: one}), stopped=lambda: True)
    opened = load_capture(path, strict=True).connections
    assert {each.transport for each in opened} == {"eap", "tcp"}
    seen = sorted(told.values(), key=lambda one: one.start)
    assert [(hashes(one), one.client, one.server, one.carrier) for one in seen] == [
        (hashes(one), one.client, one.server, one.carrier) for one in sorted(opened, key=lambda one: one.start)
    ]


@given(st.binary(max_size=80), st.sampled_from([b"", b"\6\0\0\0", b"\0\0\0\6"]))
def test_any_bytes_may_stand_where_a_frame_was(data: bytes, kind: bytes) -> None:
    layers = {
        "frame_protocols": ["eth:ethertype:eapol:eap"],
        "frame_file_off": ["24"],
        "frame_number": ["1"],
        "frame_time_epoch": ["1.5"],
    }
    found = eapol.lifted(layers, lambda at, size: kind + data)
    assert found is None or found.payload in data


def test_eap_on_the_air(tmp_path: Path) -> None:
    """From an EAPOL frame of Ethernet to one of 802.11, to and from the access point."""
    frames = []
    for when, data, _ in in_eapol(said("1.2")):
        target, source, rest = data[:6], data[6:12], data[14:]
        up = source == STATION
        header = (b"\x08\x01" if up else b"\x08\x02") + b"\0\0" + target + source + (target if up else source)
        air = header + b"\0\0" + b"\xaa\xaa\x03\0\0\0\x88\x8e" + rest
        frames.append((when, air, len(air)))
    path = tmp_path / "air.pcap"
    path.write_bytes(pcap(frames, link=WRAPS["802.11"][0]))
    (found,) = load_capture(path, strict=True).connections
    assert hashes(found) == hashes(in_tcp(tmp_path, "1.2"))


def test_conversations_at_the_same_ports_are_told_apart(tmp_path: Path) -> None:
    first, second = said("1.2"), [(when + 0.0001, *rest) for when, *rest in said("1.3")]
    both = in_radius(first) + in_radius(second, station=b"02-00-00-00-00-12", state=b"s2")  # type: ignore[arg-type]
    found = read(tmp_path / "two.pcap", _renumbered(both))
    assert [str(each.version) for each in found] == ["TLS 1.2", "TLS 1.3"]
    assert [hashes(each) for each in found] == [hashes(in_tcp(tmp_path, version)) for version in ("1.2", "1.3")]


def _renumbered(frames: list[Frame]) -> list[Frame]:
    """The second station's requests numbered from 128 on, as one access point would do."""
    at = 14 + 20 + 8 + 1
    return [
        (when, data[:at] + bytes([data[at] | 0x80]) + data[at + 1 :], size)
        if b"00-12" in data or b"\x18\x04s2" in data
        else (when, data, size)
        for when, data, size in frames
    ]


def test_two_stations_and_one_that_comes_again(tmp_path: Path) -> None:
    again = [(when + 10, sender, data) for when, sender, data in said("1.3")]
    other = b"\x02\0\0\0\0\x33"
    frames = in_eapol(said("1.2")) + in_eapol(said("1.3"), station=other) + in_eapol(again)
    found = read(tmp_path / "stations.pcap", frames)
    assert [(str(each.version), each.client.address[-2:]) for each in found] == [
        ("TLS 1.2", "11"),
        ("TLS 1.3", "33"),
        ("TLS 1.3", "11"),
    ]
    assert len({each.id for each in found}) == 3


def test_packets_that_are_sent_again_count_once(tmp_path: Path) -> None:
    frames = in_radius(said("1.2", size=300))
    twice = [(when + late, data, size) for when, data, size in frames for late in (0.0, 0.00001)]
    (found,) = read(tmp_path / "twice.pcap", twice)
    assert hashes(found) == hashes(in_tcp(tmp_path, "1.2"))
    assert [step.title for step in steps(found)].count("sent again") == len(frames)


def test_it_stands_in_its_place_among_tcp(tmp_path: Path) -> None:
    later = [replace_time(each, 0.5) for each in (frame(packet) for packet in packets(handshake("1.3")))]
    found = read(tmp_path / "mixed.pcap", [*later, *in_eapol(said("1.2")), *in_radius(said("1.2"))])
    assert [each.transport for each in found] == ["eap", "eap", "tcp"] and [each.id for each in found] == [0, 1, 2]
    path = tmp_path / "mixed.pcap"
    assert tuple(list_capture(path, strict=True).connections) == found


def replace_time(one: Frame, later: float) -> Frame:
    return one[0] + later, one[1], one[2]


def test_ladder_list_and_json_say_what_carried_it(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    path = tmp_path / "radius.pcap"
    (found,) = read(path, in_radius(said("1.2")))
    titles = [step.title for step in steps(found) if step.kind == "mark"]
    assert titles == ["EAP identity alice@lab.test", "EAP start of EAP-TLS in RADIUS", "EAP success"]
    assert all(narrate_step(found, step).lead for step in steps(found))
    trace = load_capture(path, strict=True)
    assert "EAP-TLS in RADIUS" in render_text(trace) and "02-00-00-00-00-11" in render_text(trace)
    told = to_json(trace, fields=True)
    jsonschema.validate(told, schema())
    one = told["connections"][0]
    assert (one["transport"], one["carrier"]) == ("eap", "EAP-TLS in RADIUS")
    assert one["client"] == {"address": "02-00-00-00-00-11", "port": None}
    assert row(found).transport == "eap"


# -- packets -----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    eap.radius(data)
    found = eap.packet(data)
    if found is not None:
        eap.records(found)
    for outer in ("RADIUS", "802.1X"):
        engine = eap.EapEngine(Endpoint("", 0), Endpoint("", 0), KeyLog(), outer)
        engine.receive(Chunk(CLIENT, 0.0, data))
        engine.finish()
        engine.connection()


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_flags_are_taken(flags: int, body: bytes) -> None:
    for kind in eap.METHODS:
        eap.records(eap.Packet(eap.RESPONSE, 1, kind, bytes([flags]) + body))


def test_teap_keeps_its_outer_tlvs_apart() -> None:
    body = bytes([0x80 | 0x10]) + struct.pack(">II", 3, 4) + b"TLS" + b"outs"
    assert eap.records(eap.Packet(eap.RESPONSE, 1, 55, body)) == b"TLS"
    assert eap.records(eap.Packet(eap.REQUEST, 1, 43, b"\x21\0\4\0\1A")) == b""  # FAST's start brings an authority's ID


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\2\1\0\x06\3\x19", "another method, please: PEAP"),
        (b"\2\1\0\x06\3\0", "another method, please: type 0"),
        (b"\1\1\0\x05\1", "who are you?"),
        (b"\1\1\0\x06\4x", "method of type 4"),
        (b"\4\1\0\4", "failure"),
        (b"\2\1\0\x0d\1\x1b[2Jabc\xff", "identity \\x1b[2Jabc\\xff"),
    ],
)
def test_what_eap_says_is_told_and_safe(data: bytes, words: str) -> None:
    engine = eap.EapEngine(Endpoint("a", 0), Endpoint("b", 0), KeyLog(), "802.1X")
    engine.receive(Chunk(SERVER, 0.0, data))
    assert [placed.mark.detail for placed in engine.connection().marks] == [words]


def test_radius_without_eap_or_with_wrong_lengths_is_none() -> None:
    head = struct.pack(">BBH16s", 1, 1, 20, b"")
    assert eap.radius(head) is None
    whole = struct.pack(">BBH16s", 1, 1, 26, b"") + b"\x4f\x06\2\1\0\4"
    assert eap.radius(whole) is not None
    assert eap.radius(whole[:-1]) is None and eap.radius(b"\x09" + whole[1:]) is None
    assert all(eap.radius(whole[:20] + attribute + whole[22:]) is None for attribute in (b"\x4f\x07", b"\x4f\x01"))
