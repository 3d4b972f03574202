"""STARTTLS and proxies, live: with servers on 127.0.0.1 that follow a script, and then speak TLS, or do not."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from odd_servers import Play, playing, reset, wait_for_end
from OpenSSL import SSL
from starttls_scripts import HTTP_PROXY, SCRIPTS, SOCKS_PROXY, perform, playing_script

from tlsviz.connection import tds
from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.failure import Failure
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Trace
from tlsviz.connection.upgrades import UPGRADES
from tlsviz.errors import UsageError
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import ServerSettings, server_context
from tlsviz.report.json import to_json
from tlsviz.sources.capture import load_capture
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target

PATIENCE = 0.4


def run(port: int, timeout: float = 5.0, **options: object) -> Trace:
    wanted = LiveOptions(timeout=timeout, stores=(), servername="host.test", alpn=(), **options)  # type: ignore[arg-type]
    return run_live(Target("127.0.0.1", port), wanted.checked())


@functools.cache
def context(version: int | None = None) -> SSL.Context:
    authority = Authority()
    made = server_context(ServerSettings(alpn=()), authority.server(), authority)
    if version is not None:
        made.set_max_proto_version(version)
    return made


def speak_tls(sock: socket.socket) -> None:
    """Shakes hands, and ends politely when the client does."""
    sock.setblocking(True)
    peer = SSL.Connection(context(), sock)
    peer.set_accept_state()
    with contextlib.suppress(SSL.Error):
        peer.do_handshake()
        peer.recv(4096)
    with contextlib.suppress(SSL.Error):
        peer.shutdown()


def speak_tls_in_packets(sock: socket.socket) -> None:
    """TLS 1.2 as an SQL Server speaks it: inside of TDS packets until both are finished."""
    peer = SSL.Connection(context(SSL.TLS1_2_VERSION), None)
    peer.set_accept_state()
    unwrapping = tds.Unwrapping(first=False)
    finished = False
    while not finished:
        try:
            peer.do_handshake()
            finished = True
        except SSL.WantReadError:
            pass
        with contextlib.suppress(SSL.WantReadError):
            # Small packets: each record of the server's flight is cut by headers.
            data = peer.bio_read(65536)
            pieces = [data[at : at + 100] for at in range(0, len(data), 100)]
            sock.sendall(b"".join(tds.packet(tds.PRELOGIN, piece) for piece in pieces))
        if not finished:
            peer.bio_write(unwrapping.unwrapped(sock.recv(65536)))
    wait_for_end(sock)


THEN: dict[str, Callable[[socket.socket], None]] = {"mssql": speak_tls_in_packets}


def diagnosis(trace: Trace) -> tuple[str, str]:
    (connection,) = trace.connections
    (found,) = [finding for finding in connection.findings if finding.diagnosis]
    return found.code, found.evidence


def said(connection: Connection) -> list[tuple[str, bytes]]:
    return [(part.sender, part.data) for part in connection.prelude]


@pytest.mark.parametrize("name", SCRIPTS)
def test_live_and_captured_agree(name: str, tmp_path: Path) -> None:
    """The handshake comes to its end, the dialogue is on the ladder, and the saved capture reads the same."""
    file = tmp_path / "saved.pcapng"
    with playing(playing_script(SCRIPTS[name].agreed, THEN.get(name, speak_tls))) as port:
        (live,) = run(port, starttls=name, save=file).connections
    assert live.complete
    assert live.starttls == name
    assert live.diagnosis is None
    assert not live.holes
    assert not [message.type for message in live.messages if message.alert and message.alert.description.code]
    assert "prelude" in [step.kind for step in steps(live)]
    order = [message.order for message in live.messages]
    assert max(part.order for part in live.prelude) < min(order)
    (captured,) = load_capture(file).connections
    assert captured.starttls == name
    assert said(captured) == said(live)
    assert [message.type for message in captured.messages] == [message.type for message in live.messages]
    assert captured.complete
    assert not captured.holes


@pytest.mark.parametrize("name", SCRIPTS)
def test_refusal_is_told_in_the_servers_words(name: str) -> None:
    with playing(playing_script(SCRIPTS[name].refused, wait_for_end)) as port:
        trace = run(port, starttls=name)
    code, evidence = diagnosis(trace)
    assert code == "starttls_refused"
    assert SCRIPTS[name].words in evidence
    assert not trace.connections[0].messages
    assert trace.connections[0].prelude


SILENT = ("mysql", "telnet")
"""Where a client that wants TLS and is not offered it has nothing to say: a capture does not show what it wanted."""


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in SILENT])
def test_a_captured_refusal_is_told_in_the_same_words(name: str, tmp_path: Path) -> None:
    file = tmp_path / "saved.pcapng"
    with playing(playing_script(SCRIPTS[name].refused, wait_for_end)) as port:
        (live,) = run(port, starttls=name, save=file).connections
    (captured,) = load_capture(file).connections
    assert said(captured) == said(live) and not captured.messages
    (found,) = [finding for finding in captured.findings if finding.code == "starttls_refused"]
    assert SCRIPTS[name].words in found.evidence
    assert found.reference == UPGRADES[name].reference and not found.diagnosis


@pytest.mark.parametrize("name", SILENT)
def test_where_nobody_asked_for_tls_nothing_was_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "saved.pcapng"
    with playing(playing_script(SCRIPTS[name].refused, wait_for_end)) as port:
        run(port, starttls=name, save=file)
    assert not load_capture(file).connections


@pytest.mark.parametrize("name", SCRIPTS)
def test_server_that_stalls(name: str) -> None:
    start = time.monotonic()
    with playing(wait_for_end) as port:
        trace = run(port, PATIENCE, starttls=name)
    assert PATIENCE <= time.monotonic() - start < PATIENCE + 1.5
    code, evidence = diagnosis(trace)
    assert code == "handshake_timed_out"
    assert "0.4 s" in evidence


def _drip(sock: socket.socket) -> None:
    for _ in range(200):
        sock.sendall(b"2")
        time.sleep(0.02)


def _flood(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"220-go on\r\n" * 1000)


ODD: dict[str, tuple[Play, str]] = {
    "ssh": (lambda sock: (sock.sendall(b"SSH-2.0-x\r\n\x1b[31m"), wait_for_end(sock))[1], "not_tls"),
    "flood": (_flood, "not_tls"),
    "drip": (_drip, "handshake_timed_out"),
    "closed": (lambda sock: None, "connection_reset"),
    "reset": (reset, "connection_reset"),
}


@pytest.mark.parametrize("odd", ODD)
def test_other_ways_to_fail(odd: str) -> None:
    play, expected = ODD[odd]
    with playing(play) as port:
        code, evidence = diagnosis(run(port, PATIENCE, starttls="smtp"))
    assert code == expected
    assert evidence.isprintable()


def test_closed_after_starttls_was_agreed_on_is_not_taken_for_another_protocol() -> None:
    with playing(playing_script(SCRIPTS["smtp"].agreed, lambda sock: (sock.recv(4096), None)[1])) as port:
        trace = run(port, starttls="smtp")
    assert diagnosis(trace)[0] == "closed_after_client_hello"
    assert trace.connections[0].starttls == "smtp"


def test_greeting_suggests_starttls() -> None:
    with playing(lambda sock: (sock.sendall(b"220 mail.test ESMTP\r\n"), wait_for_end(sock))[1]) as port:
        trace = run(port)
    assert diagnosis(trace)[0] == "not_tls"
    diagnosed = trace.connections[0].diagnosis
    assert diagnosed is not None
    assert "--starttls smtp" in diagnosed.mend


# -- proxies -------------------------------------------------------------------------------------------------


def through(port: int, scheme: str = "http", **options: object) -> Trace:
    wanted = LiveOptions(
        timeout=5.0,
        stores=(),
        alpn=(),
        proxy=f"{scheme}://alice:s3cret@127.0.0.1:{port}",
        **options,  # type: ignore[arg-type]
    )
    return run_live(Target("host.test", 443), wanted.checked())


SOCKS_LOG_IN = (r"\x05\x02\x00\x02", b"\x05\x02", r"\x01\x05alice\x06s3cret", b"\x01\x00", *SOCKS_PROXY.agreed[2:])


@pytest.mark.parametrize(
    ("scheme", "turns", "name"), [("http", HTTP_PROXY.agreed, "http-connect"), ("socks5", SOCKS_LOG_IN, "socks")]
)
def test_through_a_proxy_without_showing_the_log_in(
    scheme: str, turns: tuple[bytes | str, ...], name: str, tmp_path: Path
) -> None:
    file = tmp_path / "saved.pcapng"
    with playing(playing_script(turns, speak_tls)) as port:
        trace = through(port, scheme, save=file)
    (connection,) = trace.connections
    assert connection.complete
    assert connection.starttls == name
    assert connection.server_name == "host.test"
    everything = repr(trace).encode() + repr(to_json(trace, fields=True, secrets=True)).encode() + file.read_bytes()
    for secret in (b"alice", b"s3cret", b"YWxpY2U6czNjcmV0"):
        assert secret not in everything
    assert load_capture(file).connections[0].starttls == name


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_starttls_through_a_proxy(scheme: str) -> None:
    opened = HTTP_PROXY.agreed if scheme == "http" else SOCKS_LOG_IN
    greeting, *rest = SCRIPTS["smtp"].agreed
    # The proxy's answer and the server's greeting in one segment.
    answer = b"".join(turn for turn in (opened[-1], greeting) if isinstance(turn, bytes))
    with playing(playing_script((*opened[:-1], answer, *rest), speak_tls)) as port:
        (connection,) = through(port, scheme, starttls="smtp").connections
    assert connection.complete
    assert connection.starttls == "smtp"


@pytest.mark.parametrize(
    ("scheme", "turns", "words"),
    [
        ("http", HTTP_PROXY.refused, HTTP_PROXY.words),
        ("socks5", (SOCKS_LOG_IN[0], b"\x05\xff"), "no way to log in"),
        ("socks5", (*SOCKS_LOG_IN[:5], SOCKS_PROXY.refused[-1]), SOCKS_PROXY.words),
        ("socks5", (*SOCKS_LOG_IN[:3], b"\x01\x01"), "not accepted"),
        ("http", (HTTP_PROXY.agreed[0], b"220 mail.test ESMTP\r\n"), "220 mail.test"),
        ("socks5", (SOCKS_LOG_IN[0], b"HTTP/1.1 400 Bad Request\r\n"), "no SOCKS 5"),
        ("http", HTTP_PROXY.agreed[:1], "closed"),
    ],
)
def test_proxy_that_refuses(scheme: str, turns: tuple[bytes | str, ...], words: str) -> None:
    with playing(playing_script(turns, lambda sock: None)) as port:
        code, evidence = diagnosis(through(port, scheme))
    assert code == "proxy_refused"
    assert words in evidence


def test_proxy_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, evidence = diagnosis(through(port))
    assert code == "connection_refused"
    assert "proxy" in evidence


@pytest.mark.parametrize(
    "text", ["https://u:s3cret@h:1", "ftp://u:s3cret@h:1", "u:s3cret@h", "http://u:s3cret@:1", "u:s3cret@h:99999"]
)
def test_proxy_that_cannot_be_one(text: str) -> None:
    with pytest.raises(UsageError) as error:
        LiveOptions(proxy=text).checked()
    assert "s3cret" not in str(error.value)


def test_protocol_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="smtp, lmtp"):
        LiveOptions(starttls="gopher").checked()


def test_scripts_notice_a_client_that_says_something_else() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HELO\r\n")
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionError):
            perform(ours, SCRIPTS["smtp"].agreed[1:2])


@pytest.mark.parametrize(
    ("port", "name"), [(5432, "postgres"), (389, "ldap"), (5222, "xmpp"), (3389, "rdp"), (1433, "mssql")]
)
def test_a_silent_port_where_such_a_protocol_lives(port: int, name: str) -> None:
    """Servers that wait to be asked: the port tells what to ask them in."""
    with playing(wait_for_end) as real:
        options = LiveOptions(timeout=PATIENCE, stores=(), alpn=())
        (connection,) = run_live(Target("127.0.0.1", real), options).connections
    moved = dataclasses.replace(connection, server=connection.server._replace(port=port))
    found = diagnose(moved, Failure("timeout", "no answer"))
    assert found is not None
    assert f"--starttls {name}" in found.causes[0].why
