"""Real handshakes between two OpenSSL endpoints in this process, every byte recorded."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

NO_EXTENDED_MASTER_SECRET = 1 << 0
NO_ENCRYPT_THEN_MAC = 1 << 19
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n" + b"tlsviz" * 3000  # more than one record


@functools.cache
def key_and_certificate(kind: str) -> tuple[PrivateKeyTypes, x509.Certificate]:
    """A self-signed certificate for a key of this kind."""
    key: PrivateKeyTypes
    if kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
    elif kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    elif kind == "ed448":
        key = ed448.Ed448PrivateKey.generate()
    else:
        key = ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
    )
    plain = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return key, builder.sign(key, None if plain else hashes.SHA256())


@dataclass
class Recording:
    """What passed between the two: records in order (sender, bytes), and the key log."""

    records: list[tuple[str, bytes]] = field(default_factory=list)
    keylog: list[str] = field(default_factory=list)


def context(version: int, ciphers: str, recording: Recording | None, options: int, kind: str | None) -> SSL.Context:
    made = SSL.Context(SSL.TLS_METHOD)
    made.set_min_proto_version(version)
    made.set_max_proto_version(version)
    if version == 0x0304:
        made.set_tls13_ciphersuites(ciphers.encode())
        made.set_cipher_list(b"ALL:@SECLEVEL=0")
    else:
        made.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
    made.set_options(options)
    if kind:
        key, certificate = key_and_certificate(kind)
        made.use_privatekey(key)
        made.use_certificate(certificate)
    if recording is not None:
        made.set_keylog_callback(lambda _connection, line: recording.keylog.append(line.decode()))
    return made


def shake_hands(
    version: int, ciphers: str, *, key: str = "rsa", client_key: str | None = None, options: int = 0
) -> Recording:
    """A full handshake, a request, an answer and the closing alerts."""
    recording = Recording()
    server_context = context(version, ciphers, None, options, key)
    if client_key:
        server_context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    client = SSL.Connection(context(version, ciphers, recording, options, client_key), None)
    server = SSL.Connection(server_context, None)
    client.set_connect_state()
    server.set_accept_state()

    def carry(source: SSL.Connection, target: SSL.Connection, sender: str) -> None:
        data = b""
        while True:
            try:
                data += source.bio_read(65536)
            except SSL.WantReadError:
                break
        if data:
            target.bio_write(data)
        while data:
            end = 5 + int.from_bytes(data[3:5], "big")
            recording.records.append((sender, data[:end]))
            data = data[end:]

    done = set()
    while len(done) < 2:
        for name, one, other in (("client", client, server), ("server", server, client)):
            try:
                one.do_handshake()
                done.add(name)
            except SSL.WantReadError:
                pass
            carry(one, other, name)
    client.send(REQUEST)
    carry(client, server, "client")
    assert server.recv(1000) == REQUEST
    server.sendall(ANSWER)
    carry(server, client, "server")
    client.shutdown()
    carry(client, server, "client")
    return recording
