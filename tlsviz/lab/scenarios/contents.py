"""What nobody expects in a Certificate message: hostile text, too much of it, or nothing at all."""

from __future__ import annotations

from tlsviz.lab.authority import NAMES, SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.der import PRINTABLE_STRING, T61_STRING, UTF8_STRING, name, remade
from tlsviz.lab.scenarios.scenario import Group, Scenario
from tlsviz.lab.scripted import empty_certificate

_COUNTRY, _ORGANIZATION, _UNIT, _COMMON = "2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3"

HOSTILE = (
    (_COUNTRY, PRINTABLE_STRING, b"XX"),
    (_ORGANIZATION, UTF8_STRING, b"\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;http://evil.test\x07link\x08\x7f"),
    (_UNIT, UTF8_STRING, b"[bold red]markup[/] [link=http://evil.test]x[/link] [/] <script>alert(1)</script>"),
    (_UNIT, UTF8_STRING, "txt.\u202eexe \u2066isolate\u2069 \u200bzero\ufeffwidth e\u0301\u0301\u0301".encode()),
    (_UNIT, T61_STRING, b"\x9b5m eight-bit codes \x85\r\nX-Header: 1\n{x} $(id) `id` %s%n \xff\xfe\xc0\x80"),
    (_COMMON, UTF8_STRING, b"www.bank.test\x00.lab.test"),
)
"""Subjects as attackers write them: terminal codes, markup, bidirectional text, control bytes, a NUL in a name."""


def _with_subject(authority: Authority, subject: bytes) -> Issued:
    leaf = authority.issue(Recipe(SERVER_NAME, NAMES))
    return leaf.replaced(remade(leaf.certificate, authority.intermediate.key, subject=subject))


def _hostile(authority: Authority) -> Issued:
    return _with_subject(authority, name(HOSTILE))


def _huge(authority: Authority) -> Issued:
    return _with_subject(authority, name([(_COMMON, UTF8_STRING, b"60,000 letters: " + b"A" * 60_000)]))


GROUP = Group(
    "Odd contents",
    (
        Scenario(
            "hostile-text",
            "A subject that attacks the screen",
            "Terminal codes, markup, text that runs backwards, a NUL in the name: all shown, nothing obeyed.",
            certificate=_hostile,
        ),
        Scenario(
            "huge-text",
            "A subject of 60 kB",
            "The common name alone takes four records.",
            certificate=_huge,
        ),
        Scenario(
            "empty-certificate",
            "A server without a certificate",
            "The Certificate message is there, and empty: a server must have one (RFC 5246 7.4.2).",
            "TLS 1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "untrusted",
            ("no_certificate",),
            diagnosis="malformed_message",
            findings=("certificate_no_certificate",),
            script=empty_certificate,
        ),
    ),
)
