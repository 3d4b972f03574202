"""Saving what happened: real pcapng, readable by tshark without options, and by us with the same result."""

from __future__ import annotations

import dataclasses
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tlsviz.connection.model import Connection, Endpoint
from tlsviz.errors import TlsvizError
from tlsviz.lab.run import run_scenario
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.record import checksum, pcapng, save
from tlsviz.sources.tape import Tape
from tlsviz.sources.target import Target
from tlsviz.wire.chunks import Chunk, Gap, Mark

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")

STRICT = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
BAD = "0"
PROBLEMS = f"tcp.checksum.status == {BAD} || ip.checksum.status == {BAD} || tcp.analysis.flags || _ws.malformed"


def tshark(file: Path, *options: str) -> str:
    command = ["tshark", "-r", str(file), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, length - 4)[0] == length
        found.append((kind, data[8 : length - 4]))
        data = data[length:]
    return found


def essence(connection: Connection) -> Connection:
    """What must be equal: all but packet numbers, marks that captures name otherwise, and the verdicts."""
    return dataclasses.replace(
        connection,
        tcp_stream=None,
        tcp=None,
        key_source=None,
        marks=(),
        trust=None,
        client_trust=None,
        findings=(),
        proofs=(),
        messages=tuple(dataclasses.replace(message, packets=(), order=0) for message in connection.messages),
        records=tuple(dataclasses.replace(record, packets=()) for record in connection.records),
        application=tuple(run._replace(packets=(), order=0) for run in connection.application),
    )


@needs_tshark
@pytest.mark.parametrize("name", ["tls13", "tls12", "tls10", "client-auth", "old-server"])
def test_opening_a_saved_handshake_gives_it_back(name: str, tmp_path: Path) -> None:
    from tlsviz.sources.capture import load_capture
    from tlsviz.sources.opening import OpenOptions

    file = tmp_path / "saved.pcapng"
    live = run_scenario(name, save=file).connections[0]
    (opened,) = load_capture(file, OpenOptions()).connections
    assert essence(opened).messages == essence(live).messages
    assert essence(opened).application == essence(live).application
    assert essence(opened).records == essence(live).records
    assert essence(opened) == essence(live)
    kinds = [placed.mark.kind for placed in opened.marks]
    assert kinds[:2] == ["syn", "syn_ack"]
    assert kinds.count("fin") == 2


@needs_tshark
@pytest.mark.parametrize("name", ["tls13", "tls12-rsa", "hello-retry", "client-auth-missing", "tls10", "chacha20"])
def test_tshark_decrypts_without_options(name: str, tmp_path: Path) -> None:
    file = tmp_path / "saved.pcapng"
    for _ in range(4):
        connection = run_scenario(name, save=file).connections[0]
        # The lab takes any free port, and a few of them tshark gives to other protocols.
        if "tls" in tshark(file, "-T", "fields", "-e", "frame.protocols"):
            break
    wanted = ["GET"] if connection.client_data.records else []
    assert tshark(file, "-Y", "http.request", "-T", "fields", "-e", "http.request.method").split() == wanted
    assert tshark(file, *STRICT, "-Y", PROBLEMS) == ""


@needs_tshark
def test_refused_and_ipv6_and_unknown_addresses(tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    refused = Tape(
        Endpoint("", 0),
        Endpoint("2001:db8::5", 443),
        [Mark("syn", "client", 1.5), Mark("refused", "server", 1.625)],
    )
    bare = Tape(Endpoint("192.0.2.1", 5), Endpoint("192.0.2.2", 6), [Chunk("client", 2.0, b"x"), Gap("server", 2.1, 9)])
    save(file, [refused, bare], "a test")
    out = tshark(file, *STRICT, "-T", "fields", "-e", "frame.time_epoch", "-e", "ipv6.dst", "-e", "tcp.flags")
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["1.500000000", "2001:db8::5", "0x0002"]
    assert rows[1] == ["1.625000000", "2001:db8::1", "0x0014"]
    assert [row[2] for row in rows[2:]] == ["0x0002", "0x0012", "0x0010", "0x0018"]
    assert tshark(file, *STRICT, "-Y", PROBLEMS) == ""


def test_times_keep_their_nanoseconds() -> None:
    at = 1768478400.123456
    data = pcapng([Tape(inputs=[Chunk("client", at, b"x")])], "")
    stamps = [struct.unpack_from("<II", body, 4) for kind, body in blocks(data) if kind == 6]
    for high, low in stamps:
        nanoseconds = high << 32 | low
        assert float(f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}") == at


def test_blocks_come_in_the_order_readers_need() -> None:
    tape = Tape(Endpoint("192.0.2.1", 1), Endpoint("192.0.2.2", 2), [Chunk("client", 1.0, bytes(4000))], [b"A b c"])
    found = blocks(pcapng([tape], "what it is"))
    assert [kind for kind, _ in found] == [0x0A0D0D0A, 1, 10, 6, 6, 6, 6, 6, 6]
    assert b"what it is" in found[0][1]
    assert b"tlsviz " in found[0][1]
    assert found[2][1] == struct.pack("<II", 0x544C534B, 6) + b"A b c\n\0\0"
    without = blocks(pcapng([tape], "", secrets=False))
    assert 10 not in [kind for kind, _ in without]


def test_segments_are_cut_at_the_segment_size() -> None:
    tape = Tape(Endpoint("192.0.2.1", 1), Endpoint("192.0.2.2", 2), [Chunk("client", 1.0, bytes(3000))])
    packets = [body[20:] for kind, body in blocks(pcapng([tape], "")) if kind == 6]
    sizes = [struct.unpack_from(">H", packet, 16)[0] - 40 for packet in packets[3:]]
    assert sizes == [1460, 1460, 80]
    sequence = [struct.unpack_from(">I", packet, 38)[0] for packet in packets[3:]]
    assert [later - sequence[0] for later in sequence] == [0, 1460, 2920]


def test_internet_checksum() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D  # RFC 1071, 3
    assert checksum(b"\x01") == 0xFEFF


def test_live_save_option(tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    run_live(Target("127.0.0.1", 1), LiveOptions(save=file))
    assert file.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    with pytest.raises(TlsvizError) as caught:
        run_live(Target("127.0.0.1", 1), LiveOptions(save=tmp_path))
    assert "Cannot write" in str(caught.value)
