"""The chain in the text report: each store's verdict, certificates from the anchors down, what vouches for them."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection
from tlsviz.explain import chain as words
from tlsviz.explain import names, vouchers
from tlsviz.pki.ascent import Rung, ascend
from tlsviz.pki.graph import Edge, Graph, Vertex, graph
from tlsviz.pki.naming import compare
from tlsviz.pki.trust import Trust
from tlsviz.pki.words import age
from tlsviz.report.paint import Line, Piece, Style, cells, clip, heading, pad, paragraph, wrap
from tlsviz.report.phrases import PROOF, TRUST
from tlsviz.wire.chunks import SERVER, Sender
from tlsviz.wire.text import safe

MAX_NAMES = 12
INDENT = Piece("  ")
Fact = tuple[str, str, Style]
"""A sign with its space, or "", a text and their style."""
_DRAWN = ("expired", "not_yet_valid", "name_mismatch")
"""Faults that the lines on dates and names tell already."""


def certificates(connection: Connection, sender: Sender, width: int) -> Iterator[Line]:
    """One side's certificates as a tree; nothing where it sent none."""
    ders = [sent.der for sent in connection.certificates if sent.sender == sender]
    if not ders:
        return
    trust = connection.trust if sender == SERVER else connection.client_trust
    judged = trust if trust is not None and trust.stores else None
    made = graph(ders, judged)
    yield heading("Certificates", f"{len(ders)} from the {sender}, from the root down", width)
    drawing = _Drawing(made, judged, sender, width)
    climbed = ascend(made)
    for rung in (*reversed(climbed.ways), *reversed(climbed.strays)):
        yield from drawing.rung(rung)
    disorder = [] if made.ordered else ["not sent in order: each should come right behind the one that it issued"]
    for remark in (*disorder, *words.more(climbed.untold, made.ignored)):
        yield from paragraph([INDENT, Piece("▲ ", "warn")], remark, width, "warn")


