"""The chain as a picture: sent certificates, the anchor they lead to and what is missing, as a tree from the root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.faults import for_no_host
from tlsviz.pki.links import Link, Pool, is_self_signed
from tlsviz.pki.trust import Fault, StoreVerdict, Trust
from tlsviz.wire.text import shorten

Role = Literal["leaf", "intermediate", "root", "ghost", "stray"]


@dataclass(frozen=True, slots=True)
class ChainNode:
    """A certificate in its place, above those that it issued; all text is safe to print.

    ``certificate`` is None for a ghost: a certificate that should be there and was not sent; its ``name``
    is the issuer that is missing, its ``detail`` where it could be had. ``index`` is the place as sent,
    None when not sent. ``link``: whether the signature of the one above is right; None at the top and below
    a ghost. ``anchor`` names the store that trusts it. ``remarks`` tell of oddities that do no harm,
    ``faults`` of those that do.
    """

    certificate: Certificate | None
    index: int | None
    role: Role
    name: str
    detail: str
    children: tuple[ChainNode, ...] = ()
    link: Link | None = None
    anchor: str | None = None
    remarks: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``roots``: the tops of the tree, the one above the leaf first; ``remarks`` on the list as a whole.

    ``ordered``: each certificate came right behind the one that it issued, as RFC 5246 demanded.
    """

    roots: tuple[ChainNode, ...] = ()
    remarks: tuple[str, ...] = ()
    ordered: bool = True


def arrange(ders: Sequence[bytes], trust: Trust | None = None) -> Arrangement:
    """The tree of a list of certificates as sent; with ``trust``, its path and faults. Total and bounded."""
    return _Picture(ders, trust).arrangement() if ders else Arrangement()


