"""The lines of the Chain pane: each store's verdict, the certificates from the anchors down, and what vouches for them.

Every line knows what it is about, so that a key or a click can go there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len

from tlsviz.connection.model import Connection
from tlsviz.explain import chain as words
from tlsviz.explain import names
from tlsviz.pki.ascent import Rung, ascend
from tlsviz.pki.graph import Edge, Graph, Vertex, graph
from tlsviz.pki.linkchecks import Check
from tlsviz.pki.naming import compare
from tlsviz.pki.trust import StoreVerdict, Trust
from tlsviz.ui.glyphs import glyphs, trust
from tlsviz.ui.widgets.lines import Line, cells, clip, clip_line, wrap
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.ui.widgets.time_line import validity
from tlsviz.ui.widgets.voucher_lines import vouchers
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import safe

MAX_NAMES = 12
"""Of a certificate's names so many are listed; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a line is about: a certificate (``der``; ``index`` its place as sent), and maybe a field of it, by its
    dotted path in the tree of DER; or a message."""

    side: Sender = SERVER
    der: bytes = b""
    index: int | None = None
    field: str = ""
    message: int | None = None


class ChainLine(NamedTuple):
    """A line and what it is about; None for what is about nothing in particular."""

    line: Line
    target: Target | None = None


def drawn(connection: Connection, side: Sender) -> tuple[Graph, Trust | None]:
    """The graph of one side's certificates and its verdict."""
    ders = [sent.der for sent in connection.certificates if sent.sender == side]
    verdict = connection.trust if side == SERVER else connection.client_trust
    judged = verdict if verdict is not None and verdict.stores else None
    return graph(ders, judged), judged


def chain_lines(connection: Connection, width: int) -> list[ChainLine]:
    """Everything about both sides' certificates; () when there are none."""
    found: list[ChainLine] = []
    sides: tuple[Sender, ...] = (SERVER, CLIENT)
    for side in sides:
        made, verdict = drawn(connection, side)
        if not made.vertices:
            continue
        if side == CLIENT:
            found += [ChainLine([]), *_plain(heading("The client's certificates", width))]
        if verdict is not None:
            found += verdicts(verdict, made, side, width)
        found += tree(made, verdict, side, width)
        if verdict is not None:
            found += [
                ChainLine(line, None if message is None else Target(side, message=message))
                for line, message in vouchers(verdict, made, width)
            ]
    return found


def _plain(lines: Sequence[Line], target: Target | None = None) -> list[ChainLine]:
    return [ChainLine(line, target) for line in lines]


# -- the stores ----------------------------------------------------------------------------------------------


def verdicts(verdict: Trust, made: Graph, side: Sender, width: int) -> list[ChainLine]:
    """What every store says, and why; below, why they do not agree, what was asked and of what time."""
    found: list[ChainLine] = []
    column = min(max(cell_len(safe(each.store)) for each in verdict.stores), 20)
    for each in verdict.stores:
        found += _store(each, column, made, side, width)
    contrast = words.contrast(verdict)
    if contrast:
        found += _plain(paragraph(contrast, width, "warning", 3, f" {glyphs().odd} "))
    about = f" {glyphs().dot} ".join(filter(None, (words.judged(verdict), words.now(verdict))))
    return [*found, *_plain(paragraph(about, width, "muted", 3)), ChainLine([])]


def _store(each: StoreVerdict, column: int, made: Graph, side: Sender, width: int) -> list[ChainLine]:
    sign = trust(each.verdict)
    fault = each.faults[0] if each.faults else None
    target = None
    if fault is not None and fault.sha256 is not None:
        target = next((_target(v, side, fault.field) for v in made.vertices if _is(v, fault.sha256)), None)
    name = clip(safe(each.store), column)
    who = words.who(each.store)
    lead: Line = [(f" {sign.glyph} {name}{' ' * (column - cell_len(name))}  {sign.word}", f"{sign.role} bold")]
    if who and cells(lead) + cell_len(who) + 3 <= width:
        lead.append((f"  {who}", "muted"))
    said = words.said_by(each)
    style = "foreground" if each.verdict != "trusted" else "muted"
    if cells(lead) + cell_len(said) + 3 <= width:
        found = [ChainLine([*lead, ("  ", ""), (said, style)], target)]
    else:
        found = [ChainLine(lead, target), *_plain(paragraph(said, width, style, 5), target)]
    if helped := words.helped(each):
        found += _plain(paragraph(helped, width, "inferred", 5), target)
    return found


def _is(vertex: Vertex, sha256: str) -> bool:
    return vertex.certificate is not None and vertex.certificate.sha256 == sha256


def _target(vertex: Vertex, side: Sender, field: str = "") -> Target | None:
    cert = vertex.certificate
    return Target(side, cert.der, vertex.index, field) if cert is not None else None


# -- the certificates ----------------------------------------------------------------------------------------


