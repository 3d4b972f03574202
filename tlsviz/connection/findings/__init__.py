"""Findings: one small function each, over a finished connection.

To add one: write a function that yields `Finding`s in the module of its family, list it in that module's FINDERS,
a new module in FAMILIES, and give its code words in ``explain/findings.toml``.
"""

from __future__ import annotations

from tlsviz.connection.findings import (
    agreement,
    broken,
    certificate_chain,
    certificate_health,
    certificates,
    gaps,
    history,
    negotiation,
    path,
    protocol,
    transport,
    web,
)
from tlsviz.connection.model import GRAVE, SEVERITIES, Connection, Finding, changed

BEHIND_TLS = "http_error"
FAMILIES = (
    protocol,
    broken,
    certificates,
    certificate_chain,
    certificate_health,
    negotiation,
    agreement,
    path,
    history,
    gaps,
    transport,
    web,
)


def find(connection: Connection, failure: Finding | None = None, live: bool = False) -> tuple[Finding, ...]:
    """Everything worth saying, the diagnosis first, then by severity.

    ``failure`` is why the connection failed before or during the handshake. For a ``live`` target it is the diagnosis;
    without one the first certificate fault is: the handshake worked, but nobody should trust it.
    """
    if connection.plain:
        from tlsviz.connection.findings import plain_http

        return _sorted([finding for finder in plain_http.FINDERS for finding in finder(connection)])
    found = [finding for family in FAMILIES for finder in family.FINDERS for finding in finder(connection)]
    faulty = any(finding.code.startswith("certificate_") and finding.severity in GRAVE for finding in found)
    if failure is not None and not (faulty and failure.code == BEHIND_TLS):
        # The failure says what its alert means; the bare alert beside it would be the same news twice.
        found = [finding for finding in found if finding.code not in (failure.code, "handshake_alert")]
        found.insert(0, failure._replace(diagnosis=live))
        return _sorted(found)
    if failure is not None:
        # The certificate is the lower layer: a client that checks it would never have got to that answer.
        found.append(failure._replace(diagnosis=False))
    if live:
        for index, finding in enumerate(found):
            if finding.code.startswith("certificate_") and finding.severity in GRAVE:
                found[index] = finding._replace(diagnosis=True)
                break
    return _sorted(found)


def again(connection: Connection) -> Connection:
    """The connection with those findings anew that depend on what is remembered of earlier handshakes."""
    kept = [finding for finding in connection.findings if finding.code not in history.CODES]
    found = [finding for finder in history.FINDERS for finding in finder(connection)]
    findings = _sorted([*kept, *found])
    return connection if findings == connection.findings else changed(connection, findings=findings)


def _sorted(found: list[Finding]) -> tuple[Finding, ...]:
    rank = {severity: -place for place, severity in enumerate(SEVERITIES)}
    return tuple(sorted(found, key=lambda finding: (not finding.diagnosis, rank[finding.severity])))
