"""The chain's proof: verified only where every signature up to an anchor is right, whatever else is wrong."""

from __future__ import annotations

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make, rsa_key

from tlsviz.connection.model import ProofStatus
from tlsviz.connection.proofs.beside import chain
from tlsviz.pki import stores
from tlsviz.pki.trust import Trust
from tlsviz.pki.verify import judge

STORE = stores.from_ders("lab", [ROOT.der])
OLD = NOW - DAY
FORGED = Made(ROOT.cert, rsa_key(2048))
"""The root's name with a key of another kind: what it signs, the root's key cannot be asked about."""
ODD_KIND = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040377")
"""ecdsa-with-SHA256, and an algorithm that nobody knows."""


def trust(*ders: bytes, name: str = HOST, cut: bool = False) -> Trust:
    return judge(ders, name, NOW, [STORE], cut=cut)


def status(found: Trust) -> ProofStatus:
    (proof,) = chain(found)
    return proof.status


@pytest.mark.parametrize("name", [HOST, "other.test"])
def test_dates_and_names_do_not_break_links(name: str) -> None:
    assert status(trust(LEAF.der, MIDDLE.der, name=name)) == "verified"
    old = make(HOST, ec_key(2), MIDDLE, names=(HOST,), end=OLD)
    assert status(trust(old.der, MIDDLE.der, name=name)) == "verified"


@pytest.mark.parametrize(
    "der",
    [
        make(HOST, ec_key(2), FORGED, names=(HOST,), end=OLD, plain=True).der,
        make(HOST, ec_key(2), ROOT, names=(HOST,), end=OLD).der.replace(*ODD_KIND),
    ],
    ids=["another kind of key", "unknown algorithm"],
)
def test_a_signature_that_nobody_can_check_verifies_nothing_beside_a_date(der: bytes) -> None:
    found = trust(der)
    assert found.reasons == ("expired", "unsupported")
    assert found.faults[1].field == "signatureAlgorithm" and "could not be checked" in found.faults[1].detail
    assert status(found) == "not_provable"


def test_a_list_that_is_cut_shows_no_way_up() -> None:
    old = make(HOST, ec_key(2), MIDDLE, names=(HOST,), end=OLD)
    found = trust(old.der, cut=True)
    assert found.reasons == ("expired",)
    assert status(found) == "not_provable"


def test_a_wrong_signature_fails() -> None:
    old = make(HOST, ec_key(2), Made(ROOT.cert, ec_key(9)), names=(HOST,), end=OLD, plain=True)
    assert status(trust(old.der)) == "failed"
