"""Handshakes off the beaten track, between two OpenSSL ends in memory."""

from __future__ import annotations

from contextlib import suppress

from dialogue import Dialogue, make_client, make_server, pump, run
from OpenSSL import SSL

from tlsviz.wire.chunks import CLIENT, SERVER, Sender

ALLOW_CLIENT_RENEGOTIATION = 1 << 8
_lib = SSL._lib


def ends(said: Dialogue) -> tuple[SSL.Connection, SSL.Connection]:
    """A client and a server of the dialogue's contexts; the client resumes what it has."""
    client, server = SSL.Connection(said.context, None), SSL.Connection(said.server_context, None)
    client.set_tlsext_host_name(b"server.test")
    client.set_connect_state()
    server.set_accept_state()
    if said.session is not None:
        client.set_session(said.session)
    return client, server


def contexts(version: str, kind: str = "ec", ciphers: str | None = None, certificate: bool = False) -> Dialogue:
    """A dialogue with its contexts, nothing said yet."""
    said = Dialogue()
    said.server_context = make_server(kind)
    said.server_context.set_cipher_list(b"ALL:@SECLEVEL=0")
    said.context = make_client(version, ciphers, certificate)
    said.context.set_keylog_callback(lambda _, line: said.keylog.append(line))
    return said


def say(said: Dialogue, client: SSL.Connection, server: SSL.Connection, sender: Sender, text: bytes) -> None:
    """One end says something, the other reads it."""
    (client if sender == CLIENT else server).sendall(text)
    listen(said, client, server)


def listen(said: Dialogue, client: SSL.Connection, server: SSL.Connection) -> None:
    """Lets both ends read and answer until neither has anything more to say."""
    for _ in range(6):
        pump(said, client, server)
        for end in (client, server):
            with suppress(SSL.WantReadError, SSL.ZeroReturnError):
                end.recv(65536)


def renegotiated(times: int = 1, by: str = "client", ciphers: str | None = None, kind: str = "ec") -> Dialogue:
    """TLS 1.2, one full handshake after the other under encryption."""
    said = contexts("1.2", kind, ciphers)
    assert said.server_context
    said.server_context.set_options(ALLOW_CLIENT_RENEGOTIATION)
    said.server_context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    client, server = ends(said)
    run(said, client, server)
    say(said, client, server, CLIENT, b"before")
    for number in range(times):
        starter = client if by == "client" else server
        assert starter.renegotiate()
        with suppress(SSL.WantReadError):
            starter.do_handshake()
        listen(said, client, server)
        run(said, client, server)
        say(said, client, server, CLIENT, b"after %d" % number)
        say(said, client, server, SERVER, b"answer %d" % number)
    return said


def authenticated_later(times: int = 1) -> Dialogue:
    """TLS 1.3: the server asks for a certificate after the handshake."""
    said = contexts("1.3", certificate=True)
    _lib.SSL_CTX_set_post_handshake_auth(said.context._context, 1)
    client, server = ends(said)
    run(said, client, server)
    say(said, client, server, CLIENT, b"before")
    server.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    for _ in range(times):
        assert _lib.SSL_verify_client_post_handshake(server._ssl) == 1
        with suppress(SSL.WantReadError):
            server.do_handshake()
        listen(said, client, server)
    say(said, client, server, CLIENT, b"after")
    return said
