"""Narration: what happens at one step of the ladder, with the values of this connection, and the whole in brief.

Pure and total: whatever a peer sent, something true and safe to print is said.
"""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.connection import titles
from tlsviz.connection.ladder import Step, StepKind
from tlsviz.connection.model import Connection, Message
from tlsviz.explain import beside
from tlsviz.explain.scene import Narration, Scene
from tlsviz.explain.tell import alert, client_hello, dtls, http, identity, inferred, keys, quic, server_hello

TELLERS: dict[str, Callable[[Scene], None]] = {
    "client_hello": client_hello.client_hello,
    "ssl2_client_hello": client_hello.ssl2_client_hello,
    "server_hello": server_hello.server_hello,
    "hello_retry_request": server_hello.hello_retry_request,
    "encrypted_extensions": server_hello.encrypted_extensions,
    "hello_request": server_hello.hello_request,
    "hello_verify_request": server_hello.hello_verify_request,
    "certificate": identity.certificate,
    "compressed_certificate": identity.compressed_certificate,
    "certificate_request": identity.certificate_request,
    "certificate_verify": identity.certificate_verify,
    "certificate_status": identity.certificate_status,
    "server_key_exchange": keys.server_key_exchange,
    "server_hello_done": keys.server_hello_done,
    "client_key_exchange": keys.client_key_exchange,
    "change_cipher_spec": keys.change_cipher_spec,
    "finished": keys.finished,
    "new_session_ticket": keys.new_session_ticket,
    "key_update": keys.key_update,
    "end_of_early_data": keys.end_of_early_data,
    "next_protocol": keys.next_protocol,
    "heartbeat": keys.heartbeat,
    "ssl2_server_hello": keys.ssl2_server_hello,
    "encrypted_handshake": keys.sealed,
    "alert": alert.alert,
    "http_request": http.request,
    "http_response": http.response,
}
"""Message type to the function that tells it; a type without one gets its general words."""


def narrate(connection: Connection, kind: StepKind, index: int) -> Narration:
    """What happens at a step: ``kind`` and ``index`` as in `Step`; raises IndexError for an index that is not there."""
    if kind == "message":
        return tell(connection, connection.messages[index])
    if kind == "data":
        return beside.data(connection, connection.application[index])
    if kind == "mark":
        return beside.mark(connection, connection.marks[index])
    if kind == "hole":
        return beside.hole(connection, connection.holes[index])
    return beside.prelude(connection, connection.prelude[index])


def narrate_step(connection: Connection, step: Step) -> Narration:
    """As `narrate`, of a step of the ladder."""
    return narrate(connection, step.kind, step.index)


def tell(connection: Connection, message: Message) -> Narration:
    """What a message says and what it means here."""
    scene = Scene(connection, message)
    if message.provenance == "inferred" or (message.tree is None and message.type != "encrypted_handshake"):
        inferred.inferred(scene)
    else:
        teller = TELLERS.get(message.type)
        if teller is not None:
            teller(scene)
    quic.carried(scene)
    dtls.carried(scene)
    scene.tell_faults()
    return scene.narration(titles.message(message))
