"""Built paths as a graph: the checks on each link, ghosts, alternatives, marks, and what fills a gap."""

from __future__ import annotations

from datetime import datetime

import pytest
from certificate_makers import CLIENT_AUTH, DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make
from cryptography import x509

from tlsviz.pki import stores
from tlsviz.pki.graph import Graph, graph
from tlsviz.pki.trust import Borrowed, Trust
from tlsviz.pki.verify import judge, judge_client
from tlsviz.tls.der.kinds import CertificateNode

STORE = stores.from_ders("lab", [ROOT.der])
OTHER_ROOT = make("Other Root", ec_key(5), ca=True)
OTHER = stores.from_ders("other", [OTHER_ROOT.der])
CROSSED = make("Test Root", ec_key(0), OTHER_ROOT, ca=True, organization="Test")
AIA = "http://ca.test/middle.der"


def drawn(*chain: Made, store: stores.Store = STORE, at: datetime = NOW) -> tuple[Trust, Graph]:
    ders = [made.der for made in chain]
    trust = judge(ders, HOST, at, [store])
    return trust, graph(ders, trust)


def failing(found: Graph) -> set[tuple[str, str | None]]:
    return {(check.name, check.reason) for edge in found.edges for check in edge.checks if check.verdict == "failed"}


def test_every_check_of_a_good_chain_passes_or_has_nothing_to_check():
    _, found = drawn(LEAF, MIDDLE)
    assert [vertex.role for vertex in found.vertices] == ["leaf", "intermediate", "root"]
    assert [vertex.origin for vertex in found.vertices] == ["sent", "sent", "store"]
    assert found.vertices[2].stores == ("lab",)
    assert [edge.verdict for edge in found.edges] == ["passed", "passed"]
    names = ["signature", "names", "key_identifiers", "validity", "basic_constraints", "path_length", "key_usage"]
    assert [check.name for check in found.edges[0].checks] == [*names, "name_constraints", "extended_key_usage"]
    (route,) = found.routes
    assert (route.vertices, route.accepted_by, route.verdicts[0].taken) == ((0, 1, 2), ("lab",), True)


def test_every_check_points_to_a_field_of_its_certificate():
    """The paths resolve in the trees of DER, so that a screen can choose the bytes."""
    _, found = drawn(LEAF, MIDDLE, ROOT)
    for edge in found.edges:
        for check in edge.checks:
            cert = found.vertices[edge.issuer if check.of == "issuer" else edge.child].certificate
            assert cert is not None
            tree = CertificateNode("certificate", 0, len(cert.der), cert.der)
            assert tree.get(check.field) is not None, check


@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        ({"end": NOW - DAY}, ("validity", "expired")),
        ({"start": NOW + DAY}, ("validity", "not_yet_valid")),
        ({"ca": False, "key_usage": True}, ("basic_constraints", "not_a_ca")),
        ({"key_usage": False}, ("key_usage", "key_usage")),
        ({"usages": (CLIENT_AUTH,)}, ("extended_key_usage", "extended_key_usage")),
        (
            {"constraints": x509.NameConstraints([x509.DNSName("other.test")], None)},
            ("name_constraints", "name_constraints"),
        ),
    ],
)
def test_the_check_that_fails_is_the_one_that_the_fault_names(middle, expected):
    issuer = make("Test Intermediate", ec_key(1), ROOT, **{"ca": True, **middle})
    trust, found = drawn(make(HOST, ec_key(2), issuer, names=(HOST,)), issuer)
    assert failing(found) == {expected}
    assert expected[1] in trust.reasons
    fault = next(fault for fault in trust.faults if fault.reason == expected[1])
    assert fault.sha256 == found.vertices[1].certificate.sha256
    tree = CertificateNode("certificate", 0, len(issuer.der), issuer.der)
    assert tree.get(fault.field) is not None


