"""Proofs: each security claim of a connection, recomputed from its own bytes.

A pure function of the finished connection: it walks each handshake once, keeps the transcript as both ends did, and
checks every Finished, signature and binding where it stands. A claim is verified, failed, or not provable, and then it
says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.handshakes import Handshake, handshakes, readable
from tlsviz.connection.hellos import CLIENT_HELLOS
from tlsviz.connection.model import Connection, Message, Proof
from tlsviz.connection.proofs import beside, binding, finished, signatures
from tlsviz.connection.proofs.certificates import certificate_proofs
from tlsviz.connection.proofs.walk import Walk
from tlsviz.crypto.hashing import supported
from tlsviz.tls.context import as_tls
from tlsviz.wire.chunks import SERVER, Sender

__all__ = ["prove"]


def prove(connection: Connection) -> tuple[Proof, ...]:
    """All proofs that this connection's version and messages call for, in the order of the handshake."""
    found = list(_handshakes(connection))
    found += beside.records(connection)
    found += beside.chain(connection.trust)
    found += certificate_proofs(connection)
    found += binding.sentinel(connection)
    found += binding.encrypted_hello(connection)
    return tuple(found)


def _handshakes(connection: Connection) -> Iterator[Proof]:
    earlier: dict[Sender, bytes | None] | None = None
    for shake in handshakes(connection):
        if shake.version is None or shake.suite is None:
            continue
        if not supported(shake.suite.prf_hash):
            yield from _unsupported(shake, shake.suite.prf_hash)
            continue
        secrets = connection.secrets_of(shake.number)
        walk = Walk(connection, shake, as_tls(shake.version), shake.suite.prf_hash, secrets, earlier)
        for message in shake.messages:
            yield from _message(walk, message)
        yield from binding.psk_binder(walk)
        yield from binding.master_secret(walk)
        yield from finished.later(walk)
        earlier = walk.finished


def _unsupported(shake: Handshake, hash_name: str) -> Iterator[Proof]:
    for message in shake.messages:
        if message.type == "finished":
            why = f"the hash {hash_name} is not supported"
            yield Proof(f"{message.sender}_finished", "not_provable", why, message.index)


def _message(walk: Walk, message: Message) -> Iterator[Proof]:
    """The proofs that a message brings, checked with what was before it."""
    if message.buffer is None or message.tree is None or message.type == "encrypted_handshake":
        yield from finished.sealed(walk, message)
    elif message.type == "finished" and not readable(message):
        yield from finished.sealed(walk, message, "bytes of the message are missing")
    elif message.type == "finished":
        yield finished.finished(walk, message)
        walk.finished[message.sender] = message.buffer.data[message.header :]
    elif message.type == "certificate_verify":
        what = "certificate_verify" if message.sender == SERVER else "client_certificate_verify"
        yield signatures.certificate_verify(walk, message, what)
    elif message.type == "server_key_exchange":
        yield from signatures.server_key_exchange(walk, message)
    elif message.type in (*CLIENT_HELLOS, "server_hello"):
        yield from binding.renegotiation_info(walk, message)
    walk.take(message)
    if message.certificate is not None:
        yield from signatures.delegated_credential(walk, message)
