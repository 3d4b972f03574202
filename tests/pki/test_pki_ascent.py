"""The graph as lines to draw: the deciding way straight, other ways beside it, nothing twice."""

from __future__ import annotations

from certificate_makers import HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make

from tlsviz.pki import stores
from tlsviz.pki.ascent import MOST_RUNGS, Ascent, ascend
from tlsviz.pki.graph import Graph, graph
from tlsviz.pki.verify import judge

STORE = stores.from_ders("lab", [ROOT.der])
OTHER_ROOT = make("Other Root", ec_key(5), ca=True)
CROSSED = make("Test Root", ec_key(0), OTHER_ROOT, ca=True, organization="Test")


def drawn(*chain: Made) -> Ascent:
    ders = [made.der for made in chain]
    return ascend(graph(ders, judge(ders, HOST, NOW, [STORE])))


def names(found: Ascent) -> list[tuple[str, int]]:
    return [(rung.vertex.name, rung.lane) for rung in found.ways]


def test_a_good_chain_is_one_straight_way_to_its_end() -> None:
    found = drawn(LEAF, MIDDLE)
    assert [lane for _, lane in names(found)] == [0, 0, 0]
    assert [rung.vertex.role for rung in found.ways] == ["leaf", "intermediate", "root"]
    assert [rung.ends for rung in found.ways] == [False, False, True]
    assert found.ways[0].edge is None
    assert all(rung.edge is not None for rung in found.ways[1:])
    assert found.strays == ()


def test_another_way_up_stands_beside_and_before_what_goes_on_above_the_fork() -> None:
    found = drawn(LEAF, MIDDLE, CROSSED)
    assert [(rung.lane, rung.opens) for rung in found.ways] == [
        (0, False),
        (0, False),
        (1, True),
        (1, False),
        (0, False),
    ]
    assert found.ways[-1].vertex.stores == ("lab",)
    assert found.ways[3].vertex.certificate is None, "the root of the other way is missing"


def test_what_one_store_has_is_no_gap_because_another_lacks_it() -> None:
    ders = [LEAF.der, MIDDLE.der, CROSSED.der]
    both = [STORE, stores.from_ders("other", [OTHER_ROOT.der])]
    found = ascend(graph(ders, judge(ders, HOST, NOW, both)))
    assert [rung.vertex.name for rung in found.ways if rung.vertex.certificate is None] == []
    assert [rung.vertex.name for rung in found.ways if rung.lane == 1] == ["Test Root", "Other Root"]


def test_a_stray_stands_apart_and_every_vertex_is_drawn_once() -> None:
    stray = make("Somebody Else", ec_key(6), OTHER_ROOT, ca=True)
    found = drawn(LEAF, stray, MIDDLE)
    assert [rung.vertex.name for rung in found.strays] == ["Somebody Else"]
    drawn_once = [rung.vertex.id for rung in (*found.ways, *found.strays) if not rung.again]
    assert len(drawn_once) == len(set(drawn_once))


def test_authorities_that_issued_each_other_end_the_drawing() -> None:
    one = make("One", ec_key(7), make("Two", ec_key(8), ca=True), ca=True)
    two = make("Two", ec_key(8), make("One", ec_key(7), ca=True), ca=True)
    leaf = make(HOST, ec_key(9), one, names=(HOST,))
    found = drawn(leaf, one, two)
    assert [rung.vertex.name for rung in found.ways][:3] == [HOST, "One", "Two"]


def test_what_is_not_drawn_is_counted() -> None:
    vertices = graph([LEAF.der]).vertices[:1]
    many = tuple(vertices[0].__class__(id, None, None, "stray", "missing", str(id), "") for id in range(1, 200))
    found = ascend(Graph(vertices + many))
    assert len(found.ways) + len(found.strays) == MOST_RUNGS
    assert found.untold == 200 - MOST_RUNGS


def test_nothing_gives_nothing() -> None:
    assert ascend(Graph()) == Ascent()
