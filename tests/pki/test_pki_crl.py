"""Revocation lists: decoded, checked, asked, and taken into the verdict."""

from __future__ import annotations

from datetime import datetime

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.errors import TargetError
from tlsviz.pki import stores
from tlsviz.pki.crl import ask, load, read_crl
from tlsviz.pki.der import first
from tlsviz.pki.revoked import with_revocations
from tlsviz.pki.verify import judge
from tlsviz.pki.vouchers import Revocation

STORE = stores.from_ders("lab", [ROOT.der])
SENT = (LEAF.der, MIDDLE.der)
SIGNER = make("Test Intermediate", ec_key(1), ROOT, ca=True, organization="Test", usage=None, plain=True)


def listed(
    *revoked: Made,
    by: Made = SIGNER,
    key: object = None,
    begin: datetime = NOW - DAY,
    end: datetime = NOW + 6 * DAY,
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise,
    extension: tuple[x509.ExtensionType, bool] | None = None,
) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.cert.subject).last_update(begin).next_update(end)
    for cert in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(cert.cert.serial_number).revocation_date(NOW - 2 * DAY)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), False)
        builder = builder.add_revoked_certificate(entry.build())
    if extension is not None:
        builder = builder.add_extension(*extension)
    return builder.sign(key or by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def answer(der: bytes, issuer: Made = SIGNER) -> Revocation:
    (found,) = ask([read_crl(der, "list.crl")], [LEAF.der, issuer.der], SENT, NOW)
    return found


def test_a_list_that_revokes_and_one_that_does_not():
    revoked = answer(listed(LEAF))
    assert (revoked.status, revoked.check, revoked.reason) == ("revoked", "verified", "keyCompromise")
    assert (revoked.revoked_at, revoked.certificate, revoked.file) == (NOW - 2 * DAY, 0, "list.crl")
    assert "revoked on 2026-05-30" in revoked.why
    good = answer(listed(MIDDLE))
    assert (good.status, good.check) == ("good", "verified") and "not among the 1 other" in good.why
    assert answer(listed()).why == "the list revokes none"
    assert answer(listed(LEAF, reason=None)).reason is None
    assert answer(listed(LEAF, reason=x509.ReasonFlags.remove_from_crl)).status == "good"


@pytest.mark.parametrize(
    ("der", "why"),
    [
        (listed(LEAF, begin=NOW + DAY), "of a later time"),
        (listed(LEAF, begin=NOW - 9 * DAY, end=NOW - DAY), "good only until 2026-05-31"),
        (listed(LEAF, key=ec_key(4)), "not that of the certificate's issuer"),
        (listed(LEAF, extension=(x509.CRLNumber(1), True)), "cRLNumber is marked critical"),
        (listed(LEAF, extension=(x509.DeltaCRLIndicator(1), True)), "delta"),
        (listed(LEAF, extension=(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)), "1.2.3"),
    ],
    ids=["future", "stale", "forged", "number", "delta", "unknown"],
)
def test_lists_that_do_not_count(der, why):
    found = answer(der)
    assert (found.status, found.check) == ("unusable", "failed") and why in found.why


def unlimited(der: bytes) -> bytes:
    """The list without nextUpdate, signed anew."""
    whole = x509.load_der_x509_crl(der)
    tbs = first(whole.tbs_certlist_bytes)
    parts = [part.whole for part in tbs.children]
    del parts[4]
    content = element(0x30, *parts)
    signature = SIGNER.key.sign(content, ec.ECDSA(hashes.SHA256()))
    return element(0x30, content, tbs.children[1].whole, element(0x03, b"\0", signature))


def element(tag: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    size = len(data)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([128 | len(octets)]) + octets) + data


@pytest.mark.parametrize("revoked", [LEAF, MIDDLE], ids=["revoked", "good"])
def test_a_list_without_an_end_is_not_good_for_ever(revoked):
    """RFC 5280 5.1.2.5 demands nextUpdate; who leaves it out gets as long as a staple that does."""
    young = answer(unlimited(listed(revoked, begin=NOW - 10 * DAY)))
    assert (young.check, young.next_update) == ("verified", None)
    assert young.status == ("revoked" if revoked is LEAF else "good")
    old = answer(unlimited(listed(revoked, begin=NOW - 11 * DAY)))
    assert (old.status, old.check) == ("unusable", "failed")
    assert old.why.endswith("does not say until when it is good (no nextUpdate)")


SHARD, OTHER_SHARD = "http://crl.test/7.crl", "http://crl.test/8.crl"


def scoped(place: str | None, *, users: bool = False, authorities: bool = False) -> tuple[x509.ExtensionType, bool]:
    full = [x509.UniformResourceIdentifier(place)] if place else None
    return x509.IssuingDistributionPoint(full, None, users, authorities, None, False, False), True


def pointing(place: str, *, ca: bool = False) -> Made:
    """A certificate of the signer's that names where its list lies."""
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(place)], None, None, None)
    builder = (
        x509.CertificateBuilder(extensions=list(LEAF.cert.extensions)[1:])
        .subject_name(LEAF.cert.subject)
        .issuer_name(SIGNER.cert.subject)
        .public_key(LEAF.key.public_key())
        .serial_number(77)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(x509.CRLDistributionPoints([point]), False)
    )
    return Made(builder.sign(SIGNER.key, hashes.SHA256()), LEAF.key)


