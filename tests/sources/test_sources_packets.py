"""Packets from tshark's output, and from tshark itself."""

from __future__ import annotations

import gc
import json
import shutil
import struct
import threading
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pcap_writer as w
import pytest
from effort import Stopwatch

from tlsviz.connection.model import Endpoint
from tlsviz.errors import CancelledError, MissingError, TargetError
from tlsviz.sources import tshark
from tlsviz.sources.ek import Reading, epoch, parse_lines, parse_packet, transport_place
from tlsviz.sources.packets import read_packets
from tlsviz.sources.segments import ACK, FIN, SYN, Datagram, Packet

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
A, B = Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 443)
A6, B6 = Endpoint("2001:db8::1", 50000), Endpoint("2001:db8::2", 443)


def packet(number: int, data: bytes = b"", flags: int = ACK, ends: tuple[Endpoint, Endpoint] = (A, B)) -> Packet:
    sequence = (4294967290 + number) % 2**32
    return Packet(number, 1700000000.0 + number / 1000, 0, *ends, sequence, 77, flags, data)


PACKETS = [
    packet(1, flags=SYN)._replace(acknowledgement=0),
    packet(2, b"hello"),
    packet(3, b"cut short", ends=(B, A))._replace(missing=500),
    packet(4, flags=FIN | ACK),
]


def read(path: Path) -> tuple[list[Packet | Datagram], Reading]:
    packets: list[Packet | Datagram] = []
    reading = read_packets(path, lambda batch, _: packets.extend(batch))
    return packets, reading


@pytest.mark.parametrize(
    ("protocols", "place"),
    [
        ("eth:ethertype:ip:tcp", ("ip", 0, "tcp", 0)),
        ("eth:ethertype:ipv6:tcp:tls", ("ipv6", 0, "tcp", 0)),
        ("eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:tcp:data", ("ip", 1, "tcp", 0)),
        ("raw:ip:ipv6:tcp", ("ipv6", 0, "tcp", 0)),
        ("eth:ethertype:ipv6:ip:tcp", ("ip", 0, "tcp", 0)),
        ("eth:ip:tcp:socks:ip:tcp", ("ip", 1, "tcp", 1)),
        ("eth:ethertype:ip:udp:dns", ("ip", 0, "udp", 0)),
        ("eth:ethertype:ip:udp:gtp:ip:udp:data", ("ip", 1, "udp", 1)),
        ("eth:ethertype:ip:icmp:ip:tcp", None),
        ("eth:ethertype:ip:ipv6:icmpv6:ipv6:tcp:tls", None),
        ("eth:ethertype:ip:sctp:data", ("ip", 0, "sctp", 0)),
        ("eth:ethertype:ip:udp:gtp:ip:sctp", ("ip", 1, "sctp", 0)),
        ("eth:ethertype:ip:udp:sctp", ("ip", 0, "udp", 0)),
        ("eth:ethertype:ip:icmp:ip:sctp", None),
        ("eth:ethertype:ip:icmp:ip:udp:data", None),
    ],
)
def test_the_innermost_transport_counts(protocols: str, place: tuple[str, int, str, int] | None) -> None:
    assert transport_place(protocols) == place


def fields(**changes: list[str]) -> dict[str, list[str]]:
    layers = {
        "frame_number": ["9"],
        "frame_time_epoch": ["1506985223.161507000"],
        "frame_protocols": ["eth:ethertype:ip:tcp"],
        "ip_src": ["10.0.0.1"],
        "ip_dst": ["10.0.0.2"],
        "tcp_srcport": ["50000"],
        "tcp_dstport": ["443"],
        "tcp_stream": ["4"],
        "tcp_seq_raw": ["4294967295"],
        "tcp_ack_raw": ["1"],
        "tcp_flags": ["0x0018"],
        "tcp_window_size_value": ["501"],
        "tcp_len": ["3"],
        "tcp_payload": ["16:03:01"],
    }
    return {name: value for name, value in {**layers, **changes}.items() if value}


def test_fields_to_packet() -> None:
    expected = Packet(9, 1506985223.161507, 4, A, B, 4294967295, 1, 24, b"\x16\x03\x01", window=501)
    assert parse_packet(fields()) == expected
    assert parse_packet(fields(tcp_payload=["160301"])) == expected
    assert parse_packet(fields(tcp_len=["10"])) == expected._replace(missing=7)
    assert parse_packet(fields(tcp_len=["10"], tcp_payload=[])) == expected._replace(payload=b"", missing=10)
    assert parse_packet(fields(tcp_payload=["160301", "160301"])) == expected, "SOCKS has it twice"


