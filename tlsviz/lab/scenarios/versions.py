"""Handshakes that work, from TLS 1.3 back to 1.0."""

from __future__ import annotations

from tlsviz.lab.authority import Authority, Issued
from tlsviz.lab.scenarios.scenario import Group, Scenario
from tlsviz.lab.server import ServerSettings


def _rsa(authority: Authority) -> Issued:
    return authority.server(kind="rsa")


GROUP = Group(
    "Versions and cipher suites",
    (
        Scenario(
            "tls13",
            "TLS 1.3, everything current",
            "One round trip; all after ServerHello is encrypted; a post-quantum key exchange (X25519MLKEM768).",
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
            "No ServerKeyExchange: the client encrypts the premaster secret to the certificate's key. "
            "No forward secrecy.",
            "TLS 1.2",
            "TLS_RSA_WITH_AES_128_GCM_SHA256",
            certificate=_rsa,
            server=ServerSettings(max_version="1.2", ciphers="AES128-GCM-SHA256"),
        ),
        Scenario(
            "hello-retry",
            "TLS 1.3 with HelloRetryRequest",
            "The client guessed the group wrong: the server names secp384r1, and a second ClientHello follows.",
            server=ServerSettings(groups="secp384r1"),
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
            "tls12-cbc",
            "TLS 1.2 with a CBC suite",
            "Encrypt-then-MAC (RFC 7366) and an explicit IV in each record.",
            "TLS 1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
            server=ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES128-SHA"),
        ),
        Scenario(
            "tls10",
            "TLS 1.0",
            "A version that RFC 8996 put to rest: CBC with a chained IV, MD5 and SHA-1 in the signature and the PRF.",
            "TLS 1.0",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
            server=ServerSettings(max_version="1.0", ciphers="ECDHE-ECDSA-AES128-SHA"),
        ),
    ),
)
