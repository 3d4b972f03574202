"""Findings about certificates, from the chain that a connection shows to what `check` says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from certificate_makers import CLIENT_AUTH, DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.connection.judge import Evidence, judged
from tlsviz.connection.model import Connection, Finding, SentCertificate
from tlsviz.pki import stores
from tlsviz.pki.crl import read_crl
from tlsviz.pki.trust import Borrowed
from tlsviz.pki.vouchers import SecondOpinion
from tlsviz.wire.chunks import CLIENT, SERVER

LAB = stores.from_ders("lab", [ROOT.der])
OTHER = stores.from_ders("other", [make("Other Root", ec_key(5), ca=True).der])


def shown(
    *chain: Made,
    at: datetime = NOW,
    name: str = HOST,
    client: tuple[Made, ...] = (),
    judges: tuple[stores.Store, ...] = (LAB,),
    evidence: Evidence | None = None,
) -> Connection:
    """A connection that showed these certificates, judged."""
    sent = [SentCertificate(SERVER, index, made.der) for index, made in enumerate(chain)]
    sent += [SentCertificate(CLIENT, index, made.der) for index, made in enumerate(client)]
    connection = Connection(start=at.timestamp(), server_name=name, certificates=tuple(sent), complete=True)
    return judged(connection, judges, evidence=evidence)


def codes(connection: Connection) -> dict[str, Finding]:
    return {finding.code: finding for finding in connection.findings}


def test_a_good_chain_gives_no_finding():
    assert codes(shown(LEAF, MIDDLE)) == {}


def test_which_certificate_is_at_fault_is_said():
    old = make("Old", ec_key(1), ROOT, ca=True, end=NOW - DAY)
    found = codes(shown(make(HOST, ec_key(2), old, names=(HOST,)), old))["certificate_expired"]
    assert found.severity == "error" and found.evidence.startswith("certificate 2: expired on")
    assert "intermediate" in found.title and "need not be renewed" in found.mend


def test_who_must_mend_an_expired_root_is_said():
    old = make("Old Root", ec_key(1), ca=True, end=NOW - DAY)
    leaf = make(HOST, ec_key(2), old, names=(HOST,))
    found = codes(shown(leaf, judges=(stores.from_ders("lab", [old.der]),)))["certificate_expired"]
    assert "root" in found.title and "trust stores" in found.mend
    own = codes(shown(make(HOST, ec_key(2), ROOT, names=(HOST,), end=NOW - DAY)))["certificate_expired"]
    assert own.title == "The certificate has expired" and "on the server" in own.mend


@pytest.mark.parametrize(("days", "severity"), [(40, None), (45, "notice"), (55, "warning"), (61, None)])
def test_a_near_end_is_told_before_it_comes(days, severity):
    middle = make("Test Intermediate", ec_key(1), ROOT, ca=True, end=NOW + 900 * DAY, organization="Test")
    root = stores.from_ders(
        "lab", [make("Test Root", ec_key(0), ca=True, end=NOW + 900 * DAY, organization="Test").der]
    )
    found = codes(shown(LEAF, middle, at=NOW + days * DAY, judges=(root,))).get("certificate_expires_soon")
    assert (found.severity if found else None) == severity


def test_disorder_and_extras():
    stray = make("Stranger", ec_key(4), ca=True)
    found = codes(shown(LEAF, ROOT, MIDDLE, MIDDLE, stray))
    assert found["chain_out_of_order"].severity == "notice"
    assert "certificate 5 (Stranger) has nothing to do with the chain" in found["chain_has_extras"].evidence
    assert "sent again as number 4" in found["chain_has_extras"].evidence


def test_stores_that_disagree():
    found = codes(shown(LEAF, MIDDLE, judges=(LAB, OTHER)))["stores_disagree"]
    assert found.title == "Trusted by lab, not by other"
    assert "other refuses it: its root Test Root is not in the other store" in found.evidence
    assert "stores_disagree" not in codes(shown(LEAF, MIDDLE, judges=(OTHER,)))


def test_a_gap_that_others_fill():
    evidence = Evidence(fetched=(Borrowed(MIDDLE.der, "fetched", "http://ca.test/m"),))
    found = codes(shown(LEAF, evidence=evidence))
    assert found["certificate_missing_intermediate"].severity == "error"
    assert "fetched from http://ca.test/m: with it the chain is trusted (lab)" in found["gap_can_be_filled"].evidence
    known = codes(shown(LEAF, evidence=Evidence(known=(MIDDLE.der,))))
    assert "seen in another connection" in known["gap_can_be_filled"].evidence


@pytest.mark.parametrize(("code", "agrees"), [(0, True), (20, False)])
def test_openssl_beside_us(code, agrees):
    opinion = SecondOpinion("lab", code, "X509_V_…", "unable to get local issuer certificate", 1, "", (code,))
    connection = shown(LEAF, MIDDLE, evidence=Evidence(openssl=opinion))
    assert connection.trust is not None and connection.trust.openssl is not None
    assert connection.trust.openssl.agrees is agrees
    assert ("verdicts_disagree" in codes(connection)) is not agrees
    elsewhere = shown(LEAF, MIDDLE, evidence=Evidence(openssl=opinion._replace(store="another")))
    assert "verdicts_disagree" not in codes(elsewhere)


def test_what_openssl_would_refuse_by_its_level_is_no_disagreement():
    old = Made(_signed_with_sha1(), ec_key(2))
    opinion = SecondOpinion("lab", 0, "X509_V_OK", "ok", 0, "")
    connection = shown(old, MIDDLE, evidence=Evidence(openssl=opinion))
    assert connection.trust is not None and connection.trust.reasons == ("weak_signature",)
    assert "verdicts_disagree" not in codes(connection)


def _signed_with_sha1() -> x509.Certificate:
    sha256, sha1 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06072a8648ce3d0401")

    def sized(data: bytes) -> bytes:
        return (bytes([len(data)]) if len(data) < 128 else b"\x82" + len(data).to_bytes(2, "big")) + data

    old_identifier, new_identifier = b"\x30" + sized(sha256), b"\x30" + sized(sha1)
    tbs = LEAF.cert.tbs_certificate_bytes
    body = tbs[4:].replace(old_identifier, new_identifier, 1)
    tbs = b"\x30" + sized(body)
    signature = ec_key(1).sign(tbs, ec.ECDSA(hashes.SHA1()))
    whole = b"\x30" + sized(tbs + new_identifier + b"\x03" + sized(b"\0" + signature))
    return x509.load_der_x509_certificate(whole)


def test_a_revoked_certificate_by_a_list():
    issuer = make("Test Intermediate", ec_key(1), ROOT, ca=True, organization="Test", plain=True)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.cert.subject)
    builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
    entry = x509.RevokedCertificateBuilder().serial_number(LEAF.cert.serial_number).revocation_date(NOW - DAY).build()
    fresh = builder.add_revoked_certificate(entry).sign(ec_key(1), hashes.SHA256()).public_bytes(Encoding.DER)
    connection = shown(LEAF, issuer, evidence=Evidence(crls=(read_crl(fresh, "a.crl"),)))
    assert codes(connection)["certificate_revoked"].severity == "error"
    assert connection.trust is not None and connection.trust.revocations[0].status == "revoked"
    late = shown(LEAF, issuer, at=NOW + 3 * DAY, evidence=Evidence(crls=(read_crl(fresh, "a.crl"),)))
    assert "good only until" in codes(late)["crl_unusable"].evidence
    assert "certificate_revoked" not in codes(late)


def test_must_staple_without_a_staple():
    builder = x509.CertificateBuilder().subject_name(LEAF.cert.subject).issuer_name(MIDDLE.cert.subject)
    builder = builder.public_key(ec_key(2).public_key()).serial_number(1 << 70)
    builder = builder.not_valid_before(NOW - 30 * DAY).not_valid_after(NOW + 60 * DAY)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
    builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(ec_key(1).public_key()), critical=False
    )
    demanding = Made(builder.sign(ec_key(1), hashes.SHA256()), ec_key(2))
    found = codes(shown(demanding, MIDDLE))["must_staple_missing"]
    assert (found.severity, found.evidence) == ("warning", "the server sent none")


def test_rules_bind_public_authorities_only():
    mozilla = stores.Store("Mozilla", "test", lambda: LAB.anchors, "web")
    long = make(HOST, ec_key(2), MIDDLE, names=(HOST,), start=NOW - DAY, end=NOW + 700 * DAY)
    middle = make("Test Intermediate", ec_key(1), ROOT, ca=True, organization="Test")
    found = codes(shown(long, middle, judges=(mozilla,)))
    assert "lives 701 days" in found["baseline_violated"].evidence
    assert found["not_enough_scts"].severity == "notice"
    assert "0 receipts" in found["not_enough_scts"].evidence
    private = codes(shown(long, middle))
    assert "baseline_violated" not in private and "not_enough_scts" not in private


def test_names_that_deceive():
    leaf = make("n", ec_key(2), MIDDLE, names=("xn--80ak6aa92e.com",))
    found = codes(shown(leaf, MIDDLE, name="xn--80ak6aa92e.com"))["deceptive_name"]
    assert found.severity == "notice" and "looks like Latin" in found.evidence


def test_a_clients_faults_are_warnings_and_its_authority_is_the_servers_affair():
    person = make("person", ec_key(3), MIDDLE, usages=(CLIENT_AUTH,))
    assert codes(shown(LEAF, MIDDLE, client=(person, MIDDLE))) == {}
    stranger = shown(LEAF, MIDDLE, client=(person,), judges=(LAB,))
    assert stranger.client_trust is not None and stranger.client_trust.verdict == "untrusted"
    assert "client_certificate_faulty" not in codes(stranger)
    old = make("person", ec_key(3), MIDDLE, usages=(CLIENT_AUTH,), end=NOW - DAY)
    found = codes(shown(LEAF, MIDDLE, client=(old, MIDDLE)))["client_certificate_faulty"]
    assert found.severity == "warning" and "expired" in found.evidence
    assert shown(LEAF, MIDDLE).client_trust is None


def test_an_empty_list_is_no_certificate_where_the_message_was_seen():
    connection = replace(shown(LEAF, MIDDLE), certificates=())
    assert judged(connection, (LAB,)).trust.verdict == "unknown"  # type: ignore[union-attr]


def test_now_is_judged_where_the_source_says_what_time_it_is():
    connection = shown(LEAF, MIDDLE, evidence=Evidence(now=NOW + timedelta(days=90)))
    assert connection.trust is not None and connection.trust.now is not None
    assert (connection.trust.verdict, connection.trust.now.verdict) == ("trusted", "untrusted")
    assert connection.trust.now.at == datetime(2026, 8, 30, 12, tzinfo=UTC)
