"""An HTTP proxy's CONNECT (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import re
from base64 import b64encode

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Speech, quoted

_STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d)(?: .*)?")
MOST_HEADERS = 200


def connect(speech: Speech, user: str | None = None, password: str = "") -> Dialogue:
    """Asks for a tunnel to ``speech.host``; a log-in is sent at once, and shown with its value struck out."""
    host = f"[{speech.host}]" if ":" in speech.host else speech.host
    start = f"CONNECT {host}:{speech.port} HTTP/1.1\r\nHost: {host}:{speech.port}\r\n".encode()
    login, struck = b"", b""
    if user is not None:
        value = b64encode(f"{user}:{password}".encode())
        head = b"Proxy-Authorization: Basic "
        login, struck = head + value + b"\r\n", head + b"*" * len(value) + b"\r\n"
    speech.say(start + login + b"\r\n", start + struck + b"\r\n")
    status = yield from speech.line()
    found = _STATUS.fullmatch(status)
    if found is None:
        raise GarbledError(quoted(status))
    if not found[1].startswith(b"2"):
        raise RefusedError(quoted(status))
    for _ in range(MOST_HEADERS):
        if not (yield from speech.line()):
            return speech.said()
    raise GarbledError(f"more than {MOST_HEADERS} header lines")
