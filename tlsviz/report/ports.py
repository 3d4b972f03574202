"""The two ports of a web server in text and JSON: what answers, where redirects lead, HSTS, and what is overheard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlsviz.connection.hsts import Hsts, duration
from tlsviz.connection.model import Finding
from tlsviz.connection.ports import STATES, Hop, Ports, judge, overheard
from tlsviz.report.paint import Line, Piece, Style, cells, clip, pad, paragraph
from tlsviz.wire.text import clock, safe

INDENT = Piece("  ")
_STATE: dict[str, Style] = {"tls": "good", "http": "", "refused": "warn", "filtered": "warn"}


def ports_text(found: Ports, width: int) -> Iterator[Line]:
    """The whole view; ``width`` at least 60."""
    yield [Piece("Ports", "title"), Piece(clip(f"  of {safe(found.host)}, looked at together", width - 5), "dim")]
    for port in found.ports:
        lead = [
            INDENT,
            Piece(f"{port.port:>5}  ", "bold"),
            Piece(pad(STATES[port.state], 29), _STATE.get(port.state, "bad")),
            Piece(f"{clock(port.took):>9}  ", "dim"),
        ]
        yield from paragraph(lead, safe(port.detail), width, "dim")
    if found.hops:
        yield from _hops(found, width)
    yield from _hsts(found, width)
    yield from _overheard(found, width)
    for finding in judge(found):
        yield from _finding(finding, width)


def _hops(found: Ports, width: int) -> Iterator[Line]:
    yield []
    yield [Piece("Redirects", "title"), Piece("  from the plain port on", "dim")]
    for number, hop in enumerate(found.hops, 1):
        sign = Piece("▣ " if hop.encrypted else "  ", "sealed")
        said = hop.reply.words if hop.reply else f"✗ {safe(hop.fault)}"
        style: Style = "" if hop.reply and hop.reply.status < 400 else "bad"
        yield [INDENT, Piece(f"{number:>2} ", "dim"), sign, Piece(clip(f"GET {safe(hop.url)}", width - 8), "bold")]
        yield from paragraph([Piece(" " * 7)], _answer(hop, said), width, style)
    if found.ending:
        yield from paragraph([INDENT, Piece("✗ ", "bad")], safe(found.ending), width, "bad")


def _answer(hop: Hop, said: str) -> str:
    return f"{said} → {hop.target}" if hop.target else said


def _hsts(found: Ports, width: int) -> Iterator[Line]:
    if found.secure is None or found.secure.reply is None:
        return
    yield []
    yield [Piece("HSTS", "title"), Piece(clip(f"  Strict-Transport-Security of {found.secure.url}", width - 4), "dim")]
    hsts = found.hsts
    if found.at_address:
        sent = "sent" if hsts else "none"
        yield from paragraph([INDENT], f"{sent}; browsers remember it for names only, not for an IP address", width)
        return
    if hsts is None:
        yield [INDENT, Piece("none: browsers will ask in the clear again", "warn")]
        return
    for name, words in hsts_rows(hsts):
        yield from paragraph([INDENT, Piece(pad(name, 20), "dim")], words, width)


def hsts_rows(hsts: Hsts) -> list[tuple[str, str]]:
    """The header taken apart: names with what they say."""
    age = "none that counts" if hsts.max_age is None else f"{hsts.max_age}: {duration(hsts.max_age)}"
    rows = [("header", hsts.text), ("max-age", age)]
    rows.append(("includeSubDomains", "yes" if hsts.include_subdomains else "no: names below are not covered"))
    rows.append(("preload", "yes" if hsts.preload else "no"))
    rows += [("no effect", fault) for fault in hsts.faults]
    wanted = ", ".join(hsts.wanted)
    rows.append(("preload list wants", f"more: {wanted}" if wanted else "no more of this header"))
    return rows


def _overheard(found: Ports, width: int) -> Iterator[Line]:
    """Two columns: what an eavesdropper reads of the plain request, and of the encrypted one."""
    heard = overheard(found)
    if not heard.clear and not heard.sealed:
        return
    yield []
    yield [Piece("What an eavesdropper reads", "title"), Piece("  of the same request", "dim")]
    room = (width - 5) // 2
    yield [INDENT, Piece(pad("in the clear", room), "bold"), Piece(" │ ", "dim"), Piece("encrypted", "bold")]
    for index in range(min(max(len(heard.clear), len(heard.sealed)), 24)):
        clear = heard.clear[index] if index < len(heard.clear) else ""
        sealed = heard.sealed[index] if index < len(heard.sealed) else ""
        yield [INDENT, Piece(pad(clear, room)), Piece(" │ ", "dim"), Piece(clip(sealed, room), "sealed")]


def _finding(finding: Finding, width: int) -> Iterator[Line]:
    from tlsviz.report.phrases import SEVERITY

    sign = SEVERITY[finding.severity]
    yield []
    yield from paragraph([INDENT, Piece(pad(sign.text, 12), sign.style)], safe(finding.title), width, "bold")
    below = Piece(" " * 14)
    yield from paragraph([below], safe(finding.evidence), width)
    yield from paragraph([below, Piece("→ ", "dim")], safe(finding.mend), width)
    said = f"{finding.code} · {finding.reference}"
    yield [below, Piece(said if cells(said) < width else finding.code, "dim")]


def ports_json(found: Ports) -> dict[str, Any]:
    """The view as the contract has it."""
    hsts, heard = found.hsts, overheard(found)
    return {
        "host": safe(found.host),
        "ports": [{**port._asdict(), "took": round(port.took, 6), "detail": safe(port.detail)} for port in found.ports],
        "redirects": [_hop(hop) for hop in found.hops],
        "ending": safe(found.ending) or None,
        "secure": _hop(found.secure) if found.secure else None,
        "hsts": None if hsts is None else {**hsts._asdict(), "faults": list(hsts.faults), "wanted": list(hsts.wanted)},
        "overheard": {"clear": list(heard.clear), "encrypted": list(heard.sealed)},
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "title": safe(finding.title),
                "evidence": safe(finding.evidence),
                "mend": safe(finding.mend),
                "reference": finding.reference,
            }
            for finding in judge(found)
        ],
    }


def _shown(hop: Hop) -> list[tuple[str, str]]:
    """The headers of an answer; of an encrypted one only those that this view is about: others may be secret."""
    headers = hop.reply.headers if hop.reply else ()
    return [(name, value) for name, value in headers if not hop.encrypted or name in _PUBLIC]


_PUBLIC = ("location", "strict-transport-security")


def _hop(hop: Hop) -> dict[str, Any]:
    reply = hop.reply
    return {
        "url": safe(hop.url),
        "encrypted": hop.encrypted,
        "request": list(hop.request),
        "status": reply.status if reply else None,
        "reason": reply.words.partition(" ")[2] if reply else None,
        "headers": [{"name": name, "value": value} for name, value in _shown(hop)],
        "location": hop.target,
        "fault": safe(hop.fault) or None,
    }
