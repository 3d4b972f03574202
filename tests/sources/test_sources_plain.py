"""Captures with plain HTTP: connections in the list beside those of TLS, with and without carving."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from dialogue import Dialogue, shake
from pcap_writer import frame, packets, pcap, pcapng

from tlsviz.connection.model import Endpoint, Trace
from tlsviz.report.json import schema, to_json
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.segments import ACK, FIN, SYN, Packet

pytestmark = pytest.mark.tshark

PLAIN = Endpoint("192.0.2.1", 80)
LONG = 400_000
"""Bytes of a body: more than carving waits for before it counts a TLS connection's."""

ASK = b"GET /a HTTP/1.1\r\nHost: server.test\r\nCookie: id=1\r\n\r\n"
ANSWER = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://server.test/\r\nContent-Length: 3\r\n\r\nxyz"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG + bytes(LONG)

Turns = list[tuple[bool, bytes]]


def talk(turns: Turns, start: float, port: int, server: Endpoint = PLAIN, size: int = 1400) -> list[Packet]:
    """A TCP connection in which these things are said, in segments of so many bytes."""
    client = Endpoint("10.0.0.1", port)
    at, found = {True: 1000, False: 2000}, list[Packet]()

    def say(mine: bool, data: bytes, flags: int) -> None:
        ends = (client, server) if mine else (server, client)
        ack = at[not mine] if flags & ACK else 0
        found.append(Packet(0, start + len(found) / 1000, 0, *ends, at[mine], ack, flags, data))
        at[mine] += len(data) + bool(flags & (SYN | FIN))

    say(True, b"", SYN)
    say(False, b"", SYN | ACK)
    for mine, data in turns:
        for begin in range(0, len(data), size):
            say(mine, data[begin : begin + size], ACK)
    say(True, b"", FIN | ACK)
    say(False, b"", FIN | ACK)
    return found


@cache
def handshake() -> Dialogue:
    return shake("1.3")


def mixed(size: int = 1400) -> list[Packet]:
    """A redirect, the TLS connection that follows it, a long page, and something that is neither."""
    dialogue = handshake()
    first = dialogue.chunks[0].time
    found = talk([(True, ASK), (False, ANSWER)], first - 1, 40010, size=size)
    found += packets(dialogue, 40011)
    found += talk([(True, ASK), (False, PAGE), (True, ASK), (False, ANSWER)], first + 1, 40012)
    found += talk([(False, b"220 mail\r\n"), (True, b"QUIT\r\n")], first + 2, 40013, Endpoint("192.0.2.1", 25))
    return sorted(found, key=lambda packet: packet.time)


def read(path: Path, found: list[Packet], carve: bool = True) -> Trace:
    path.write_bytes(pcap(map(frame, found)))
    return load_capture(path, OpenOptions(carve=carve), strict=True)


@pytest.mark.parametrize("carve", [True, False])
def test_plain_http_is_listed_beside_tls(tmp_path: Path, carve: bool) -> None:
    trace = read(tmp_path / "mixed.pcap", mixed(), carve)
    assert [connection.plain for connection in trace.connections] == ["http", None, "http"]
    first, second, third = trace.connections
    assert [redirect.connection for redirect in first.redirects] == [second.id] and second.redirected_by == first.id
    assert [message.type for message in third.messages] == ["http_request", "http_response"] * 2
    assert third.server_data.bytes == LONG + 3 and third.server_name == "server.test"
    assert first.messages[0].packets == (3,) and first.tcp_stream == 0


def test_it_is_the_same_with_and_without_carving_and_in_any_segments(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    carved, whole = read(path, mixed()), read(path, mixed(), carve=False)
    assert carved == whole
    small = read(path, mixed(size=1))
    said = [[message.sha256 for message in connection.messages] for connection in carved.connections]
    assert said == [[message.sha256 for message in connection.messages] for connection in small.connections]


def test_a_list_tells_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mixed.pcapng"
    path.write_bytes(pcapng(map(frame, mixed())))
    assert tuple(list_capture(path, strict=True).connections) == load_capture(path, strict=True).connections


def test_without_tls_the_capture_says_so(tmp_path: Path) -> None:
    trace = read(tmp_path / "plain.pcap", talk([(True, ASK), (False, ANSWER)], 1e9, 40000))
    assert len(trace.connections) == 1
    assert any("no TLS" in notice and "only plain HTTP" in notice for notice in trace.notices)


def test_lost_and_repeated_segments(tmp_path: Path) -> None:
    said = talk([(True, ASK), (False, PAGE), (True, ASK), (False, ANSWER)], 1e9, 40000)
    spoiled = [*said[:10], *said[12:20], said[15], *said[20:]]
    connection = read(tmp_path / "spoiled.pcap", spoiled).connections[0]
    assert [message.type for message in connection.messages] == ["http_request", "http_response"] * 2
    assert connection.server_data.bytes == LONG + 3 - 2 * 1400
    assert "capture_lost_packets" in {finding.code for finding in connection.findings}


def test_roles_come_from_what_is_said_where_no_syn_says_them(tmp_path: Path) -> None:
    said = talk([(True, ASK), (False, ANSWER)], 1e9, 1024, Endpoint("192.0.2.1", 40000))
    connection = read(tmp_path / "late.pcap", said[2:-2]).connections[0]
    assert connection.client.port == 1024 and connection.messages[0].sender == "client"


def test_json_fulfils_the_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = to_json(read(tmp_path / "mixed.pcap", mixed()), fields=True, summary=True)
    jsonschema.validate(found, schema())
    plain = found["connections"][0]
    assert (plain["plain"], plain["version"], plain["transport"], plain["trust"]) == ("http", None, "tcp", None)
    assert plain["messages"][0]["content_type"] == "http" and plain["redirects"][0]["connection"] == 1
    assert found["connections"][1]["plain"] is None
    assert (found["summary"]["connections"], found["summary"]["plain"]) == (1, 2)
