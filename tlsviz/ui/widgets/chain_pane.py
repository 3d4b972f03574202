"""The certificates as a tree, from the root that is trusted (or missing) down to the server's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from textual import events

from tlsviz.pki.certificate import Certificate
from tlsviz.pki.chain import Arrangement, ChainNode, arrange
from tlsviz.pki.fingerprint import ja4x
from tlsviz.pki.trust import StoreVerdict, Trust
from tlsviz.pki.words import moment, span
from tlsviz.ui.glyphs import Glyphs, glyphs, trust
from tlsviz.ui.selection import CertificateChosen, Scene
from tlsviz.ui.widgets.lines import Line, clip, clip_line, wrap
from tlsviz.ui.widgets.pane import Pane, heading, paragraph
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import plural, safe

MAX_NAMES = 12
"""Of a certificate's names so many are listed; the rest are counted."""
_ROLES = {
    "leaf": "the server's own",
    "intermediate": "intermediate",
    "root": "root",
    "ghost": "missing",
    "stray": "not part of the chain",
}


class ChainPane(Pane):
    """Names, validity, key and signature of each certificate, and each store's verdict in words.

    A click on a certificate that was sent chooses its bytes.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sent: list[tuple[int, Sender, int | None]] = []

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = self.index_at(offset.y) if offset is not None else None
        if line is None:
            return
        above = [each for each in self._sent if each[0] <= line]
        if above and above[-1][2] is not None:
            self.post_message(CertificateChosen(above[-1][1], above[-1][2]))

    def key(self, scene: Scene) -> tuple[object, ...]:
        return (scene.connection.certificates, scene.connection.trust, scene.connection.resumed)

    def build(self, scene: Scene, width: int) -> list[Line]:
        connection = scene.connection
        lines: list[Line] = []
        self._sent = []
        sides: tuple[Sender, ...] = (SERVER, CLIENT)
        for side in sides:
            ders = [sent.der for sent in connection.certificates if sent.sender == side]
            if not ders:
                continue
            verdict = connection.trust if side == SERVER else None
            if side == CLIENT:
                lines += [[], *heading("The client's certificates", width)]
            elif verdict:
                lines += verdicts(verdict, width)
            starts: list[tuple[int, int | None]] = []
            drawn = tree(arrange(ders, verdict), verdict, width, side, starts)
            self._sent += [(len(lines) + line, side, index) for line, index in starts]
            lines += drawn
        if not lines:
            text = "No certificate has been seen."
            if connection.resumed:
                text += " The session was resumed: the server proved itself in an earlier connection."
            elif any(message.type == "certificate" for message in connection.messages):
                text += " It is encrypted, and the keys are not known."
            return [[], *paragraph(text, width, "muted", 2)]
        return lines


def verdicts(verdict: Trust, width: int) -> list[Line]:
    """What every store says, and why."""
    lines: list[Line] = []
    for each in verdict.stores:
        lines += _store(each, width)
    about = f"judged for {safe(verdict.name)}" if verdict.name else "judged without a name to look for"
    return [*lines, *paragraph(f"{about}, as of {moment(verdict.at)}", width, "muted", 3), []]


def _store(each: StoreVerdict, width: int) -> list[Line]:
    sign = trust(each.verdict)
    reasons = ", ".join(reason.replace("_", " ") for reason in each.reasons)
    text = f"{safe(each.store)}: {sign.word}" + (f", {reasons}" if reasons else "")
    lines = paragraph(text, width, f"{sign.role} bold", 3, f" {sign.glyph} ")
    if each.detail and each.verdict != "trusted":
        lines += paragraph(safe(each.detail), width, "muted", 3)
    return lines


def tree(
    arrangement: Arrangement,
    verdict: Trust | None,
    width: int,
    side: Sender = SERVER,
    starts: list[tuple[int, int | None]] | None = None,
) -> list[Line]:
    """The certificates, each with its facts, roots first; ``starts`` takes each one's first line and place as sent."""
    lines: list[Line] = []
    starts = [] if starts is None else starts
    at = verdict.at if verdict else None
    for node in arrangement.roots:
        _draw(_Canvas(lines, starts, at, width, side), node, "", "")
    for remark in arrangement.remarks:
        lines += paragraph(safe(remark), width, "warning", 3, f" {glyphs().odd} ")
    return lines


@dataclass(slots=True)
class _Canvas:
    """What is drawn on: the lines so far, where each certificate starts, and what all of them need."""

    lines: list[Line]
    starts: list[tuple[int, int | None]]
    at: datetime | None
    width: int
    side: Sender


def _draw(canvas: _Canvas, node: ChainNode, lead: str, branch: str) -> None:
    """A certificate and, below it, those that it issued."""
    signs = glyphs()
    canvas.starts.append((len(canvas.lines), node.index))
    canvas.lines += _name(node, f" {lead}{branch}", canvas.width, canvas.side)
    below = lead + ("   " if branch.startswith(signs.last) else f"{signs.rail}  " if branch else "")
    rail = f" {below}{signs.rail + ' ' if node.children else '  '} "
    room = canvas.width - len(rail) - 1
    if room >= 16:
        canvas.lines += [[(rail, "rule"), *line] for line in _facts(node, canvas.at, room, canvas.side)]
    canvas.lines.append([(rail, "rule")])
    for index, child in enumerate(node.children):
        corner = signs.last if index == len(node.children) - 1 else signs.branch
        # A tree deeper than the pane is wide is drawn as a list.
        deeper = below if len(below) < canvas.width // 2 else below[:3]
        _draw(canvas, child, deeper, f"{corner}{signs.dash} ")