class _Drawing:
    def __init__(self, made: Graph, trust: Trust | None, sender: Sender, width: int) -> None:
        self.made, self.trust, self.sender, self.width = made, trust, sender, width

    def rung(self, rung: Rung) -> Iterator[Line]:
        """A certificate, and below it the link to the one that it issued."""
        lead = "  " + "│  " * min(rung.lane, self.width // 12)
        yield from self._title(rung, lead)
        rail = Piece(f"{lead}{'│' if rung.edge else ' '}   ", "dim")
        told = [] if rung.again else [*self._facts(rung)]
        if rung.edge is not None:
            told += self._link(rung.edge)
        for sign, text, style in told:
            first, *rest = wrap(text, self.width - cells(rail.text) - cells(sign))
            yield [rail, Piece(sign + first, style)]
            yield from ([rail, Piece(" " * cells(sign) + part, style)] for part in rest)
        if rung.edge is not None and rung.opens:
            joint = Piece(f"{lead[:-3]}├──┘ ", "dim")
            yield from paragraph([joint], words.other_way(self.made, rung.edge), self.width, "dim")

    def _title(self, rung: Rung, lead: str) -> Iterator[Line]:
        vertex = rung.vertex
        sign, style = self._sign(vertex)
        about = [words.part(vertex, self.sender), "" if vertex.certificate is None else words.place(vertex)]
        said = ", ".join(filter(None, (*about, words.anchored(vertex))))
        if rung.again:
            said = "the same as elsewhere here"
        room = self.width - cells(lead) - 2
        name = clip(safe(vertex.name), max(room - cells(said) - 2, 20))
        line = [Piece(lead, "dim"), Piece(f"{sign} {name}", style)]
        if cells(name) + cells(said) + 2 <= room:
            yield [*line, Piece(f"  {said}", "dim")]
        else:
            yield line
            yield from paragraph([Piece(f"{lead}    ", "dim")], said, self.width, "dim")

    def _sign(self, vertex: Vertex) -> tuple[str, Style]:
        if vertex.certificate is None:
            return "◌", "guess"
        if vertex.faults or any(check.verdict == "failed" for check in vertex.checks):
            return "✗", "bad"
        if vertex.role == "stray":
            return "▲", "warn"
        above = self.made.issuers(vertex.id)
        good = vertex.stores or any(edge.verdict == "passed" for edge in above)
        return ("✓", "good") if good else ("●", "bold")

    def _facts(self, rung: Rung) -> Iterator[Fact]:
        vertex, cert = rung.vertex, rung.vertex.certificate
        if cert is None:
            yield "", words.ghost(vertex), "guess"
            return
        yield "", vertex.detail, "dim"
        if self.trust is not None:
            bad = any(check.name == "validity" and check.verdict == "failed" for check in vertex.checks)
            yield ("✗ " if bad else ""), age(cert, self.trust.at), "bad" if bad else "dim"
        if vertex.role == "leaf" and self.sender == SERVER:
            yield from self._names(vertex)
        for fault in vertex.faults:
            if fault.reason not in _DRAWN or (fault.reason == "name_mismatch" and vertex.role != "leaf"):
                yield "✗ ", words.fault(fault), "bad"
        said = {fault.reason for fault in vertex.faults}
        for check in vertex.checks:
            if check.verdict == "failed" and check.reason not in said and check.reason not in _DRAWN:
                yield "✗ ", f"{words.CHECKS[check.name]}: {safe(check.why)}", "bad"
        if where := words.borrowed(vertex, self.trust):
            yield "◌ ", where, "guess"
        for mark in words.marks(vertex, rung.lane > 0):
            yield "▲ ", mark, "warn"
        for problem in cert.problems[:4]:
            yield "▲ ", safe(problem), "warn"

    def _names(self, vertex: Vertex) -> Iterator[Fact]:
        cert = vertex.certificate
        if cert is None:
            return
        report = compare(cert, self.trust.name if self.trust else None)
        shown = [names.reading(one) for one in names.ordered(report)[:MAX_NAMES]]
        rest = len(cert.names) - len(shown)
        listed = ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")
        if report.asked is not None:
            yield ("✓ " if report.matches else "✗ "), names.verdict(report), "" if report.matches else "bad"
        if listed and (len(report.tries) > 1 or not report.matches):
            yield "", f"names {listed}", ""
        for odd in filter(None, (report.common_name if cert.names else "", report.odd)):
            yield "▲ ", odd, "warn"

    def _link(self, edge: Edge) -> Iterator[Fact]:
        if not edge.checks:
            yield "? ", "no link to check: the certificate is not here", "guess"
            return
        checked = words.sorted_checks(edge.checks)
        passed = words.titles(checked.passed)
        if edge.verdict == "passed":
            yield "✓ ", f"link holds: {passed}", "good"
        else:
            right = f"; right: {passed}" if passed else ""
            text = f"{words.link(edge)}: {words.titles((*checked.failed, *checked.unknown))}{right}"
            yield ("✗ ", text, "bad") if edge.verdict == "failed" else ("? ", text, "guess")


def trust(connection: Connection, sender: Sender, width: int) -> Iterator[Line]:
    """What every store says of one side's certificates, side by side, and why they do not agree."""
    found = connection.trust if sender == SERVER else connection.client_trust
    if found is None or not found.stores:
        return
    whose = "Trust" if sender == SERVER else "Trust in the client"
    now = words.now(found)
    yield heading(whose, words.judged(found) + (f"; {now}" if now else ""), width)
    column = max(cells(safe(store.store)) for store in found.stores)
    for store in found.stores:
        sign = TRUST[store.verdict]
        lead = [INDENT, Piece(f"{pad(safe(store.store), min(column, 24))}  "), Piece(pad(sign.text, 15), sign.style)]
        yield from paragraph(lead, words.said_by(store), width, "" if store.reasons else "dim")
        if helped := words.helped(store):
            yield from paragraph([Piece(" " * (min(column, 24) + 19))], helped, width, "guess")
    if contrast := words.contrast(found):
        yield from paragraph([INDENT, Piece("▲ ", "warn")], contrast, width, "warn")


def vouched(connection: Connection, width: int) -> Iterator[Line]:
    """Revocation, receipts of transparency logs and OpenSSL's own verdict; nothing where nobody says anything."""
    found = connection.trust
    if found is None:
        return
    told = [*_revocations(found), *_receipts(found)]
    if found.openssl is not None and (found.openssl.code or not found.openssl.agrees):
        odd = "" if found.openssl.agrees else "; the judge here does not agree"
        told.append(("OpenSSL", TRUST["trusted" if found.openssl.code == 0 else "untrusted"],
                     vouchers.openssl(found.openssl) + odd))  # fmt: skip
    if not told:
        return
    yield heading("Vouchers", "what others say of the certificate", width)
    for label, sign, text in told:
        yield from paragraph([INDENT, Piece(f"{label:12}"), Piece(f"{sign.text[:1]} ", sign.style)], text, width)


def _revocations(found: Trust) -> Iterator[tuple[str, Piece, str]]:
    signs = {"good": PROOF["verified"], "revoked": PROOF["failed"]}
    for one in found.revocations:
        fresh = vouchers.freshness(one, found.at)
        text = "; ".join((vouchers.revocation(one), *fresh))
        yield "revocation", signs.get(one.status, PROOF["not_provable"]), text


def _receipts(found: Trust) -> Iterator[tuple[str, Piece, str]]:
    if found.transparency is not None and (found.receipts or found.transparency.enough is not None):
        status = {True: "verified", False: "failed", None: "not_provable"}[found.transparency.enough]
        yield "receipts", PROOF[status], vouchers.enough(found.transparency)
    for one in found.receipts:
        yield "", PROOF[one.check], vouchers.receipt(one)
