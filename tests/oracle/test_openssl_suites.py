"""Some of OpenSSL's cipher suites in each version; ``openssl_suites.py`` takes all of them."""

from __future__ import annotations

import openssl_suites
import pytest

NAMES = openssl_suites.offered()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("TLS_")] + NAMES[5::9])
def test_connected_decrypted_proven(name: str) -> None:
    versions = ("1.3",) if name.startswith("TLS_") else ("1.2", "1.0")
    outcomes = [openssl_suites.judged(name, version) for version in versions]
    assert {outcome.status for outcome in outcomes} <= {"proven", "unsupported", "not offered"}
    if "ARIA" not in name and "SRP" not in name:
        assert outcomes[0].status == "proven", outcomes[0]
