"""When a handshake is over: with the Finished of both sides, or with what can only have been it."""

from __future__ import annotations

from collections.abc import Sequence

from tlsviz.connection.model import Connection, Message
from tlsviz.wire.chunks import CLIENT, SERVER, Sender


def finish(messages: Sequence[Message], sender: Sender) -> Message | None:
    """A side's first Finished; None where it was not seen.

    Without keys, what is encrypted behind its ChangeCipherSpec begins with it (RFC 5246 7.4.9). Datagrams may
    overtake one another: then it is the first encrypted handshake message.
    """
    switched = False
    early: Message | None = None
    for message in messages:
        if message.sender != sender:
            continue
        if message.type == "finished":
            return message
        if message.type == "change_cipher_spec":
            switched = True
        elif message.type == "encrypted_handshake":
            if switched:
                return message
            early = early or message
    return early if switched else None


def over(messages: Sequence[Message]) -> float | None:
    """When the first handshake was over, in Unix seconds; None where not both sides were seen to finish it."""
    client, server = finish(messages, CLIENT), finish(messages, SERVER)
    return None if client is None or server is None else max(client.time, server.time)


def handshake_end(connection: Connection) -> float | None:
    """When a connection's first handshake was over; None where it was not, or was not seen to be."""
    return over(connection.messages) if connection.complete else None
