"""What plain HTTP says in few words: its methods and answers, where it redirects, what anybody could read of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from tlsviz.connection import titles
from tlsviz.connection.http import phrase
from tlsviz.connection.model import Connection, Message, Redirect
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from tlsviz.connection.plain.heads import Head

REDIRECTING = (301, 302, 303, 307, 308)
LONGEST_TARGET = 300
NAMELESS = "one without a name"
_MOST_COOKIES = 200
"""Of one field so many are told apart: more than browsers keep of a site."""


class Exchange(NamedTuple):
    """A request and the final answer to it; either may be missing."""

    request: Message | None
    answer: Message | None


def head(message: Message) -> Head:
    """What a message of HTTP says."""
    from tlsviz.connection.plain.heads import read

    return read(message.buffer.data if message.buffer is not None else b"")


def exchanges(connection: Connection) -> Iterator[Exchange]:
    """Requests with their answers, in order (RFC 9112 9.3.2); 1xx are on the way to one."""
    asked = [message for message in connection.messages if message.type == "http_request"]
    answered = [message for message in connection.messages if status(message) >= 200 or status(message) == 101]
    if asked and answered and answered[0].order < asked[0].order:
        yield Exchange(None, answered.pop(0))  # the capture lacks its request
    for place in range(max(len(asked), len(answered))):
        yield Exchange(asked[place] if place < len(asked) else None, answered[place] if place < len(answered) else None)


def cookie_names(values: Iterable[str], setting: bool = False) -> list[str]:
    """The names of the cookies in values of Cookie, or of Set-Cookie (``setting``); safe to print.

    What stands there without "=" is a value (RFC 6265bis 5.6), and not to be shown: that one is `NAMELESS`.
    """
    found = []
    for value in values:
        for pair in value.split(";", _MOST_COOKIES)[: 1 if setting else _MOST_COOKIES]:
            name, equals, said = pair.partition("=")
            if name.strip() or said.strip():
                found.append(shorten(name.strip(), 40) if equals and name.strip() else NAMELESS)
    return found


def status(message: Message) -> int:
    """The status code of an answer, 0 of anything else."""
    line = message.tree.child("status_line") if message.tree is not None else None
    text = line.label if line is not None and line.label else ""
    code = text[9:12]
    return int(code) if code.isascii() and code.isdigit() else 0


def method(message: Message) -> str:
    """The method of a request, "" of anything else."""
    line = message.tree.child("request_line") if message.tree is not None else None
    return (line.label or "").partition(" ")[0] if line is not None else ""


def named(code: int) -> str:
    """``301 Moved Permanently``, by IANA's words."""
    return f"{code} {phrase(code)}".rstrip()


def summed(connection: Connection) -> tuple[str, ...]:
    """The methods and the answers of a connection, each once, in the order in which they came."""
    said = (method(each) or (named(code) if (code := status(each)) else "") for each in connection.messages)
    return tuple(dict.fromkeys(word for word in said if word))


def heard(connection: Connection) -> str:
    """What a row says at its end: where the first answer leads, or what it is."""
    if any(redirect.encrypted for redirect in connection.redirects):
        return "redirect to https"
    answer = next((each for each in connection.messages if status(each) >= 200 or status(each) == 101), None)
    if answer is not None:
        return shorten(named(status(answer)), 40)
    return "not answered" if connection.messages else "in the clear"


def ended(connection: Connection) -> str:
    """What it is, and how it ended: ``plain HTTP: 200 OK``."""
    return f"{titles.plain(connection)}: {heard(connection)}"


def redirects(connection: Connection) -> Iterator[Redirect]:
    """The answers that send the client elsewhere, with where (RFC 9110 10.2.2)."""
    for request, answer in exchanges(connection):
        if answer is None or status(answer) not in REDIRECTING:
            continue
        location = head(answer).field("location")
        if location is None:
            continue
        target = location if "://" in location else _joined(connection, request, location)
        yield Redirect(answer.index, status(answer), shorten(target, LONGEST_TARGET))


def url(connection: Connection, request: Message | None) -> str:
    """What a request asks for, as an absolute URI; safe to print."""
    host = connection.server_name or connection.server.address
    host = f"[{host}]" if ":" in host else host
    base = f"http://{host}" + (f":{connection.server.port}" if connection.server.port not in (0, 80) else "")
    if request is None:
        return base
    asked = head(request)
    target = asked.start.target
    if "://" in target[:10] or not target.startswith("/"):
        return shorten(target, LONGEST_TARGET) if "://" in target else base
    named_ = (asked.field("host") or "").strip()
    return shorten((f"http://{named_}" if named_ else base) + target, LONGEST_TARGET)


def _joined(connection: Connection, request: Message | None, location: str) -> str:
    try:
        return urljoin(url(connection, request), location)
    except ValueError:  # a broken IPv6 address in brackets
        return location
