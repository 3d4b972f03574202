"""The same things in the same words everywhere: times, ends, verdicts, proofs."""

from __future__ import annotations

from tlsviz.connection import titles
from tlsviz.connection.ladder import Step
from tlsviz.connection.model import Connection, Endpoint, Severity
from tlsviz.pki.trust import Verdict
from tlsviz.report.paint import Piece
from tlsviz.wire.text import plural, safe, shorten

TRUST: dict[Verdict, Piece] = {
    "trusted": Piece("✓ trusted", "good"),
    "untrusted": Piece("✗ not trusted", "bad"),
    "unknown": Piece("? trust unknown", "guess"),
}
PROOF: dict[str, Piece] = {
    "verified": Piece("✓ verified", "good"),
    "failed": Piece("✗ failed", "bad"),
    "not_provable": Piece("? not provable", "guess"),
}
SEVERITY: dict[Severity, Piece] = {
    "info": Piece("· info", "dim"),
    "notice": Piece("· notice", ""),
    "warning": Piece("▲ warning", "warn"),
    "error": Piece("✗ error", "bad"),
    "critical": Piece("✗ critical", "bad"),
}


def name(connection: Connection) -> str:
    """Whom the connection is with: the server's name, else its address; with the port."""
    return titles.whom(connection, 70)


def end(endpoint: Endpoint) -> str:
    """An address and port, "" when it is not known."""
    return shorten(str(endpoint), 60) if endpoint.address else ""


def step_words(connection: Connection, step: Step, secrets: bool) -> tuple[str, str]:
    """Title and detail of a ladder's step; application data is quoted only with ``secrets``."""
    if step.kind == "data" and not secrets:
        run = connection.application[step.index]
        return titles.data(run._replace(plaintext=None), titles.carrier(connection, run))
    return safe(step.title), safe(step.detail)


def proofs(connection: Connection) -> Piece | None:
    """All proofs in a word or three; None if there are none."""
    if not connection.proofs:
        return None
    # The chain is judged by stores, and the verdict stands beside this.
    claims = [proof.status for proof in connection.proofs if proof.what != "certificate_chain"]
    failed, verified = claims.count("failed"), claims.count("verified")
    if failed:
        return Piece(f"✗ {plural(failed, 'proof')} failed", "bad")
    if verified:
        return Piece(f"✓ {plural(verified, 'proof')}", "good")
    return Piece("? nothing provable", "guess")


def failure(connection: Connection) -> Piece | None:
    """What stopped the connection, shortened; None if nothing did, or what the verdict says already."""
    finding = connection.other_failure
    if finding is None:
        return None
    title = shorten(finding.title, 60)
    # After a colon "The server" is "the server", but "TLS" stays "TLS".
    if not title[1:2].isupper():
        title = title[:1].lower() + title[1:]
    return Piece(f"✗ failed: {title}", "bad")


def verdict(connection: Connection) -> Piece | None:
    """The trust verdict with its weightiest reason; None if nobody asked, or nothing was there to be judged."""
    if connection.trust is None or (connection.failure and not connection.certificates):
        return None
    if said := titles.unproven(connection):
        return Piece(f"· {said}")
    piece = TRUST[connection.trust.verdict]
    if not connection.trust.reasons:
        return piece
    return Piece(f"{piece.text}: {reason(connection.trust.reasons[0])}", piece.style)


def reason(code: str) -> str:
    """A snake-case code as words."""
    return code.replace("_", " ")


def facts(connection: Connection, brief: bool) -> list[Piece]:
    """What the header says of a connection, in order; ``brief``: the suite without what the rest says."""
    trusted, stopped = verdict(connection), failure(connection)
    first = trusted if connection.distrusted else stopped
    found = [Piece(name(connection), "bold"), *([first] if first else [])]
    if connection.plain:
        found.append(Piece(f"▲ {titles.plain(connection)}, not encrypted", "warn"))
    if connection.version:
        found.append(Piece(titles.version(connection)))
    if connection.cipher_suite:
        point = connection.cipher_suite
        found.append(Piece(titles.suite(point) if brief else str(point)))
    if connection.group:
        found.append(Piece(str(connection.group)))
    if connection.alpn:
        found.append(Piece(shorten(connection.alpn, 20)))
    found.extend(Piece(word) for word in _flags(connection))
    beside = (piece for piece in (trusted, proofs(connection)) if piece and piece is not first)
    # The sign of what is neither good nor bad is the dot that facts are joined with.
    found.extend(piece._replace(text=piece.text.removeprefix("· ")) for piece in beside)
    return found


def _flags(connection: Connection) -> list[str]:
    """What is out of the ordinary in how it came about."""
    found = ["resumed"] if connection.resumed and not titles.unproven(connection) else []
    found += ["hello retry"] if connection.hello_retry else []
    return [*found, *filter(None, [connection.carrier, titles.before_tls(connection)])]
