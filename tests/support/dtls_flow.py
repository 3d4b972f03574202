"""Real DTLS associations in memory: two OpenSSL ends, their records as datagrams, and their key log."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from dialogue import START, identity
from OpenSSL import SSL

from tlsviz.connection.dtls.engine import DtlsEngine
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.crypto.keylog import KeyLog
from tlsviz.tls.dtls import record_header
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

COOKIE = b"a cookie"
PLAIN = 0xFEFF, 0xFEFD


@dataclass
class Association:
    """What both ends sent, one record in a datagram, in order, and the key log."""

    chunks: list[Chunk] = field(default_factory=list)
    keylog: list[bytes] = field(default_factory=list)

    def take(self, sender: Sender, data: bytes) -> None:
        """What a memory BIO gave: the records, end to end."""
        while data:
            header = record_header(data)
            assert header is not None
            end = header.size + header.length
            number = len(self.chunks)
            self.chunks.append(Chunk(sender, START + number / 1000, data[:end], (number + 1,)))
            data = data[end:]

    def keys(self) -> KeyLog:
        log = KeyLog()
        log.add_text(b"\n".join(self.keylog))
        return log

    def connection(self, keys: bool = True, chunks: list[Chunk] | None = None) -> Connection:
        """The engine's model of these datagrams, or of others."""
        log = self.keys() if keys else KeyLog()
        engine = DtlsEngine(client=Endpoint("192.0.2.1", 50000), server=Endpoint("192.0.2.2", 4433), keylog=log)
        for chunk in self.chunks if chunks is None else chunks:
            engine.receive(chunk)
        engine.finish()
        return engine.connection()


def associate(
    ciphers: str = "ALL",
    kind: str = "rsa",
    old: bool = False,
    cookie: bool = True,
    mtu: int = 600,
    client_certificate: bool = False,
) -> Association:
    """A handshake, one message each way, both close_notify alerts. ``old``: DTLS 1.0; ``mtu`` decides the fragments."""
    said = Association()
    leaf, key = identity(kind)
    ends = {}
    for sender, method in ((CLIENT, SSL.DTLS_CLIENT_METHOD), (SERVER, SSL.DTLS_SERVER_METHOD)):
        context = SSL.Context(method)
        context.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
        if old:
            context.set_max_proto_version(SSL.DTLS1_VERSION if hasattr(SSL, "DTLS1_VERSION") else PLAIN[0])
        if sender == SERVER or client_certificate:
            context.use_certificate(leaf)
            context.use_privatekey(key)
        if sender == SERVER:
            context.set_cookie_generate_callback(lambda _: COOKIE)
            context.set_cookie_verify_callback(lambda _, given: given == COOKIE)
            if client_certificate:
                context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        else:
            context.set_keylog_callback(lambda _, line: said.keylog.append(line))
        context.set_options(SSL.OP_NO_QUERY_MTU)
        end = ends[sender] = SSL.Connection(context, None)
        end.set_ciphertext_mtu(mtu)
    client, server = ends[CLIENT], ends[SERVER]
    client.set_connect_state()
    server.set_accept_state()
    if cookie:
        _listen(said, client, server)
    for _ in range(20):
        for end in (client, server):
            with contextlib.suppress(SSL.WantReadError):
                end.do_handshake()
            _pump(said, ends)
    for end, other, text in ((client, server, b"ping"), (server, client, b"pong")):
        end.send(text)
        _pump(said, ends)
        assert other.recv(100) == text
    for end in (client, server):
        end.shutdown()
        _pump(said, ends)
    return said


def _listen(said: Association, client: SSL.Connection, server: SSL.Connection) -> None:
    """The round with the cookie."""
    for _ in range(2):
        with contextlib.suppress(SSL.WantReadError):
            client.do_handshake()
        data = client.bio_read(1 << 16)
        said.take(CLIENT, data)
        server.bio_write(data)
        try:
            server.DTLSv1_listen()
            return
        except SSL.WantReadError:
            answer = server.bio_read(1 << 16)
            said.take(SERVER, answer)
            client.bio_write(answer)


def _pump(said: Association, ends: dict[Sender, SSL.Connection]) -> None:
    for sender, peer in ((CLIENT, SERVER), (SERVER, CLIENT)):
        try:
            data = ends[sender].bio_read(1 << 16)
        except SSL.WantReadError:
            continue
        said.take(sender, data)
        ends[peer].bio_write(data)
