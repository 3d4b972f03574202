"""What stands below the ladder: certificates, trust, proofs, findings."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection, Finding
from tlsviz.explain import resumed
from tlsviz.pki.certificate import read
from tlsviz.pki.chain import ChainNode, arrange
from tlsviz.pki.fingerprint import ja4x
from tlsviz.pki.trust import Trust
from tlsviz.pki.words import age, moment
from tlsviz.report.paint import Line, Piece, Style, cells, clip, pad, paragraph, wrap
from tlsviz.report.phrases import PROOF, SEVERITY, TRUST, reason
from tlsviz.report.reprobes import causes, probes
from tlsviz.report.way import waterfall
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import plural, safe, shorten

MAX_NAMES = 12
INDENT = Piece("  ")


def heading(text: str, beside: str, width: int) -> Line:
    """The first line of a section, and what is said beside it."""
    return [Piece(text, "title"), Piece(clip(f"  {beside}", width - cells(text)), "dim")]


def sections(connection: Connection, width: int) -> list[Line]:
    """Every section that has something to say, each behind an empty line."""
    found: list[Line] = []
    parts = (
        _diagnosis(connection, width),
        probes(connection, width),
        waterfall(connection, width),
        _certificates(connection, SERVER, width),
        _trust(connection, width),
        _certificates(connection, CLIENT, width),
        _resumption(connection, width),
        _proofs(connection, width),
        _findings(connection, width),
        _fingerprints(connection, width),
    )
    for part in parts:
        lines = list(part)
        if lines:
            found += [[], *lines]
    return found


def _diagnosis(connection: Connection, width: int) -> Iterator[Line]:
    if connection.failure:
        yield heading("Diagnosis", "", width)
        yield from _finding(connection.failure, width)


def _certificates(connection: Connection, sender: Sender, width: int) -> Iterator[Line]:
    ders = [sent.der for sent in connection.certificates if sent.sender == sender]
    if not ders:
        return
    trust = connection.trust if sender == SERVER else None
    arrangement = arrange(ders, trust)
    yield heading("Certificates", f"{len(ders)} from the {sender}, from the root down", width)
    for root in arrangement.roots:
        yield from _node(root, trust, width, "  ", "")
    for remark in arrangement.remarks:
        yield from paragraph([INDENT, Piece("▲ ", "warn")], remark, width, "warn")


def _node(node: ChainNode, trust: Trust | None, width: int, lead: str, branch: str) -> Iterator[Line]:
    """A certificate and, below it, those that it issued."""
    sign, style = _sign(node)
    place = f"number {node.index + 1}" if node.index is not None else ""
    said = ", ".join(filter(None, (_role(node), place)))
    room = width - cells(lead + branch) - 4
    name = clip(node.name, max(room - cells(said), 20))
    yield [Piece(lead + branch, "dim"), Piece(f"{sign} {name}", style), Piece(f"  {said}", "dim")]
    lead += "   " if branch.startswith("└") else "│  " if branch else ""
    # The rail goes on to the children.
    rail = Piece(lead + ("│   " if node.children else "    "), "dim")
    for text, text_style in _about(node, trust):
        yield from ([rail, *line] for line in _limited(text, width - cells(rail.text), text_style))
    for index, child in enumerate(node.children):
        # A tree deeper than the page is wide goes on as a list.
        deeper = lead if cells(lead) < width // 2 else "  "
        yield from _node(child, trust, width, deeper, "└─ " if index == len(node.children) - 1 else "├─ ")


def _limited(text: str, width: int, style: Style) -> list[Line]:
    lines = wrap(text, width)
    return [[Piece(part, style)] for part in lines[:6]]


def _sign(node: ChainNode) -> tuple[str, Style]:
    if node.role == "ghost":
        return "◌", "guess"
    if node.faults or node.link == "failed":
        return "✗", "bad"
    if node.role == "stray":
        return "▲", "warn"
    return ("✓", "good") if node.anchor or node.link == "verified" else ("●", "bold")


def _role(node: ChainNode) -> str:
    if node.role == "ghost":
        return "missing"
    if node.role == "stray":
        return "not part of the chain"
    return f"trusted by {node.anchor}" if node.anchor and node.index is not None else node.role


def _about(node: ChainNode, trust: Trust | None) -> Iterator[tuple[str, Style]]:
    yield node.detail, "guess" if node.certificate is None else "dim"
    cert = node.certificate
    if node.role == "leaf" and cert:
        names = ", ".join(cert.names[:MAX_NAMES]) or "no host name"
        more = f" and {plural(len(cert.names) - MAX_NAMES, 'more', 'more')}" if len(cert.names) > MAX_NAMES else ""
        yield f"for {names}{more}", ""
    if cert and trust and not any(fault.reason in ("expired", "not_yet_valid") for fault in node.faults):
        yield age(cert, trust.at), "dim"
    if node.link:
        yield _LINKS[node.link]
    for fault in node.faults:
        said = reason(fault.reason)
        yield f"✗ {fault.detail if fault.detail.startswith(said) else f'{said}: {fault.detail}'}", "bad"
    for remark in node.remarks:
        yield f"· {remark}", "dim"
    for problem in cert.problems[:4] if cert else ():
        yield f"▲ {problem}", "warn"


_LINKS: dict[str, tuple[str, Style]] = {
    "verified": ("✓ signature by the one above verified", "good"),
    "failed": ("✗ signature by the one above is wrong", "bad"),
    "unknown": ("? signature by the one above could not be checked", "guess"),
}


def _trust(connection: Connection, width: int) -> Iterator[Line]:
    trust = connection.trust
    if trust is None or not trust.stores:
        return
    asked = f"for {shorten(trust.name, 60)}" if trust.name else "for no name in particular"
    yield heading("Trust", f"judged {asked} as of {moment(trust.at)}", width)
    column = max(cells(store.store) for store in trust.stores)
    for store in trust.stores:
        sign = TRUST[store.verdict]
        said = ", ".join(map(reason, store.reasons)) if store.reasons else store.detail
        lead = [INDENT, Piece(f"{pad(safe(store.store), min(column, 24))}  "), Piece(pad(sign.text, 15), sign.style)]
        yield from paragraph(lead, said, width, "" if store.reasons else "dim")


def _resumption(connection: Connection, width: int) -> Iterator[Line]:
    """Where what it resumes with comes from, traced through the source's connections."""
    if not connection.resumptions:
        return
    yield heading("Resumption", "traced from connection to connection", width)
    for found in connection.resumptions:
        for text in (resumed.origin(found), resumed.age(found)):
            if text:
                yield from paragraph([INDENT], text, width)


