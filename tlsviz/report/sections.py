"""What stands below the ladder: certificates, trust, proofs, findings."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection, Finding
from tlsviz.explain import resumed
from tlsviz.pki.certificate import read
from tlsviz.pki.fingerprint import ja4x
from tlsviz.report.certificates import certificates, trust, vouched
from tlsviz.report.negotiation import inspected, negotiated
from tlsviz.report.paint import Line, Piece, clip, heading, pad, paragraph
from tlsviz.report.phrases import PROOF, SEVERITY, reason
from tlsviz.report.reprobes import causes, probes
from tlsviz.report.tcp import transport
from tlsviz.report.way import waterfall
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import safe

INDENT = Piece("  ")


def sections(connection: Connection, width: int) -> list[Line]:
    """Every section that has something to say, each behind an empty line."""
    found: list[Line] = []
    parts = (
        _diagnosis(connection, width),
        probes(connection, width),
        waterfall(connection, width),
        transport(connection, width),
        certificates(connection, SERVER, width),
        trust(connection, SERVER, width),
        vouched(connection, width),
        certificates(connection, CLIENT, width),
        trust(connection, CLIENT, width),
        _resumption(connection, width),
        _proofs(connection, width),
        _findings(connection, width),
        negotiated(connection, width),
        inspected(connection, width),
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
