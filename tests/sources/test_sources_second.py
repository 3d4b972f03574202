"""OpenSSL's own verdict on live handshakes: noted, beside ours, and never in the way of the handshake."""

from __future__ import annotations

import pytest

from tlsviz.connection.model import Connection
from tlsviz.lab.run import run_scenario
from tlsviz.sources.second import error_name


def shaken(name: str) -> Connection:
    return run_scenario(name).connections[0]


@pytest.mark.parametrize(
    ("scenario", "code", "name"),
    [
        ("tls13", 0, "X509_V_OK"),
        ("tls12", 0, "X509_V_OK"),
        ("expired", 10, "X509_V_ERR_CERT_HAS_EXPIRED"),
        ("wrong-name", 62, "X509_V_ERR_HOSTNAME_MISMATCH"),
        ("self-signed", 18, "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT"),
    ],
)
def test_openssl_agrees_and_the_handshake_goes_on(scenario: str, code: int, name: str) -> None:
    connection = shaken(scenario)
    assert connection.complete and connection.trust is not None
    opinion = connection.trust.openssl
    assert opinion is not None
    assert (opinion.code, opinion.name, opinion.store, opinion.agrees) == (code, name, "lab", True)
    assert opinion.text and opinion.text.isprintable() and opinion.version.startswith("OpenSSL ")
    assert "verdicts_disagree" not in {finding.code for finding in connection.findings}


def test_the_place_in_the_chain_is_said() -> None:
    trust = shaken("expired").trust
    assert trust is not None and trust.openssl is not None
    assert (trust.openssl.depth, trust.openssl.subject) == (0, "www.lab.test")


def test_without_a_certificate_there_is_no_opinion() -> None:
    trust = shaken("old-server").trust
    assert trust is not None and trust.openssl is None


def test_names_of_numbers_that_the_binding_lacks() -> None:
    assert error_name(0) == "X509_V_OK"
    assert error_name(66) == "X509_V_ERR_EE_KEY_TOO_SMALL"
    assert error_name(9999) == "X509_V_ERR_9999"