def _proofs(connection: Connection, width: int) -> Iterator[Line]:
    if not connection.proofs:
        return
    yield heading("Proofs", "recomputed from this connection's own bytes", width)
    column = max(len(proof.what) for proof in connection.proofs)
    for proof in connection.proofs:
        sign = PROOF[proof.status]
        lead = [INDENT, Piece(pad(sign.text, 16), sign.style), Piece(f"{reason(proof.what):{column}}  ")]
        yield from paragraph(lead, safe(proof.why), width, "dim")


def _findings(connection: Connection, width: int) -> Iterator[Line]:
    failure = connection.failure
    found = [finding for finding in connection.findings if finding != failure]
    if not found:
        return
    yield heading("Findings", "", width)
    for finding in found:
        yield from _finding(finding, width)


def _fingerprints(connection: Connection, width: int) -> Iterator[Line]:
    """How the two sides speak, in short marks that can be looked up and compared."""
    found = [
        (name, mark, about)
        for name, mark, about in (
            ("JA3", connection.ja3, "client"),
            ("JA4", connection.ja4, "client"),
            ("JA3S", connection.ja3s, "server"),
            ("JA4S", connection.ja4s, "server"),
            *(
                ("JA4X", ja4x(read(sent.der)), f"{sent.sender}'s certificate {sent.index + 1}")
                for sent in connection.certificates
            ),
            ("history", connection.history, "both, a letter a message, the client's upper case"),
        )
        if mark
    ]
    if not found:
        return
    yield heading("Fingerprints", "what they are: tlsviz explain ja4", width)
    for name, mark, about in found:
        lead = [INDENT, Piece(f"{name:9}"), Piece(safe(mark), "bold")]
        yield from paragraph([*lead, Piece("  ")], about, width, "dim")


def _finding(finding: Finding, width: int) -> Iterator[Line]:
    sign = SEVERITY[finding.severity]
    lead = [INDENT, Piece(pad(sign.text, 12), sign.style)]
    title = paragraph(lead, safe(finding.title), width, "bold")
    yield from title
    below = Piece(" " * 14)
    if finding.evidence:
        yield from paragraph([below], safe(finding.evidence), width)
    yield from causes(finding, width, 14)
    if finding.mend:
        yield from paragraph([below, Piece("→ ", "dim")], safe(finding.mend), width)
    said = " · ".join(filter(None, (finding.code, safe(finding.reference))))
    yield [below, Piece(clip(said, width - 14), "dim")]
