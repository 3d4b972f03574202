"""Targets that fail: each gives one connection and exactly one diagnosis, in time and in bounded memory."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest
from effort import Stopwatch
from odd_servers import Play, alert, flood, playing, reset, saying, silent, trickle, wait_for_end
from OpenSSL import SSL

from tlsviz.connection.ladder import connected
from tlsviz.connection.model import Connection, Finding
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings, server_context
from tlsviz.report.json import to_json
from tlsviz.report.text import render_text
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target

PATIENCE = 0.3


def run(port: int, host: str = "127.0.0.1", **options: object) -> Connection:
    wanted = LiveOptions(timeout=PATIENCE, stores=(), **options)  # type: ignore[arg-type]
    (connection,) = run_live(Target(host, port), wanted).connections
    return connection


def the_diagnosis(connection: Connection) -> Finding:
    (found,) = [finding for finding in connection.findings if finding.diagnosis]
    assert found.title
    assert found.evidence
    assert found.mend
    return found


def record(content_type: int, body: bytes, version: int = 0x0303) -> bytes:
    return struct.pack(">BHH", content_type, version, len(body)) + body


def handshake(kind: int, body: bytes, length: int | None = None) -> bytes:
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


SERVER_HELLO = b"\x03\x03" + bytes(32) + b"\x00\xc0\x2b\x00"
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

ANSWERS: dict[str, tuple[Play, str]] = {
    "closed": (saying(b""), "closed_after_client_hello"),
    "closed politely": (saying(alert(0, level=1)), "closed_after_client_hello"),
    "reset": (saying(b"", reset), "reset_after_client_hello"),
    "plain http": (saying(HTTP), "plain_http_on_tls_port"),
    "old http": (saying(b"<html><title>400</title></html>"), "plain_http_on_tls_port"),
    "ssh": (lambda sock: (sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), wait_for_end(sock))[1], "not_tls"),
    "garbage": (saying(bytes(range(256)) * 8), "not_tls"),
    "zeros": (saying(bytes(4096)), "not_tls"),
    "one byte": (saying(b"\x00"), "not_tls"),
    "alert 40": (saying(alert(40)), "no_common_cipher_suite"),
    "alert 70": (saying(alert(70)), "version_not_supported"),
    "alert 71": (saying(alert(71)), "no_common_cipher_suite"),
    "alert 80": (saying(alert(80)), "handshake_alert"),
    "alert 112": (saying(alert(112)), "unrecognized_name"),
    "alert 120": (saying(alert(120)), "no_application_protocol"),
    "alert nobody knows": (saying(alert(222)), "handshake_alert"),
    "alert, then reset": (saying(alert(70), reset), "version_not_supported"),
    "short hello": (saying(record(22, handshake(2, b"hello"))), "malformed_message"),
    "finished at once": (saying(record(22, handshake(20, bytes(12)))), "malformed_message"),
    "long record": (saying(record(22, b"")[:3] + b"\xff\xff" + bytes(20000)), "bad_record"),
    "old version": (saying(record(22, handshake(2, b"\x03\x00" + SERVER_HELLO[2:]))), "version_not_supported"),
    "hello, then closed": (saying(record(22, handshake(2, SERVER_HELLO))), "closed_after_client_hello"),
    "hello, then reset": (saying(record(22, handshake(2, SERVER_HELLO)), reset), "reset_after_client_hello"),
    "half a record": (saying(record(22, handshake(2, SERVER_HELLO))[:20]), "closed_after_client_hello"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_has_its_diagnosis(name: str) -> None:
    play, code = ANSWERS[name]
    with playing(play) as port:
        connection = run(port)
    assert the_diagnosis(connection).code == code
    assert connected(connection)
    assert connection.messages[0].type == "client_hello"
    assert not connection.complete


def test_silent_port() -> None:
    start, watch = time.monotonic(), Stopwatch()
    with playing(silent) as port:
        connection = run(port)
    assert time.monotonic() - start >= PATIENCE
    assert watch.seconds() < PATIENCE + 1.5
    found = the_diagnosis(connection)
    assert found.code == "handshake_timed_out"
    assert "0.3 s" in found.evidence
    assert [placed.mark.kind for placed in connection.marks] == ["syn", "connected", "timeout", "fin"]


def test_one_byte_after_the_other() -> None:
    watch = Stopwatch()
    with playing(trickle(record(22, handshake(2, bytes(1000))), 0.01)) as port:
        connection = run(port)
    assert watch.seconds() < PATIENCE + 1.5
    assert the_diagnosis(connection).code == "handshake_timed_out"


FLOODS: dict[str, tuple[bytes, bytes, str]] = {
    "change_cipher_spec": (b"", record(20, b"\x01"), "malformed_message"),
    "warnings": (b"", alert(90, level=1), "malformed_message"),
    "empty records": (b"", record(22, b""), "malformed_message"),
    "application data": (b"", record(23, bytes(16000)), "malformed_message"),
    "http": (b"", HTTP * 100, "plain_http_on_tls_port"),
    "zeros": (b"", bytes(16000), "not_tls"),
    "certificates": (
        record(22, handshake(2, SERVER_HELLO)) + record(22, handshake(11, b"", 0xFFFFFF)),
        record(22, bytes(16000)),
        "malformed_message",
    ),
}


def flooded(name: str) -> tuple[Play, str]:
    first, piece, code = FLOODS[name]

    def play(sock: socket.socket) -> None:
        sock.sendall(first)
        flood(piece)(sock)

    return play, code


@pytest.mark.parametrize("name", FLOODS)
def test_flood_is_survived(name: str) -> None:
    play, code = flooded(name)
    watch = Stopwatch()
    with playing(play) as port:
        connection = run(port)
    assert watch.seconds() < PATIENCE + 2
    assert the_diagnosis(connection).code == code


@pytest.mark.parametrize("name", ["certificates", "zeros"])
def test_flood_takes_little_memory(name: str) -> None:
    play, _ = flooded(name)
    tracemalloc.start()
    with playing(play) as port:
        run(port)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_refused_port() -> None:
    connection = run(free_port())
    assert the_diagnosis(connection).code == "connection_refused"
    assert not connected(connection)
    assert [placed.mark.kind for placed in connection.marks] == ["syn", "refused"]
    assert connection.server.address == "127.0.0.1"
    assert connection.trust is not None
    assert connection.trust.verdict == "unknown"


def test_full_backlog_is_a_connection_timeout() -> None:
    """A listener whose queue is full answers no SYN: what a firewall that drops looks like."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        connection = run(port)
        for sock in waiting:
            sock.close()
    assert the_diagnosis(connection).code == "connection_timed_out"
    assert not connected(connection)


