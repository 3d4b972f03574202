"""Verdicts: the judge is cryptography, and each rejection names its reason and the certificate at fault."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network

import pytest
from certificate_makers import (
    CLIENT_AUTH,
    DAY,
    HOST,
    LEAF,
    MIDDLE,
    NOW,
    ROOT,
    SERVER_AUTH,
    Made,
    ec_key,
    make,
    rsa_key,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tlsviz.pki import stores
from tlsviz.pki.links import signed_by
from tlsviz.pki.trust import Trust
from tlsviz.pki.verify import judge, judge_client

STORE = stores.from_ders("lab", [ROOT.der])
WEB = stores.from_ders("web", [ROOT.der], profile="web")
OTHER = stores.from_ders("other", [make("Other Root", ec_key(5), ca=True).der])


def ask(*chain: Made | bytes, name: str | None = HOST, at: datetime = NOW, store: stores.Store = STORE) -> Trust:
    ders = [made if isinstance(made, bytes) else made.der for made in chain]
    trust = judge(ders, name, at, [store])
    assert (trust.verdict == "untrusted") == bool(trust.reasons) == bool(trust.faults)
    assert all(fault.detail.isprintable() for fault in trust.faults)
    return trust


def faults(trust: Trust) -> list[tuple[str, int | None]]:
    return [(fault.reason, fault.certificate) for fault in trust.faults]


def test_a_good_chain_is_trusted_with_its_path():
    trust = ask(LEAF, MIDDLE)
    assert (trust.verdict, trust.reasons, trust.store, trust.name) == ("trusted", (), "lab", HOST)
    assert trust.stores[0].path == (LEAF.der, MIDDLE.der, ROOT.der)
    assert trust.at == NOW


@pytest.mark.parametrize(
    "name", [HOST, HOST.upper(), HOST + ".", "x.wild.test", "192.0.2.7", "2001:db8:0::7", "[2001:db8::7]"]
)
def test_names_that_the_certificate_covers(name):
    assert ask(LEAF, MIDDLE, name=name).verdict == "trusted"


@pytest.mark.parametrize(
    "name",
    [
        "other.test",
        "a.b.wild.test",
        "wild.test",
        "192.0.2.8",
        "a_b.wild.test",
        "",
        "bücher.test",
        "x" * 300,
        "\x1b[31m",
    ],
)
def test_names_that_it_does_not_cover(name):
    trust = ask(LEAF, MIDDLE, name=name)
    assert trust.verdict == "untrusted"
    assert trust.reasons in (("name_mismatch",), ("unsupported",))


def test_an_international_name_matches_its_ascii_form():
    leaf = make("idn", ec_key(2), MIDDLE, names=("xn--bcher-kva.test",))
    assert ask(leaf, MIDDLE, name="Bücher.test").verdict == "trusted"


def test_the_common_name_does_not_count():
    bare = make(HOST, ec_key(2), MIDDLE)
    trust = ask(bare, MIDDLE)
    assert faults(trust) == [("name_mismatch", 0)]
    assert f"its common name {HOST} does not count" in trust.faults[0].detail


@pytest.mark.parametrize("store", [STORE, WEB], ids=["pkix", "web"])
def test_without_a_name_no_name_is_compared_and_the_verdict_says_so(store):
    trust = ask(LEAF, MIDDLE, name=None, store=store)
    assert (trust.verdict, trust.name) == ("trusted", None)
    assert "no name was asked for" in trust.stores[0].detail
    for names in (("*.wild.test",), ("192.0.2.9",)):
        assert ask(make("n", ec_key(2), MIDDLE, names=names), MIDDLE, name=None, store=store).verdict == "trusted"
    client = make("c", ec_key(2), MIDDLE, names=(HOST,), usages=(CLIENT_AUTH,))
    assert faults(ask(client, MIDDLE, name=None, store=store)) == [("extended_key_usage", 0)]


@pytest.mark.parametrize("store", [STORE, WEB], ids=["pkix", "web"])
def test_without_a_name_a_missing_subject_alternative_name_is_no_mismatch(store):
    bare = make(HOST, ec_key(2), MIDDLE)
    trust = ask(bare, MIDDLE, name=None, store=store)
    assert trust.verdict == "trusted"
    assert (
        trust.stores[0].detail
        == f"accepted, but has no subjectAltName, so is for no host; its common name {HOST} does not count"
    )
    assert faults(ask(bare, name=None, store=OTHER)) == [("missing_intermediate", 0)]


def test_expired_and_not_yet_valid_at_the_time_asked():
    late = ask(LEAF, MIDDLE, at=NOW + 63 * DAY)
    assert {fault[0] for fault in faults(late)} == {"expired"}
    assert faults(late)[0] == ("expired", 0)
    assert "3 days earlier" in late.faults[0].detail
    early = ask(LEAF, MIDDLE, at=NOW - 31 * DAY)
    assert set(early.reasons) == {"not_yet_valid"}


def test_only_the_expired_certificate_is_at_fault():
    old = make("Old", ec_key(1), ROOT, ca=True, end=NOW - DAY)
    leaf = make(HOST, ec_key(2), old, names=(HOST,))
    assert faults(ask(leaf, old)) == [("expired", 1)]
    root = make("Test Root", ec_key(0), ca=True, end=NOW - DAY, organization="Test")
    trust = ask(LEAF, MIDDLE, store=stores.from_ders("old", [root.der]))
    assert faults(trust) == [("expired", None)] and trust.faults[0].detail.startswith("Test Root: expired")


def test_a_cross_signed_path_saves_an_expired_one():
    expired = make("Test Intermediate", ec_key(1), ROOT, ca=True, end=NOW - DAY, organization="Test")
    assert ask(LEAF, expired, MIDDLE).verdict == "trusted"


def test_self_signed_and_unknown_issuer():
    lonely = make(HOST, ec_key(2), names=(HOST,))
    assert faults(ask(lonely)) == [("self_signed", 0)]
    assert ask(lonely, store=stores.from_ders("pinned", [lonely.der])).verdict == "trusted"
    assert faults(ask(LEAF, MIDDLE, ROOT, store=OTHER)) == [("unknown_issuer", 2)]
    assert faults(ask(LEAF, MIDDLE, store=OTHER)) == [("unknown_issuer", 1)]


ADDRESS = "http://ca.test/middle.der"


def issued_by(issuer: Made, address: str | None = None, **more: object) -> Made:
    return make(HOST, ec_key(2), issuer, names=(HOST,), aia=address, **more)  # type: ignore[arg-type]


def test_a_leaf_alone_with_an_address_misses_an_intermediate():
    trust = ask(issued_by(make("CA 1", ec_key(3), ROOT, ca=True), ADDRESS))
    assert faults(trust) == [("missing_intermediate", 0)] and ADDRESS in trust.faults[0].detail


def test_an_issuer_that_calls_itself_an_intermediate_is_missing():
    trust = ask(LEAF, store=OTHER)
    assert faults(trust) == [("missing_intermediate", 0)]
    assert trust.faults[0].detail == "issued by Test Intermediate, an intermediate by its name, which was not sent"


def test_a_root_that_the_store_does_not_have_is_not_missing():
    """Neither the organization of an anchor nor an address of the issuer's makes an intermediate of a root."""
    far = make("Far Root", ec_key(4), ca=True, organization="Test")
    middle = make("CA 1", ec_key(3), far, ca=True, aia=ADDRESS)
    for chain in ([issued_by(middle), middle], [issued_by(far, ADDRESS)]):
        trust = ask(*chain)
        assert faults(trust) == [("unknown_issuer", len(chain) - 1)]
        assert trust.faults[0].detail == "its root Far Root is not in the lab store"


