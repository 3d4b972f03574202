"""Protocols that begin in plaintext and change to TLS: their names and ports, and how the asking for TLS goes wrong."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection.model import Finding


class Upgrade(NamedTuple):
    """``title``: what people call it; ``ports``: where it is found."""

    title: str
    ports: tuple[int, ...]
    reference: str


UPGRADES: dict[str, Upgrade] = {
    "smtp": Upgrade("SMTP", (587, 25, 2525), "RFC 3207"),
    "lmtp": Upgrade("LMTP", (24,), "RFC 2033, RFC 3207"),
    "pop3": Upgrade("POP3", (110,), "RFC 2595 4"),
    "imap": Upgrade("IMAP", (143,), "RFC 9051 6.2.1"),
    "ftp": Upgrade("FTP", (21,), "RFC 4217 4"),
    "nntp": Upgrade("NNTP", (119,), "RFC 4642 2.2"),
    "sieve": Upgrade("ManageSieve", (4190,), "RFC 5804 2.2"),
    "xmpp": Upgrade("XMPP", (5222,), "RFC 6120 5"),
    "xmpp-server": Upgrade("XMPP between servers", (5269,), "RFC 6120 5"),
    "irc": Upgrade("IRC", (6667, 6666, 6668, 6669), "IRCv3 tls"),
    "ldap": Upgrade("LDAP", (389, 3268), "RFC 4511 4.14"),
    "postgres": Upgrade("PostgreSQL", (5432,), "PostgreSQL, Message Flow"),
    "mysql": Upgrade("MySQL", (3306,), "MySQL, SSLRequest"),
    "telnet": Upgrade("Telnet", (23,), "draft-altman-telnet-starttls-02"),
    "rdp": Upgrade("RDP", (3389,), "[MS-RDPBCGR] 2.2.1.1"),
    "mssql": Upgrade("SQL Server", (1433,), "[MS-TDS] 2.2.6.5"),
}
"""By the name that --starttls takes and `Connection.starttls` has."""


def by_port(port: int) -> str | None:
    """The protocol that lives on a port."""
    return next((name for name, upgrade in UPGRADES.items() if port in upgrade.ports), None)


def stopped_before_tls(kind: str, detail: str, protocol: str = "") -> Finding:
    """The diagnosis where the dialogue before TLS came to nothing; ``kind``: a key of `BEFORE_TLS`.

    ``protocol``: the one that was spoken, if it is known, for the reference.
    """
    code, title, evidence, mend = BEFORE_TLS[kind]
    reference = UPGRADES[protocol].reference if protocol in UPGRADES else _REFERENCES.get(code, "")
    return Finding(code, "error", title, evidence.format(detail), mend, reference, True, None)


_WRONG_PORT = "Check the port and the protocol; where TLS begins with the first byte, leave --starttls out."
_STRIPPED = "Configure TLS on the service; where it usually offers it, something on the way may have removed the offer."
_PROXY = "See what the proxy wants (a log-in: --proxy http://user:password@host:port) and which ports it lets through."

BEFORE_TLS: dict[str, tuple[str, str, str, str]] = {
    "starttls_refused": ("starttls_refused", "The server refused to start TLS", "It answered: {}.", _STRIPPED),
    "starttls_garbled": (
        "not_tls",
        "What answers does not speak the protocol of --starttls",
        "The server's answer does not fit: {}.",
        _WRONG_PORT,
    ),
    "starttls_stalled": (
        "handshake_timed_out",
        "The server did not get as far as TLS",
        "TCP works, but {}. No ClientHello was sent.",
        _WRONG_PORT,
    ),
    "starttls_broken": (
        "connection_reset",
        "The connection broke before the ClientHello",
        "While STARTTLS was being agreed on: {}.",
        "Try again; something on the way or at the server ends connections before TLS.",
    ),
    "proxy_refused": ("proxy_refused", "The proxy refused", "It answered: {}.", _PROXY),
    "proxy_garbled": (
        "proxy_refused",
        "What answers is not such a proxy",
        "Its answer does not fit: {}.",
        "Check the proxy's port and kind: --proxy HOST:PORT speaks HTTP, --proxy socks5://HOST:PORT SOCKS 5.",
    ),
    "proxy_stalled": (
        "proxy_refused",
        "The proxy did not open the way in time",
        "The proxy took the connection, but {}.",
        "The proxy may be unable to reach the target: try another target, or allow it more time with --timeout.",
    ),
    "proxy_broken": (
        "proxy_refused",
        "The proxy closed the connection",
        "While the way was being opened: {}.",
        _PROXY,
    ),
}
"""By how it ended (`diagnosis.FailureKind`): finding code, title, evidence around the detail, what to do."""

_REFERENCES = {"starttls_refused": "RFC 3207 4, RFC 2595", "proxy_refused": "RFC 9110 9.3.6"}
