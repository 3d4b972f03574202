"""Proofs: each security claim of the handshake, recomputed from this connection's own bytes.

A pure function of the finished connection: it walks the handshake once, keeps the transcript as both ends did, and
checks each Finished and each signature where it stands.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field

from tlsviz.connection.facts import is_tls13
from tlsviz.connection.model import Connection, Message, Proof, ProofStatus
from tlsviz.crypto.finished import handshake_hash_12, verify_data_12, verify_data_13
from tlsviz.crypto.hashing import supported
from tlsviz.crypto.signatures import (
    certificate_verify_13_content,
    verify_certificate_verify_ssl3,
    verify_signature,
)
from tlsviz.crypto.transcript import Transcript
from tlsviz.pki.trust import Reason, Trust
from tlsviz.tls import suites, views
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import plural

SSL3, TLS12 = 0x0300, 0x0303
_SENTINELS = {b"DOWNGRD\x01": "TLS 1.2", b"DOWNGRD\x00": "TLS 1.1 or older"}
_NOT_IN_TRANSCRIPT = {"hello_request", "key_update"}


@dataclass(slots=True, eq=False, repr=False)
class _Walk:
    """What the walk along the messages knows so far."""

    connection: Connection
    tls13: bool
    version: int
    hash_name: str
    secrets: dict[str, bytes]
    transcript: Transcript = field(default_factory=Transcript)
    randoms: dict[Sender, bytes] = field(default_factory=dict)
    leaf: dict[Sender, bytes] = field(default_factory=dict)
    finished: set[Sender] = field(default_factory=set)
    broken: bool = False


def prove(connection: Connection) -> tuple[Proof, ...]:
    """All proofs that this connection's version and messages call for, in the order of the handshake."""
    found = list(_handshake(connection))
    found += _records(connection)
    found += _chain(connection.trust)
    found += _sentinel(connection)
    return tuple(found)


def _handshake(connection: Connection) -> Iterator[Proof]:
    suite = suites.suite(connection.cipher_suite.code) if connection.cipher_suite else None
    if connection.version is None or suite is None or not supported(suite.prf_hash):
        return
    tls13 = is_tls13(connection.version.code)
    walk = _Walk(connection, tls13, connection.version.code, suite.prf_hash, dict(connection.secrets))
    for message in connection.messages:
        yield from _message(walk, message)


def _message(walk: _Walk, message: Message) -> Iterator[Proof]:
    if message.type == "encrypted_handshake":
        yield from _sealed(walk, message)
        return
    if message.content_type != "handshake" or message.type in _NOT_IN_TRANSCRIPT:
        return
    if message.provenance == "inferred" or message.buffer is None or message.tree is None:
        yield from _sealed(walk, message)
        return
    data, tree = message.buffer.data, message.tree
    if walk.tls13 and (len(walk.finished) == 2 or message.type == "new_session_ticket"):
        return
    if not message.whole:
        walk.broken = True
    if message.type in ("client_hello", "ssl2_client_hello") and len(walk.finished) == 2:
        walk.transcript, walk.finished = Transcript(), set()
    if message.type == "hello_retry_request":
        walk.transcript.replace_with_message_hash(walk.hash_name)
    yield from _check(walk, message, tree, data)
    walk.transcript.add(data)
    _learn(walk, message, tree, data)


def _check(walk: _Walk, message: Message, tree: Node, data: bytes) -> Iterator[Proof]:
    if message.type == "finished":
        yield _finished(walk, message, data)
        walk.finished.add(message.sender)
    elif message.type == "certificate_verify":
        what = "certificate_verify" if message.sender == SERVER else "client_certificate_verify"
        yield _certificate_verify(walk, message, tree, what)
    elif message.type == "server_key_exchange":
        proof = _server_key_exchange(walk, message, tree, data)
        if proof is not None:
            yield proof


def _learn(walk: _Walk, message: Message, tree: Node, data: bytes) -> None:
    if message.type in ("client_hello", "ssl2_client_hello"):
        walk.randoms[CLIENT] = views.client_hello(tree, data).random
    elif message.type == "server_hello":
        walk.randoms[SERVER] = views.server_hello(tree, data).random
    elif message.type == "certificate":
        found = views.certificates(tree, data)
        if found:
            walk.leaf[message.sender] = found[0][0]


def _sealed(walk: _Walk, message: Message) -> Iterator[Proof]:
    """A message that cannot be read proves nothing; say so for those that would."""
    kinds = {"finished": "finished", "encrypted_handshake": "finished"}
    kind = kinds.get(message.type)
    if message.type == "certificate_verify":
        what = "certificate_verify" if message.sender == SERVER else "client_certificate_verify"
    elif kind is not None and message.sender not in walk.finished:
        what = f"{message.sender}_{kind}"
        walk.finished.add(message.sender)
    else:
        return
    yield Proof(what, "not_provable", "the message is encrypted and the keys are not known", message.index)


def _finished(walk: _Walk, message: Message, data: bytes) -> Proof:
    what = f"{message.sender}_finished"
    if walk.broken:
        return Proof(what, "not_provable", "a handshake message before it is not whole", message.index)
    if walk.tls13:
        label = f"{message.sender.upper()}_HANDSHAKE_TRAFFIC_SECRET"
        secret = walk.secrets.get(label)
        if secret is None:
            return Proof(what, "not_provable", f"the key log has no {label}", message.index)
        expected = verify_data_13(walk.hash_name, secret, walk.transcript.hash(walk.hash_name), walk.version)
    else:
        master = walk.secrets.get("CLIENT_RANDOM")
        if master is None:
            return Proof(what, "not_provable", "the master secret is not known", message.index)
        digest = handshake_hash_12(walk.version, walk.hash_name, walk.transcript)
        expected = verify_data_12(walk.version, walk.hash_name, master, message.sender, digest)
    if hmac.compare_digest(expected, data[4:]):
        return Proof(what, "verified", "verify_data is the MAC over all messages before it", message.index)
    return Proof(what, "failed", f"verify_data should be {expected.hex()}", message.index)


