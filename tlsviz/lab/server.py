"""A TLS server on 127.0.0.1 in a thread of this process: it answers HTTP with a small page and outlives its clients."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import h11
from OpenSSL import SSL, crypto

from tlsviz.lab.authority import Authority, Issued

CLIENT_PATIENCE = 10.0
"""How long one client may take for everything, in seconds."""
MOST_CLIENTS = 20
_SLICE = 0.05

VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server speaks: names as OpenSSL has them, ``ciphers`` for TLS 1.2 and older, ``suites`` for 1.3.

    ``send_chain``: the intermediate goes along with the leaf. ``client_certificate``: clients must have one.
    """

    min_version: str = "1.0"
    max_version: str = "1.3"
    ciphers: str = "DEFAULT"
    suites: str | None = None
    groups: str | None = None
    alpn: tuple[str, ...] = ("http/1.1",)
    send_chain: bool = True
    client_certificate: bool = False
    page: str = "Hello from the tlsviz lab."


def server_context(settings: ServerSettings, identity: Issued, authority: Authority) -> SSL.Context:
    """An OpenSSL context that does what the settings say; ``authority`` is whose clients are let in."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(VERSIONS[settings.min_version])
    context.set_max_proto_version(VERSIONS[settings.max_version])
    context.set_cipher_list(f"{settings.ciphers}:@SECLEVEL=0".encode())
    if settings.suites is not None:
        context.set_tls13_ciphersuites(settings.suites.encode())
    if settings.groups is not None:
        done = SSL._lib.SSL_CTX_set1_curves_list(context._context, settings.groups.encode())  # type: ignore[attr-defined]
        if done != 1:
            raise ValueError(f"no such group: {settings.groups}")
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    if settings.send_chain:
        for issuer in identity.chain[1:]:
            context.add_extra_chain_cert(issuer)
    context.set_alpn_select_callback(lambda _connection, offered: _choose(settings.alpn, offered))
    if settings.client_certificate:
        _require_clients(context, authority)
    return context


def _choose(spoken: tuple[str, ...], offered: list[bytes]) -> Any:
    return next((name.encode() for name in spoken if name.encode() in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


def _require_clients(context: SSL.Context, authority: Authority) -> None:
    root = authority.root.certificate
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(crypto.X509.from_cryptography(root))
    store.set_time(authority.now)
    context.add_client_ca(root)
    context.set_session_id(b"tlsviz lab")
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda _c, _x, _e, _d, good: bool(good))


class LabServer:
    """Serves until closed: ``with LabServer(settings, identity, authority) as server: ... server.port``."""

    def __init__(
        self,
        settings: ServerSettings,
        identity: Issued,
        authority: Authority,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Raises OSError when the port cannot be had; ``port`` 0 takes a free one."""
        self._settings = settings
        self._context = server_context(settings, identity, authority)
        self._listener = socket.create_server((host, port), backlog=16)
        self._listener.setblocking(False)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._slots = threading.BoundedSemaphore(MOST_CLIENTS)
        self._thread = threading.Thread(target=self._accept, name=f"lab:{self.port}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening; clients in the middle of something are dropped within 50 ms."""
        self._stop.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        self._thread.join(2)
        for sock in (self._listener, self._wake, self._woken):
            sock.close()

    def _accept(self) -> None:
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        while not self._stop.is_set():
            poller.poll()
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                if not self._slots.acquire(blocking=False):
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), name="lab client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One client, whatever it does."""
        try:
            with client, contextlib.suppress(SSL.Error, OSError, TimeoutError, h11.RemoteProtocolError):
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Client(SSL.Connection(self._context, client), client, self._stop).serve(self._settings.page)
        finally:
            self._slots.release()


class _Client:
    """A client being served."""

    def __init__(self, ssl: SSL.Connection, sock: socket.socket, stop: threading.Event) -> None:
        self._ssl = ssl
        self._sock = sock
        self._stop = stop
        self._deadline = time.monotonic() + CLIENT_PATIENCE
        self._ssl.set_accept_state()

    def serve(self, page: str) -> None:
        self._until_done(self._ssl.do_handshake)
        http = h11.Connection(h11.SERVER)
        request = self._request(http)
        if request is None:
            return
        body = f"<!doctype html>\n<title>tlsviz lab</title>\n<p>{page}</p>\n".encode()
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Strict-Transport-Security", "max-age=31536000"),
            ("Connection", "close"),
        ]
        answer = http.send(h11.Response(status_code=200, headers=headers, reason=b"OK")) or b""
        if request.method != b"HEAD":
            answer += http.send(h11.Data(body)) or b""
        self._until_done(lambda: self._ssl.sendall(answer))
        self._until_done(self._ssl.shutdown)
        self._linger()

    def _request(self, http: h11.Connection) -> h11.Request | None:
        while True:
            event = http.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                return None
            try:
                http.receive_data(self._read())
            except SSL.ZeroReturnError:
                return None

    def _read(self) -> bytes:
        found = b""

        def read() -> None:
            nonlocal found
            found = self._ssl.recv(4096)

        self._until_done(read)
        return found

    def _linger(self) -> None:
        """Waits for the client's close_notify or FIN, so that closing does not reset what it still has to read."""
        with contextlib.suppress(SSL.ZeroReturnError):
            while self._read():
                pass

    def _until_done(self, step: Callable[[], object]) -> None:
        """Repeats a step of OpenSSL's until it is done; raises TimeoutError when the client takes too long."""
        while True:
            try:
                step()
                return
            except SSL.WantReadError:
                self._wait(select.POLLIN)
            except SSL.WantWriteError:
                self._wait(select.POLLOUT)

    def _wait(self, events: int) -> None:
        poller = select.poll()
        poller.register(self._sock, events)
        while not poller.poll(_SLICE * 1000):
            if self._stop.is_set() or time.monotonic() > self._deadline:
                raise TimeoutError
