"""What documents say of a connection, as plain rows of text: the same for Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.compare import Comparison
from tlsviz.connection.ladder import round_trips
from tlsviz.connection.model import Connection, Source
from tlsviz.pki.certificate import read
from tlsviz.report.compare import SIGNS, SUBJECTS, names
from tlsviz.report.phrases import PROOF, SEVERITY, end, step_words, verdict
from tlsviz.wire.text import clock, safe


class Table(NamedTuple):
    """A titled table; every cell is safe to print and not yet escaped."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(connection: Connection) -> Iterator[Table]:
    """Facts, certificates, proofs and findings: the tables that are not empty."""
    yield Table("Agreed", ("what", "value"), tuple(_agreed(connection)))
    certificates = tuple(_certificates(connection))
    if certificates:
        head = ("from", "certificate", "issuer", "key", "valid", "SHA-256")
        yield Table("Certificates", head, certificates)
    if connection.proofs:
        rows = [(p.what.replace("_", " "), PROOF[p.status].text, safe(p.why)) for p in connection.proofs]
        yield Table("Proofs", ("what", "status", "why"), tuple(rows))
    if connection.findings:
        rows2 = [
            (SEVERITY[f.severity].text, f.code, f"{safe(f.title)}: {safe(f.evidence)}", safe(f.mend), safe(f.reference))
            for f in connection.findings
        ]
        yield Table("Findings", ("severity", "code", "what was seen", "what to do", "reference"), tuple(rows2))


def _agreed(connection: Connection) -> Iterator[tuple[str, str]]:
    trusted = verdict(connection)
    facts: tuple[tuple[str, object], ...] = (
        ("client", end(connection.client)),
        ("server", end(connection.server)),
        ("server name", connection.server_name),
        ("version", titles.version(connection)),
        ("cipher suite", connection.cipher_suite),
        ("group", connection.group),
        ("signature scheme", connection.signature_scheme),
        ("ALPN", connection.alpn),
        ("trust", trusted.text if trusted else None),
        ("resumed", "yes" if connection.resumed else None),
        ("round trips before the client's data", round_trips(connection) if connection.complete else None),
        ("time", clock(connection.duration)),
    )
    yield from ((what, safe(str(value))) for what, value in facts if value not in (None, ""))


def _certificates(connection: Connection) -> Iterator[tuple[str, ...]]:
    for sent in connection.certificates:
        cert = read(sent.der)
        valid = " to ".join(f"{time:%Y-%m-%d}" if time else "?" for time in (cert.not_before, cert.not_after))
        yield sent.sender, safe(cert.title), safe(cert.issuer), safe(cert.key), valid, cert.sha256


def compare_tables(comparison: Comparison, sources: tuple[Source, Source], secrets: bool) -> Iterator[Table]:
    """The differences by subject, then the ladders beside each other."""
    left, right = names(comparison, sources)
    for subject, title in SUBJECTS.items():
        rows = [(one.title, one.left, one.right, one.kind) for one in comparison.differences if one.subject == subject]
        if rows:
            yield Table(title, ("what", left, right, "how"), tuple(rows))
    beside = []
    for pair in comparison.pairs:
        cells = []
        for connection, step in ((comparison.left, pair.left), (comparison.right, pair.right)):
            if step is None:
                cells.append("")
                continue
            title, detail = step_words(connection, step, secrets)
            arrow = "→" if step.sender == "client" else "←"
            cells.append(f"{clock(step.time)} {arrow} {title} {detail}".rstrip())
        beside.append((cells[0], SIGNS[pair.standing][0], cells[1]))
    yield Table("Ladders", (left, "", right), tuple(beside))
