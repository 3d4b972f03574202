"""Situations that a client meets, each with the one right diagnosis: the truth that the diagnosis is held to."""

from __future__ import annotations

import datetime as dt
import socket
import struct

import situation_servers as servers
from odd_servers import alert, flood, reset, saying, silent, trickle, wait_for_end
from situation_case import HOST, TLS12, TLS13, Situation
from situation_openssl4 import OPENSSL4
from situation_ports import PORTS
from situation_servers import alerts, behind, greets, lab, nginx, odd, s_server
from situation_through import THROUGH

from tlsviz.lab.authority import DAY


def record(content_type: int, body: bytes, version: int = 0x0303) -> bytes:
    return struct.pack(">BHH", content_type, version, len(body)) + body


def handshake(kind: int, body: bytes, length: int | None = None) -> bytes:
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


_SERVER_HELLO = handshake(2, b"\x03\x03" + bytes(32) + b"\x00\xc0\x2b\x00")
_PROBE = {"probe": True}
_SIZE_LIMIT = 1200


def _stalling(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(record(22, _SERVER_HELLO)[:30])
    wait_for_end(sock)


def _named(hello: bytes) -> bool:
    return HOST.encode() in hello


_GONE = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
_LATER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

THE_WAY = (
    Situation("a name that does not exist", servers.nobody, "name_not_found", ("not known",), resolver=_GONE),
    Situation("a name service in trouble", servers.nobody, "name_lookup_failed", ("temporary",), resolver=_LATER),
    Situation(
        "a name service that is silent",
        servers.nobody,
        "name_lookup_failed",
        ("no answer within 0.3 s",),
        resolver=0.6,
        timeout=0.3,
    ),
    Situation("a name without an address", servers.nobody, "name_not_found", ("no address",), resolver=()),
    Situation(
        "an address without a route", servers.nobody, "host_unreachable", ("unreachable",), address="255.255.255.255"
    ),
    Situation("a closed port", servers.closed_port, "connection_refused", ("refused",)),
    Situation("a filtered port", servers.full_backlog, "connection_timed_out", ("did not answer",), timeout=0.4),
    Situation(
        "a filtered port, re-probed",
        servers.full_backlog,
        "connection_timed_out",
        ("drops packets", "host is up"),
        {**_PROBE},
        timeout=0.4,
        quick=False,
    ),
)

SILENCE = (
    Situation("reset after the hello", odd(saying(b"", reset)), "reset_after_client_hello", ("not one byte",)),
    Situation("closed after the hello", odd(saying(b"")), "closed_after_client_hello", ("not one byte",)),
    Situation("closed politely", odd(saying(alert(0, level=1))), "closed_after_client_hello"),
    Situation(
        "closed in the middle of the ServerHello",
        odd(saying(record(22, _SERVER_HELLO)[:20])),
        "closed_after_client_hello",
        ("the beginning of server_hello",),
    ),
    Situation("a port that is silent", odd(silent), "handshake_timed_out", ("no answer to the",), timeout=0.4),
    Situation(
        "a port that is silent, re-probed",
        odd(silent),
        "handshake_timed_out",
        ("drop all tls", "other protocols wait", "another network"),
        _PROBE,
        timeout=0.4,
        quick=False,
    ),
    Situation(
        "a server that stalls", odd(_stalling), "handshake_timed_out", ("fell silent", "30 bytes came"), timeout=0.6
    ),
    Situation(
        "a server that says a byte now and then",
        odd(trickle(record(22, handshake(2, bytes(4000))), 0.05)),
        "handshake_timed_out",
        ("too slowly",),
        timeout=0.6,
    ),
    Situation(
        "a path that drops large hellos",
        behind(lambda hello: len(hello) > _SIZE_LIMIT),
        "reset_after_client_hello",
        ("answers without the 1,216-byte post-quantum share", "--groups X25519"),
        _PROBE,
        quick=False,
    ),
    Situation(
        "a filter for the name",
        behind(_named),
        "reset_after_client_hello",
        ("answers when no server name is sent", "filter reads the server name"),
        _PROBE,
        quick=False,
    ),
    Situation(
        "a filter that reads one segment",
        behind(lambda hello: len(hello) == 5 + int.from_bytes(hello[3:5], "big") and len(hello) > 1000),
        "reset_after_client_hello",
        ("re-probes",),
        {**_PROBE, "groups": "X25519MLKEM768"},
        quick=False,
    ),
    Situation(
        "a server that trips over TLS 1.3",
        behind(lambda hello: b"\x00\x2b\x00\x09\x08\x03\x04" in hello),
        "reset_after_client_hello",
        ("answers in TLS 1.2",),
        _PROBE,
        quick=False,
    ),
    Situation(
        "a server that fails now and then",
        servers.first_time_only,
        "reset_after_client_hello",
        ("comes and goes",),
        _PROBE,
        quick=False,
    ),
)

FOREIGN = (
    Situation("plain HTTP by nginx", nginx(tls=False), "plain_http_on_tls_port", ("http/1.1 400",)),
    Situation(
        "plain HTTP that only speaks when asked",
        odd(lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n") if sock.recv(4096).startswith(b"GET") else None),
        "plain_http_on_tls_port",
        ("answers in the clear",),
        _PROBE,
        quick=False,
    ),
    Situation("SSH", greets(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "not_tls", ("ssh server",)),
    Situation("SMTP", greets(b"220 mail.lab.test ESMTP Postfix\r\n"), "not_tls", ("smtp", "--starttls smtp")),
    Situation("FTP", greets(b"220 (vsFTPd 3.0.3)\r\n"), "not_tls", ("ftp", "--starttls ftp")),
    Situation("IMAP", greets(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"), "not_tls", ("imap", "993")),
    Situation("POP3", greets(b"+OK Dovecot ready.\r\n"), "not_tls", ("pop3", "995")),
    Situation("MySQL", greets(b"J\0\0\0\x0a8.0.36\0" + bytes(60)), "not_tls", ("mysql", "--starttls mysql")),
    Situation("Redis", odd(saying(b"-ERR unknown command\r\n")), "not_tls", ("redis",)),
    Situation("HTTP/2 in the clear", greets(b"\0\0\x12\x04\0\0\0\0\0" + bytes(18)), "not_tls", ("h2c",)),
    Situation("bytes of no protocol", odd(saying(bytes(range(256)) * 8)), "not_tls"),
    Situation(
        "TLS on port 80", servers.port_80, None, ("https://",), beside="tls_on_plain_port", options={"resolve": None}
    ),
)

REFUSED = (
    Situation(
        "a server of TLS 1.2 for a client of 1.3",
        s_server("-tls1_2"),
        "version_not_supported",
        ("protocol_version (70)", "offered: tls 1.3"),
        TLS13,
    ),
    Situation(
        "a server of TLS 1.3 for a client of 1.2",
        s_server("-tls1_3"),
        "version_not_supported",
        ("offered: tls 1.2",),
        TLS12,
    ),
    Situation(
        "no cipher suite in common",
        s_server("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        "no_common_cipher_suite",
        ("handshake_failure (40)", "tls_ecdhe_ecdsa_with_aes_128_gcm_sha256"),
        {"max_version": "1.2", "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"},
    ),
    Situation(
        "no cipher suite in common, re-probed",
        s_server("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        "no_common_cipher_suite",
        ("answers when more cipher suites are offered",),
        {**_PROBE, "max_version": "1.2", "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"},
        quick=False,
    ),
    Situation(
        "no cipher suite in common with a server of AES_128_CCM_8 alone, re-probed",
        s_server("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256", "-groups", "P-521"),
        "no_common_cipher_suite",
        ("answers when more cipher suites are offered",),
        _PROBE,
        quick=False,
    ),
    Situation(
        "a server that knows its clients by a shared secret, re-probed",
        s_server("-tls1_2", "-nocert", "-psk", "1234"),
        "no_common_cipher_suite",
        ("offers without psk and srp", "no psk and no srp suite was among them"),
        _PROBE,
        quick=False,
    ),
    Situation(
        "no group in common",
        s_server("-groups", "P-384"),
        "no_common_group",
        ("x25519",),
        {"groups": "X25519", "min_version": "1.3"},
    ),
    Situation(
        "no group in common among two, re-probed",
        s_server("-groups", "P-384"),
        "no_common_group",
        ("answers when other groups are offered",),
        {**_PROBE, "groups": "X25519:X448", "min_version": "1.3"},
        quick=False,
    ),
    Situation(
        "no signature scheme for an ECDSA certificate",
        s_server(),
        "no_common_signature_scheme",
        ("rsa_pss_rsae_sha256",),
        {"sigalgs": "RSA-PSS+SHA256", "min_version": "1.3"},
    ),
    Situation(
        "a name that nginx rejects",
        nginx("ssl_reject_handshake on;"),
        "unrecognized_name",
        ("unrecognized_name (112)", HOST),
    ),
    Situation(
        "no application protocol in common",
        s_server("-alpn", "h2"),
        "no_application_protocol",
        ("offered: http/1.1",),
    ),
    Situation("internal_error", alerts(80), "handshake_alert", ("internal_error (80)", "log")),
    Situation("insufficient_security", alerts(71), "no_common_cipher_suite", ("too weak",)),
    Situation("inappropriate_fallback", alerts(86), "handshake_alert", ("downgrade",)),
    Situation("decode_error", alerts(50), "handshake_alert", ("post-quantum", "tls 1.3")),
    Situation("an alert that nobody knows", alerts(222), "handshake_alert", ("222",)),
    Situation(
        "a server that says only handshake_failure, re-probed",
        alerts(40),
        "no_common_cipher_suite",
        ("none of them worked",),
        _PROBE,
        quick=False,
    ),
)

CLIENTS = (
    Situation(
        "a client certificate wanted in TLS 1.3",
        s_server("-Verify", "1", "-verify_return_error", "-CAfile", "{folder}/ca.pem"),
        "client_certificate_required",
        ("certificate_required (116)", "acceptable issuers:", "tlsviz lab root"),
    ),
    Situation(
        "a client certificate wanted in TLS 1.2",
        s_server("-Verify", "1", "-verify_return_error", "-CAfile", "{folder}/ca.pem"),
        "client_certificate_required",
        ("handshake_failure (40)", "tlsviz lab root"),
        TLS12,
    ),
    Situation(
        "a client certificate of an unknown issuer",
        s_server("-Verify", "1", "-verify_return_error", "-CAfile", "{folder}/ca.pem"),
        "client_certificate_refused",
        ("unknown_ca (48)", "a client certificate was sent"),
        client="foreign client",
    ),
    Situation(
        "a client certificate that nginx wants",
        nginx("ssl_verify_client on; ssl_client_certificate {folder}/ca.pem;"),
        "client_certificate_required",
        ("400",),
    ),
    Situation(
        "a client certificate that nginx refuses",
        nginx("ssl_verify_client on; ssl_client_certificate {folder}/ca.pem;"),
        "client_certificate_refused",
        ("400",),
        client="foreign client",
    ),
    Situation("a client certificate that is good", lab(client_certificate=True), None, client="client"),
)

BROKEN = (
    Situation("a ServerHello cut short", odd(saying(record(22, handshake(2, b"hello")))), "malformed_message"),
    Situation("a Finished at once", odd(saying(record(22, handshake(20, bytes(12))))), "malformed_message"),
    Situation("a record too long", odd(saying(b"\x16\x03\x03\xff\xff" + bytes(20000))), "bad_record"),
    Situation(
        "SSL 3.0 chosen",
        odd(saying(record(22, handshake(2, b"\x03\x00" + bytes(32) + b"\x00\xc0\x2b\x00")))),
        "version_not_supported",
    ),
    Situation("records without end", odd(flood(record(22, b""))), "malformed_message"),
    Situation(
        "16 MB of certificates",
        odd(
            saying(
                record(22, _SERVER_HELLO) + record(22, handshake(11, b"", 0xFFFFFF)), flood(record(22, bytes(16000)))
            )
        ),
        "malformed_message",
    ),
)

CERTIFICATES = (
    Situation(
        "an expired certificate",
        lab(lambda made: made.server(begin=dt.timedelta(days=-400), end=-DAY)),
        "certificate_expired",
    ),
    Situation(
        "a certificate for another name",
        lab(lambda made: made.server(names=("other.lab.test",))),
        "certificate_name_mismatch",
        ("other.lab.test",),
    ),
    Situation(
        "a certificate of its own making", lab(lambda made: made.server(issuer="self")), "certificate_self_signed"
    ),
    Situation(
        "a certificate of an unknown authority", lab(lambda made: made.stranger.server()), "certificate_unknown_issuer"
    ),
    Situation("a missing intermediate", lab(send_chain=False), "certificate_missing_intermediate"),
)

BEHIND = (
    Situation("a page that is not there", nginx(location="return 404;"), "http_error", ("404 not found",)),
    Situation(
        "a backend that is down", nginx(location="proxy_pass http://127.0.0.1:1;"), "http_error", ("502", "behind it")
    ),
    Situation("all well, by nginx", nginx(), None),
    Situation("all well, by openssl s_server", s_server(), None),
    Situation("all well, in TLS 1.2", s_server("-tls1_2"), None),
)

SITUATIONS = (
    *(*THE_WAY, *SILENCE, *FOREIGN, *REFUSED, *OPENSSL4, *CLIENTS, *BROKEN, *CERTIFICATES, *BEHIND),
    *(*PORTS, *THROUGH),
)