def test_tunnels_in_fields() -> None:
    layers = fields(
        frame_protocols=["eth:ethertype:ip:tcp:other:ip:tcp"],
        ip_src=["192.0.2.1", "10.0.0.1"],
        ip_dst=["192.0.2.2", "10.0.0.2"],
        tcp_srcport=["1", "50000"],
        tcp_dstport=["2", "443"],
        tcp_stream=["0", "4"],
        tcp_seq_raw=["5", "4294967295"],
        tcp_ack_raw=["6", "1"],
        tcp_flags=["0x0010", "0x0018"],
        tcp_window_size_value=["7", "501"],
        tcp_len=["60", "3"],
        tcp_payload=["ffff", "160301"],
    )
    assert parse_packet(layers) == parse_packet(fields())


def test_half_a_header_is_no_packet() -> None:
    assert parse_packet(fields(tcp_flags=[], tcp_len=[])) is None
    assert parse_packet(fields(frame_protocols=["eth:ethertype:ip:icmp:ip:tcp"])) is None


def test_times() -> None:
    assert epoch("1506985223.161507000") == 1506985223.161507
    assert epoch("2017-10-02T23:00:23.161507000Z") == 1506985223.161507
    assert epoch("2017-10-02T23:00:23Z") == 1506985223
    assert epoch("2023-11-14T22:13:20.123456789Z") == epoch("1700000000.123456789") != epoch("1700000000.123456")
    assert epoch("1969-12-31T23:59:58.75Z") == -1.25
    assert epoch("-5.25") == -5.25
    for text in ("18446744073709.551615", "-9223372036854"):
        assert 1 <= datetime.fromtimestamp(epoch(text), UTC).year <= 9999


def udp_fields(**changes: list[str]) -> dict[str, list[str]]:
    layers = {
        "frame_number": ["12"],
        "frame_file_off": ["5000"],
        "frame_time_epoch": ["1506985223.161507000"],
        "frame_protocols": ["eth:ethertype:ip:udp:data"],
        "ip_src": ["10.0.0.1"],
        "ip_dst": ["10.0.0.2"],
        "udp_srcport": ["50000"],
        "udp_dstport": ["443"],
        "udp_stream": ["3"],
        "udp_length": ["11"],
        "udp_payload": ["16:fe:fd"],
    }
    return {name: value for name, value in (layers | changes).items() if value}


def test_datagrams() -> None:
    expected = Datagram(12, 1506985223.161507, 3, A, B, b"\x16\xfe\xfd")
    assert parse_packet(udp_fields()) == expected
    assert parse_packet(udp_fields(udp_length=["20"])) == expected._replace(missing=9)
    assert parse_packet(udp_fields(udp_length=["8"], udp_payload=[])) == expected._replace(payload=b"")
    assert parse_packet(udp_fields(udp_dstport=[])) is None
    tunnel = udp_fields(
        frame_protocols=["eth:ethertype:ip:udp:gtp:ip:udp:data"],
        ip_src=["1.1.1.1", "10.0.0.1"],
        ip_dst=["1.1.1.2", "10.0.0.2"],
        udp_srcport=["2152", "50000"],
        udp_dstport=["2152", "443"],
        udp_stream=["0", "3"],
        udp_length=["100", "11"],
        udp_payload=["30:ff:00", "16:fe:fd"],
    )
    assert parse_packet(tunnel) == expected


def test_lines_give_tcp_and_udp() -> None:
    none = {"frame_number": ["14"], "frame_file_off": ["5000"], "frame_protocols": ["eth:arp"]}
    rows = [{"index": {}}, {"layers": fields()}, {"layers": udp_fields()}, {"layers": none}]
    reading = Reading()
    text = b"\n".join(json.dumps(row, separators=(",", ":")).encode() for row in rows)
    assert [type(item) for item in parse_lines(text, reading)] == [Packet, Datagram]
    assert (reading.frames, reading.offset) == (14, 5000)


@needs_tshark
@pytest.mark.tshark
@pytest.mark.parametrize("make", [w.pcap, w.pcapng])
@pytest.mark.parametrize("order", ["<", ">"])
def test_read_packets(tmp_path: Path, make: object, order: str) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(make(map(w.frame, PACKETS), order))  # type: ignore[operator]
    packets, reading = read(path)
    assert [item._replace(time=0) for item in packets] == [item._replace(time=0) for item in PACKETS]
    assert [item.time for item in packets] == pytest.approx([item.time for item in PACKETS], abs=1e-6)
    assert (reading.frames, reading.failed, reading.complaints) == (4, False, [])


@needs_tshark
@pytest.mark.tshark
def test_read_ipv6_and_raw_ip(tmp_path: Path) -> None:
    six = [packet(1, b"first", ends=(A6, B6)), packet(2, b"second", ends=(B6, A6))]
    path = tmp_path / "raw.pcap"
    path.write_bytes(w.pcap([(item.time, w.ip_packet(item), 60) for item in six], link=101))
    packets, _ = read(path)
    assert [(item.source, item.destination, item.payload) for item in packets] == [
        (A6, B6, b"first"),
        (B6, A6, b"second"),
    ]


