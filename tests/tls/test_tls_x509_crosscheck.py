"""Certificates read three ways agree; ``x509_crosscheck.py`` takes those of captures too, and reports the counts."""

from __future__ import annotations

import pytest
from der_build import vectors
from x509_crosscheck import crosscheck
from x509_peer import made


def test_made_certificates() -> None:
    counts = crosscheck(made().items())
    assert counts.wrong == []
    assert counts.certificates == len(made()) and counts.refused == 0
    assert {"names", "key", "not_after", "must_staple", "crls", "policies"} <= set(counts.compared)


@pytest.mark.skipif(not vectors(), reason="no certificate vectors")
def test_certificates_of_the_vectors() -> None:
    counts = crosscheck(vectors().items())
    assert counts.wrong == []
    assert counts.certificates - counts.refused > 800
    assert counts.tree_values > 10_000 and counts.compared.total() > 11_000


def test_a_difference_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import x509_crosscheck

    monkeypatch.setattr(x509_crosscheck, "read", lambda der: x509_crosscheck.Certificate(der, "", serial="01"))
    wrong = crosscheck([("one", made()["ec"])]).wrong
    assert {line.split(": ")[1] for line in wrong} >= {"serial", "not_before", "subject_cn", "key", "extensions"}