def test_without_evidence_both_possibilities_are_named():
    plain = make("CA 2", ec_key(4), ca=True, organization="Test")
    for chain in ([issued_by(plain)], [issued_by(make("CA 1", ec_key(3), plain, ca=True, aia=ADDRESS))]):
        trust = ask(*chain)
        assert faults(trust)[0] == ("unknown_issuer", 0)
    middle = make("CA 1", ec_key(3), plain, ca=True, aia=ADDRESS)
    trust = ask(issued_by(middle), middle)
    assert faults(trust) == [("unknown_issuer", 1)]
    assert "either that is its root, or a certificate between them is missing" in trust.faults[0].detail


def test_what_other_connections_showed_is_evidence_but_never_trusted():
    middle = make("CA 1", ec_key(3), ROOT, ca=True)
    leaf = issued_by(middle)
    trust = judge([leaf.der], HOST, NOW, [STORE, OTHER], known=[MIDDLE.der, middle.der])
    assert [verdict.reasons for verdict in trust.stores] == [
        ("missing_intermediate",),
        ("missing_intermediate", "unknown_issuer"),
    ]
    plain = make("CA 2", ec_key(4), ca=True)
    lone = issued_by(plain, ADDRESS)
    assert judge([lone.der], HOST, NOW, [STORE], known=[plain.der]).reasons == ("unknown_issuer",)
    impostor = make("CA 1", ec_key(4), ROOT, ca=True)
    assert judge([leaf.der], HOST, NOW, [STORE], known=[impostor.der]).reasons == ("unknown_issuer",)


