"""A TLS server on 127.0.0.1: it answers HTTP with a small page and outlives its clients."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
from OpenSSL import SSL, crypto

from tlsviz.lab import early, key_update
from tlsviz.lab.authority import Authority, Issued
from tlsviz.lab.listener import MOST_CLIENTS, Listener, Waiter
from tlsviz.lab.plain import Page

__all__ = ["MOST_CLIENTS", "LabServer", "ServerSettings", "server_context"]

VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server speaks: names as OpenSSL has them, ``ciphers`` for TLS 1.2 and older, ``suites`` for 1.3.

    ``send_chain``: what stands above the leaf goes along with it. ``client_certificate``: clients must have one.
    ``early_data``: how many bytes of 0-RTT data its tickets allow; ``refuse_early_data``: and then it takes none.
    ``key_update``: it changes the keys in the middle of its answer (TLS 1.3 with AES-GCM only).
    ``hsts``: its Strict-Transport-Security header; ``moved``: where every request is redirected to; ``status``: of its
    answers otherwise.
    """

    min_version: str = "1.0"
    max_version: str = "1.3"
    ciphers: str = "DEFAULT"
    suites: str | None = None
    groups: str | None = None
    alpn: tuple[str, ...] = ("http/1.1",)
    send_chain: bool = True
    client_certificate: bool = False
    early_data: int = 0
    refuse_early_data: bool = False
    key_update: bool = False
    page: str = "Hello from the tlsviz lab."
    hsts: str | None = "max-age=31536000"
    moved: str | None = None
    status: int = 200


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
    _use_key(context, identity)
    if settings.send_chain:
        for issuer in identity.chain[1:]:
            context.add_extra_chain_cert(issuer)
    context.set_session_id(b"tlsviz lab")
    if settings.early_data:
        SSL._lib.SSL_CTX_set_max_early_data(context._context, settings.early_data)  # type: ignore[attr-defined]
    if settings.key_update:
        key_update.keep_secret(context)
    context.set_alpn_select_callback(lambda _connection, offered: _choose(settings.alpn, offered))
    if identity.staple:
        staple = identity.staple
        context.set_ocsp_server_callback(lambda _connection, _data: staple)
    if settings.client_certificate:
        _require_clients(context, authority)
    return context


def _use_key(context: SSL.Context, identity: Issued) -> None:
    """pyOpenSSL takes only the kinds of keys that it knows; OpenSSL takes every key that it can read."""
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, identity.key_pem)
    if SSL._lib.SSL_CTX_use_PrivateKey(context._context, key._pkey) != 1:  # type: ignore[attr-defined]
        raise ValueError("the key does not fit the certificate")


def _choose(spoken: tuple[str, ...], offered: list[bytes]) -> Any:
    return next((name.encode() for name in spoken if name.encode() in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


def _require_clients(context: SSL.Context, authority: Authority) -> None:
    root = authority.root.certificate
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(crypto.X509.from_cryptography(root))
    store.set_time(authority.now)
    context.add_client_ca(root)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda _c, _x, _e, _d, good: bool(good))


class LabServer(Listener):
    """A TLS server with one certificate: ``with LabServer(settings, identity, authority) as server: ...``."""

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
        super().__init__(host, port)

    def answer(self, client: socket.socket) -> None:
        with contextlib.suppress(SSL.Error, h11.RemoteProtocolError):
            _Client(SSL.Connection(self._context, client), Waiter(client, self.stop)).serve(self._settings)


def _answer(http: h11.Connection, request: h11.Request, settings: ServerSettings) -> bytes:
    """The response: a small page, or only its headers."""
    body = f"<!doctype html>\n<title>tlsviz lab</title>\n<p>{settings.page}</p>\n".encode()
    page = Page(302 if settings.moved else settings.status, settings.moved, settings.hsts)
    reason = HTTPStatus(page.status).phrase.encode()
    answer = http.send(h11.Response(status_code=page.status, headers=page.headers(len(body)), reason=reason)) or b""
    if request.method != b"HEAD":
        answer += http.send(h11.Data(body)) or b""
    return answer


class _Client:
    """A client being served."""

    def __init__(self, ssl: SSL.Connection, waiter: Waiter) -> None:
        self._ssl = ssl
        self._waiter = waiter
        self._ssl.set_accept_state()

    def serve(self, settings: ServerSettings) -> None:
        http = h11.Connection(h11.SERVER)
        request = None
        if settings.early_data and not settings.refuse_early_data:
            request = self._early_request(http)
        answered = request is not None
        if request is not None:
            # Half a round trip after the client: before its Finished has come.
            early.write(self._ssl, _answer(http, request, settings), self._until_done)
            early.read_to_end(self._ssl, self._until_done)
        self._until_done(self._ssl.do_handshake)
        request = request or self._request(http)
        if request is None:
            return
        if settings.key_update:
            key_update.answer(self._ssl, self._waiter, _answer(http, request, settings))
            return
        if not answered:
            answer = _answer(http, request, settings)
            self._until_done(lambda: self._ssl.sendall(answer))
        self._until_done(self._ssl.shutdown)
        self._linger()

    def _early_request(self, http: h11.Connection) -> h11.Request | None:
        """A request that came whole as 0-RTT data; None if it did not."""
        while data := early.read(self._ssl, self._until_done):
            http.receive_data(data)
            event = http.next_event()
            if isinstance(event, h11.Request):
                return event
        return None

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
                self._waiter.wait(select.POLLIN)
            except SSL.WantWriteError:
                self._waiter.wait(select.POLLOUT)