def _name(node: ChainNode, lead: str, width: int, side: Sender) -> list[Line]:
    """The certificate's name and its part in the chain, on two lines when one is too short."""
    signs = glyphs()
    ghost = node.role == "ghost"
    sign = signs.ghost if ghost else signs.chosen if node.role == "leaf" else signs.here
    style = "inferred italic" if ghost else "warning" if node.role == "stray" else "foreground bold"
    if node.faults or node.link == "failed":
        style = "failed bold"
    words = ["the client's own" if node.role == "leaf" and side == CLIENT else _ROLES[node.role]]
    if node.index is not None:
        words.append(f"sent as number {node.index + 1}")
    if node.anchor:
        words.append(f"{safe(node.anchor)} trusts it")
    part = f" {signs.dot} ".join(words)
    name = clip(safe(node.name), max(width - len(lead) - 3, 4))
    line: Line = [(lead, "rule"), (f"{sign} {name}", style)]
    if len(lead) + cell_len(name) + cell_len(part) + 5 <= width:
        return [[*line, (f"  {part}", "muted")]]
    rail = "".join(signs.rail if char in (signs.rail, signs.branch) else " " for char in lead)
    if node.children:
        rail = rail + signs.rail
    return [line, clip_line([(rail.ljust(len(lead) + 2), "rule"), (part, "muted")], width)]


def _facts(node: ChainNode, at: datetime | None, room: int, side: Sender) -> list[Line]:
    signs = glyphs()
    lines: list[Line] = []
    certificate = node.certificate
    if certificate is None:
        lines += _said(node.detail, room, "inferred italic")
    else:
        lines += _said(f"{certificate.key or '?'}, signed with {certificate.signature_algorithm or '?'}", room, "muted")
        lines += validity(certificate, at, room)
        if node.role == "leaf" and side == SERVER:
            lines += _names(certificate, room)
        if node.index is not None:
            lines += _said(f"JA4X {ja4x(certificate)}", room, "muted")
    if node.link == "verified":
        lines.append([(f"{signs.verified} signature by the one above verified", "verified")])
    elif node.link == "failed":
        lines.append([(f"{signs.failed} signature by the one above is wrong", "failed bold")])
    for fault in node.faults:
        lines += _said(f"{signs.failed} {fault.reason.replace('_', ' ')}: {fault.detail}", room, "failed")
    for remark in node.remarks:
        lines += _said(f"{signs.dot} {remark}", room, "muted")
    for problem in certificate.problems[:4] if certificate else ():
        lines += _said(f"{signs.odd} {problem}", room, "warning")
    return lines


def _said(text: str, room: int, style: str) -> list[Line]:
    return [[(part, style)] for part in wrap(safe(text), room)]


def _names(certificate: Certificate, room: int) -> list[Line]:
    names = [safe(name) for name in certificate.names]
    if not names:
        return _said(f"{glyphs().odd} no names (subjectAltName): nobody can check whose it is", room, "warning")
    text = "for " + ", ".join(names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        text += f" and {plural(len(names) - MAX_NAMES, 'more name', 'more names')}"
    return [[(part, "foreground")] for part in wrap(text, room)]


def validity(certificate: Certificate, at: datetime | None, room: int) -> list[Line]:
    """The time of validity as a bar, with a mark at the time of judgement."""
    signs = glyphs()
    start, end = certificate.not_before, certificate.not_after
    if start is None or end is None:
        return [[(f"{signs.odd} validity cannot be read", "warning")]]
    first, last = f"{start:%Y-%m-%d} ", f" {end:%Y-%m-%d}"
    words, style = "", "verified"
    place = None
    if at is not None:
        length = (end - start).total_seconds()
        place = (at - start).total_seconds() / length if length > 0 else 2.0
        if at > end:
            words, style = f"{signs.failed} expired {span(at - end)} before", "failed"
        elif at < start:
            words, style = f"{signs.failed} valid only {span(start - at)} later", "failed"
        else:
            words = f"{span(end - at)} left"
    size = max(min(room - len(first) - len(last), 30), 6)
    bar = bar_of(place, size, signs)
    line: Line = [(first, "muted"), (bar, style), (last, "muted")]
    if len(first) + size + len(last) + 2 + len(words) <= room:
        return [[*line, (f"  {words}", style)]]
    return [line, [(words, style)]] if words else [line]


def bar_of(place: float | None, size: int, signs: Glyphs) -> str:
    """``━━━●┄┄┄``: what has passed, now, what is left; the mark is at an end when now is outside."""
    if place is None:
        return signs.dash * size
    mark = min(max(int(place * size), 0), size - 1)
    return signs.encrypted * mark + signs.chosen + signs.dash * (size - mark - 1)