def test_of_a_list_that_is_cut_nothing_is_known_to_be_missing():
    trust = judge([LEAF.der], HOST, NOW, [STORE], cut=True)
    assert (trust.verdict, trust.reasons, trust.faults) == ("unknown", (), ())
    assert "not whole" in trust.stores[0].detail
    assert judge([LEAF.der], HOST, NOW + 90 * DAY, [STORE], cut=True).reasons == ("expired",)
    assert judge([LEAF.der, MIDDLE.der], HOST, NOW, [STORE], cut=True).verdict == "trusted"
    lonely = make(HOST, ec_key(2), names=(HOST,))
    assert judge([lonely.der], HOST, NOW, [STORE], cut=True).reasons == ("self_signed",)


def test_order_matters_only_for_the_first():
    assert ask(LEAF, ROOT, MIDDLE, MIDDLE).verdict == "trusted"
    trust = ask(MIDDLE, ROOT, LEAF)
    assert faults(trust) == [("wrong_order", 2)] and "must come first" in trust.faults[0].detail


def test_an_issuer_that_is_no_authority():
    impostor = make("Impostor", ec_key(3), ROOT, key_usage=True)
    leaf = make(HOST, ec_key(2), impostor, names=(HOST,))
    assert ("not_a_ca", 1) in faults(ask(leaf, impostor))


def test_path_length_and_key_usage_of_authorities():
    deep = make("Deep", ec_key(3), MIDDLE, ca=True)
    leaf = make(HOST, ec_key(2), deep, names=(HOST,))
    assert faults(ask(leaf, deep, MIDDLE)) == [("path_length", 2)]
    mute = make("Mute", ec_key(3), ROOT, ca=True, key_usage=False)
    leaf = make(HOST, ec_key(2), mute, names=(HOST,))
    assert faults(ask(leaf, mute)) == [("key_usage", 1)]


def test_an_authority_as_a_server_is_refused_by_the_web_only():
    both = make(HOST, ec_key(2), ROOT, ca=True, names=(HOST,))
    assert ask(both).verdict == "trusted"
    trust = ask(both, store=WEB)
    assert faults(trust) == [("key_usage", 0), ("unsupported", 0)]
    assert all(fault.detail.startswith("strict web rules: ") for fault in trust.faults)


def test_an_end_entity_must_be_allowed_to_shake_hands():
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    trust = ask(make(HOST, ec_key(2), ROOT, ca=True, names=(HOST,), usage=usage))
    assert faults(trust) == [("key_usage", 0)]
    assert trust.faults[0].detail == "its keyUsage allows keyCertSign, cRLSign, so no handshake (digitalSignature)"


def test_strict_rules_are_named_only_when_nothing_else_is_wrong():
    lonely = make(HOST, ec_key(2), ca=True, names=(HOST,), plain=True)
    assert ask(lonely, store=WEB).reasons == ("self_signed",)
    pinned = stores.from_ders("web", [lonely.der], profile="web")
    assert ask(lonely, store=pinned).reasons == ("unsupported",)
    assert ask(lonely, store=pinned, at=NOW + 90 * DAY).reasons == ("expired",)


def test_expired_is_the_first_reason():
    for chain in (
        [make(HOST, ec_key(2), names=("x.test",), end=NOW - DAY)],
        [make(HOST, ec_key(2), MIDDLE, end=NOW - DAY)],
    ):
        trust = ask(*chain)
        assert trust.reasons[0] == "expired" and len(trust.reasons) == 3


def test_extended_key_usage_of_leaf_and_authority():
    leaf = make(HOST, ec_key(2), MIDDLE, names=(HOST,), usages=(CLIENT_AUTH,))
    assert faults(ask(leaf, MIDDLE)) == [("extended_key_usage", 0)]
    clients = make("Clients", ec_key(3), ROOT, ca=True, usages=(CLIENT_AUTH,))
    leaf = make(HOST, ec_key(2), clients, names=(HOST,), usages=(SERVER_AUTH,))
    assert faults(ask(leaf, clients)) == [("extended_key_usage", 1)]


@pytest.mark.parametrize(
    ("permitted", "excluded"),
    [
        ([x509.DNSName("other.test")], None),
        (None, [x509.DNSName("example.test")]),
        (None, [x509.IPAddress(ip_network("192.0.2.0/24"))]),
    ],
)
def test_name_constraints(permitted, excluded):
    limited = make("Limited", ec_key(3), ROOT, ca=True, constraints=x509.NameConstraints(permitted, excluded))
    leaf = make(HOST, ec_key(2), limited, names=(HOST, "192.0.2.1"))
    assert faults(ask(leaf, limited)) == [("name_constraints", 1)]


def test_weak_key_of_an_authority():
    weak = make("Weak", rsa_key(1024), ROOT, ca=True)
    leaf = make(HOST, ec_key(2), weak, names=(HOST,))
    assert faults(ask(leaf, weak)) == [("weak_key", 1)]


