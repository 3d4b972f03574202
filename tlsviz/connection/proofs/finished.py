"""Finished: the MAC over everything said so far, of both sides, also after the handshake."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from tlsviz.connection.handshakes import readable
from tlsviz.connection.model import Message, Proof
from tlsviz.connection.proofs.signatures import certificate_verify
from tlsviz.connection.proofs.walk import SEALED, Walk, content
from tlsviz.crypto.finished import handshake_hash_12, verify_data_12, verify_data_13
from tlsviz.crypto.schedule import next_traffic_secret
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls import views
from tlsviz.wire.chunks import CLIENT, SERVER

RIGHT = "verify_data is the MAC over all messages before it"
END_OF_EARLY_DATA = b"\x05\x00\x00\x00"
EARLY_DATA = 42


def finished(walk: Walk, message: Message) -> Proof:
    """A Finished that can be read, with the transcript just before it."""
    what = f"{message.sender}_finished"
    data = message.buffer.data if message.buffer is not None else b""
    if walk.broken:
        return Proof(what, "not_provable", walk.broken, message.index)
    found = _expected_13(walk, message) if walk.tls13 else _expected_12(walk, message)
    if isinstance(found, str):
        return Proof(what, "not_provable", found, message.index)
    if any(hmac.compare_digest(expected, data[message.header :]) for expected in found):
        return Proof(what, "verified", RIGHT, message.index)
    return walk.failed(what, f"verify_data should be {found[0].hex()}", message)


def _expected_12(walk: Walk, message: Message) -> list[bytes] | str:
    """The right verify_data, or why it is not known."""
    master = walk.secrets.get("CLIENT_RANDOM")
    if master is None:
        return "the master secret is not known"
    digest = handshake_hash_12(walk.version, walk.hash_name, walk.transcript)
    return [verify_data_12(walk.version, walk.hash_name, master, message.sender, digest)]


def _expected_13(walk: Walk, message: Message) -> list[bytes] | str:
    label = f"{message.sender.upper()}_HANDSHAKE_TRAFFIC_SECRET"
    secret = walk.secrets.get(label)
    if secret is None:
        return f"the key log has no {label}"
    transcripts = [walk.transcript]
    if message.sender == CLIENT and _early_data_accepted(walk):
        transcripts.append(_with_end_of_early_data(walk))
    return [verify_data_13(walk.hash_name, secret, one.hash(walk.hash_name), walk.version) for one in transcripts]


def _early_data_accepted(walk: Walk) -> bool:
    """Whether an EndOfEarlyData must be there that was not read: its key is another than the handshake's."""
    if walk.handshake.first("end_of_early_data") is not None:
        return False
    message = walk.handshake.first("encrypted_extensions")
    if message is None or message.tree is None or message.buffer is None:
        return False
    return EARLY_DATA in views.extension_codes(message.tree)


def _with_end_of_early_data(walk: Walk) -> Transcript:
    """The transcript with the EndOfEarlyData, whose bytes are always the same, behind the server's Finished."""
    made = Transcript()
    for message in walk.handshake.messages:
        if message.type == "finished" and message.sender == CLIENT:
            break
        if message.type == "hello_retry_request":
            made.replace_with_message_hash(walk.hash_name)
        made.add(message.hashed())
        if message.type == "finished":
            made.add(END_OF_EARLY_DATA)
    return made


def sealed(walk: Walk, message: Message, why: str = SEALED) -> Iterator[Proof]:
    """A message that cannot be read proves nothing; said for those that would, with the reason."""
    if message.type == "certificate_verify":
        what = "certificate_verify" if message.sender == SERVER else "client_certificate_verify"
    elif message.type in ("finished", "encrypted_handshake") and message.sender not in walk.finished:
        what = f"{message.sender}_finished"
        walk.finished[message.sender] = None
    else:
        return
    yield Proof(what, "not_provable", why, message.index)


# -- after the handshake -------------------------------------------------------------------------------------


def later(walk: Walk) -> Iterator[Proof]:
    """A client that authenticates after the handshake (RFC 9846 sections 4.4 and 4.6.2).

    Its messages are hashed behind the whole handshake and the CertificateRequest that they answer, known by its
    context; its Finished is made with the application traffic secret of that moment.
    """
    requests: dict[bytes, Message] = {}
    updates = 0
    answer: Walk | None = None
    for message in walk.handshake.later:
        if not readable(message) or message.tree is None or message.buffer is None:
            answer = None
        elif message.type == "key_update":
            updates += message.sender == CLIENT
        elif message.type == "certificate_request" and message.sender == SERVER:
            requests[content(message.tree.child("certificate_request_context"), message.buffer.data)] = message
        elif message.sender == CLIENT and (sent := message.certificate) is not None:
            request = requests.get(content(sent.tree.child("certificate_request_context"), sent.buffer.data))
            answer = _answer(walk, request)
            if answer is not None:
                answer.take(message)
        elif message.sender == CLIENT and answer is not None:
            if message.type == "certificate_verify":
                yield certificate_verify(answer, message, "client_certificate_verify")
            elif message.type == "finished":
                yield _later_finished(answer, message, updates)
            answer.take(message)


def _answer(walk: Walk, request: Message | None) -> Walk | None:
    """A walk that begins with the whole handshake and the request."""
    if request is None or request.buffer is None:
        return None
    made = Walk(walk.connection, walk.handshake, walk.version, walk.hash_name, walk.secrets)
    made.transcript = walk.transcript.copy()
    made.transcript.add(request.hashed())
    made.broken = walk.broken
    return made


def _later_finished(walk: Walk, message: Message, updates: int) -> Proof:
    what = "client_finished"
    secret = walk.secrets.get("CLIENT_TRAFFIC_SECRET_0")
    if walk.broken or secret is None:
        why = walk.broken or "the key log has no CLIENT_TRAFFIC_SECRET_0"
        return Proof(what, "not_provable", why, message.index)
    for _ in range(updates):
        secret = next_traffic_secret(walk.hash_name, secret, walk.version)
    hashed = walk.transcript.hash(walk.hash_name)
    expected = verify_data_13(walk.hash_name, secret, hashed, walk.version)
    data = message.buffer.data if message.buffer is not None else b""
    if hmac.compare_digest(expected, data[message.header :]):
        why = "verify_data is the MAC over the handshake, the request and the client's answer"
        return Proof(what, "verified", why, message.index)
    return walk.failed(what, f"verify_data should be {expected.hex()}", message)
