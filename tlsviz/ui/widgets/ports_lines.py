"""Drawing the two ports of a web server: what answers, where redirects lead, HSTS, and what is overheard."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from tlsviz.connection.hsts import duration
from tlsviz.connection.model import Finding
from tlsviz.connection.ports import STATES, Hop, Port, Ports, judge, overheard
from tlsviz.explain.words import words
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, clip, clip_line, fit, wrap
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.wire.text import clock, safe

_ROLES = {"tls": "encrypted", "http": "clear", "refused": "warning", "filtered": "warning"}
_SEVERITIES = {"info": "muted", "notice": "foreground", "warning": "warning", "error": "failed", "critical": "failed"}
WIDE = 84
"""From so many cells on the two ports, and the two requests, stand side by side."""


def ports_lines(found: Ports, width: int) -> list[Line]:
    """The whole view at a width."""
    parts = (_ports, _hops, _hsts, _overheard, _findings)
    lines = [line for part in parts for line in part(found, width)]
    return [clip_line(line, width) for line in lines]


def _ports(found: Ports, width: int) -> Iterator[Line]:
    """A box a port."""
    columns = 2 if width >= WIDE else 1
    room = (width - 2) // columns - 2
    high = max(len(wrap(safe(port.detail), room - 4)[:2]) for port in found.ports)
    boxes = [_box(port, room, high) for port in found.ports]
    yield []
    if columns == 1:
        for box in boxes:
            yield from box
        return
    for left, right in zip(*boxes, strict=True):
        yield [*left, ("  ", ""), *right]


def _box(port: Port, room: int, high: int) -> list[Line]:
    """A port in ``room`` cells, with ``high`` lines for its detail."""
    signs = glyphs()
    role = _ROLES.get(port.state, "failed")
    speaks = port.state == port.wanted
    sign = signs.verified if speaks else signs.failed if role == "failed" else signs.odd
    title = f" {port.port} {'https' if port.wanted == 'tls' else 'http'} "
    inner = room - 4
    body = wrap(safe(port.detail), inner)[:high]
    body += [""] * (high - len(body))
    side = (signs.lane, role)
    top: Line = [
        (" ", ""),
        (f"{signs.corner_tl}{signs.dash}", role),
        (title, f"{role} bold"),
        (signs.dash * (room - 3 - cell_len(title)) + signs.corner_tr, role),
    ]
    state = f"{sign} {STATES[port.state]}"
    took = clock(port.took)
    first = [(fit(state, inner - len(took)), "bold"), (took, "muted")]
    lines: list[Line] = [top, [(" ", ""), side, (" ", ""), *first, (" ", ""), side]]
    lines += [[(" ", ""), side, (f" {fit(text, inner)} ", "muted"), side] for text in body]
    return [*lines, [(" ", ""), (f"{signs.corner_bl}{signs.dash * (room - 2)}{signs.corner_br}", role)]]


def _hops(found: Ports, width: int) -> Iterator[Line]:
    """The way that redirects lead, each answer with its meaning."""
    if not found.hops:
        return
    signs = glyphs()
    yield []
    yield from heading("what the plain port leads to", width)
    for number, hop in enumerate(found.hops, 1):
        lane = f"{signs.sealed} " if hop.encrypted else "  "
        role = "encrypted" if hop.encrypted else "clear"
        yield [(f" {number} ", "muted"), (lane, role), (clip(f"GET {safe(hop.url)}", width - 6), f"{role} bold")]
        yield from _answer(hop, width)
    if found.ending:
        yield from paragraph(safe(found.ending), width, "failed", 3, f" {signs.failed} ")


def _answer(hop: Hop, width: int) -> Iterator[Line]:
    if hop.reply is None:
        yield from paragraph(f"{glyphs().failed} {safe(hop.fault)}", width, "failed", 5)
        return
    role = "failed" if hop.reply.status >= 400 else "foreground"
    target = f" {glyphs().arrow} {hop.target}" if hop.target else ""
    yield from paragraph(f"{hop.reply.words}{target}", width, role, 5)
    known = words(f"http.{hop.reply.status}")
    if known is not None:
        yield from paragraph(known.what, width, "muted", 5)


def _hsts(found: Ports, width: int) -> Iterator[Line]:
    """The header taken apart, each part with what it means."""
    if found.secure is None or found.secure.reply is None:
        return
    yield []
    yield from heading("HSTS: what the server says of the next visits", width)
    hsts, signs = found.hsts, glyphs()
    if found.at_address:
        yield [(f" {signs.dot} ", "muted"), ("sent, and ignored" if hsts else "none, and none would count", "bold")]
        yield from paragraph("Browsers remember HSTS for names only, not for an IP address.", width, "muted", 3)
        return
    if hsts is None:
        yield [(f" {signs.odd} ", "warning"), ("no Strict-Transport-Security header", "bold")]
        yield from paragraph("The next visit may begin in the clear again.", width, "muted", 3)
        return
    yield from paragraph(hsts.text, width, "bold", 1)
    age = "none that counts" if hsts.max_age is None else f"{hsts.max_age} s: {duration(hsts.max_age)}"
    rows = [
        ("max-age", age, hsts.works),
        (
            "includeSubDomains",
            "every name below is covered" if hsts.include_subdomains else "names below are not",
            None,
        ),
        ("preload", "may stand in the browsers' list" if hsts.preload else "not asked for", None),
    ]
    for name, said, good in rows:
        sign, role = (signs.dot, "muted") if good is None else (signs.verified, "verified")
        if good is False:
            sign, role = signs.failed, "failed"
        yield [(f" {sign} ", role), (fit(name, 20), ""), (said, "muted")]
    for fault in hsts.faults:
        yield from paragraph(f"no effect: {fault}", width, "failed", 3, f" {signs.failed} ")
    missing = ", ".join(hsts.wanted)
    said = f"The preload list wants more: {missing}." if missing else "The preload list wants no more of this header."
    yield from paragraph(said, width, "muted")


def _overheard(found: Ports, width: int) -> Iterator[Line]:
    """The same request as an eavesdropper reads it, in the clear and encrypted."""
    heard = overheard(found)
    if not heard.clear and not heard.sealed:
        return
    signs = glyphs()
    yield []
    yield from heading("the same request, as an eavesdropper reads it", width)
    if width < WIDE:
        for name, lines, role in (("in the clear", heard.clear, "clear"), ("encrypted", heard.sealed, "encrypted")):
            yield [(f" {name}", f"{role} bold")]
            yield from ([("   ", ""), (clip(line, width - 4), role)] for line in lines)
        return
    room = (width - 5) // 2
    yield [
        (f" {fit('in the clear', room)}", "clear bold"),
        (f" {signs.lane} ", "rule"),
        ("encrypted", "encrypted bold"),
    ]
    for index in range(max(len(heard.clear), len(heard.sealed))):
        clear = heard.clear[index] if index < len(heard.clear) else ""
        sealed = heard.sealed[index] if index < len(heard.sealed) else ""
        yield [(f" {fit(clear, room)}", "clear"), (f" {signs.lane} ", "rule"), (clip(sealed, room), "encrypted")]


def _findings(found: Ports, width: int) -> Iterator[Line]:
    findings = judge(found)
    yield []
    yield from heading("findings", width)
    if not findings:
        yield [(f" {glyphs().verified} ", "verified"), ("nothing to complain about at these two ports", "")]
    for finding in findings:
        yield from _finding(finding, width)


def _finding(finding: Finding, width: int) -> Iterator[Line]:
    role = _SEVERITIES[finding.severity]
    sign = glyphs().failed if role == "failed" else glyphs().odd if role == "warning" else glyphs().dot
    yield [(f" {sign} {finding.severity}  ", role), (clip(safe(finding.title), width - 14), "bold")]
    yield from paragraph(safe(finding.evidence), width, "", 3)
    yield from paragraph(f"{glyphs().arrow} {safe(finding.mend)}", width, "muted", 3)
