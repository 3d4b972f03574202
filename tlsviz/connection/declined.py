"""A server that was asked for TLS in plaintext, and said no: read from what both sides said."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from tlsviz.connection.model import Prelude
from tlsviz.connection.tds import HEADER, PRELOGIN, TABULAR_RESULT
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import shorten

WORDS = 160
"""How much of a server's words is repeated, in characters."""
_LOOKED_AT = 4096
"""Bytes of a question and of an answer that are looked at."""

LDAP_RESULTS = {
    1: "operationsError",
    2: "protocolError",
    8: "strongerAuthRequired",
    12: "unavailableCriticalExtension",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    80: "other",
}
"""RFC 4511 appendix A.1."""
RDP_FAILURES = {
    1: "SSL_REQUIRED_BY_SERVER",
    2: "SSL_NOT_ALLOWED_BY_SERVER",
    3: "SSL_CERT_NOT_ON_SERVER",
    4: "INCONSISTENT_FLAGS",
    5: "HYBRID_REQUIRED_BY_SERVER",
    6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
}
"""[MS-RDPBCGR] 2.2.1.2.2."""
ENCRYPT_ON, ENCRYPT_NOT_SUP, ENCRYPT_REQ = 1, 2, 3
"""[MS-TDS] 2.2.6.5."""


class Refusal(NamedTuple):
    """``protocol``: as in `upgrades.UPGRADES`; ``words``: the server's, safe to print."""

    protocol: str
    words: str


Match = re.Match[bytes]
Words = Callable[[Match], str]


def quoted(data: bytes) -> str:
    """A server's words, safe to print."""
    return shorten(data[: 4 * WORDS].strip().decode("utf-8", "backslashreplace"), WORDS)


def _whole(found: Match) -> str:
    return quoted(found[0])


def _last(found: Match) -> str:
    """Of several lines the one that is the answer."""
    return quoted(found[1])


def _ldap(found: Match) -> str:
    code, words = found[1][0], quoted(found[2])
    named = f"{LDAP_RESULTS.get(code, 'result')} ({code})"
    return f"{named}: {words}" if words else named


def _postgres(found: Match) -> str:
    if found[0] == b"N":
        return "N: it has no SSL"
    fields = found[0][5:].split(b"\0")
    return quoted(next((field[1:] for field in fields if field[:1] == b"M"), b"an error without words"))


def _rdp(found: Match) -> str:
    answer = found[1]
    if answer[:1] == b"\x03":
        value = int.from_bytes(answer[4:], "little")
        return f"RDP_NEG_FAILURE: {RDP_FAILURES.get(value, f'code {value}')}"
    return "it chose RDP's own security"


class _Pattern(NamedTuple):
    """``ask``: found in what the client said last; ``answer``: at the start of what the server said then."""

    protocol: str
    ask: bytes
    answer: bytes
    words: Words = _whole


_LINE = rb"[^\r\n]*\r?\n"
_MAIL_ASK, _MAIL_ANSWER = rb"(?:^|\n)STARTTLS\r?\n\Z", rb"[45]\d\d[ -]" + _LINE
_LDAP_ANSWER = rb"\x30.{1,14}?\x78.{1,5}?\x0a\x01([^\0])\x04\0\x04.(.*)"
_PATTERNS: tuple[_Pattern, ...] = (
    _Pattern("smtp", _MAIL_ASK, _MAIL_ANSWER),
    _Pattern("pop3", rb"(?:^|\n)STLS\r?\n\Z", rb"-ERR" + _LINE),
    _Pattern(
        "imap",
        rb"(?:^|\n)\S{1,80} STARTTLS\r?\n\Z",
        rb"(?:\*" + _LINE + rb")*(\S{1,80} (?:NO|BAD)\b" + _LINE + rb")",
        _last,
    ),
    _Pattern("ftp", rb"(?:^|\n)AUTH (?:TLS|SSL)\S*\r?\n\Z", rb"[45]\d\d[ -]" + _LINE),
    _Pattern("sieve", _MAIL_ASK, rb"(?:NO|BYE)\b" + _LINE),
    _Pattern(
        "irc", _MAIL_ASK, rb"(?::\S+ NOTICE" + _LINE + rb")*((?::\S+ (?:691|421|451) |ERROR\b)" + _LINE + rb")", _last
    ),
    _Pattern("xmpp", rb"<starttls\b", rb"[^<]*<failure\b[^>]*>"),
    _Pattern("ldap", rb"1\.3\.6\.1\.4\.1\.1466\.20037", _LDAP_ANSWER, _ldap),
    _Pattern("postgres", rb"\x00\x00\x00\x08\x04\xd2\x16\x2f\Z", rb"N|E\0\0..S.*", _postgres),
    _Pattern("telnet", rb"\xff\xfb\x2e", rb".*\xff\xfe\x2e", lambda _: "DONT START_TLS"),
    _Pattern(
        "rdp",
        rb"\A\x03\x00..\x0e?.*\x01\x00\x08\x00[\x01-\x0f]\0\0\0\Z",
        rb"\x03\x00...\xd0.{5}(|\x03.{7}|\x02...\0\0\0\0)\Z",
        _rdp,
    ),
)