def _certificate_verify(walk: _Walk, message: Message, tree: Node, what: str) -> Proof:
    signature, leaf = _signature(tree), walk.leaf.get(message.sender)
    if walk.broken or signature is None or leaf is None:
        why = "a handshake message before it is not whole" if walk.broken else "the certificate is not known"
        return Proof(what, "not_provable", why, message.index)
    if walk.version == SSL3:
        master = walk.secrets.get("CLIENT_RANDOM")
        if master is None:
            return Proof(what, "not_provable", "the master secret, which SSL 3.0 signs, is not known", message.index)
        status, why = verify_certificate_verify_ssl3(leaf, signature, walk.transcript.data(), master)
        return Proof(what, _status(status), why, message.index)
    if walk.tls13:
        signed = certificate_verify_13_content(message.sender, walk.transcript.hash(walk.hash_name))
    else:
        signed = walk.transcript.data()
    status, why = verify_signature(views.signature_scheme(tree), leaf, signature, signed, walk.version)
    return Proof(what, _status(status), why, message.index)


def _server_key_exchange(walk: _Walk, message: Message, tree: Node, data: bytes) -> Proof | None:
    """The signature over both randoms and the server's parameters (RFC 5246 7.4.3)."""
    what = "server_key_exchange"
    signature, params = _signature(tree), tree.child("params")
    if signature is None or params is None:
        return None
    leaf = walk.leaf.get(SERVER)
    if leaf is None or len(walk.randoms) < 2:
        return Proof(what, "not_provable", "the hellos or the certificate are missing", message.index)
    signed = walk.randoms[CLIENT] + walk.randoms[SERVER] + data[params.start : params.end]
    status, why = verify_signature(views.signature_scheme(tree), leaf, signature, signed, walk.version)
    return Proof(what, _status(status), why, message.index)


def _signature(tree: Node) -> bytes | None:
    """The bytes of a message's signature field."""
    for path in ("signature.signature", "signature.data", "signature", "signed_params.signature"):
        node = tree.get(path)
        if node is not None and isinstance(node.value, bytes):
            return node.value
    return None


def _status(status: str) -> ProofStatus:
    return "verified" if status == "verified" else "failed" if status == "failed" else "not_provable"


def _records(connection: Connection) -> Iterator[Proof]:
    """Every protected record's tag or MAC, in one proof."""
    found = [record.protection for record in connection.records if record.protection is not None]
    if not found:
        return
    verified = sum(1 for protection in found if protection.status == "verified")
    failed = [protection for protection in found if protection.status == "failed"]
    if failed:
        why = f"{len(failed)} of {plural(len(found), 'protected record')}: {failed[0].why}"
        yield Proof("record_protection", "failed", why)
    elif verified:
        rest = len(found) - verified
        why = f"the tags or MACs of {plural(verified, 'record')} are right" + (f", {rest} not opened" if rest else "")
        yield Proof("record_protection", "verified", why)
    else:
        yield Proof("record_protection", "not_provable", found[0].why)


_UNPROVABLE: frozenset[Reason] = frozenset(
    ("unknown_issuer", "self_signed", "missing_intermediate", "no_certificate", "unsupported")
)
_BESIDE_THE_LINKS: frozenset[Reason] = frozenset(("expired", "not_yet_valid", "name_mismatch", "revoked"))


def _chain(trust: Trust | None) -> Iterator[Proof]:
    """The links from the leaf up to a root: who signed whom, apart from dates and names."""
    if trust is None or trust.verdict == "unknown":
        return
    reasons = set(trust.reasons)
    if reasons & _UNPROVABLE:
        why = next((fault.detail for fault in trust.faults if fault.reason in _UNPROVABLE), "no way up to a root")
        yield Proof("certificate_chain", "not_provable", why)
    elif reasons <= _BESIDE_THE_LINKS:
        yield Proof("certificate_chain", "verified", f"every link up to a root of the {trust.store} store")
    else:
        yield Proof("certificate_chain", "failed", ", ".join(sorted(reasons - _BESIDE_THE_LINKS)))


def _sentinel(connection: Connection) -> Iterator[Proof]:
    """A TLS 1.3 server that is made to speak less says so in its random (RFC 8446 4.1.3)."""
    offers13 = any(is_tls13(version.code) for version in connection.offered.versions)
    hello = next(iter(connection.messages_of("server_hello")), None)
    if not offers13 or connection.version is None or hello is None or hello.buffer is None or hello.tree is None:
        return
    if connection.version.code >= 0x0304:
        return
    tail = views.server_hello(hello.tree, hello.buffer.data).random[-8:]
    if tail in _SENTINELS:
        why = f"the server speaks TLS 1.3 but was made to choose {_SENTINELS[tail]}: its random ends in {tail!r}"
        yield Proof("downgrade_sentinel", "failed", why, hello.index)
    else:
        yield Proof("downgrade_sentinel", "verified", "the server random has no downgrade mark", hello.index)
