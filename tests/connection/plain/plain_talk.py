"""Conversations in plain HTTP to test with: what was said, and an engine that has heard it."""

from __future__ import annotations

from collections.abc import Iterable

from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.plain.undecided import Undecided
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Input, Sender

START = 1_700_000_000.0
CLIENT_END, SERVER_END = Endpoint("10.0.0.1", 40000), Endpoint("192.0.2.1", 80)

Said = tuple[Sender, bytes]


def request(method: str = "GET", target: str = "/", *fields: str, host: str = "example.com") -> Said:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    return CLIENT, "\r\n".join([*lines, "", ""]).encode("latin-1")


def response(status: str = "200 OK", *fields: str, body: bytes = b"", length: bool = True) -> Said:
    lines = [f"HTTP/1.1 {status}", *fields, *([f"Content-Length: {len(body)}"] if length else [])]
    return SERVER, "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunks(said: Iterable[Said], piece: int = 1 << 20) -> list[Input]:
    """A second lies between what one side says and the next; each piece is a packet of its own time."""
    return [
        Chunk(sender, START + second, data[at : at + piece], (second + 1,))
        for second, (sender, data) in enumerate(said)
        for at in range(0, len(data), piece)
    ]


def followed(items: Iterable[Input], server: Endpoint = SERVER_END) -> Undecided:
    engine = Undecided(CLIENT_END, server, KeyLog())
    for item in items:
        engine.receive(item)
    engine.finish()
    return engine


def talk(*said: Said, piece: int = 1 << 20, server: Endpoint = SERVER_END) -> Connection:
    """The judged connection in which all this was said."""
    engine = followed(chunks(said, piece), server)
    assert engine.is_tls
    return judged(engine.connection())
