"""The handshakes of a connection: one, and one more for each renegotiation, each with what both ends hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tlsviz.connection.facts import is_tls13
from tlsviz.connection.hellos import CLIENT_HELLOS
from tlsviz.connection.model import Connection, HashedAs, Message
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls import suites, views
from tlsviz.tls.dtls import BAD_VERSION
from tlsviz.tls.suites import Suite
from tlsviz.wire.chunks import Sender

_AGAIN = ("hello_retry_request", "hello_verify_request")


class Handshake(NamedTuple):
    """One handshake. ``number`` counts from 0; renegotiations follow.

    ``version`` and ``suite`` are what its ServerHello chose, None where there is none (or no such suite).
    ``messages`` are those that the transcript covers, in order; ``later`` are TLS 1.3's post-handshake messages.
    ``inner``: the indices of hellos in whose place the inner one stands, because the server took that.
    """

    number: int
    version: int | None
    suite: Suite | None
    messages: tuple[Message, ...]
    later: tuple[Message, ...] = ()
    inner: frozenset[int] = frozenset()

    @property
    def tls13(self) -> bool:
        return is_tls13(self.version)

    def first(self, kind: str, sender: Sender | None = None) -> Message | None:
        """The first message of a type."""
        return next((m for m in self.messages if m.type == kind and sender in (None, m.sender)), None)

    def last(self, kind: str, sender: Sender | None = None) -> Message | None:
        """The last message of a type."""
        return next((m for m in reversed(self.messages) if m.type == kind and sender in (None, m.sender)), None)

    def through(self, message: Message) -> tuple[Message, ...]:
        """The messages up to and with this one."""
        return tuple(m for m in self.messages if m.index <= message.index)

    def before(self, message: Message) -> tuple[Message, ...]:
        """The messages before this one."""
        return tuple(m for m in self.messages if m.index < message.index)


def handshakes(connection: Connection) -> tuple[Handshake, ...]:
    """All handshakes of a connection, in order; () if no handshake message was seen."""
    groups: list[list[Message]] = []
    inner = {one.message: one.hello for one in connection.inner_hellos} if connection.ech_accepted else {}
    for message in connection.messages:
        if (hello := inner.get(message.index)) is not None:
            message = replace(message, buffer=hello.buffer, tree=hello.tree)
        if message.content_type != "handshake" or message.type == "hello_request":
            continue
        if not groups or _starts(groups[-1], message):
            groups.append([])
        groups[-1].append(message)
    return tuple(
        _handshake(connection, number, group)._replace(inner=frozenset(inner)) for number, group in enumerate(groups)
    )


def _starts(group: Sequence[Message], message: Message) -> bool:
    """Whether a ClientHello opens a new handshake: it is not the first, nor one that the server asked for once more."""
    if message.type not in CLIENT_HELLOS:
        return False
    earlier = [m.type for m in group if m.type in (*CLIENT_HELLOS, *_AGAIN)]
    return bool(earlier) and earlier[-1] not in _AGAIN


def _handshake(connection: Connection, number: int, group: Sequence[Message]) -> Handshake:
    version = connection.version.code if connection.version and number == 0 else None
    code = connection.cipher_suite.code if connection.cipher_suite and number == 0 else None
    for message in group:
        if message.type == "server_hello" and message.tree is not None and message.buffer is not None:
            version, code = views.chosen(message.tree)
            break
    suite = suites.suite(code) if code is not None else None
    if connection.transport == "dtls":
        group = _hashed_by_dtls(version, group)
    if not is_tls13(version):
        return Handshake(number, version, suite, tuple(group))
    hashed: list[Message] = []
    later: list[Message] = []
    finished: set[Sender] = set()
    for message in group:
        if len(finished) == 2 or message.type in ("new_session_ticket", "key_update"):
            later.append(message)
            continue
        hashed.append(message)
        if message.type == "finished":
            finished.add(message.sender)
    return Handshake(number, version, suite, tuple(hashed), tuple(later))


def _hashed_by_dtls(version: int | None, group: Sequence[Message]) -> list[Message]:
    """What DTLS hashes: all behind the exchange of the cookie, which keeps nothing of it (RFC 6347 4.2.1), each message
    as if it were in one fragment; in DTLS 1.3 as TLS would have it (RFC 9147 5.2)."""
    asked = [place for place, message in enumerate(group) if message.type == "hello_verify_request"]
    form: HashedAs = "tls" if is_tls13(version) else "body" if version == BAD_VERSION else "whole"
    return [replace(message, hashed_as=form) for message in group[asked[-1] + 1 if asked else 0 :]]


def readable(message: Message) -> bool:
    """Whether all bytes of a handshake message are known."""
    return message.whole and message.buffer is not None and message.type != "encrypted_handshake"


def transcript(messages: Sequence[Message], hash_name: str) -> Transcript | None:
    """The transcript over some messages; None if one of them cannot be read.

    ``hash_name`` is what a HelloRetryRequest replaces the first ClientHello by (RFC 9846 section 4.4.1).
    """
    made = Transcript()
    for message in messages:
        if message.buffer is None or not readable(message):
            return None
        if message.type == "hello_retry_request":
            made.replace_with_message_hash(hash_name)
        made.add(message.hashed())
    return made
