"""A DTLS 1.2 handshake for the samples: two OpenSSL ends in memory, every record in a datagram of its own."""

from __future__ import annotations

from contextlib import suppress

from OpenSSL import SSL

from tlsviz.connection.model import Endpoint
from tlsviz.lab.authority import SERVER_NAME, Issued
from tlsviz.sources.tape import Tape
from tlsviz.tls.dtls import record_header
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

NAME, NUMBER = "dtls12", 99
TITLE = "DTLS 1.2, over UDP"
WHAT = "TLS for datagrams: a cookie first, then numbered records, and a Certificate in fragments."
VERSION, SUITE = "DTLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
COOKIE = b"only the true address gets this"
MTU = 400
CLIENT_SPEED, LINE_SPEED = 0.004, 0.0003
"""Seconds that a side thinks before a flight, and between two datagrams."""


def perform(identity: Issued) -> Tape:
    """The handshake, a question, an answer, both goodbyes."""
    tape = Tape(Endpoint("", 0), Endpoint("", 0), transport="dtls")
    client, server = _client(tape), _server(identity)
    _listen(tape, client, server)
    for _ in range(4):
        for end, sender, peer in ((client, CLIENT, server), (server, SERVER, client)):
            with suppress(SSL.WantReadError):
                end.do_handshake()
            _carry(tape, end, sender, peer)
    for end, sender, peer, text in ((client, CLIENT, server, b"ping"), (server, SERVER, client, b"pong")):
        end.send(text)
        _carry(tape, end, sender, peer)
        peer.recv(100)
    for end, sender, peer in ((client, CLIENT, server), (server, SERVER, client)):
        end.shutdown()
        _carry(tape, end, sender, peer)
    return tape


def _client(tape: Tape) -> SSL.Connection:
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
    context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")
    context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_keylog_callback(lambda _, line: tape.keylog.append(line))
    end = SSL.Connection(context, None)
    end.set_tlsext_host_name(SERVER_NAME.encode())
    end.set_ciphertext_mtu(MTU)
    end.set_connect_state()
    return end


def _server(identity: Issued) -> SSL.Connection:
    context = SSL.Context(SSL.DTLS_SERVER_METHOD)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    for issuer in identity.chain[1:]:
        context.add_extra_chain_cert(issuer)
    context.set_cookie_generate_callback(lambda _: COOKIE)
    context.set_cookie_verify_callback(lambda _, given: given == COOKIE)
    end = SSL.Connection(context, None)
    end.set_ciphertext_mtu(MTU)
    end.set_accept_state()
    return end


def _listen(tape: Tape, client: SSL.Connection, server: SSL.Connection) -> None:
    """The round with the cookie (RFC 6347 4.2.1)."""
    for _ in range(2):
        with suppress(SSL.WantReadError):
            client.do_handshake()
        _carry(tape, client, CLIENT, server)
        try:
            server.DTLSv1_listen()
            return
        except SSL.WantReadError:
            _carry(tape, server, SERVER, client)


def _carry(tape: Tape, end: SSL.Connection, sender: Sender, peer: SSL.Connection) -> None:
    """What an end has to say, a datagram a record, to the other one and onto the tape."""
    try:
        data = end.bio_read(1 << 16)
    except SSL.WantReadError:
        return
    peer.bio_write(data)
    time = (tape.inputs[-1].time if tape.inputs else 0.0) + CLIENT_SPEED
    while data and (header := record_header(data)) is not None:
        size = header.size + header.length
        tape.inputs.append(Chunk(sender, time, data[:size]))
        data, time = data[size:], time + LINE_SPEED
