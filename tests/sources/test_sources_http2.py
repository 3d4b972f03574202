"""The request in HTTP/2, against a server of the h2 library over real TLS."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from OpenSSL import SSL

from tlsviz.connection.http import spoken
from tlsviz.connection.http2 import spoken2
from tlsviz.connection.model import Connection
from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.run import store
from tlsviz.lab.server import ServerSettings, server_context
from tlsviz.sources.http import Exchange2
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target

AUTHORITY = Authority()


def _serve(listener: socket.socket, body: bytes) -> None:
    """One client: answers its first request with 200 and the body."""
    client, _ = listener.accept()
    context = server_context(ServerSettings(alpn=("h2",)), AUTHORITY.server(), AUTHORITY)
    with client, contextlib.suppress(SSL.Error, OSError):
        client.settimeout(5)
        tls = SSL.Connection(context, None)
        tls.set_accept_state()

        def carried(step: object) -> bytes:
            while True:
                try:
                    return step() or b""  # type: ignore[operator]
                except SSL.WantReadError:
                    pump()
                    tls.bio_write(client.recv(16384))
                finally:
                    pump()

        def pump() -> None:
            with contextlib.suppress(SSL.WantReadError):
                while True:
                    client.sendall(tls.bio_read(65536))

        carried(tls.do_handshake)
        http = H2Connection(H2Configuration(client_side=False))
        http.initiate_connection()
        tls.send(http.data_to_send())
        while True:
            for event in http.receive_data(carried(lambda: tls.recv(16384))):
                if isinstance(event, RequestReceived):
                    http.send_headers(1, [(":status", "200"), ("server", "h2 of a test"), ("x-path", "/a")])
                    http.send_data(1, body, end_stream=True)
            tls.send(http.data_to_send() or b"")
            pump()


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, b"page" * 100), daemon=True).start()
        yield listener.getsockname()[1]


def shake(port: int) -> Connection:
    options = LiveOptions(resolve=f"127.0.0.1:{port}", stores=(store(AUTHORITY),), timeout=5, alpn=("h2",))
    return run_live(Target(SERVER_NAME, path="/a"), options).connections[0]


def test_a_get_over_http2_has_status_and_headers(port: int) -> None:
    connection = shake(port)
    assert connection.alpn == "h2" and connection.complete
    said = spoken(connection)
    assert said is not None and said.reply is not None
    assert said.request[:4] == (":method: GET", ":scheme: https", ":authority: www.lab.test", ":path: /a")
    assert said.reply.words == "200 OK" and said.reply.version == "HTTP/2"
    assert said.reply.headers == (("server", "h2 of a test"), ("x-path", "/a"))
    assert connection.findings == () or not any(finding.diagnosis for finding in connection.findings)


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_cut_and_damaged_frames_give_what_there_is(cut: int) -> None:
    request = Exchange2(Target(SERVER_NAME), None).request
    assert spoken2(request, b"") is not None
    spoken2(request[:cut], request[cut:])
    damaged = bytearray(request)
    if cut < len(damaged):
        damaged[cut] ^= 0xFF
    found = spoken2(bytes(damaged), bytes(damaged))
    assert found is None or found.reply is None


def test_garbage_ends_the_exchange() -> None:
    exchange = Exchange2(Target(SERVER_NAME), None)
    exchange.receive(bytes(9))  # DATA on stream 0 (RFC 9113 6.1)
    assert exchange.done
