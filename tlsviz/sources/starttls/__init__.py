"""The plaintext dialogues before TLS, one small file a protocol; `dialogue` finds the one of a name."""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.sources.starttls import (
    ftp,
    imap,
    irc,
    ldap,
    mssql,
    mysql,
    nntp,
    pop3,
    postgres,
    rdp,
    sieve,
    smtp,
    telnet,
    xmpp,
)
from tlsviz.sources.starttls.speech import Dialogue, Speech

DIALOGUES: dict[str, Callable[[Speech], Dialogue]] = {
    "smtp": smtp.smtp,
    "lmtp": smtp.lmtp,
    "pop3": pop3.pop3,
    "imap": imap.imap,
    "ftp": ftp.ftp,
    "nntp": nntp.nntp,
    "sieve": sieve.sieve,
    "xmpp": xmpp.client,
    "xmpp-server": xmpp.server,
    "irc": irc.irc,
    "ldap": ldap.ldap,
    "postgres": postgres.postgres,
    "mysql": mysql.mysql,
    "telnet": telnet.telnet,
    "rdp": rdp.rdp,
    "mssql": mssql.mssql,
}
"""By the names of `connection.upgrades`."""
