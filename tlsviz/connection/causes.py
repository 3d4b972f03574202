"""Why handshakes fail: data for the diagnosis. Each entry: finding code, title, what to do.

Alert descriptions are RFC 8446 6.2's (and those of RFC 6066, 7301, 7507).
"""

from __future__ import annotations

THE_WAY: dict[str, tuple[str, str, str]] = {
    "name_not_found": (
        "name_not_found",
        "The name does not exist",
        "Check the spelling; a name that only an internal name server knows needs that server (or --resolve ADDRESS).",
    ),
    "name_lookup_failed": (
        "name_lookup_failed",
        "The name could not be looked up",
        "Check this machine's name servers and network, or give the address with --resolve ADDRESS.",
    ),
    "unreachable": (
        "host_unreachable",
        "The host cannot be reached",
        "Check the route and this machine's network; with several addresses, try another by --resolve ADDRESS.",
    ),
    "refused": (
        "connection_refused",
        "Nothing listens on that port",
        "Check that the server runs, which port it listens on, and the firewall's rules.",
    ),
    "connect_timeout": (
        "connection_timed_out",
        "The connection attempt got no answer",
        "A firewall that drops packets, or a host that is down: check both, and the address.",
    ),
}
"""By what ended the way to the server, before any TLS."""

CERTIFICATE_ALERTS = frozenset({40, 42, 43, 44, 45, 46, 48, 49, 51, 116})
"""What a server answers to a client certificate that it does not like, or misses."""

SKIPPED_ALERTS = frozenset({90, 100, 112})
"""As warnings these do not end a handshake: user_canceled, no_renegotiation, unrecognized_name."""

_OLD = "Offer a version that it speaks (--min, --max), or bring the server up to TLS 1.2 and 1.3."

SERVER_ALERTS: dict[int, tuple[str, str, str]] = {
    70: ("version_not_supported", "No TLS version in common", _OLD),
    71: (
        "no_common_cipher_suite",
        "What was offered is too weak for the server",
        "Offer stronger suites and groups (--ciphers, --groups).",
    ),
    112: (
        "unrecognized_name",
        "The server does not know the name that was asked for",
        "Check the name, or send another with --servername.",
    ),
    116: (
        "client_certificate_required",
        "The server wants a client certificate",
        "Give one with --cert and --key.",
    ),
    120: (
        "no_application_protocol",
        "No application protocol in common",
        "Offer another with --alpn, or none with --alpn ''.",
    ),
    80: (
        "handshake_alert",
        "The server failed for a reason of its own (internal_error)",
        "Look into the server's log; a missing certificate or key for this name is the usual cause.",
    ),
    86: (
        "handshake_alert",
        "The server takes this for a downgrade (inappropriate_fallback)",
        "Offer its newest version: leave out --max.",
    ),
}

BROKEN = "The server, or something in between, breaks the protocol: try from another network."

OBJECTIONS: dict[int, tuple[str, str, str]] = {
    10: ("malformed_message", "The server sent a message out of turn", BROKEN),
    20: ("bad_record", "A record from the server fails its authentication", BROKEN),
    22: ("bad_record", "A record from the server is too long", BROKEN),
    40: ("malformed_message", "What the server chose cannot be accepted", BROKEN),
    42: ("malformed_message", "The server's certificate cannot be read", BROKEN),
    43: ("malformed_message", "The server's certificate has an unsupported key", BROKEN),
    47: ("malformed_message", "The server's answer contradicts the ClientHello", BROKEN),
    50: ("malformed_message", "A message from the server cannot be decoded", BROKEN),
    51: ("malformed_message", "A signature or Finished from the server is wrong", BROKEN),
    70: ("version_not_supported", "The server chose a version that was not offered", _OLD),
    80: ("malformed_message", "The server's answer could not be worked with", BROKEN),
    109: ("malformed_message", "The server left out an extension that it must send", BROKEN),
    110: ("malformed_message", "The server sent an extension that was not offered", BROKEN),
}
"""By the alert that our own side sent."""

_STARTTLS = "Use that protocol's TLS port ({}), or --starttls {}."
GREETINGS: tuple[tuple[bytes, str, str], ...] = (
    (rb"SSH-", "SSH", "This is an SSH server: it has its own encryption, not TLS."),
    (rb"220[ -][^\r\n]*FTP", "FTP", _STARTTLS.format(990, "ftp")),
    (rb"220[ -][^\r\n]*LMTP", "LMTP", "Use --starttls lmtp."),
    (rb"220[ -]|[45]54 |421 |502 5", "SMTP", _STARTTLS.format(465, "smtp")),
    (rb"\* (OK|PREAUTH|BYE)", "IMAP", _STARTTLS.format(993, "imap")),
    (rb"\+OK", "POP3", _STARTTLS.format(995, "pop3")),
    (rb"20[01][ -]", "NNTP", _STARTTLS.format(563, "nntp")),
    (rb'"IMPLEMENTATION"', "ManageSieve", "Use --starttls sieve."),
    (rb":\S+ (NOTICE|020|4\d\d)|NOTICE (AUTH|\*)", "IRC", _STARTTLS.format(6697, "irc")),
    (rb"RFB ", "VNC", "VNC's encryption does not begin with TLS."),
    (rb"<\?xml|<stream:", "XMPP", _STARTTLS.format(5223, "xmpp")),
    (rb"-(ERR|NOAUTH|DENIED)", "Redis", "Use the port where the server speaks TLS."),
    (
        rb".\x00\x00[\x00\x01](\x0a[0-9]|\xff)",
        "MySQL",
        "Use --starttls mysql: it changes to TLS.",
    ),
    (
        rb"E\x00\x00.{1,3}S(FATAL|ERROR)|N$",
        "PostgreSQL",
        "It must be asked for TLS first: --starttls postgres.",
    ),
    (rb"\x30.{1,6}\x02\x01\x00\x78", "LDAP", _STARTTLS.format(636, "ldap")),
    (rb"\x00\x00[\x00-\x3f]\x04\x00\x00\x00\x00\x00", "HTTP/2", "This is HTTP/2 without TLS (h2c): use http://."),
    (rb"AMQP", "AMQP", "Use the TLS port 5671."),
    (rb"\x20\x02\x00", "MQTT", "Use the TLS port 8883."),
    (rb"ERROR\r\n", "memcached", "Use the port where the server speaks TLS."),
    (rb"@RSYNCD:", "rsync", "rsync has no encryption of its own."),
    (rb"\xff[\xfb-\xfe]", "Telnet", "Telnet does not begin with TLS."),
    (rb"\x03\x00\x00.\x02?", "RDP", "RDP begins in the clear: --starttls rdp."),
    (rb"\x05[\x00\xff]", "SOCKS", "This is a proxy, not the server."),
)
"""How servers that do not speak TLS introduce themselves: a pattern of their first bytes, name, what to do."""

OBJECTION_WORDS: tuple[tuple[str, str], ...] = (
    ("signature type", "no_common_signature_scheme"),
    ("signature algorithm", "no_common_signature_scheme"),
    ("wrong curve", "no_common_group"),
    ("unsupported protocol", "version_not_supported"),
    ("wrong ssl version", "version_not_supported"),
)
"""By OpenSSL's own words, where its alert says too little."""
