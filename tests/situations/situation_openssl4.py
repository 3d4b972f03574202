"""Servers that refuse, played by the OpenSSL inside of Python: what an OpenSSL 4 says where `openssl` is a 3.0."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from OpenSSL import SSL
from situation_case import HOST, TLS12, TLS13, Situation
from situation_servers import Serve, authority, lab

from tlsviz.lab.server import LabServer, ServerSettings

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # pyOpenSSL has no call for a name's refusal, nor for schemes
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]
_ALERT_FATAL = 2


def prepared(prepare: Callable[[SSL.Context], object], **settings: object) -> Serve:
    """The lab's server, its context changed by ``prepare``, whose result is kept as long as it serves."""

    @contextlib.contextmanager
    def serve() -> Iterator[int]:
        server = LabServer(ServerSettings(**settings), authority().server(), authority())  # type: ignore[arg-type]
        kept = prepare(server._context)
        with server:
            yield server.port
        del kept

    return serve


def _reject_names(context: SSL.Context) -> object:
    refuse = _ffi.callback("int(SSL *, int *, void *)", lambda _ssl, _alert, _data: _ALERT_FATAL)
    _lib.SSL_CTX_set_tlsext_servername_callback(context._context, refuse)
    return refuse


def _speak_another(context: SSL.Context) -> object:
    kind = "int(SSL *, unsigned char **, unsigned char *, unsigned char *, unsigned int, void *)"
    refuse = _ffi.callback(kind, lambda *_: _ALERT_FATAL)
    _lib.SSL_CTX_set_alpn_select_cb(context._context, refuse, _ffi.NULL)
    return refuse


OPENSSL4 = (
    Situation(
        "OpenSSL 4 of TLS 1.2 for a client of 1.3",
        lab(max_version="1.2"),
        "version_not_supported",
        ("protocol_version (70)", "offered: tls 1.3"),
        TLS13,
    ),
    Situation(
        "OpenSSL 4 of TLS 1.3 for a client of 1.2",
        lab(min_version="1.3"),
        "version_not_supported",
        ("protocol_version (70)", "offered: tls 1.2"),
        TLS12,
    ),
    Situation(
        "OpenSSL 4 of TLS 1.2 for a client of 1.0",
        lab(min_version="1.2"),
        "version_not_supported",
        ("protocol_version (70)", "offered: tls 1.0"),
        {"min_version": "1.0", "max_version": "1.0"},
    ),
    Situation(
        "OpenSSL 4 without a cipher suite in common in TLS 1.2",
        lab(max_version="1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"),
        "no_common_cipher_suite",
        ("handshake_failure (40)", "tls_ecdhe_ecdsa_with_aes_128_gcm_sha256"),
        {**TLS12, "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"},
    ),
    Situation(
        "OpenSSL 4 without a cipher suite in common in TLS 1.3",
        lab(min_version="1.3", suites="TLS_AES_128_GCM_SHA256"),
        "no_common_cipher_suite",
        ("handshake_failure (40)", "tls_aes_256_gcm_sha384"),
        {**TLS13, "ciphers": "TLS_AES_256_GCM_SHA384"},
    ),
    Situation(
        "OpenSSL 4 without a cipher suite in common in TLS 1.3, re-probed",
        lab(min_version="1.3", suites="TLS_AES_128_GCM_SHA256"),
        "no_common_cipher_suite",
        ("answers when more cipher suites are offered",),
        {**TLS13, "ciphers": "TLS_AES_256_GCM_SHA384", "probe": True},
        quick=False,
    ),
    Situation(
        "OpenSSL 4 without a group in common",
        lab(groups="P-384"),
        "no_common_group",
        ("handshake_failure (40)", "x25519"),
        {**TLS13, "groups": "X25519"},
    ),
    Situation(
        "OpenSSL 4 without a group in common, re-probed",
        lab(groups="P-384"),
        "no_common_group",
        ("answers when other groups are offered",),
        {**TLS13, "groups": "X25519:X448", "probe": True},
        quick=False,
    ),
    Situation(
        "OpenSSL 4 with a certificate that no offered scheme can sign",
        lab(),
        "no_common_signature_scheme",
        ("handshake_failure (40)", "rsa_pss_rsae_sha256"),
        {**TLS13, "sigalgs": "RSA-PSS+SHA256"},
    ),
    Situation(
        "OpenSSL 4 with a certificate that no offered scheme can sign, in TLS 1.2",
        lab(),
        "no_common_signature_scheme",
        ("handshake_failure (40)", "answers when"),
        {**TLS12, "sigalgs": "RSA-PSS+SHA256", "probe": True},
        quick=False,
    ),
    Situation(
        "OpenSSL 4 that rejects the name",
        prepared(_reject_names),
        "unrecognized_name",
        ("unrecognized_name (112)", HOST),
    ),
    Situation(
        "OpenSSL 4 that rejects the name in TLS 1.2",
        prepared(_reject_names),
        "unrecognized_name",
        ("unrecognized_name (112)", HOST),
        TLS12,
    ),
    Situation(
        "OpenSSL 4 without an application protocol in common",
        prepared(_speak_another),
        "no_application_protocol",
        ("offered: http/1.1",),
    ),
    Situation(
        "OpenSSL 4 that wants a client certificate in TLS 1.3",
        lab(client_certificate=True),
        "client_certificate_required",
        ("certificate_required (116)", "tlsviz lab root"),
        TLS13,
    ),
    Situation(
        "OpenSSL 4 that wants a client certificate in TLS 1.2",
        lab(client_certificate=True),
        "client_certificate_required",
        ("handshake_failure (40)", "tlsviz lab root"),
        TLS12,
    ),
    Situation(
        "OpenSSL 4 that refuses the client certificate in TLS 1.3",
        lab(client_certificate=True),
        "client_certificate_refused",
        ("a client certificate was sent",),
        TLS13,
        client="foreign client",
    ),
    Situation(
        "OpenSSL 4 that refuses the client certificate in TLS 1.2",
        lab(client_certificate=True),
        "client_certificate_refused",
        ("a client certificate was sent",),
        TLS12,
        client="foreign client",
    ),
)
