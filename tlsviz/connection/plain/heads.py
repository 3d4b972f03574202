"""Heads of HTTP/1 requests and answers as trees (RFC 9112 2 to 5), and what they say of the bodies behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tlsviz.connection.http import phrase
from tlsviz.wire.nodes import Deferred, Node
from tlsviz.wire.text import shorten

Kind = Literal["http_request", "http_response"]

LONGEST_START_LINE = 16 * 1024
LONGEST_HEAD = 64 * 1024
MOST_FIELDS = 200
"""Field lines of one head that are told apart."""
WIDTH = 1000

REQUEST_LINE = re.compile(rb"([A-Z][A-Z0-9_-]{1,30}) ([^ \r\n]+) (HTTP/\d\.\d)(\r?\n|\Z)")
STATUS_LINE = re.compile(rb"(HTTP/\d\.\d) (\d{3})(?: ([^\r\n]*))?(\r?\n|\Z)")
_REQUEST_START = re.compile(rb"[A-Z][A-Z0-9_-]{0,30}(?:\Z| (?:\Z|[^ \r\n]))")
_STATUS_START, _LIKE = re.compile(rb"HTTP/\d\.\d \d{3}"), b"HTTP/1.1 200"
_LOOK = 64
"""Bytes that are looked at before the start line has come to its end."""
_NAME = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:")
_BLANKS = b" \t\r\n"

KNOWN_FIELDS = frozenset(
    (
        "host", "user-agent", "accept", "accept-language", "accept-encoding", "referer", "cookie", "set-cookie",
        "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "location", "server",
        "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "upgrade",
        "upgrade-insecure-requests", "strict-transport-security", "cache-control", "date", "origin", "via",
        "x-forwarded-for",
    )
)  # fmt: skip
"""Fields with words of their own (``explain/fields_http.toml``); the node of any other is a ``field_line``."""


class Start(NamedTuple):
    """The start line: of a request ``method`` and ``target``, of an answer ``status`` and ``reason``; safe to print."""

    version: str
    method: str = ""
    target: str = ""
    status: int = 0
    reason: str = ""


class Head(NamedTuple):
    """A head as it was read. Names of ``fields`` in lower case, names and values as they were sent (latin-1)."""

    start: Start
    fields: tuple[tuple[str, str], ...]

    def field(self, name: str) -> str | None:
        """The first field of that name."""
        return next((value for key, value in self.fields if key == name), None)

    def all(self, name: str) -> list[str]:
        """The values of every field of that name."""
        return [value for key, value in self.fields if key == name]


def begins(data: bytes | bytearray, request: bool) -> bool | None:
    """Whether bytes begin with a request line (or a status line): None while more bytes are needed to tell."""
    end = data.find(b"\n", 0, LONGEST_START_LINE) + 1
    if end:
        return (REQUEST_LINE if request else STATUS_LINE).match(bytes(data[:end])) is not None
    if len(data) >= LONGEST_START_LINE:
        return False
    start = bytes(data[:_LOOK])
    looks = _REQUEST_START.match(start) if request else _STATUS_START.match(start + _LIKE[len(start) :])
    return None if looks else False


def read(data: bytes) -> Head:
    """What a head says, whatever its bytes are."""
    lines = _lines(data)
    first = data[: next(lines, (0, 0))[1]]
    if (found := STATUS_LINE.match(first)) is not None:
        start = Start(found[1].decode(), status=int(found[2]), reason=_text(found[3] or b"", 60))
    elif (found := REQUEST_LINE.match(first)) is not None:
        start = Start(found[3].decode(), _text(found[1], 40), _text(found[2], WIDTH))
    else:
        start = Start("")
    fields: list[tuple[str, str]] = []
    for begin, end in lines:
        matched = _NAME.match(data, begin, end)
        if matched is not None and len(fields) < MOST_FIELDS:
            value = data[matched.end() : end].strip(_BLANKS)
            fields.append((matched[1].decode("latin-1").lower(), value.decode("latin-1")))
    return Head(start, tuple(fields))


def decode(data: bytes, kind: Kind) -> Node:
    """A head as a tree: its start line, a node a field line, the empty line; total, whatever the bytes are."""
    children: list[Node] = []
    for number, (start, end) in enumerate(_lines(data)):
        line = data[start:end]
        if number == 0:
            children.append(_start_line(line, start, end))
        elif line in (b"\r\n", b"\n"):
            children.append(Node("crlf", start, end, line, note=_bare(line)))
        elif number > MOST_FIELDS:
            note = f"more than {MOST_FIELDS} field lines: the rest is not told apart"
            children.append(Node("field_lines", start, len(data), data[start:], note=note))
            break
        else:
            children.append(_field_line(line, start, end))
    return Node(kind, 0, len(data), None, None, tuple(children))


def _lines(data: bytes) -> Iterator[tuple[int, int]]:
    """Where lines begin and end, line breaks included; one that begins with a blank belongs to the one before it."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        while at and data[end : end + 1] in (b" ", b"\t"):
            end = data.find(b"\n", end) + 1 or len(data)
        yield at, end
        at = end