def tree(made: Graph, verdict: Trust | None, side: Sender, width: int) -> list[ChainLine]:
    """The certificates from the anchors down to the leaf; ways that were not taken stand beside as branches."""
    canvas = _Canvas(made, verdict, side, width)
    climbed = ascend(made)
    for rung in reversed(climbed.ways):
        canvas.rung(rung)
    if climbed.strays:
        canvas.lines += [ChainLine([]), *_plain(heading("Sent, but not part of the chain", width, "warning"))]
        for rung in reversed(climbed.strays):
            canvas.rung(rung)
    for remark in (*([] if made.ordered else [_DISORDER]), *words.more(climbed.untold, made.ignored)):
        canvas.lines += _plain(paragraph(remark, width, "warning", 3, f" {glyphs().odd} "))
    return canvas.lines


_DRAWN = ("expired", "not_yet_valid", "name_mismatch")
_DISORDER = "Not sent in order: each should come right behind the certificate that it issued."


class _Canvas:
    """What is drawn on: the lines so far, and what all certificates need."""

    def __init__(self, made: Graph, verdict: Trust | None, side: Sender, width: int) -> None:
        self.made, self.verdict, self.side, self.width = made, verdict, side, width
        self.lines: list[ChainLine] = []
        self.told: dict[int, set[str]] = {
            vertex.id: {fault.reason for fault in vertex.faults}
            | {check.reason for check in vertex.checks if check.verdict == "failed" and check.reason}
            for vertex in made.vertices
        }

    def rung(self, rung: Rung) -> None:
        """A certificate, and below it the link to the one that it issued."""
        signs = glyphs()
        lanes = f"{signs.rail}  " * min(rung.lane, self.width // 9)
        lead = f" {lanes}"
        self._title(rung.vertex, lead, rung.again)
        below = rung.edge is not None
        rail = f"{lead}{signs.rail if below else ' '}  "
        if not rung.again:
            self._facts(rung.vertex, rail, rung.lane > 0)
        if rung.edge is not None:
            self._link(rung.edge, rail)
            if rung.opens:
                joint = f" {lanes[3:]}{signs.branch}{signs.dash * 2}{signs.corner_br} "
                self._say(joint, words.other_way(self.made, rung.edge), "muted")

    def _title(self, vertex: Vertex, lead: str, again: bool) -> None:
        signs = glyphs()
        ghost, odd = vertex.certificate is None, vertex.role == "stray"
        bad = bool(self.told[vertex.id])
        sign = signs.ghost if ghost else signs.chosen if vertex.role == "leaf" else signs.here
        style = "inferred italic" if ghost else "failed bold" if bad else "warning" if odd else "foreground bold"
        parts = [words.part(vertex, self.side), "" if ghost else words.place(vertex), words.anchored(vertex)]
        if again:
            parts = ["the same as elsewhere here"]
        about = f" {signs.dot} ".join(filter(None, parts))
        target = self._ghosts(vertex) if ghost else _target(vertex, self.side)
        name = clip(safe(vertex.name), max(self.width - len(lead) - 4, 4))
        line: Line = [(lead, "rule"), (f"{sign} {name}", style)]
        if cells(line) + cell_len(about) + 3 <= self.width:
            self.lines.append(ChainLine([*line, (f"  {about}", "muted")], target))
            return
        self.lines.append(ChainLine(line, target))
        rail = f"{lead}{glyphs().rail if self.made.issued(vertex.id) else ' '}  "
        self.lines.append(ChainLine(clip_line([(rail, "rule"), (about, "muted")], self.width - 1), target))

    def _ghosts(self, vertex: Vertex) -> Target | None:
        """A gap is known from the issuer's name in the certificate below it."""
        child = next((edge.child for edge in self.made.issued(vertex.id)), None)
        return _target(self.made.vertices[child], self.side, "tbsCertificate.issuer") if child is not None else None

    def _say(self, rail: str, text: str, style: str, target: Target | None = None, first: str = "") -> None:
        """Words behind the rail; ``first`` hangs before them."""
        room = max(self.width - len(rail) - cell_len(first) - 1, 8)
        for number, part in enumerate(wrap(text, room)):
            lead = first if number == 0 else " " * cell_len(first)
            self.lines.append(ChainLine([(rail, "rule"), (lead, style), (part, style)], target))

    def _facts(self, vertex: Vertex, rail: str, beside: bool) -> None:
        signs, cert = glyphs(), vertex.certificate
        if cert is None:
            target = self._ghosts(vertex)
            self._say(rail, words.ghost(vertex), "inferred italic", target)
            return
        page = _target(vertex, self.side)
        self._say(rail, f"{cert.key or '?'}, signed with {cert.signature_algorithm or '?'}", "muted", page)
        at = self.verdict.at if self.verdict else None
        dates = next((check for check in vertex.checks if check.name == "validity"), None)
        when = _target(vertex, self.side, dates.field) if dates and dates.verdict == "failed" else page
        for line in validity(cert, at, max(self.width - len(rail) - 1, 16)):
            self.lines.append(ChainLine([(rail, "rule"), *line], when))
        if vertex.role == "leaf" and self.side == SERVER:
            self._names(vertex, rail)
        for each in vertex.faults:
            # The bar says when it expired, and the names which of them fits.
            if each.reason not in _DRAWN or (each.reason == "name_mismatch" and vertex.role != "leaf"):
                self._say(rail, words.fault(each), "failed", _target(vertex, self.side, each.field), f"{signs.failed} ")
        said = {each.reason for each in vertex.faults}
        for check in vertex.checks:
            if check.verdict == "failed" and check.reason not in said and check.reason not in _DRAWN:
                self._failed(check, vertex, rail)
        if where := words.borrowed(vertex, self.verdict):
            self._say(rail, where, "inferred", page, f"{signs.ghost} ")
        for mark in words.marks(vertex, beside):
            self._say(rail, mark, "muted" if mark.startswith("cross") else "warning", page, f"{signs.odd} ")
        for problem in cert.problems[:4]:
            self._say(rail, safe(problem), "warning", page, f"{signs.odd} ")

    def _names(self, vertex: Vertex, rail: str) -> None:
        """Whether the name fits; then its names, the fitting or nearest one first."""
        signs, cert = glyphs(), vertex.certificate
        if cert is None:
            return
        check = next((check for check in vertex.checks if check.name == "server_name"), None)
        target = _target(vertex, self.side, check.field if check else "")
        report = compare(cert, self.verdict.name if self.verdict else None)
        good = {True: ("verified", signs.verified), False: ("failed", signs.failed), None: ("muted", signs.unknown)}
        style, sign = good[report.matches]
        self._say(rail, names.verdict(report), style, target, f"{sign} ")
        if report.common_name and cert.names:
            self._say(rail, report.common_name, "warning", target, f"{signs.odd} ")
        for odd in filter(None, (report.odd, *(one.odd for one in report.tries[:MAX_NAMES]))):
            self._say(rail, odd, "warning", target, f"{signs.odd} ")
        if len(report.tries) > 1 or report.matches is not True:
            shown = [names.reading(one) for one in names.ordered(report)[:MAX_NAMES]]
            rest = len(cert.names) - len(shown)
            text = f"its names: {', '.join(shown)}" + (f" and {rest:,} more" if rest > 0 else "")
            if shown:
                self._say(rail, text, "muted", target)

    def _link(self, edge: Edge, rail: str) -> None:
        """What was checked between a certificate and the one that it issued."""
        signs = glyphs()
        issuer, child = self.made.vertices[edge.issuer], self.made.vertices[edge.child]
        if not edge.checks:
            self._say(rail, "no link to check: the certificate is not here", "inferred", None, f"{signs.below} ")
            return
        checked = words.sorted_checks(edge.checks)
        sign, style = {
            "passed": (signs.verified, "verified"),
            "failed": (signs.failed, "failed"),
            "unknown": (signs.unknown, "inferred"),
        }[edge.verdict]
        shown = {"passed": checked.passed, "failed": checked.failed, "unknown": checked.unknown}[edge.verdict]
        self._say(rail, f"{words.link(edge)}: {words.titles(shown)}", style, None, f"{signs.below} {sign} ")
        if edge.verdict != "passed" and checked.passed:
            self._say(rail, words.titles(checked.passed), "verified", None, f"  {signs.verified} ")
        if checked.absent:
            self._say(rail, f"not limited: {words.titles(checked.absent)}", "muted", None, f"  {signs.dot} ")
        for check in (*checked.unknown, *checked.failed):
            of = issuer if check.of == "issuer" else child
            if check.verdict == "unknown" or check.reason not in self.told[of.id]:
                self._failed(check, of, rail, "  ")

    def _failed(self, check: Check, vertex: Vertex, rail: str, indent: str = "") -> None:
        """A check that failed or could not be made, with the field that it is about."""
        sign, style = {"unknown": (glyphs().unknown, "inferred")}.get(check.verdict, (glyphs().failed, "failed"))
        text = f"{words.CHECKS[check.name]}: {safe(check.why)}"
        self._say(rail, text, style, _target(vertex, self.side, check.field), f"{indent}{sign} ")


def targets(lines: Sequence[ChainLine]) -> list[tuple[int, int, Target]]:
    """Where each target's lines begin and end, in reading order; lines of one that follow each other are one place."""
    return list(_targets(lines))


def _targets(lines: Sequence[ChainLine]) -> Iterator[tuple[int, int, Target]]:
    start = 0
    for number, each in enumerate(lines):
        if number == 0 or each.target != lines[number - 1].target:
            start = number
        last = number + 1 == len(lines) or lines[number + 1].target != each.target
        if each.target is not None and last:
            yield start, number, each.target
