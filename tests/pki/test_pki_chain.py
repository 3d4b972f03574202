"""The chain as a tree: what stands above what, what is missing, what is too much."""

from __future__ import annotations

from certificate_makers import HOST, LEAF, MIDDLE, NOW, ROOT, ec_key, make

from tlsviz.pki import stores
from tlsviz.pki.chain import ChainNode, arrange
from tlsviz.pki.trust import Trust
from tlsviz.pki.verify import judge

STORE = stores.from_ders("lab", [ROOT.der])


def trust(*ders: bytes) -> Trust:
    return judge(ders, HOST, NOW, [STORE])


def shape(node: ChainNode) -> tuple[object, ...]:
    return (node.role, node.index, node.link, *map(shape, node.children))


def test_a_good_chain_ends_in_the_stores_root():
    ders = (LEAF.der, MIDDLE.der)
    (root,) = arrange(ders, trust(*ders)).roots
    assert shape(root) == ("root", None, None, ("intermediate", 1, "verified", ("leaf", 0, "verified")))
    assert root.anchor == "lab" and root.remarks == ("from the lab store, not sent",)
    assert root.children[0].name == "Test Intermediate"
    assert root.children[0].children[0].detail == "EC P-256 · 2026-05-02 to 2026-07-31 · ecdsa-with-SHA256"


def test_without_a_verdict_the_missing_root_is_a_ghost():
    arrangement = arrange((LEAF.der, MIDDLE.der))
    (ghost,) = arrangement.roots
    assert shape(ghost) == ("ghost", None, None, ("intermediate", 1, None, ("leaf", 0, "verified")))
    assert (ghost.certificate, ghost.name, ghost.detail) == (None, "Test Root", "not sent")
    assert arrangement.ordered


def test_a_missing_intermediate_is_a_ghost_with_its_address():
    leaf = make(HOST, ec_key(2), MIDDLE, names=(HOST,), aia="http://ca.test/m.der")
    (ghost,) = arrange((leaf.der,), trust(leaf.der)).roots
    assert shape(ghost) == ("ghost", None, None, ("leaf", 0, None))
    assert ghost.name == "Test Intermediate" and ghost.detail == "not sent; it lies at http://ca.test/m.der"
    assert [fault.reason for fault in ghost.children[0].faults] == ["missing_intermediate"]


def test_stray_duplicate_disorder_and_superfluous_root():
    stray = make("Stray", ec_key(4), ca=True)
    ders = (LEAF.der, ROOT.der, MIDDLE.der, MIDDLE.der, stray.der)
    arrangement = arrange(ders, trust(*ders))
    root, other = arrangement.roots
    assert shape(root) == ("root", 1, None, ("intermediate", 2, "verified", ("leaf", 0, "verified")))
    assert root.anchor == "lab" and root.remarks == ("a root need not be sent: who trusts it has it",)
    assert root.children[0].remarks == ("sent again as number 4",)
    assert shape(other) == ("stray", 4, None) and other.remarks == ("has nothing to do with the chain",)
    assert not arrangement.ordered and "not sent in order" in arrangement.remarks[0]


def test_a_cross_signed_alternative_hangs_below_its_own_ghost():
    elsewhere = make("Elsewhere", ec_key(4), ca=True)
    cross = make("Test Intermediate", ec_key(1), elsewhere, ca=True, organization="Test")
    ders = (LEAF.der, cross.der, MIDDLE.der)
    root, ghost = arrange(ders, trust(*ders)).roots
    assert shape(root)[3][:2] == ("intermediate", 2)  # type: ignore[index]
    assert shape(ghost) == ("ghost", None, None, ("intermediate", 1, None))
    assert ghost.children[0].remarks == ("stands on another way up, which was not needed",)


def test_a_failed_signature_is_seen_on_its_link():
    broken = LEAF.der[:-1] + bytes([LEAF.der[-1] ^ 1])
    (root,) = arrange((broken, MIDDLE.der), trust(broken, MIDDLE.der)).roots
    leaf = root.children[0].children[0]
    assert leaf.link == "failed" and leaf.faults[0].reason == "bad_signature"


def test_every_sent_certificate_is_drawn_once_whatever_it_is():
    def indices(node: ChainNode) -> list[int]:
        own = [node.index] if node.index is not None else []
        return own + [index for child in node.children for index in indices(child)]

    circle = [make("A", ec_key(0), make("B", ec_key(1), ca=True), ca=True).der]
    circle.append(make("B", ec_key(1), make("A", ec_key(0), ca=True), ca=True).der)
    selfish = make("Selfish", ec_key(3)).der
    for ders in ([], [b""], [b"", b"x", LEAF.der[:90]], circle, circle[::-1], [selfish, selfish], [LEAF.der, *circle]):
        for given in (None, trust(*ders)):
            arrangement = arrange(ders, given)
            drawn = sorted(index for root in arrangement.roots for index in indices(root))
            assert drawn == sorted({ders.index(der) for der in ders})


def test_a_thousand_certificates_are_cut_and_that_is_said():
    arrangement = arrange([LEAF.der, MIDDLE.der] + [b"%d" % i for i in range(998)])
    assert arrangement.remarks == ("968 more certificates were sent and not considered",)


def test_the_leaf_in_the_store_is_its_own_anchor():
    lonely = make(HOST, ec_key(2), names=(HOST,))
    given = judge([lonely.der], HOST, NOW, [stores.from_ders("pinned", [lonely.der])])
    (root,) = arrange([lonely.der], given).roots
    assert (root.role, root.anchor, root.children) == ("leaf", "pinned", ())


def test_what_other_clients_may_mind_is_a_remark():
    authority = make(HOST, ec_key(2), ca=True)
    store = stores.from_ders("pinned", [authority.der])
    (root,) = arrange([authority.der], judge([authority.der], None, NOW, [store])).roots
    assert root.faults == () and len(root.remarks) == 2
    assert root.remarks[0].startswith("has no subjectAltName") and "cA is set" in root.remarks[1]
    (named,) = arrange([authority.der], judge([authority.der], HOST, NOW, [store])).roots
    assert named.remarks == () and named.faults[0].reason == "name_mismatch"
