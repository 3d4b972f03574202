"""What an unreadable TLS 1.3 record must hold.

Behind a ServerHello that selects TLS 1.3 the order of messages is fixed (RFC 8446 4, figure 1): without keys one cannot
see them, but the server's first protected record must begin with EncryptedExtensions, a Certificate and its proof
must follow unless a pre-shared key was selected, and so on. Each is said at most once.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsviz.connection.model import Message
from tlsviz.tls.views import ServerHello
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

ALERT_LENGTH = 2 + 1 + 16
"""A protected alert: two bytes, the content type, the tag. No Finished is that short."""


def messages(sender: Sender, length: int, hello: ServerHello | None, seen: Sequence[Message]) -> list[str]:
    """The types of the messages that a protected record of ``length`` bytes from ``sender`` shows to be there."""
    if hello is None:
        return []
    inferred = {(message.sender, message.type) for message in seen if message.encrypted}
    if sender == SERVER:
        return _server(hello, inferred)
    return _client(length, inferred)


def _server(hello: ServerHello, inferred: set[tuple[Sender, str]]) -> list[str]:
    if (SERVER, "encrypted_extensions") in inferred:
        return []
    proof = [] if hello.selected_psk is not None else ["certificate", "certificate_verify"]
    return ["encrypted_extensions", *proof, "finished"]


def _client(length: int, inferred: set[tuple[Sender, str]]) -> list[str]:
    if (CLIENT, "finished") in inferred or (SERVER, "finished") not in inferred:
        return []
    if (CLIENT, "alert") in inferred:
        return []
    return ["alert"] if length == ALERT_LENGTH else ["finished"]
