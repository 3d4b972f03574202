"""Replies of three digits, as SMTP, LMTP, FTP and NNTP give them (RFC 5321 4.2, RFC 959 4.2, RFC 3977 3.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from tlsviz.sources.starttls.speech import GarbledError, Reading, RefusedError, Speech, quoted

_REPLY = re.compile(rb"([1-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """``last``: the line that ended the reply, safe to print; ``lines``: all of them, without their codes."""

    code: int
    last: str
    lines: tuple[bytes, ...]


def reply(speech: Speech) -> Reading[Reply]:
    """The next reply, with all its lines. The lines between an FTP server's first and last need no code."""
    lines: list[bytes] = []
    first = b""
    while True:
        line = yield from speech.line()
        found = _REPLY.fullmatch(line)
        if found is None and not lines:
            raise GarbledError(quoted(line))
        if found is None or (first and found[1] != first):
            lines.append(line)
            continue
        first = found[1]
        lines.append(found[3] or b"")
        if found[2] != b"-":
            return Reply(int(first), quoted(line), tuple(lines))


def expect(speech: Speech, *codes: int) -> Reading[Reply]:
    """The next reply, which must have one of these codes."""
    got = yield from reply(speech)
    if got.code not in codes:
        raise RefusedError(got.last)
    return got