class _Picture:
    def __init__(self, ders: Sequence[bytes], trust: Trust | None) -> None:
        self.sent = ders
        self.pool = Pool(ders)
        self.trust = trust
        self.verdict = _verdict(trust)
        self.path = self._path()
        self.reached = self._reached()
        self.above: dict[bytes, bytes] = {}
        for child, parent in zip(self.path, self.path[1:], strict=False):
            self.above[child] = parent
        self._join_others()

    def arrangement(self) -> Arrangement:
        everyone = dict.fromkeys((*self.path, *self.pool.ders))
        tops = [der for der in everyone if der not in self.above]
        # The top of the leaf's own way comes first.
        tops.sort(key=lambda der: der != self.path[-1])
        below_ghost: dict[bytes, list[bytes]] = {}
        for der in tops:
            below_ghost.setdefault(self._missing_issuer(der) or der, []).append(der)
        nodes = [self._node(key) if key == members[0] else self._ghost(members) for key, members in below_ghost.items()]
        places = [self.pool.index[der] for der in self.path if der in self.pool.index]
        ordered = places == sorted(places)
        return Arrangement(tuple(nodes), tuple(self._remarks(ordered)), ordered)

    def _path(self) -> tuple[bytes, ...]:
        """The way up from the leaf: the verdict's when there is one."""
        if self.verdict and self.verdict.path:
            return self.verdict.path
        return self.pool.paths(self.pool.ders[0])[0].ders

    def _reached(self) -> set[bytes]:
        """Everything that stands above the leaf on any way."""
        found = {self.path[0], *self.path}
        waiting = list(self.path)
        while waiting:
            for parent in self.pool.parents(waiting.pop()):
                if parent.der not in found:
                    found.add(parent.der)
                    waiting.append(parent.der)
        return found

    def _join_others(self) -> None:
        """Hangs each certificate outside the path below a sender's one that issued it, without making circles."""
        for der in self.pool.ders:
            if der in self.path:
                continue
            for parent in self.pool.parents(der):
                if not self._is_above(der, parent.der):
                    self.above[der] = parent.der
                    break

    def _is_above(self, der: bytes, other: bytes) -> bool:
        """Whether ``der`` is ``other`` or above it."""
        current: bytes | None = other
        while current is not None and current != der:
            current = self.above.get(current)
        return current is not None

    def _missing_issuer(self, top: bytes) -> bytes | None:
        """The subject of the certificate that should stand above a top; None when nothing is missing there."""
        cert = read(top)
        complete = cert.self_issued or self._anchored(top) or self.pool.parents(top)
        return None if complete else cert.issuer_der or None

    def _anchored(self, der: bytes) -> bool:
        trusted = self.verdict is not None and self.verdict.verdict == "trusted"
        return der == self.path[-1] and (trusted or der not in self.pool.index)

    def _ghost(self, members: list[bytes]) -> ChainNode:
        cert = read(members[0])
        name = cert.issuer_cn or cert.issuer or "(no name)"
        where = f"not sent; it lies at {shorten(cert.ca_issuers[0], 200)}" if cert.ca_issuers else "not sent"
        return ChainNode(None, None, "ghost", name, where, tuple(map(self._node, members)))

    def _node(self, der: bytes) -> ChainNode:
        cert, index = read(der), self.pool.index.get(der)
        below = [child for child, parent in self.above.items() if parent == der]
        parent = self.above.get(der)
        anchor = self.verdict.store if self.verdict and self._anchored(der) else None
        return ChainNode(
            cert,
            index,
            self._role(der),
            cert.title,
            describe(cert),
            tuple(map(self._node, below)),
            self.pool.link(der, parent) if parent else None,
            anchor,
            tuple(self._oddities(der)),
            tuple(fault for fault in self.trust.faults if fault.certificate == index) if self.trust else (),
        )

    def _role(self, der: bytes) -> Role:
        if der == self.path[0]:
            return "leaf"
        if der not in self.reached:
            return "stray"
        return "root" if read(der).self_issued or self._anchored(der) else "intermediate"

    def _oddities(self, der: bytes) -> list[str]:
        """What is odd about a certificate's being here, and does no harm."""
        found: list[str] = []
        index = self.pool.index.get(der)
        if index is None:
            return [f"from the {self.verdict.store} store, not sent"] if self.verdict else []
        again = [place + 1 for place, other in enumerate(self.sent) if other == der and place != index]
        if again:
            found.append("sent again as number " + ", ".join(map(str, again[:5])))
        if der not in self.reached:
            found.append("has nothing to do with the chain")
        elif der not in self.path:
            found.append("stands on another way up, which was not needed")
        if index and is_self_signed(der) and der in self.reached:
            found.append("a root need not be sent: who trusts it has it")
        if der == self.path[0] and self.trust:
            found += self._as_servers(read(der), self.trust)
        return found

    def _as_servers(self, leaf: Certificate, trust: Trust) -> Iterator[str]:
        """What clients other than the judge may mind in a server's own certificate."""
        if trust.name is None and (nowhere := for_no_host(leaf)):
            yield nowhere
        if trust.verdict == "trusted" and leaf.is_ca:
            yield "is a certificate authority's (cA is set): stricter clients, such as Firefox, take none as a server's"

    def _remarks(self, ordered: bool) -> list[str]:
        found = []
        if not ordered:
            found.append("not sent in order: each should come right behind the certificate that it issued")
        ignored = sum(der not in self.pool.index for der in self.sent)
        if ignored:
            found.append(f"{ignored:,} more certificates were sent and not considered")
        return found


def _verdict(trust: Trust | None) -> StoreVerdict | None:
    if trust is None:
        return None
    return next((verdict for verdict in trust.stores if verdict.store == trust.store), None)


def describe(cert: Certificate) -> str:
    """A certificate in a line: key, validity, signature."""
    start = f"{cert.not_before:%Y-%m-%d}" if cert.not_before else "?"
    end = f"{cert.not_after:%Y-%m-%d}" if cert.not_after else "?"
    return f"{cert.key or '?'} · {start} to {end} · {cert.signature_algorithm or '?'}"
