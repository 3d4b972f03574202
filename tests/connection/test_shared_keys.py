"""Connections in which a pre-shared key takes the place of certificates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import shake
from samples import foreign

from tlsviz.connection.judge import judged
from tlsviz.connection.model import CodePoint, Connection
from tlsviz.connection.rows import outcome
from tlsviz.connection.titles import shares_key, unproven
from tlsviz.explain.overview import overview
from tlsviz.tls import registry

PLAIN, FRESH, WITH_RSA, WITHOUT = 0xC0A8, 0xD001, 0x00AC, 0xC02B
"""TLS_PSK_WITH_AES_128_CCM_8, TLS_ECDHE_PSK_..., TLS_RSA_PSK_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_..."""


def agreed(code: int) -> Connection:
    """A whole handshake without certificates, by this suite."""
    connection = shake("1.2").connection(keys=False)
    kept = tuple(m for m in connection.messages if m.type not in ("certificate", "server_key_exchange"))
    suite = CodePoint(code, 2, registry.cipher_suites.get(code))
    return judged(replace(connection, cipher_suite=suite, messages=kept, certificates=()))


@pytest.mark.parametrize("code", [PLAIN, FRESH])
def test_it_is_whole_and_nobody_asks_for_certificates(code: int) -> None:
    connection = agreed(code)
    assert shares_key(connection) and unproven(connection) == "no certificate: pre-shared key"
    assert outcome(connection) == ("complete", "pre-shared key")
    assert any("a key that both had before" in each.text for each in overview(connection).sentences)


@pytest.mark.parametrize("code", [WITH_RSA, WITHOUT])
def test_suites_with_certificates_are_not_meant(code: int) -> None:
    assert outcome(agreed(code)) == ("unknown", "trust unknown")


def test_what_was_recorded_rests_on_the_key_that_was_there() -> None:
    def found(code: int) -> list[str]:
        return [f"{f.title} {f.mend}" for f in agreed(code).findings if f.code == "no_forward_secrecy"]

    (plain,), (rsa,) = found(PLAIN), found(WITH_RSA)
    assert "Whoever gets the pre-shared key" in plain and "private key" not in plain and "nginx" not in plain
    assert "private key and the pre-shared key" in rsa
    assert not found(FRESH)
    said = " ".join(each.text for each in overview(agreed(PLAIN)).sentences)
    assert "gets the pre-shared key" in said and "server's long-lived" not in said


def test_a_capture_of_one_says_so() -> None:
    for keys in (False, True):
        for (connection,) in foreign("wireshark-4.4.18/dtls12-aes128ccm8.pcap", keys=keys).values():
            assert outcome(connection) == ("complete", "pre-shared key")