@pytest.mark.parametrize(
    ("made", "extension", "status"),
    [
        (pointing(SHARD), scoped(SHARD, users=True), "good"),
        (pointing(SHARD), scoped(OTHER_SHARD, users=True), "unusable"),
        (LEAF, scoped(SHARD), "unusable"),
        (pointing(SHARD, ca=True), scoped(SHARD, users=True), "unusable"),
        (pointing(SHARD), scoped(None, authorities=True), "unusable"),
        (pointing(SHARD, ca=True), scoped(None, authorities=True), "good"),
    ],
    ids=["its own", "another part", "names no part", "not of authorities", "of authorities only", "of authorities"],
)
def test_a_list_says_nothing_of_what_it_does_not_cover(made, extension, status):
    """Who is not on a part of the list may stand on another; who is on it is revoked."""
    crl = read_crl(listed(MIDDLE, extension=extension))
    (found,) = ask([crl], [made.der, SIGNER.der], [made.der], NOW)
    assert (found.status, found.check) == (status, "verified" if status == "good" else "not_provable")
    assert ("not listed, but the list covers" in found.why) == (status == "unusable")
    (found,) = ask([read_crl(listed(made, extension=extension))], [made.der, SIGNER.der], [made.der], NOW)
    assert found.status == "revoked"


def test_an_issuer_without_crl_sign_may_not_sign_lists():
    found = answer(listed(LEAF, by=MIDDLE), MIDDLE)
    assert found.status == "unusable" and "keyUsage without cRLSign" in found.why


def test_a_list_of_another_issuer_says_nothing():
    other = make("Other", ec_key(3), ca=True)
    assert ask([read_crl(listed(LEAF, by=other))], [LEAF.der, SIGNER.der], SENT, NOW) == ()


def test_what_is_revoked_is_not_trusted_any_more():
    trust = judge(SENT, HOST, NOW, [STORE])
    told = with_revocations(trust, [answer(listed(LEAF))], SENT)
    assert (trust.verdict, told.verdict, told.reasons) == ("trusted", "untrusted", ("revoked",))
    (fault,) = told.faults
    assert (fault.certificate, fault.field) == (0, "tbsCertificate.serialNumber")
    assert "keyCompromise" in fault.detail and "list.crl" in fault.detail
    assert told.stores[0].ways[0].reasons == ("revoked",) and not told.stores[0].ways[0].taken
    good = with_revocations(trust, [answer(listed())], SENT)
    assert good.verdict == "trusted" and len(good.revocations) == 1


@pytest.mark.parametrize(
    ("reason", "now"), [(x509.ReasonFlags.key_compromise, "untrusted"), (x509.ReasonFlags.certificate_hold, "trusted")]
)
def test_a_revocation_lasts_unless_it_only_holds(reason, now):
    trust = judge(SENT, HOST, NOW, [STORE], now=NOW + 30 * DAY)
    told = with_revocations(trust, [answer(listed(LEAF, reason=reason))], SENT)
    assert trust.now is not None and trust.now.verdict == "trusted" and told.verdict == "untrusted"
    assert told.now is not None and told.now.verdict == now and dict(told.now.stores)["lab"] == now


def test_files_in_pem_and_der(tmp_path):
    der = listed(LEAF, extension=(x509.CRLNumber(7), False))
    pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
    for name, data in (("a.crl", der), ("a.pem", b"text\n" + pem + pem)):
        (tmp_path / name).write_bytes(data)
        found = load(tmp_path / name)
        assert {(crl.issuer, crl.number, crl.entries, crl.fault) for crl in found} == {
            ("CN=Test Intermediate,O=Test", 7, 1, "")
        }
        assert found[0].signature_algorithm == "ecdsa-with-SHA256"


@pytest.mark.parametrize("data", [b"", b"no list", b"\x30\x03\x02\x01\x05", ROOT.der])
def test_files_that_hold_no_list(tmp_path, data):
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(TargetError, match="revocation list"):
        load(tmp_path / "bad")
    with pytest.raises(TargetError, match="No such file"):
        load(tmp_path / "missing")


def test_truncated_and_changed_lists_never_raise():
    der = listed(LEAF)
    for end in range(0, len(der), 7):
        assert read_crl(der[:end]).fault
    for place in range(0, len(der), 5):
        changed = bytearray(der)
        changed[place] ^= 0x41
        crl = read_crl(bytes(changed))
        assert all(one.status != "revoked" for one in ask([crl], [LEAF.der, SIGNER.der], SENT, NOW)), place
