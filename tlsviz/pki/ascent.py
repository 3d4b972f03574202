"""The graph of a chain as lines to draw: from the leaf up, the deciding way straight, others as branches beside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from tlsviz.pki.graph import Edge, Graph, Vertex

MOST_RUNGS = 60
"""More certificates than any chain has that is meant well; what lies behind them is counted."""


class Rung(NamedTuple):
    """A certificate (or a ghost) in its place above the one that it issued.

    ``edge``: the link from the certificate below, None where a way begins. ``lane``: how many branches it stands
    beside; lanes further left go on upward. ``opens``: it is the first of a branch. ``ends``: nothing stands above it.
    ``again``: the same stands elsewhere in the drawing with all that is above it.
    """

    vertex: Vertex
    edge: Edge | None = None
    lane: int = 0
    opens: bool = False
    ends: bool = False
    again: bool = False


class Ascent(NamedTuple):
    """``ways``: from the leaf to its ends; ``strays``: certificates that lie on no way, with their issuers.

    ``untold``: how many certificates are not drawn.
    """

    ways: tuple[Rung, ...] = ()
    strays: tuple[Rung, ...] = ()
    untold: int = 0


def ascend(graph: Graph) -> Ascent:
    """The lines of a graph in drawing order: a branch stands before what goes on above the fork. Total and bounded."""
    return _Climber(graph).ascent() if graph.vertices else Ascent()


class _Climber:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.spine = set(graph.routes[0].vertices) if graph.routes else {graph.vertices[0].id}
        self.drawn: set[int] = set()

    def ascent(self) -> Ascent:
        ways = tuple(self._climb(self.graph.vertices[0].id, None, 0, False))
        strays: list[Rung] = []
        for vertex in self.graph.vertices:
            if vertex.id not in self.drawn and len(ways) + len(strays) < MOST_RUNGS:
                strays += self._climb(vertex.id, None, 0, False)
        return Ascent(ways, tuple(strays), len(self.graph.vertices) - len(self.drawn))

    def _climb(self, vertex: int, edge: Edge | None, lane: int, opens: bool) -> Iterator[Rung]:
        here = self.graph.vertices[vertex]
        again = vertex in self.drawn or (lane > 0 and vertex in self.spine)
        above = () if again or len(self.drawn) >= MOST_RUNGS else self._above(vertex)
        yield Rung(here, edge, lane, opens, not above, again)
        if again:
            return
        self.drawn.add(vertex)
        if not above:
            return
        straight, *others = above
        for other in others:
            yield from self._climb(other.issuer, other, lane + 1, True)
        yield from self._climb(straight.issuer, straight, lane, False)

    def _above(self, vertex: int) -> tuple[Edge, ...]:
        """The links up, the one to go on with first: on the deciding way if it is one, else the first route's."""
        routes = [route.vertices for route in self.graph.routes]

        def weight(edge: Edge) -> int:
            pair = (edge.child, edge.issuer)
            return next((at for at, ids in enumerate(routes) if pair in pairwise(ids)), len(routes))

        edges = sorted(self.graph.issuers(vertex), key=weight)
        # What one store lacks and another has is no gap, unless the verdict rests on its being one.
        there = [edge for edge in edges if edge.issuer in self.spine or self.graph.vertices[edge.issuer].certificate]
        return tuple(there or edges)
