"""What a proof is computed from: which messages, which key, which hash. Pure and total.

Said whatever came of the proof: who wants to check it again needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tlsviz.connection import titles
from tlsviz.connection.handshakes import Handshake, handshakes
from tlsviz.connection.model import Connection, Message, Proof
from tlsviz.explain.points import hash_name
from tlsviz.tls import registry, views
from tlsviz.tls.context import SSL_3_0, TLS_1_2, layout
from tlsviz.wire.chunks import SERVER

_BESIDE = {
    "record_protection": "each record's key, number and header, its ciphertext, and the tag or MAC that came with it",
    "certificate_chain": "the certificates as sent, the roots of the trust stores, the name asked for, and the time",
    "downgrade_sentinel": "the versions in the first ClientHello, and the last 8 bytes of the server's random",
    "ech_acceptance": "the inner ClientHello and the ServerHello with its last 8 random bytes zeroed: HKDF of both",
    "sct": "the certificate, its issuer's key, the timestamp, and the public key of the log that signed",
    "ocsp": "the response as signed, and the public key of the issuer or of the responder that it names",
    "delegated_credential": "the certificate, the credential and its algorithm; the key of the certificate",
}


def inputs(connection: Connection, proof: Proof) -> str:
    """What the proof is made of, in one phrase without secrets; "" where nothing is known of it."""
    teller = _TELLERS.get(proof.what)
    if teller is None:
        return _BESIDE.get(proof.what, "")
    for shake in handshakes(connection):
        message = next((m for m in (*shake.messages, *shake.later) if m.index == proof.message), None)
        if message is not None and shake.suite is not None and shake.version is not None:
            return teller(shake, message)
    return ""


def _hash(shake: Handshake) -> str:
    """The hash of the PRF or of HKDF, as it is usually written."""
    old = not shake.tls13 and (layout(shake.version) or 0) < TLS_1_2
    return "MD5 and SHA-1" if old else hash_name(shake.suite.prf_hash if shake.suite else "")


def _said(messages: Sequence[Message]) -> str:
    """Some messages, from the first to the last."""
    if not messages:
        return "no message"
    first, last = messages[0], messages[-1]
    if len(messages) == 1:
        return f"message {first.index} ({titles.message(first)})"
    return f"{len(messages)} messages, {first.index} ({titles.message(first)}) to {last.index} ({titles.message(last)})"


def _finished(shake: Handshake, message: Message) -> str:
    side = message.sender
    if message in shake.later:
        return (
            f"HMAC-{_hash(shake)}; key: finished key of {side.upper()}_TRAFFIC_SECRET at this moment; over: the hash "
            "of the whole handshake, the CertificateRequest, and the client's messages that answer it"
        )
    covered = _said(shake.before(message))
    if shake.tls13:
        secret = f"{side.upper()}_HANDSHAKE_TRAFFIC_SECRET"
        return f"HMAC-{_hash(shake)}; key: finished key of {secret}; over: the transcript hash of {covered}"
    if layout(shake.version) == SSL_3_0:
        return f"SSL 3.0's MAC with MD5 and SHA-1; key: master secret; over: {covered}"
    label = f"“{side} finished”"
    return f"PRF with {_hash(shake)}; key: master secret, label {label}; over: the hash of {covered}"


def _certificate_verify(shake: Handshake, message: Message) -> str:
    known = [m for m in shake.before(message) if m.sender == message.sender and m.certificate is not None]
    whose = f"the certificate in message {known[-1].index}" if known else f"the {message.sender}'s certificate"
    if message in shake.later:
        over = "the whole handshake, the CertificateRequest and the client's Certificate"
    else:
        over = _said(shake.before(message))
    scheme = _scheme(message)
    if shake.tls13:
        over = f"64 spaces, “TLS 1.3, {message.sender} CertificateVerify”, a zero, and the {_hash(shake)} of {over}"
    return f"{scheme}; key: public key of {whose}; over: {over}"


def _scheme(message: Message) -> str:
    code = views.signature_scheme(message.tree) if message.tree is not None else None
    if code is None:
        return "signature"
    return f"signature {registry.signature_schemes.get(code) or f'0x{code:04x}'}"


def _server_key_exchange(shake: Handshake, message: Message) -> str:
    known = [m for m in shake.before(message) if m.sender == SERVER and m.certificate is not None]
    whose = f"the certificate in message {known[-1].index}" if known else "the server's certificate"
    hellos = [m for m in (shake.last("client_hello"), shake.first("server_hello")) if m is not None]
    randoms = " and ".join(str(hello.index) for hello in hellos)
    return (
        f"{_scheme(message)}; key: public key of {whose}; over: the randoms of messages {randoms}, and the parameters "
        f"in message {message.index}"
    )


def _binder(shake: Handshake, message: Message) -> str:
    before = shake.before(message)
    node = message.tree.get("extensions.pre_shared_key.binders") if message.tree is not None else None
    size = f"the first {node.start} bytes of message {message.index}" if node is not None else "the ClientHello"
    after = f"{_said(before)}, and " if before else ""
    return (
        f"HMAC-{_hash(shake)}; key: finished key of the binder key, which is made of the pre-shared key; over: the "
        f"transcript hash of {after}{size}, up to the binders"
    )


def _master(shake: Handshake, message: Message) -> str:
    return (
        f"PRF with {_hash(shake)}; key: premaster secret, label “extended master secret”; over: the hash of "
        f"{_said(shake.through(message))}; then both Finished with what comes out"
    )


def _renegotiation(shake: Handshake, message: Message) -> str:
    whose = "the client's Finished" if message.sender != SERVER else "both Finished"
    return f"renegotiation_info in message {message.index}, and the verify_data of {whose} of the handshake before"


_TELLERS: dict[str, Callable[[Handshake, Message], str]] = {
    "server_finished": _finished,
    "client_finished": _finished,
    "certificate_verify": _certificate_verify,
    "client_certificate_verify": _certificate_verify,
    "server_key_exchange": _server_key_exchange,
    "psk_binder": _binder,
    "extended_master_secret": _master,
    "renegotiation_info": _renegotiation,
}
