"""What was said in HTTP inside of a connection, or in the clear: heads of requests and answers (RFC 9112, RFC 9113)."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection.model import Connection
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import shorten

MOST_HEADERS, LONGEST_VALUE, LONGEST_HEAD = 100, 1000, 64 * 1024
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client of HTTP/2 says first (RFC 9113 3.4)."""

Headers = tuple[tuple[str, str], ...]


class Reply(NamedTuple):
    """The head of an answer, its texts safe to print; header names in lower case."""

    version: str
    status: int
    reason: str
    headers: Headers

    @property
    def words(self) -> str:
        """``301 Moved Permanently``: IANA's phrase where the server gives none, as in HTTP/2."""
        return f"{self.status} {self.reason or phrase(self.status)}".rstrip()

    def header(self, name: str) -> str | None:
        """The first header of that name, which is in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    def count(self, name: str) -> int:
        """How many headers of that name there are."""
        return sum(key == name for key, _ in self.headers)


class Spoken(NamedTuple):
    """The first request of a connection (its line and headers as they were sent) and the answer, if there is one."""

    request: tuple[str, ...]
    reply: Reply | None


def phrase(status: int) -> str:
    """IANA's words for a status code; "" if it has none."""
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def spoken(connection: Connection) -> Spoken | None:
    """The first request and answer that the keys opened; None if it is no HTTP, or cannot be read."""
    asked, answered = _said(connection, CLIENT), _said(connection, SERVER)
    if asked.startswith(PREFACE):
        from tlsviz.connection.http2 import spoken2

        return spoken2(asked, answered)
    lines = request_lines(asked)
    return Spoken(lines, reply(answered)) if lines else None


def _said(connection: Connection, sender: Sender) -> bytes:
    runs = [run.plaintext.data for run in connection.application if run.sender == sender and run.plaintext is not None]
    return b"".join(runs)[:LONGEST_HEAD]


def request_lines(data: bytes) -> tuple[str, ...]:
    """The head of an HTTP/1.1 request as lines that are safe to print; () if it is none."""
    head, end, _ = data[:LONGEST_HEAD].partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[: MOST_HEADERS + 1]
    words = lines[0].split(" ")
    if not end or len(words) != 3 or not words[2].startswith("HTTP/"):
        return ()
    return tuple(shorten(line, LONGEST_VALUE) for line in lines)


def reply(data: bytes) -> Reply | None:
    """The head of the final answer to a GET in HTTP/1.1; None if it is none, or not whole."""
    import h11

    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    http.send(h11.EndOfMessage())
    try:
        http.receive_data(data)
        event = http.next_event()
        while isinstance(event, h11.InformationalResponse):
            event = http.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.Response):
        return None
    version = f"HTTP/{event.http_version.decode('ascii', 'replace')}"
    return made_reply(version, event.status_code, bytes(event.reason), [(bytes(k), bytes(v)) for k, v in event.headers])


def made_reply(version: str, status: int, reason: bytes, headers: list[tuple[bytes, bytes]]) -> Reply:
    """An answer with all its texts made safe and short."""
    told = tuple(
        (shorten(name.decode("latin-1").lower(), 100), shorten(value.decode("latin-1"), LONGEST_VALUE))
        for name, value in headers[:MOST_HEADERS]
    )
    return Reply(version, status, shorten(reason.decode("latin-1"), 60), told)
