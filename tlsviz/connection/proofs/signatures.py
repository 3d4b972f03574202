"""Signatures of the handshake: CertificateVerify, ServerKeyExchange, delegated credentials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tlsviz.connection.model import Message, Proof
from tlsviz.connection.proofs.walk import SSL3, Walk, entries, number, signature_of, status_of
from tlsviz.crypto.signatures import certificate_verify_13_content, verify_certificate_verify_ssl3, verify_signature
from tlsviz.pki.certificate import read
from tlsviz.tls import views
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

DELEGATION_USAGE = "1.3.6.1.4.1.44363.44"
LONGEST_DELEGATION = timedelta(days=7)


def certificate_verify(walk: Walk, message: Message, what: str) -> Proof:
    """CertificateVerify (RFC 9846 section 4.4.3, RFC 5246 section 7.4.8, RFC 6101 section 5.6.8)."""
    if message.tree is None or message.buffer is None:
        return Proof(what, "not_provable", "the message cannot be read", message.index)
    signature, leaf = signature_of(message.tree, message.buffer.data), walk.leaf.get(message.sender)
    if walk.broken or signature is None or leaf is None:
        return Proof(what, "not_provable", walk.broken or "the certificate is not known", message.index)
    scheme = views.signature_scheme(message.tree)
    if walk.version == SSL3:
        master = walk.secrets.get("CLIENT_RANDOM")
        if master is None:
            return Proof(what, "not_provable", "the master secret, which SSL 3.0 signs, is not known", message.index)
        status, why = verify_certificate_verify_ssl3(leaf, signature, walk.transcript.data(), master)
    else:
        signed = walk.transcript.data()
        if walk.tls13:
            signed = certificate_verify_13_content(message.sender, walk.transcript.hash(walk.hash_name))
        credential = walk.credential.get(message.sender)
        if credential is not None and scheme != credential.scheme:
            why = "the delegated credential is for another signature scheme"
            return Proof(what, "failed", why, message.index)
        key = credential.key if credential is not None else leaf
        status, why = verify_signature(scheme, key, signature, signed, walk.version)
    if status == "failed":
        return walk.failed(what, why, message)
    return Proof(what, status_of(status), why, message.index)


def server_key_exchange(walk: Walk, message: Message) -> Iterator[Proof]:
    """The signature over both randoms and the server's parameters (RFC 5246 section 7.4.3), if there is one."""
    what = "server_key_exchange"
    tree, buffer = message.tree, message.buffer
    params = tree.child("params") if tree is not None else None
    if tree is None or buffer is None or params is None:
        return
    signature = signature_of(tree, buffer.data)
    if signature is None:
        return
    leaf = walk.leaf.get(SERVER)
    if leaf is None or len(walk.randoms) < 2:
        yield Proof(what, "not_provable", "the hellos or the certificate are missing", message.index)
        return
    signed = walk.randoms[CLIENT] + walk.randoms[SERVER] + buffer.data[params.start : params.end]
    status, why = verify_signature(views.signature_scheme(tree), leaf, signature, signed, walk.version)
    yield Proof(what, status_of(status), why, message.index)


def delegated_credential(walk: Walk, message: Message) -> Iterator[Proof]:
    """The certificate's signature under the delegated credential beside it (RFC 9345 section 4)."""
    what = "delegated_credential"
    sent, leaf = message.certificate, walk.leaf.get(message.sender)
    found = entries(sent.tree) if sent is not None else ()
    node = found[0].get("extensions.delegated_credential") if found else None
    if sent is None or node is None or leaf is None:
        return
    data = sent.buffer.data
    cred, algorithm, signature = node.child("cred"), node.child("algorithm"), signature_of(node, data)
    if cred is None or algorithm is None or signature is None:
        yield Proof(what, "failed", "the delegated credential is damaged", message.index)
        return
    signed = credential_content(
        message.sender, leaf, data[cred.start : cred.end], data[algorithm.start : algorithm.end]
    )
    status, why = verify_signature(number(algorithm), leaf, signature, signed, walk.version)
    fault = _credential_fault(walk, leaf, number(cred.child("valid_time"))) if status == "verified" else ""
    yield Proof(what, "failed" if fault else status_of(status), fault or why, message.index)


def credential_content(sender: Sender, leaf: bytes, cred: bytes, algorithm: bytes) -> bytes:
    """What the certificate's key signs under a delegated credential."""
    return b" " * 64 + f"TLS, {sender} delegated credentials".encode() + b"\0" + leaf + cred + algorithm


def _credential_fault(walk: Walk, leaf: bytes, valid_time: int | None) -> str:
    """Why a rightly signed credential is not to be accepted: the certificate does not allow any, or it is too old."""
    certificate = read(leaf)
    if all(oid != DELEGATION_USAGE for oid, _ in certificate.extensions):
        return "the signature is right, but the certificate does not allow delegation"
    if "digitalSignature" not in certificate.key_usage:
        return "the signature is right, but the certificate's keyUsage lacks digitalSignature (RFC 9345 section 4.2)"
    if certificate.not_before is None or valid_time is None:
        return "the time until which it is valid is not known"
    now = datetime.fromtimestamp(walk.connection.start, UTC)
    until = certificate.not_before + timedelta(seconds=valid_time)
    if until < now:
        return f"the signature is right, but the credential was valid until {until:%Y-%m-%d %H:%M} UTC only"
    if until > now + LONGEST_DELEGATION:
        return f"the signature is right, but the credential is valid until {until:%Y-%m-%d}, longer than 7 days"
    return ""