def test_a_wrong_signature_and_a_path_too_long():
    forged = make(HOST, ec_key(2), Made(MIDDLE.cert, ec_key(4)), names=(HOST,))
    plain = make(HOST, ec_key(2), Made(make("Bare", ec_key(1), ROOT, ca=True, plain=True).cert, ec_key(4)), plain=True)
    trust, found = drawn(forged, MIDDLE)
    assert trust.verdict == "untrusted" and found.vertices[1].role == "stray"
    bare = make("Bare", ec_key(1), ROOT, ca=True, plain=True)
    trust, found = drawn(plain, bare)
    assert ("signature", "bad_signature") in failing(found) and "bad_signature" in trust.reasons
    deep = make("Deep", ec_key(3), MIDDLE, ca=True)
    _, found = drawn(make(HOST, ec_key(2), deep, names=(HOST,)), deep, MIDDLE)
    assert failing(found) == {("path_length", "path_length")}


def test_a_missing_intermediate_is_a_ghost_with_its_address():
    leaf = make(HOST, ec_key(2), MIDDLE, names=(HOST,), aia=AIA)
    trust, found = drawn(leaf)
    ghost = found.vertices[1]
    assert (ghost.role, ghost.origin, ghost.certificate, ghost.name) == ("ghost", "missing", None, "Test Intermediate")
    assert ghost.where == (AIA,)
    assert (found.edges[0].checks, found.edges[0].verdict) == ((), "unknown")
    assert found.routes[0].vertices == (0, 1)
    assert (trust.faults[0].reason, trust.faults[0].field) == ("missing_intermediate", "tbsCertificate.issuer")


def test_cross_signed_roots_give_two_ways_to_two_stores():
    ders = [LEAF.der, MIDDLE.der, CROSSED.der]
    trust = judge(ders, HOST, NOW, [STORE, OTHER])
    found = graph(ders, trust)
    accepted = {route.accepted_by: [found.vertices[place].name for place in route.vertices] for route in found.routes}
    assert accepted[("lab",)][-1] == "Test Root"
    assert accepted[("other",)][-2:] == ["Test Root", "Other Root"]
    twins = [vertex for vertex in found.vertices if "cross_signed" in vertex.marks]
    assert {vertex.name for vertex in twins} == {"Test Root"} and len(twins) == 2


def test_an_expired_way_is_shown_beside_the_one_that_is_taken():
    expired = make("Test Intermediate", ec_key(1), ROOT, ca=True, end=NOW - DAY, organization="Test")
    trust, found = drawn(LEAF, expired, MIDDLE)
    assert trust.verdict == "trusted"
    assert [route.verdicts[0].reasons for route in found.routes] == [(), ("expired",)]
    assert [vertex.index for vertex in found.vertices if "alternative" in vertex.marks] == [1]


def test_disorder_duplicates_strays_and_roots_are_marked():
    stranger = make("Stranger", ec_key(4), ca=True)
    _, found = drawn(LEAF, ROOT, MIDDLE, MIDDLE, stranger)
    marks = {vertex.name: vertex.marks for vertex in found.vertices}
    assert not found.ordered
    assert marks["Test Intermediate"] == ("duplicate",)
    assert marks["Test Root"] == ("superfluous_root", "out_of_order")
    assert marks["Stranger"] == ("unrelated",)
    (middle,) = (vertex for vertex in found.vertices if vertex.name == "Test Intermediate")
    assert (middle.index, middle.copies) == (2, (3,))


