"""The built paths as a graph: certificates, what was checked on each link between them, and the ways up to anchors.

`graph` is a pure function of what was sent and of the verdict, so it may be made whenever somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.linkchecks import Check, link_checks, own_checks
from tlsviz.pki.links import Pool, is_self_signed
from tlsviz.pki.trust import Fault, Reason, Trust, Way
from tlsviz.pki.words import describe
from tlsviz.wire.text import shorten

Role = Literal["leaf", "intermediate", "root", "ghost", "stray"]
Origin = Literal["sent", "store", "connection", "fetched", "missing"]
Mark = Literal["duplicate", "out_of_order", "unrelated", "superfluous_root", "alternative", "cross_signed"]
MOST_ROUTES = 24

MARKS: dict[Mark, str] = {
    "duplicate": "sent more than once",
    "out_of_order": "not sent right behind the certificate that it issued",
    "unrelated": "has nothing to do with the chain",
    "superfluous_root": "a root need not be sent: who trusts it has it",
    "alternative": "stands on another way up, which was not needed",
    "cross_signed": "the same name and key were certified by more than one issuer",
}


class Vertex(NamedTuple):
    """One certificate in the graph; all text is safe to print.

    ``id`` is its place in `Graph.vertices`. ``certificate`` is None for a ghost (``origin`` "missing"): then ``name``
    is the issuer's that should stand there and ``where`` the addresses (AIA) at which it could be had. ``index``: the
    place as sent, from 0; None if not sent. ``stores``: the stores that hold it as an anchor. ``checks``: what was
    checked of the certificate itself. ``faults``: of the deciding store. ``copies``: further places it was sent at.
    """

    id: int
    certificate: Certificate | None
    index: int | None  # type: ignore[assignment]  # of the certificate, not a tuple's method
    role: Role
    origin: Origin
    name: str
    detail: str
    where: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    faults: tuple[Fault, ...] = ()
    marks: tuple[Mark, ...] = ()
    copies: tuple[int, ...] = ()


class Edge(NamedTuple):
    """``issuer`` has (or should have) issued ``child``: vertex ids, and what was checked, signature first.

    To a ghost nothing could be checked: ``checks`` is ().
    """

    child: int
    issuer: int
    checks: tuple[Check, ...] = ()

    @property
    def verdict(self) -> Literal["passed", "failed", "unknown"]:
        """The worst of its checks; "unknown" without any."""
        found = {check.verdict for check in self.checks}
        return "failed" if "failed" in found else "unknown" if "unknown" in found or not found else "passed"


class RouteVerdict(NamedTuple):
    """What one store makes of a way up: ``taken`` is the way that its verdict rests on."""

    store: str
    accepted: bool
    taken: bool
    reasons: tuple[Reason, ...] = ()


class Route(NamedTuple):
    """One way up: vertex ids from the leaf to its end (an anchor, an unknown root, or a ghost).

    ``verdicts``: of each store that knows this way. ``helped``: it needs certificates that were not sent.
    """

    vertices: tuple[int, ...]
    verdicts: tuple[RouteVerdict, ...] = ()
    helped: bool = False

    @property
    def accepted_by(self) -> tuple[str, ...]:
        """The stores that take it."""
        return tuple(verdict.store for verdict in self.verdicts if verdict.accepted)


class Graph(NamedTuple):
    """``vertices``: the leaf first, then those of the deciding way, then the rest. ``routes``: the deciding one first.

    ``ordered``: every certificate came right behind the one that it issued. ``ignored``: how many were sent and not
    considered at all.
    """

    vertices: tuple[Vertex, ...] = ()
    edges: tuple[Edge, ...] = ()
    routes: tuple[Route, ...] = ()
    ordered: bool = True
    ignored: int = 0

    def issuers(self, vertex: int) -> tuple[Edge, ...]:
        """The links up from a vertex."""
        return tuple(edge for edge in self.edges if edge.child == vertex)

    def issued(self, vertex: int) -> tuple[Edge, ...]:
        """The links down from a vertex."""
        return tuple(edge for edge in self.edges if edge.issuer == vertex)


def graph(ders: Sequence[bytes], trust: Trust | None = None, at: datetime | None = None) -> Graph:
    """The graph of certificates as sent, judged or not; empty without any. Total and bounded.

    ``at``: the time that dates are checked at where there is no verdict; without either they are not checked.
    """
    return _Graph(ders, trust, at).graph() if ders else Graph()


class _Graph:
    def __init__(self, ders: Sequence[bytes], trust: Trust | None, at: datetime | None) -> None:
        self.sent = ders
        self.trust = trust
        self.at = trust.at if trust else at
        self.pool = Pool(ders)
        self.borrowed = {one.der: one for one in trust.borrowed} if trust else {}
        self.ways = self._ways()
        self.ids: dict[bytes, int] = {}
        self.keys: list[bytes] = []
        self.ghosts: dict[bytes, tuple[int, bytes]] = {}
        self.below: dict[tuple[bytes, bytes], tuple[bytes, ...]] = {}
        self.reached: set[bytes] = set()

    def _ways(self) -> list[tuple[str, Way]]:
        """Every store's ways, the deciding store's first, its deciding way before its others."""
        stores = list(self.trust.stores) if self.trust else []
        if self.trust:
            stores.sort(key=lambda verdict: verdict.store != self.trust.store)  # type: ignore[union-attr]
        found = [(verdict.store, way) for verdict in stores for way in verdict.ways]
        if found:
            return found
        return [("", Way(path.ders, False)) for path in self.pool.paths(self.pool.ders[0])]

    def graph(self) -> Graph:
        for _, way in self.ways:
            self._climb(way.ders)
        for der in self.pool.ders:
            if der not in self.ids:
                self._stray(der)
        routes = self._routes()
        main = self.ways[0][1].ders
        ordered = self._ordered(main)
        vertices = [self._vertex(der, main, ordered) for der in self.keys]
        vertices += [self._ghost(number, child) for number, child in self.ghosts.values()]
        vertices.sort(key=lambda vertex: vertex.id)
        ignored = sum(der not in self.pool.index for der in self.sent)
        return Graph(tuple(vertices), tuple(self._edges()), tuple(routes), ordered, ignored)

    def _id(self, der: bytes) -> int:
        if der not in self.ids:
            self.ids[der] = len(self.ids) + len(self.ghosts)
            self.keys.append(der)
        return self.ids[der]

    def _climb(self, ders: tuple[bytes, ...]) -> None:
        for place, der in enumerate(ders):
            self._id(der)
            self.reached.add(der)
            if place:
                self.below.setdefault((ders[place - 1], der), ders[:place])

    def _stray(self, der: bytes) -> None:
        """A certificate on no way: hung below its issuer if that was sent."""
        self._id(der)
        for parent in self.pool.parents(der)[:1]:
            self._id(parent.der)
            if (parent.der, der) not in self.below:
                self.below.setdefault((der, parent.der), (der,))

    def _routes(self) -> list[Route]:
        found: dict[tuple[int, ...], list[tuple[str, Way]]] = {}
        for store, way in self.ways:
            ids = [self.ids[der] for der in way.ders]
            missing = self._missing(way)
            if missing is not None:
                ids.append(missing)
            found.setdefault(tuple(ids), []).append((store, way))
        routes = []
        for ids_, known in found.items():
            taking: dict[str, Way] = {}
            for store, way in known:
                taking.setdefault(store, way)
            verdicts = tuple(
                RouteVerdict(store, way.anchored and not way.reasons, way.taken, way.reasons)
                for store, way in taking.items()
                if store
            )
            routes.append(Route(ids_, verdicts, all(way.helped for _, way in known)))
        return routes[:MOST_ROUTES]

    def _missing(self, way: Way) -> int | None:
        """The ghost above a way that ends without an anchor; None when nothing is missing there."""
        cert = read(way.ders[-1])
        if way.anchored or cert.self_issued or not cert.issuer_der:
            return None
        if cert.issuer_der not in self.ghosts:
            self.ghosts[cert.issuer_der] = (len(self.ids) + len(self.ghosts), way.ders[-1])
        return self.ghosts[cert.issuer_der][0]

    def _edges(self) -> list[Edge]:
        purpose = self.trust.purpose if self.trust else "server"
        found = [
            Edge(self.ids[child], self.ids[issuer], link_checks(self.pool, below, issuer, self.at, purpose))
            for (child, issuer), below in self.below.items()
        ]
        ghosts = {
            (route.vertices[-2], route.vertices[-1])
            for route in self._routes()
            if len(route.vertices) > 1 and route.vertices[-1] in {number for number, _ in self.ghosts.values()}
        }
        return found + [Edge(child, ghost) for child, ghost in sorted(ghosts)]

    def _ordered(self, main: tuple[bytes, ...]) -> bool:
        places = [self.pool.index[der] for der in main if der in self.pool.index]
        return places == sorted(places)

    def _vertex(self, der: bytes, main: tuple[bytes, ...], ordered: bool) -> Vertex:
        cert, index = read(der), self.pool.index.get(der)
        copies = tuple(place for place, other in enumerate(self.sent) if other == der and place != index)
        leaf = der == self.pool.ders[0]
        name = self.trust.name if self.trust else None
        purpose = self.trust.purpose if self.trust else "server"
        return Vertex(
            self.ids[der],
            cert,
            index,
            self._role(der),
            self._origin(der, index),
            cert.title,
            describe(cert),
            tuple(shorten(place, 200) for place in cert.ca_issuers[:5]),
            self._holders(der),
            own_checks(cert, leaf, name, self.at, purpose),
            self._faults(cert, index),
            tuple(self._marks(der, main, ordered, copies)),
            copies[:5],
        )

    def _origin(self, der: bytes, index: int | None) -> Origin:
        if index is not None:
            return "sent"
        return self.borrowed[der].source if der in self.borrowed else "store"

    def _holders(self, der: bytes) -> tuple[str, ...]:
        return tuple(dict.fromkeys(store for store, way in self.ways if way.anchored and way.ders[-1] == der and store))

    def _faults(self, cert: Certificate, index: int | None) -> tuple[Fault, ...]:
        known = self.trust.faults if self.trust else ()
        return tuple(
            fault
            for fault in known
            if (fault.certificate == index if index is not None else fault.sha256 == cert.sha256)
        )

    def _role(self, der: bytes) -> Role:
        if der == self.ways[0][1].ders[0]:
            return "leaf"
        if der not in self.reached:
            return "stray"
        return "root" if read(der).self_issued or self._holders(der) else "intermediate"

    def _marks(self, der: bytes, main: tuple[bytes, ...], ordered: bool, copies: tuple[int, ...]) -> list[Mark]:
        found: list[Mark] = []
        index = self.pool.index.get(der)
        if copies:
            found.append("duplicate")
        if der not in self.reached:
            found.append("unrelated")
        elif der not in main and index is not None:
            found.append("alternative")
        if index and is_self_signed(der) and der in self.reached:
            found.append("superfluous_root")
        if not ordered and der in main and index is not None and self._misplaced(der, main):
            found.append("out_of_order")
        twins = [other for other in self.keys if other != der and self._twins(der, other)]
        if twins:
            found.append("cross_signed")
        return found

    def _misplaced(self, der: bytes, main: tuple[bytes, ...]) -> bool:
        """Whether a certificate of the chain came before the one that it issued, or after another's."""
        place = main.index(der)
        index = self.pool.index[der]
        before = [self.pool.index[other] for other in main[:place] if other in self.pool.index]
        return any(other > index for other in before)

    def _twins(self, der: bytes, other: bytes) -> bool:
        one, two = read(der), read(other)
        same = one.subject_der == two.subject_der and one.spki_sha256 == two.spki_sha256 != ""
        return same and one.issuer_der != two.issuer_der

    def _ghost(self, number: int, child: bytes) -> Vertex:
        cert = read(child)
        name = shorten(cert.issuer_cn or cert.issuer or "(no name)", 200)
        where = tuple(shorten(place, 200) for place in cert.ca_issuers[:5])
        detail = f"not sent; it lies at {where[0]}" if where else "not sent, and nobody says where it lies"
        return Vertex(number, None, None, "ghost", "missing", name, detail, where)
