"""Plaintext of protocols that do not speak in lines, by a readable name: what is said before TLS, binary."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import shorten

Title = str | Callable[[re.Match[bytes]], str]

_SOCKS_REPLIES = ("connected", "failed", "not allowed", "network unreachable", "host unreachable", "refused")
_LDAP_RESULTS = {0: "agreed", 1: "operations error", 2: "protocol error", 52: "unavailable", 53: "unwilling"}


def _ldap_result(found: re.Match[bytes]) -> str:
    code = found[1][0]
    return f"LDAP StartTLS response: {_LDAP_RESULTS.get(code, f'result {code}')}"


def _socks_request(found: re.Match[bytes]) -> str:
    kind, address, port = found[1], found[2], int.from_bytes(found[3], "big")
    if kind == b"\x01":
        host = str(IPv4Address(address))
    elif kind == b"\x04":
        host = f"[{IPv6Address(address)}]"
    else:
        host = shorten(address[1:].decode("ascii", "backslashreplace"), 60)
    return f"SOCKS 5 CONNECT {host}:{port}"


def _socks_reply(found: re.Match[bytes]) -> str:
    code = found[1][0]
    return f"SOCKS 5: {_SOCKS_REPLIES[code] if code < len(_SOCKS_REPLIES) else f'refused with code {code}'}"


def _socks_method(found: re.Match[bytes]) -> str:
    said = {0: "no authentication needed", 2: "user name and password wanted", 255: "no method accepted"}
    return f"SOCKS 5: {said.get(found[1][0], f'method {found[1][0]} chosen')}"


def _mysql_greeting(found: re.Match[bytes]) -> str:
    return f"MySQL greeting, version {shorten(found[1].decode('ascii', 'backslashreplace'), 40)}"


_KNOWN: tuple[tuple[str, Sender, bytes, Title], ...] = (
    ("ldap", CLIENT, rb"\x30.{1,20}1\.3\.6\.1\.4\.1\.1466\.20037", "LDAP StartTLS request"),
    ("ldap", SERVER, rb"\x30.{1,10}\x78.{1,5}\x0a\x01(.)", _ldap_result),
    ("ldap", CLIENT, rb"\x30", "LDAP request"),
    ("ldap", SERVER, rb"\x30", "LDAP response"),
    ("postgres", CLIENT, rb"\x00\x00\x00\x08\x04\xd2\x16\x2f", "PostgreSQL SSLRequest"),
    ("postgres", CLIENT, rb"\x00\x00\x00\x08\x04\xd2\x16\x30", "PostgreSQL GSSENCRequest"),
    ("postgres", SERVER, rb"S\Z", "PostgreSQL: S (SSL accepted)"),
    ("postgres", SERVER, rb"N\Z", "PostgreSQL: N (no SSL)"),
    ("mysql", SERVER, rb"...\x00\x0a([^\x00]{1,100})\x00", _mysql_greeting),
    ("mysql", CLIENT, rb"\x20\x00\x00\x01", "MySQL SSLRequest"),
    ("rdp", CLIENT, rb"\x03\x00...\xe0", "RDP connection request"),
    ("rdp", SERVER, rb"\x03\x00...\xd0", "RDP connection confirm"),
    ("mssql", CLIENT, rb"\x12\x01", "SQL Server (TDS) pre-login"),
    ("mssql", SERVER, rb"[\x04\x12]\x01", "SQL Server (TDS) pre-login response"),
    ("socks", CLIENT, rb"\x05\x01\x00(\x01)(.{4})(..)", _socks_request),
    ("socks", CLIENT, rb"\x05\x01\x00(\x04)(.{16})(..)", _socks_request),
    ("socks", CLIENT, rb"\x05\x01\x00(\x03)(.+)(..)\Z", _socks_request),
    ("socks", CLIENT, rb"\x05", "SOCKS 5 greeting"),
    ("socks", CLIENT, rb"\x01", "SOCKS 5 user name and password"),
    ("socks", CLIENT, rb"\x04\x01", "SOCKS 4 CONNECT"),
    ("socks", SERVER, rb"\x05(.)\Z", _socks_method),
    ("socks", SERVER, rb"\x05(.)\x00[\x01\x03\x04]", _socks_reply),
    ("socks", SERVER, rb"\x01\x00\Z", "SOCKS 5: user name and password accepted"),
    ("socks", SERVER, rb"\x00\x5a", "SOCKS 4: connected"),
    ("unknown", CLIENT, rb"\r\n\r\n\x00\r\nQUIT\n", "PROXY protocol header, version 2"),
)
"""By protocol (`prelude.protocol`), who speaks, and how it begins; the first that fits."""

_LIMIT = 512
"""Bytes that are looked at."""


def greeting(data: bytes, sender: Sender, protocol: str | None) -> str | None:
    """What a binary message before TLS is, safe to print; None when it is text, or of no known protocol."""
    start = data[:_LIMIT]
    for name, speaker, pattern, title in _KNOWN:
        if name == protocol and speaker == sender and (found := re.match(pattern, start, re.DOTALL)):
            return title if isinstance(title, str) else title(found)
    return None