def _text(data: bytes, width: int = WIDTH) -> str:
    return shorten(data.decode("latin-1"), width)


def _bare(line: bytes) -> str | None:
    if line.endswith(b"\r\n"):
        return None
    return "ends with a bare LF (RFC 9112 2.2)" if line.endswith(b"\n") else "the line has no end"


_START_LINES = {
    "status_line": (STATUS_LINE, ("http_version", "status_code", "reason_phrase")),
    "request_line": (REQUEST_LINE, ("method", "request_target", "http_version")),
}
"""The two kinds of a start line: what they look like, and their parts."""


class _StartLine(Deferred):
    """A request line or status line that opens into its parts."""

    __slots__ = ()

    @property
    def children(self) -> tuple[Node, ...]:
        data = self.value
        assert isinstance(data, bytes)
        pattern, names = _START_LINES[self.name]
        found = pattern.match(data)
        if found is None:
            return ()
        return tuple(_parts(self.start, data, [(name, found.span(at)) for at, name in enumerate(names, 1)]))


class _FieldLine(Deferred):
    """A field line that opens into name, delimiter and value."""

    __slots__ = ()

    @property
    def children(self) -> tuple[Node, ...]:
        data = self.value
        assert isinstance(data, bytes)
        found = _NAME.match(data)
        if found is None:
            return ()
        value = data[found.end() :].strip(_BLANKS)
        at = data.find(value, found.end())
        return tuple(_parts(self.start, data, [("field_name", found.span(1)), ("field_value", (at, at + len(value)))]))


def _parts(start: int, data: bytes, named: list[tuple[str, tuple[int, int]]]) -> Iterator[Node]:
    """Nodes of these names, and ``delimiter`` and ``crlf`` for the bytes between and behind them."""
    at = 0
    for name, (begin, end) in named:
        if begin < 0:
            continue
        if begin > at:
            yield Node("delimiter", start + at, start + begin, data[at:begin])
        if end > begin:
            part = data[begin:end]
            value = int(part) if name == "status_code" else part
            yield Node(name, start + begin, start + end, value, _label(name, part))
        at = end
    if at < len(data):
        yield Node("crlf", start + at, start + len(data), data[at:])


def _label(name: str, part: bytes) -> str:
    if name != "status_code":
        return _text(part)
    return phrase(int(part)) or "not registered"


def _start_line(line: bytes, start: int, end: int) -> Node:
    label = _text(line.rstrip(b"\r\n"))
    for name, (pattern, _) in _START_LINES.items():
        if (found := pattern.match(line)) is not None and found.end() == len(line):
            return _StartLine(name, start, end, line, label, (), _bare(line))
    return Node("start_line", start, end, line, label, (), "neither a request line nor a status line")


def _field_line(line: bytes, start: int, end: int) -> Node:
    found = _NAME.match(line)
    if found is None:
        return Node("field_line", start, end, line, _text(line.strip()), (), "no name and colon (RFC 9112 5)")
    name = found[1].decode("latin-1").lower()
    note = _bare(line)
    if found.end() - found.start() > len(found[1]) + 1:
        note = "a blank before the colon (RFC 9112 5.1)"
    elif line.count(b"\n") > 1:
        note = "goes on in the next line (obs-fold, RFC 9112 5.2)"
    if name not in KNOWN_FIELDS:
        return _FieldLine("field_line", start, end, line, _text(line.strip()), (), note)
    value = line[found.end() :].strip(_BLANKS)
    return _FieldLine(name.replace("-", "_"), start, end, line, _text(value), (), note)