def declined(said: Sequence[Prelude]) -> Refusal | None:
    """The first refusal in what was said before TLS, part by part; None if there is none."""
    for place, (ask, answer) in enumerate(pairwise(said)):
        if ask.sender == CLIENT and answer.sender == SERVER and (found := refused(ask.data, answer.data)) is not None:
            return _exactly(found, said[: place + 1])
    return None


def refused(ask: bytes, answer: bytes) -> Refusal | None:
    """Whether the client's last words ask for TLS and the server's answer to them says no."""
    ask, answer = ask[-_LOOKED_AT:], answer[:_LOOKED_AT]
    if ask[:1] == bytes([PRELOGIN]):
        return _prelogin(ask, answer)
    for pattern in _PATTERNS:
        if re.search(pattern.ask, ask, re.IGNORECASE | re.DOTALL):
            found = re.match(pattern.answer, answer, re.IGNORECASE | re.DOTALL)
            if found is not None:
                return Refusal(pattern.protocol, pattern.words(found))
    return None


def _prelogin(ask: bytes, answer: bytes) -> Refusal | None:
    """SQL Server: the encryption option of both sides."""
    wanted, chosen = prelogin_option(ask[HEADER:], 1), prelogin_option(answer[HEADER:], 1)
    if wanted not in (ENCRYPT_ON, ENCRYPT_REQ) or answer[:1] not in (bytes([TABULAR_RESULT]), bytes([PRELOGIN])):
        return None
    if chosen != ENCRYPT_NOT_SUP:
        return None
    return Refusal("mssql", "PRELOGIN: ENCRYPT_NOT_SUP, it has no encryption")


def prelogin_option(body: bytes, wanted: int) -> int | None:
    """The first byte of an option's value in PRELOGIN; None if it is not there."""
    for at in range(0, len(body) - 4, 5):
        if body[at] == 0xFF:
            break
        offset = int.from_bytes(body[at + 1 : at + 3], "big")
        if body[at] == wanted and offset < len(body):
            return body[offset]
    return None


_OFFERS = {b"EHLO": "smtp", b"LHLO": "lmtp", b"CAPABILITY": "imap"}


def _exactly(found: Refusal, before: Sequence[Prelude]) -> Refusal:
    """The refusal in the light of what was said ahead: which of the protocols that ask alike, was TLS offered."""
    heard = b"".join(part.data for part in before if part.sender == SERVER)[:_LOOKED_AT].upper()
    asked = b"".join(part.data for part in before if part.sender == CLIENT)[:_LOOKED_AT].upper()
    protocol, words = found
    if protocol == "smtp" and re.match(rb"20[01] ", heard):
        return Refusal("nntp", words)
    if protocol == "xmpp" and b"JABBER:SERVER" in asked:
        return Refusal("xmpp-server", words)
    for command, name in _OFFERS.items():
        if re.search(rb"(?:^|\n)(?:\S+ )?" + command + rb"\b", asked) and protocol in (name, "smtp"):
            offered = b"STARTTLS" in heard
            return Refusal(name, words if offered else f"{words} ({command.decode()} did not offer STARTTLS)")
    return found
