"""What servers of each protocol say before TLS: scripts for servers in tests."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import NamedTuple

from tlsviz.connection.tds import TABULAR_RESULT, packet
from tlsviz.sources.starttls import ldap, mssql, mysql, postgres, rdp, telnet

Turn = bytes | str
"""bytes: said by the server; str: a regular expression, which what the client then says has to match whole."""


class Script(NamedTuple):
    """``agreed`` leads to TLS, ``refused`` does not; ``words``: what the diagnosis must repeat of the refusal."""

    agreed: tuple[Turn, ...]
    refused: tuple[Turn, ...]
    words: str


def exactly(data: bytes) -> str:
    return re.escape(data.decode("latin-1"))


def _mail(hello: str, banner: bytes) -> Script:
    start: tuple[Turn, ...] = (banner, rf"{hello} tlsviz\.invalid\r\n")
    offer, none = b"250-mail.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n", b"250-mail.test\r\n250 PIPELINING\r\n"
    ask = r"STARTTLS\r\n"
    return Script(
        (*start, offer, ask, b"220 2.0.0 Ready to start TLS\r\n"),
        (*start, none, ask, b"502 5.5.1 Command not implemented\r\n"),
        f"502 5.5.1 Command not implemented ({hello} did not offer STARTTLS)",
    )


def _xmpp(namespace: str) -> Script:
    opened = rf"<\?xml version='1\.0'\?><stream:stream xmlns='{namespace}' .*to='host\.test' version='1\.0'>"
    stream = f"<?xml version='1.0'?><stream:stream xmlns='{namespace}' id='1' from='host.test'>".encode()
    offer = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
    ask = r"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    return Script(
        (opened, stream + offer, ask, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        (opened, stream + offer, ask, b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"),
        "<failure xmlns=",
    )


def _ldap(code: int, words: bytes) -> bytes:
    result = bytes([0x0A, 1, code, 4, 0, 4, len(words)]) + words
    return b"\x30\x84" + (5 + len(result)).to_bytes(4, "big") + b"\x02\x01\x01\x78" + bytes([len(result)]) + result


def _mysql_greeting(capabilities: int) -> bytes:
    body = b"\x0a8.0.36\0" + bytes(4) + b"abcdefgh\0" + capabilities.to_bytes(2, "little") + b"\x21\x02\0" + bytes(30)
    return len(body).to_bytes(3, "little") + b"\0" + body


def _rdp(answer: bytes) -> bytes:
    return b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00" + answer


def _prelogin(encryption: int) -> bytes:
    return packet(TABULAR_RESULT, mssql.options(((0, bytes(6)), (1, bytes([encryption])))))


_IMAP: tuple[Turn, ...] = (b"* OK ready\r\n", r"a1 CAPABILITY\r\n")
_SIEVE = b'"IMPLEMENTATION" "Test"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\nOK "ready"\r\n'
_DO, _FOLLOWS = bytes([255, 253, 46]), bytes([255, 250, 46, 1, 255, 240])
_PRELOGIN = r"\x12\x01\x00\x2f.{43}"

SCRIPTS: dict[str, Script] = {
    "smtp": _mail("EHLO", b"220-mail.test ESMTP\r\n220 welcome\r\n"),
    "lmtp": _mail("LHLO", b"220 mail.test LMTP\r\n"),
    "pop3": Script(
        (b"+OK ready\r\n", r"STLS\r\n", b"+OK begin TLS\r\n"),
        (b"+OK ready\r\n", r"STLS\r\n", b"-ERR no TLS here\r\n"),
        "-ERR no TLS here",
    ),
    "imap": Script(
        (*_IMAP, b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n", r"a2 STARTTLS\r\n", b"a2 OK begin TLS\r\n"),
        (*_IMAP, b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n", r"a2 STARTTLS\r\n", b"a2 BAD unknown\r\n"),
        "a2 BAD unknown (CAPABILITY did not offer STARTTLS)",
    ),
    "ftp": Script(
        (b"220-hello\r\n  friend\r\n220 FTP\r\n", r"AUTH TLS\r\n", b"234 AUTH TLS ok\r\n"),
        (b"220 FTP\r\n", r"AUTH TLS\r\n", b"530 Please login\r\n"),
        "530 Please login",
    ),
    "nntp": Script(
        (b"200 news.test\r\n", r"STARTTLS\r\n", b"382 Continue\r\n"),
        (b"201 news.test\r\n", r"STARTTLS\r\n", b"580 Can not initiate TLS\r\n"),
        "580 Can not initiate TLS",
    ),
    "sieve": Script(
        (_SIEVE, r"STARTTLS\r\n", b'OK "Begin TLS"\r\n'),
        (_SIEVE, r"STARTTLS\r\n", b'NO "not today"\r\n'),
        'NO "not today"',
    ),
    "xmpp": _xmpp("jabber:client"),
    "xmpp-server": _xmpp("jabber:server"),
    "irc": Script(
        (r"STARTTLS\r\n", b":irc.test NOTICE * :Looking\r\n:irc.test 670 * :STARTTLS successful\r\n"),
        (r"STARTTLS\r\n", b":irc.test 691 * :STARTTLS failed\r\n"),
        "691 * :STARTTLS failed",
    ),
    "ldap": Script(
        (exactly(ldap.REQUEST), _ldap(0, b"")),
        (exactly(ldap.REQUEST), _ldap(52, b"TLS not configured")),
        "unavailable (52): TLS not configured",
    ),
    "postgres": Script((exactly(postgres.REQUEST), b"S"), (exactly(postgres.REQUEST), b"N"), "it has no SSL"),
    "mysql": Script(
        (_mysql_greeting(0xFFFF), exactly(mysql.REQUEST)),
        (_mysql_greeting(0xF7FF),),
        "8.0.36 does not offer SSL",
    ),
    "telnet": Script(
        (_DO + bytes([255, 251, 3]), exactly(bytes([255, 251, 46]) + _FOLLOWS + bytes([255, 254, 3])), _FOLLOWS),
        (bytes([255, 253, 24]), exactly(bytes([255, telnet.WONT, 24])), b"login: "),
        "login:",
    ),
    "rdp": Script(
        (exactly(rdp.REQUEST), _rdp(b"\x02\x00\x08\x00\x01\x00\x00\x00")),
        (exactly(rdp.REQUEST), _rdp(b"\x03\x00\x08\x00\x02\x00\x00\x00")),
        "SSL_NOT_ALLOWED_BY_SERVER",
    ),
    "mssql": Script((_PRELOGIN, _prelogin(1)), (_PRELOGIN, _prelogin(2)), "ENCRYPT_NOT_SUP"),
}

_CONNECT = r"CONNECT host\.test:443 HTTP/1\.1\r\nHost: host\.test:443\r\n"
HTTP_PROXY = Script(
    (rf"{_CONNECT}(.+\r\n)?\r\n", b"HTTP/1.1 200 Connected\r\nVia: x\r\n\r\n"),
    (rf"{_CONNECT}(.+\r\n)?\r\n", b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    "407 Proxy Authentication Required",
)
SOCKS_PROXY = Script(
    (r"\x05\x01\x00", b"\x05\x00", r"\x05\x01\x00\x03\x09host\.test\x01\xbb", b"\x05\x00\x00\x01\x7f\0\0\x01\x01\xbb"),
    (r"\x05\x01\x00", b"\x05\x00", r"\x05\x01\x00\x03\x09host\.test\x01\xbb", b"\x05\x02\x00\x01\0\0\0\0\0\0"),
    "connection not allowed by ruleset (2)",
)


def perform(sock: socket.socket, turns: tuple[Turn, ...]) -> None:
    """Says the server's turns, and reads the client's until they match. OSError where they do not."""
    for turn in turns:
        if isinstance(turn, bytes):
            sock.sendall(turn)
            continue
        said = b""
        while not re.fullmatch(turn, said.decode("latin-1"), re.DOTALL):
            # One by one: behind what is expected here the ClientHello may follow at once.
            came = sock.recv(1)
            if not came:
                raise ConnectionError(f"{said!r} is not {turn}")
            said += came


def playing_script(turns: tuple[Turn, ...], then: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    def play(sock: socket.socket) -> None:
        perform(sock, turns)
        then(sock)

    return play