def test_certificates_from_elsewhere_fill_a_gap_beside_the_verdict():
    trust = judge([LEAF.der], HOST, NOW, [STORE], known=[MIDDLE.der])
    (verdict,) = trust.stores
    assert (trust.verdict, verdict.helped.verdict) == ("untrusted", "trusted")
    assert trust.borrowed == (Borrowed(MIDDLE.der, "connection"),)
    found = graph([LEAF.der], trust)
    helped = next(route for route in found.routes if route.helped)
    assert [found.vertices[place].origin for place in helped.vertices] == ["sent", "connection", "store"]
    fetched = Borrowed(MIDDLE.der, "fetched", AIA)
    trust = judge([LEAF.der], HOST, NOW, [STORE], fetched=[fetched])
    assert trust.borrowed == (fetched,) and trust.reasons == ("missing_intermediate",)
    assert f"it was fetched from {AIA}" in trust.faults[0].detail
    late = judge([LEAF.der], HOST, NOW + 90 * DAY, [STORE], fetched=[fetched])
    assert late.stores[0].helped.verdict == "untrusted" and "expired" in late.stores[0].helped.reasons
    assert judge([LEAF.der], HOST, NOW, [STORE], known=[OTHER_ROOT.der]).stores[0].helped is None


def test_now_is_judged_too_and_equal_whenever_that_is():
    def at(days: int) -> Trust:
        return judge([LEAF.der, MIDDLE.der], HOST, NOW, [STORE], now=NOW + days * DAY)

    assert at(0).now is None
    assert (at(10).now.verdict, at(10).now.stores) == ("trusted", (("lab", "trusted"),))
    assert at(10) == at(11)
    assert (at(90).now.verdict, at(90).now.reasons[0]) == ("untrusted", "expired")
    late = judge([LEAF.der, MIDDLE.der], HOST, NOW + 90 * DAY, [STORE], now=NOW)
    assert (late.verdict, late.now.verdict) == ("untrusted", "trusted")


def test_a_clients_chain_is_judged_for_its_purpose():
    client = make("person", ec_key(2), MIDDLE, usages=(CLIENT_AUTH,))
    trust = judge_client([client.der, MIDDLE.der], NOW, [STORE])
    found = graph([client.der, MIDDLE.der], trust)
    assert (trust.verdict, trust.purpose) == ("trusted", "client")
    assert not any(check.name == "server_name" for vertex in found.vertices for check in vertex.checks)
    assert judge([client.der, MIDDLE.der], HOST, NOW, [STORE]).reasons == ("name_mismatch", "extended_key_usage")


def test_nothing_garbage_and_floods_are_drawn():
    assert graph([]) == Graph()
    assert graph([b"\x30\x03garbage"]).vertices[0].role == "leaf"
    flood = [make(f"Flood {number}", ec_key(3), MIDDLE, ca=True).der for number in range(3)] * 20
    trust = judge([LEAF.der, *flood], HOST, NOW, [STORE])
    found = graph([LEAF.der, *flood], trust)
    assert found.ignored == 0 and len(found.vertices) == 5
    assert graph([LEAF.der, MIDDLE.der] + [b"%d" % number for number in range(998)]).ignored == 968
    circle = make("Test Root", ec_key(0), MIDDLE, ca=True, organization="Test")
    assert graph([LEAF.der, MIDDLE.der, circle.der], None, NOW).vertices


def test_every_sent_certificate_is_drawn_once_whatever_it_is():
    circle = [make("A", ec_key(0), make("B", ec_key(1), ca=True), ca=True).der]
    circle.append(make("B", ec_key(1), make("A", ec_key(0), ca=True), ca=True).der)
    selfish = make("Selfish", ec_key(3)).der
    for ders in ([b""], [b"", b"x", LEAF.der[:90]], circle, circle[::-1], [selfish, selfish], [LEAF.der, *circle]):
        for trust in (None, judge(ders, HOST, NOW, [STORE])):
            sent = [vertex.index for vertex in graph(ders, trust).vertices if vertex.index is not None]
            assert sorted(sent) == sorted({ders.index(der) for der in ders})


def test_the_leaf_in_the_store_is_its_own_anchor():
    lonely = make(HOST, ec_key(2), names=(HOST,))
    _, found = drawn(lonely, store=stores.from_ders("pinned", [lonely.der]))
    (leaf,) = found.vertices
    assert (leaf.role, leaf.stores, found.edges) == ("leaf", ("pinned",), ())
    assert leaf.detail == "EC P-256 · 2026-05-02 to 2026-07-31 · ecdsa-with-SHA256"
