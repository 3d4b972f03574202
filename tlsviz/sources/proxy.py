"""A proxy between us and the server: what --proxy says, and the dialogue that opens the way through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from tlsviz.errors import UsageError
from tlsviz.sources.starttls.speech import Dialogue, Speech
from tlsviz.sources.target import parse_host
from tlsviz.wire.text import shorten

ProxyKind = Literal["http", "socks5"]
_KINDS: dict[str, ProxyKind] = {"http": "http", "socks5": "socks5", "socks5h": "socks5"}
_FORMS = "Give HOST:PORT or http://HOST:PORT for HTTP CONNECT, socks5://HOST:PORT for SOCKS 5."
LONGEST_SECRET = 255
"""Bytes of a user name or password (RFC 1929 section 2)."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """``user`` None: no log-in. The password appears in no text that this makes."""

    kind: ProxyKind
    host: str
    port: int
    user: str | None = None
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"

    def dialogue(self, speech: Speech) -> Dialogue:
        """Asks for the way to the speech's host (a name or an address) and port."""
        if self.kind == "http":
            from tlsviz.sources.starttls.connect import connect as ask
        else:
            from tlsviz.sources.starttls.socks import socks5 as ask
        return ask(speech, self.user, self.password)


def parse_proxy(text: str) -> Proxy:
    """HOST:PORT, or a URL (http, socks5, socks5h), perhaps with user:password, which no UsageError repeats."""
    scheme, separator, rest = text.strip().rpartition("://")
    login, at, place = rest.rpartition("@")
    shown = f"--proxy {shorten(scheme + separator, 20)}{'***@' if at else ''}{shorten(place, 60)}"
    kind = _KINDS.get(scheme.lower() or "http")
    if kind is None:
        why = "TLS to the proxy itself is not spoken" if scheme.lower() == "https" else "no such kind of proxy"
        raise UsageError(shown, why, _FORMS)
    place = place.rstrip("/")
    if not place.rpartition("]")[2].rpartition(":")[1]:
        raise UsageError(shown, "the port is missing", _FORMS)
    try:
        host = parse_host(place)
    except UsageError:
        raise UsageError(shown, "not a host and port", _FORMS) from None
    user, _, password = login.partition(":")
    user, password = unquote(user), unquote(password)
    if max(len(user.encode()), len(password.encode())) > LONGEST_SECRET:
        raise UsageError(shown, f"its log-in is longer than {LONGEST_SECRET} bytes", _FORMS)
    return Proxy(kind, host.host, host.port, user if at else None, password)
