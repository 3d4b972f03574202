"""Real handshakes in memory: two OpenSSL ends, their bytes as chunks, and their key log."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Input, Sender

START = 1_768_000_000.0
SECONDS_A_FLIGHT = 0.010
NAMES = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}


@cache
def identity(kind: str = "ec") -> tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server.test")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("server.test")]), False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def followed(inputs: Iterable[Input], keylog: KeyLog | None = None) -> Connection:
    """The engine's model of these inputs."""
    engine = Engine(keylog=KeyLog() if keylog is None else keylog)
    for item in inputs:
        engine.receive(item)
    engine.finish()
    return engine.connection()


@dataclass
class Dialogue:
    """What both ends said, in order, and the key log lines of the client.

    ``psk``: in TLS 1.3 the pre-shared key of the last ticket, before the master secret.
    """

    chunks: list[Chunk] = field(default_factory=list)
    keylog: list[bytes] = field(default_factory=list)
    session: SSL.Session | None = None
    context: SSL.Context | None = None
    server_context: SSL.Context | None = None
    psk: bytes = b""

    def merged(self) -> list[Chunk]:
        """The chunks with those of one side in a row made one."""
        merged: list[Chunk] = []
        for chunk in self.chunks:
            if merged and merged[-1].sender == chunk.sender:
                merged[-1] = merged[-1]._replace(data=merged[-1].data + chunk.data)
            else:
                merged.append(chunk)
        return merged

    def keys(self) -> KeyLog:
        log = KeyLog()
        log.add_text(b"\n".join(self.keylog))
        return log

    def connection(self, keys: bool = True, size: int | None = None) -> Connection:
        """The engine's model; ``size``: cut all chunks to so many bytes."""
        engine = self.engine(keys)
        for chunk in self.chunks:
            step = size or len(chunk.data)
            for start in range(0, len(chunk.data), step):
                engine.receive(chunk._replace(data=chunk.data[start : start + step]))
        engine.finish(self.chunks[-1].time)
        return engine.connection()

    def engine(self, keys: bool = True) -> Engine:
        log = self.keys() if keys else KeyLog()
        return Engine(client=Endpoint("192.0.2.1", 50000), server=Endpoint("192.0.2.2", 443), keylog=log)


def shake(
    version: str = "1.3",
    ciphers: str | None = None,
    kind: str = "ec",
    client_certificate: bool = False,
    server_groups: bytes | None = None,
    client_groups: bytes | None = None,
    request: bytes = b"GET / HTTP/1.1\r\nHost: server.test\r\n\r\n",
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    tickets: bool = True,
    resume: Dialogue | None = None,
    bye: bool = True,
) -> Dialogue:
    """A handshake, one request, one answer, and both close_notify alerts."""
    said = Dialogue()
    if resume is None:
        said.server_context = make_server(kind, tickets, client_certificate, server_groups)
        said.context = make_client(version, ciphers, client_certificate, client_groups)
        said.server_context.set_cipher_list(b"ALL:eNULL:@SECLEVEL=0")
        said.context.set_keylog_callback(lambda _, line: said.keylog.append(line))
    else:
        # A used context takes no new callback: both dialogues share one key log.
        said.server_context, said.context, said.keylog = resume.server_context, resume.context, resume.keylog
    assert said.context is not None
    client = SSL.Connection(said.context, None)
    client.set_tlsext_host_name(b"server.test")
    client.set_connect_state()
    if resume is not None and resume.session is not None:
        client.set_session(resume.session)
    server = SSL.Connection(said.server_context, None)
    server.set_accept_state()
    run(said, client, server)
    client.send(request)
    pump(said, client, server)
    server.recv(65536)
    server.sendall(answer)
    pump(said, client, server)
    if answer:
        client.recv(65536)
    said.session, said.psk = client.get_session(), client.master_key()
    if bye:
        client.shutdown()
        pump(said, client, server)
        server.shutdown()
        pump(said, client, server)
    return said


def make_client(
    version: str, ciphers: str | None = None, certificate: bool = False, groups: bytes | None = None
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(NAMES[version])
    context.set_max_proto_version(NAMES[version])
    if version == "1.3" and ciphers:
        context.set_tls13_ciphersuites(ciphers.encode())
    else:
        context.set_cipher_list(f"{ciphers or 'ALL'}:@SECLEVEL=0".encode())
    if groups:
        _groups(context, groups)
    if certificate:
        leaf, key = identity("ec")
        context.use_certificate(leaf)
        context.use_privatekey(key)
    context.set_alpn_protos([b"http/1.1"])
    return context


def make_server(
    kind: str = "ec", tickets: bool = True, client_certificate: bool = False, groups: bytes | None = None
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    certificate, key = identity(kind)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_session_id(b"tests")
    context.set_alpn_select_callback(lambda _, offered: offered[0])
    if not tickets:
        context.set_options(SSL.OP_NO_TICKET)
    if client_certificate:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    if groups:
        _groups(context, groups)
    return context


def _groups(context: SSL.Context, groups: bytes) -> None:
    assert SSL._lib.SSL_CTX_set1_curves_list(context._context, groups) == 1


def run(said: Dialogue, client: SSL.Connection, server: SSL.Connection) -> None:
    """Shakes hands until both ends are done."""
    for _ in range(10):
        done = 0
        for end in (client, server):
            try:
                end.do_handshake()
                done += 1
            except SSL.WantReadError:
                pass
            pump(said, client, server)
        if done == 2:
            return
    raise AssertionError("no handshake came about")


def pump(said: Dialogue, client: SSL.Connection, server: SSL.Connection) -> None:
    """Carries over what both ends have to say."""
    for sender, here, there in ((CLIENT, client, server), (SERVER, server, client)):
        _move(said, sender, here, there)


def _move(said: Dialogue, sender: Sender, here: SSL.Connection, there: SSL.Connection) -> None:
    while True:
        try:
            data = here.bio_read(65536)
        except SSL.WantReadError:
            return
        there.bio_write(data)
        time = START + SECONDS_A_FLIGHT * len(said.chunks)
        said.chunks.append(Chunk(sender, time, data, (len(said.chunks) + 1,)))