def test_weak_key_of_a_server_is_a_reason_only_beside_others():
    weak = make(HOST, rsa_key(1024), MIDDLE, names=(HOST,))
    assert ask(weak, MIDDLE).verdict == "trusted"
    assert faults(ask(weak, MIDDLE, name="other.test")) == [("name_mismatch", 0), ("weak_key", 0)]
    assert ask(weak, MIDDLE, name=None, store=OTHER).reasons == ("unknown_issuer", "weak_key")


def test_sha1_signature():
    """cryptography signs no certificate with SHA-1, so the algorithm's OID is exchanged and the rest signed anew."""
    issuer = make("RSA Authority", rsa_key(2048), ROOT, ca=True)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    made = make(HOST, ec_key(2), issuer, names=(HOST,))
    tbs = made.cert.tbs_certificate_bytes.replace(sha256, sha1)
    signature = rsa_key(2048).sign(tbs, padding.PKCS1v15(), hashes.SHA1())
    der = made.der.replace(made.cert.tbs_certificate_bytes, tbs).replace(sha256, sha1)
    der = der.replace(made.cert.signature, signature)
    assert faults(ask(der, issuer)) == [("weak_signature", 0)]
    assert signed_by(der, issuer.der) == "verified"
    spoilt = der[:-1] + bytes([der[-1] ^ 1])
    assert signed_by(spoilt, issuer.der) == "failed"


def test_a_flipped_bit_in_the_signature():
    broken = LEAF.der[:-1] + bytes([LEAF.der[-1] ^ 1])
    assert faults(ask(broken, MIDDLE)) == [("bad_signature", 0)]


def test_an_issuer_of_the_same_name_but_another_key_is_not_blamed_for_the_signature():
    imitation = make("Test Root", ec_key(4), ca=True, organization="Test")
    trust = ask(LEAF, MIDDLE, store=stores.from_ders("imitation", [imitation.der]))
    assert faults(trust) == [("unknown_issuer", 1)] and "whose key is not the one" in trust.faults[0].detail


def test_nothing_and_rubbish():
    empty = judge([], HOST, NOW, [STORE])
    assert faults(empty) == [("no_certificate", None)] and empty.stores[0].reasons == ("no_certificate",)
    assert judge([LEAF.der], HOST, NOW, []).verdict == "unknown"
    for der in (b"", b"\x30\x00", LEAF.der[:200], b"\xff" * 50):
        assert "unsupported" in ask(der, MIDDLE).reasons
    assert "does not say who issued it" in ask(b"").faults[0].detail
    assert ask(LEAF, MIDDLE, store=stores.from_ders("empty", [])).stores[0].detail == "the empty store is empty"


def test_hostile_text_stays_harmless():
    evil = make("\x1b[31m[red]x[/]", ec_key(2), MIDDLE, names=("a.test",), usages=(CLIENT_AUTH,))
    for trust in (ask(evil, MIDDLE), ask(evil), ask(make("\x1b[2J", ec_key(3)), evil)):
        assert all(verdict.detail.isprintable() for verdict in trust.stores)


def test_hostile_amounts_are_bounded():
    ring = [make(f"R{i}", ec_key(i % 3), ca=True) for i in range(3)]
    circle = [make(f"R{i}", ec_key(i % 3), ring[(i + 1) % 3], ca=True).der for i in range(3)]
    leaf = make(HOST, ec_key(4), ring[0], names=(HOST,))
    assert "unknown_issuer" in ask(leaf, *circle).reasons
    many = [make("Same", ec_key(i % 3), ca=True).der for i in range(40)]
    assert ask(leaf, *many * 25).verdict == "untrusted"


def test_the_first_store_that_trusts_gives_the_verdict():
    trust = judge([LEAF.der, MIDDLE.der], HOST, NOW, [OTHER, STORE])
    assert (trust.verdict, trust.store, trust.faults) == ("trusted", "lab", ())
    assert [(v.store, v.verdict, v.reasons) for v in trust.stores] == [
        ("other", "untrusted", ("unknown_issuer",)),
        ("lab", "trusted", ()),
    ]
    refused = judge([LEAF.der, MIDDLE.der], "no.test", NOW, [OTHER, STORE])
    assert refused.store == "other" and refused.reasons == ("unknown_issuer", "name_mismatch")


@pytest.mark.parametrize("store", [STORE, WEB], ids=["pkix", "web"])
def test_client_certificates_need_no_name(store):
    client = make("Alice", ec_key(2), MIDDLE, usages=(CLIENT_AUTH,))
    assert judge_client([client.der, MIDDLE.der], NOW, [store]).verdict == "trusted"
    server = make("Bob", ec_key(2), MIDDLE, usages=(SERVER_AUTH,))
    assert judge_client([server.der, MIDDLE.der], NOW, [store]).reasons == ("extended_key_usage",)
    assert judge_client([], NOW, [store]).reasons == ("no_certificate",)
