"""Hellos that were not seen whole: of those nobody knows what they lack, nor how their lists go on."""

from __future__ import annotations

from collections.abc import Iterable

from tlsviz.connection.model import Connection, Message
from tlsviz.tls.views import ClientHello

CLIENT_HELLOS = ("client_hello", "ssl2_client_hello")
SERVER_HELLOS = ("server_hello",)
_SERVER_NAME = 0


def is_cut(messages: Iterable[Message], kinds: tuple[str, ...] = CLIENT_HELLOS) -> bool:
    """Whether bytes are missing in the first hello of these kinds that anything was learned of.

    Of one in which zeros stand for missing bytes (it has no digest) nothing is learned if another follows.
    """
    found = False
    for message in messages:
        if message.type in kinds:
            if message.whole:
                return False
            if message.sha256 is not None:
                return True
            found = True
    return found


def offer_is_known(connection: Connection) -> bool:
    """Whether the client's offer was seen whole, so that what is not in it was not offered."""
    hellos = [message for message in connection.messages if message.type in CLIENT_HELLOS]
    return bool(hellos) and not is_cut(hellos)


def server_name(hello: ClientHello, cut: bool) -> str | None:
    """The name asked for; None where the hello may break off in the middle of it."""
    broken = cut and bool(hello.extensions) and hello.extensions[-1][0] == _SERVER_NAME
    return None if broken else hello.server_name
