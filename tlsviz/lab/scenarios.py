"""What the lab can show: each scenario is a server, what the client says to it, and what must come of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from tlsviz.lab.authority import SERVER_NAME, Authority, Issued
from tlsviz.lab.server import ServerSettings
from tlsviz.pki.trust import Reason, Verdict
from tlsviz.sources.options import LiveOptions

DAY = dt.timedelta(days=1)


def _good(authority: Authority) -> Issued:
    return authority.server()


def _rsa(authority: Authority) -> Issued:
    return authority.server(kind="rsa")


def _expired(authority: Authority) -> Issued:
    return authority.server(begin=-100 * DAY, end=-10 * DAY)


def _wrong_name(authority: Authority) -> Issued:
    return authority.server(names=("other.lab.test",))


def _self_signed(authority: Authority) -> Issued:
    return authority.server(issuer="self")


def _stranger(authority: Authority) -> Issued:
    return authority.stranger.server()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to see.

    ``version`` and ``suite`` are what must be negotiated, None where nothing is; ``diagnosis`` is the code of the
    finding that must come of it, None where all is well. ``client_certificate``: the client has one.
    """

    name: str
    title: str
    what_to_see: str
    version: str | None
    suite: str | None
    verdict: Verdict = "trusted"
    reasons: tuple[Reason, ...] = ()
    diagnosis: str | None = None
    certificate: Callable[[Authority], Issued] = _good
    server: ServerSettings = ServerSettings()
    options: LiveOptions = LiveOptions(servername=SERVER_NAME)
    client_certificate: bool = False


def _client(**options: str) -> LiveOptions:
    return LiveOptions(SERVER_NAME, None, ("http/1.1",), **options)  # type: ignore[arg-type]


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "tls13",
        "TLS 1.3, everything current",
        "One round trip; all after ServerHello is encrypted; a post-quantum key exchange (X25519MLKEM768).",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
    ),
    Scenario(
        "tls12",
        "TLS 1.2 with ECDHE",
        "Two round trips; the certificate travels in the clear; ServerKeyExchange is signed.",
        "TLS 1.2",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        server=ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
    ),
    Scenario(
        "tls12-rsa",
        "TLS 1.2 with RSA key exchange",
        "No ServerKeyExchange: the client encrypts the premaster secret to the certificate's key. No forward secrecy.",
        "TLS 1.2",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        certificate=_rsa,
        server=ServerSettings(max_version="1.2", ciphers="AES128-GCM-SHA256"),
    ),
    Scenario(
        "hello-retry",
        "TLS 1.3 with HelloRetryRequest",
        "The client guessed the group wrong: the server names secp384r1, and a second ClientHello follows.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        server=ServerSettings(groups="secp384r1"),
    ),
    Scenario(
        "client-auth",
        "TLS 1.3 with a client certificate",
        "CertificateRequest; the client sends Certificate and CertificateVerify of its own.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        server=ServerSettings(client_certificate=True),
        client_certificate=True,
    ),
    Scenario(
        "client-auth-missing",
        "A client certificate is required, and there is none",
        "The client's Certificate is empty; the server's alert comes when the client believes all is done.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        diagnosis="client_certificate_required",
        server=ServerSettings(client_certificate=True),
    ),
    Scenario(
        "expired",
        "An expired certificate",
        "The handshake is flawless; the certificate's time is over.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        "untrusted",
        ("expired",),
        "certificate_expired",
        certificate=_expired,
    ),
    Scenario(
        "wrong-name",
        "A certificate for another name",
        "The certificate is good, but for other.lab.test.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        "untrusted",
        ("name_mismatch",),
        "certificate_name_mismatch",
        certificate=_wrong_name,
    ),
    Scenario(
        "self-signed",
        "A self-signed certificate",
        "The certificate vouches only for itself.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        "untrusted",
        ("self_signed",),
        "certificate_self_signed",
        certificate=_self_signed,
    ),
    Scenario(
        "unknown-issuer",
        "An issuer that nobody knows",
        "The chain is whole, but no store has its root.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        "untrusted",
        ("unknown_issuer",),
        "certificate_unknown_issuer",
        certificate=_stranger,
    ),
    Scenario(
        "missing-intermediate",
        "The intermediate certificate is not sent",
        "The most common fault of all: some clients find the way to the root by other means, others do not.",
        "TLS 1.3",
        "TLS_AES_256_GCM_SHA384",
        "untrusted",
        ("missing_intermediate",),
        "certificate_missing_intermediate",
        server=ServerSettings(send_chain=False),
    ),
    Scenario(
        "tls10",
        "TLS 1.0",
        "A version that RFC 8996 put to rest: CBC with a chained IV, MD5 and SHA-1 in the signature and the PRF.",
        "TLS 1.0",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        server=ServerSettings(max_version="1.0", ciphers="ECDHE-ECDSA-AES128-SHA"),
    ),
    Scenario(
        "tls12-cbc",
        "TLS 1.2 with a CBC suite",
        "Encrypt-then-MAC (RFC 7366) and an explicit IV in each record.",
        "TLS 1.2",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        server=ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES128-SHA"),
    ),
    Scenario(
        "chacha20",
        "TLS 1.3 with ChaCha20-Poly1305",
        "The suite for machines without AES instructions.",
        "TLS 1.3",
        "TLS_CHACHA20_POLY1305_SHA256",
        server=ServerSettings(suites="TLS_CHACHA20_POLY1305_SHA256"),
    ),
    Scenario(
        "old-server",
        "No version in common",
        "The server ends at TLS 1.2, the client begins at 1.3: one hello, one alert.",
        None,
        None,
        "unknown",
        diagnosis="version_not_supported",
        server=ServerSettings(max_version="1.2"),
        options=_client(min_version="1.3"),
    ),
    Scenario(
        "no-cipher",
        "No cipher suite in common",
        "The client offers one suite, the server wants another: one hello, one alert.",
        None,
        None,
        "unknown",
        diagnosis="no_common_cipher_suite",
        server=ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"),
        options=_client(max_version="1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
    ),
)
"""In the order of a lesson."""

DEFAULT = "tls13"