def test_unreachable_address() -> None:
    """A multicast address takes no TCP connection on any machine."""
    connection = run(443, "224.0.0.1")
    assert the_diagnosis(connection).code == "host_unreachable"
    assert not connected(connection)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A name service of our own: the answer, or the error to raise, by name."""
    names: dict[str, object] = {}
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *args: object, **kwargs: object) -> object:
        if host not in names:
            return real(host, port, *args, **kwargs)  # type: ignore[arg-type]
        found = names[host]
        if isinstance(found, BaseException):
            raise found
        if isinstance(found, float):
            time.sleep(found)
            return []
        assert isinstance(found, list)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return names


def test_name_that_does_not_exist(resolver: dict[str, object]) -> None:
    resolver["gone.test"] = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    connection = run(443, "gone.test")
    assert the_diagnosis(connection).code == "name_not_found"
    assert connection.server_name == "gone.test"
    assert [placed.mark.kind for placed in connection.marks] == ["name_lookup", "error"]


def test_name_service_that_fails(resolver: dict[str, object]) -> None:
    resolver["gone.test"] = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert the_diagnosis(run(443, "gone.test")).code == "name_lookup_failed"


def test_name_service_that_hangs(resolver: dict[str, object]) -> None:
    resolver["slow.test"] = 1.0
    watch = Stopwatch()
    found = the_diagnosis(run(443, "slow.test"))
    assert watch.seconds() < PATIENCE + 1.5
    assert found.code == "name_lookup_failed"


def test_name_without_addresses(resolver: dict[str, object]) -> None:
    resolver["empty.test"] = []
    assert the_diagnosis(run(443, "empty.test")).code == "name_not_found"


def test_second_address_is_tried(resolver: dict[str, object]) -> None:
    resolver["two.test"] = ["127.0.0.3", "127.0.0.1"]
    with playing(saying(alert(70))) as port:
        connection = run(port, "two.test")
    assert the_diagnosis(connection).code == "version_not_supported"
    marks = [(placed.mark.kind, placed.mark.detail) for placed in connection.marks]
    assert marks[1] == ("name_lookup", "two.test is 127.0.0.3, 127.0.0.1")
    assert [kind for kind, _ in marks[2:6]] == ["syn", "refused", "syn", "connected"]
    assert connection.server.address == "127.0.0.1"


def speaking_tls(play: Callable[[SSL.Connection], None], alpn: tuple[str, ...] = ("http/1.1",)) -> Play:
    """A real TLS server that reads the request, and then plays its part."""
    authority = Authority()
    context = server_context(ServerSettings(alpn=alpn), authority.server(), authority)

    def serve(sock: socket.socket) -> None:
        sock.setblocking(True)
        peer = SSL.Connection(context, sock)
        peer.set_accept_state()
        with contextlib.suppress(SSL.Error):
            peer.do_handshake()
            peer.recv(4096)
            play(peer)

    return serve


def test_server_that_never_answers_over_http() -> None:
    """Nobody agreed on HTTP, so it is not waited for long."""

    def wait(peer: SSL.Connection) -> None:
        peer.recv(1)

    watch = Stopwatch()
    with playing(speaking_tls(wait, alpn=())) as port:
        connection = run(port)
    assert watch.seconds() < 1.5
    assert connection.complete
    assert connection.diagnosis is None
    details = [placed.mark.detail for placed in connection.marks if placed.mark.kind == "timeout"]
    assert len(details) == 1
    assert details[0].startswith("no whole HTTP response within")


@pytest.mark.parametrize(
    "answer", [b"", b"\x00" * 100, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", b"SSH-2.0-x\r\n"]
)
def test_server_that_answers_nonsense_over_http(answer: bytes) -> None:
    def play(peer: SSL.Connection) -> None:
        if answer:
            peer.sendall(answer)
        peer.shutdown()

    with playing(speaking_tls(play)) as port:
        connection = run(port)
    assert connection.complete
    assert connection.diagnosis is None
    assert connection.server_data.bytes == len(answer)


def test_endless_response_is_cut() -> None:
    def play(peer: SSL.Connection) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.sendall(bytes(16000))

    watch = Stopwatch()
    with playing(speaking_tls(play)) as port:
        connection = run(port)
    assert watch.seconds() < 3
    assert connection.complete
    assert 64 << 10 <= connection.server_data.bytes < 1 << 20
    assert connection.diagnosis is None


def test_hostile_certificate_cannot_style_or_break_anything() -> None:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    nasty = "\x1b[31mred\x1b]0;title\x07 [red]markup[/] \u202egnp\r\n\x9b2J"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, nasty)])
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(subject=subject, issuer="self"), authority) as server:
        trace = run_live(Target("127.0.0.1", server.port), LiveOptions(stores=()))
    connection = trace.connections[0]
    assert connection.complete
    printed = render_text(trace, width=120, fields=True) + json.dumps(to_json(trace, fields=True), ensure_ascii=False)
    printed += repr(connection.findings) + repr(connection.proofs)
    assert "[red]markup[/]" in printed
    for bad in "\x1b\x07\x9b\u202e\r":
        assert bad not in printed