@needs_tshark
@pytest.mark.tshark
def test_few_bare_acknowledgements_are_asked_for_and_reused_ports_are_told_apart(tmp_path: Path) -> None:
    """Those of the beginning, those that come after some waiting, and those that close a window."""
    again = packet(9, flags=SYN)._replace(sequence=123456, acknowledgement=0, time=1700000005.0)
    late = [packet(6)._replace(time=1700000003.0 + later) for later in (0.0, 0.001, 0.002)]
    late[-1] = late[-1]._replace(window=0)
    more = packet(7, b"more")._replace(time=1700000006.0)
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, [*PACKETS, packet(5), *late, again, more])))
    packets, _ = read(path)
    expected = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (8, 0), (9, 1), (10, 1)]
    assert [(item.number, item.stream) for item in packets] == expected


@needs_tshark
@pytest.mark.tshark
def test_tunnel(tmp_path: Path) -> None:
    inner = w.ip_packet(packet(2, b"inside"))
    outer = struct.pack(">BBHHHBBH", 0x45, 0, 24 + len(inner), 0, 0, 64, 47, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 2])
    path = tmp_path / "gre.pcap"
    path.write_bytes(w.pcap([(1.0, outer + b"\0\0\x08\0" + inner, 24 + len(inner))], link=101))
    (found,), _ = read(path)
    assert (found.source, found.destination, found.payload) == (A, B, b"inside")


@needs_tshark
@pytest.mark.tshark
def test_cut_capture_gives_its_packets(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(w.pcap(map(w.frame, PACKETS))[:-5])
    packets, reading = read(path)
    assert len(packets) == 3
    assert tshark.cut_short(reading.complaints)


@needs_tshark
@pytest.mark.tshark
def test_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "picture.pcap"
    path.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(TargetError, match="not a capture"):
        read(path)


@needs_tshark
@pytest.mark.tshark
def test_cancelling_stops_at_once_and_leaves_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "big.pcap"
    path.write_bytes(w.pcap(w.frame(packet(i, bytes(1400))) for i in range(1, 8000)))
    stop = threading.Event()
    started = 0.0

    def take(batch: list[Packet], reading: Reading) -> None:
        nonlocal started
        if not stop.is_set():
            started = time.monotonic()
            stop.set()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CancelledError):
            read_packets(path, take, stop.is_set)
        gc.collect()
    assert time.monotonic() - started < 5
    assert capfd.readouterr().err == ""


@needs_tshark
@pytest.mark.tshark
def test_an_error_in_the_taker_is_raised_and_nothing_remains(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, PACKETS)))

    def take(batch: list[Packet], reading: Reading) -> None:
        raise ZeroDivisionError

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ZeroDivisionError):
            read_packets(path, take)
        gc.collect()


def test_without_tshark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TSHARK", raising=False)
    monkeypatch.setattr(tshark, "ELSEWHERE", ())
    with pytest.raises(MissingError, match="apt install tshark"):
        tshark.find()
    monkeypatch.setenv("TSHARK", str(tmp_path / "gone"))
    with pytest.raises(MissingError, match="set in TSHARK"):
        tshark.find()
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("TSHARK", str(program))
    assert tshark.find() == str(program)
    with pytest.raises(MissingError, match="does not answer"):
        tshark.version(str(program))


def fake_tshark(tmp_path: Path, script: str) -> str:
    program = tmp_path / "tshark"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_an_old_tshark_is_named(tmp_path: Path) -> None:
    script = (
        'if [ "$1" = -v ]; then echo "TShark (Wireshark) 2.6.20"; exit; fi\n'
        'echo "tshark: Some fields aren\'t valid:" >&2; exit 1'
    )
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap([]))
    with pytest.raises(MissingError, match=r"tshark 2\.6\.20 is too old"):
        read_packets(path, lambda batch, reading: None, program=fake_tshark(tmp_path, script))


def test_a_crashing_tshark_is_an_error_with_its_words(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap([]))
    program = fake_tshark(tmp_path, "echo 'tshark: out of \033[31mluck' >&2; exit 3")
    with pytest.raises(TargetError, match=r"out of \\x1b\[31mluck"):
        read_packets(path, lambda batch, reading: None, program=program)


@needs_tshark
@pytest.mark.tshark
def test_version() -> None:
    text = tshark.version(tshark.find())
    assert text[0].isdigit()
    assert not tshark.too_old(text)
    assert tshark.too_old("2.6.20") and not tshark.too_old("10.0.0")


@needs_tshark
def test_what_stops_the_reading_stops_it_at_once(tmp_path: Path) -> None:
    """Even where tshark has more to say than pipes hold."""
    path = tmp_path / "a.pcap"
    data = packet(1, bytes(1400))
    path.write_bytes(w.pcap(map(w.frame, [data._replace(sequence=number * 1400) for number in range(3000)])))

    def take(*_: object) -> None:
        raise ZeroDivisionError

    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError):
        read_packets(path, take)
    assert watch.seconds() < 5
