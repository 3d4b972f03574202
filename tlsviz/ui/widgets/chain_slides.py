"""What the projector shows of the certificates: each from the server's own up, the verdict, and what people meet."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from tlsviz.connection.model import Connection
from tlsviz.explain import chain as words
from tlsviz.explain import names
from tlsviz.explain.browsers import DATED, Page, cause, pages
from tlsviz.explain.words import words as entry
from tlsviz.pki.graph import Graph, Vertex
from tlsviz.pki.naming import compare
from tlsviz.pki.trust import Trust
from tlsviz.pki.words import age
from tlsviz.ui.glyphs import glyphs, trust
from tlsviz.ui.widgets.browser_lines import faulty, window
from tlsviz.ui.widgets.chain_lines import drawn
from tlsviz.ui.widgets.lines import Line, clip
from tlsviz.ui.widgets.projector_slides import Slide
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import safe, shorten

SHOWN = ("Chrome", "Firefox", "curl")
"""Whose pages are shown to a class: one of a kind is enough."""
WIDEST, ROOMY = 76, 104


def chain_slides(connection: Connection, width: int) -> list[Slide]:
    """A slide a certificate of the deciding way, one for the verdict, one for what each client shows."""
    graph, verdict = drawn(connection, SERVER)
    if not graph.vertices:
        nothing = "No certificate has been seen: the session was resumed, both share a key, or it is encrypted."
        return [Slide("", (), "No certificate", "muted", "", (nothing,))]
    way = _way(graph)
    found = [_certificate(graph, vertex, way, verdict, width) for vertex in way]
    if verdict is not None:
        found.append(_verdict(verdict, way, width))
        found += [_page(page, graph, width) for page in pages(verdict) if page.client in SHOWN]
    return found


def _way(graph: Graph) -> list[Vertex]:
    ids = graph.routes[0].vertices if graph.routes else (graph.vertices[0].id,)
    return [graph.vertices[id] for id in ids]


def _certificate(graph: Graph, vertex: Vertex, way: list[Vertex], verdict: Trust | None, width: int) -> Slide:
    dot = f" {glyphs().dot} "
    facts = [words.part(vertex), words.place(vertex), words.anchored(vertex)]
    bad = bool(vertex.faults)
    role = "inferred" if vertex.certificate is None else "failed" if bad else "verified" if vertex.stores else "server"
    texts = tuple(_sentence(text) for text in _told(graph, vertex, verdict))
    title = {"leaf": "Certificate", "ghost": "Missing", "root": "Root"}.get(vertex.role, "Intermediate")
    return Slide(
        f"vertex {vertex.id}", tuple(_picture(way, vertex, width)), title, role, dot.join(filter(None, facts)), texts
    )


def _told(graph: Graph, vertex: Vertex, verdict: Trust | None) -> Iterator[str]:
    cert = vertex.certificate
    if cert is None:
        yield f"the certificate of {safe(vertex.name)} should stand here, and was not sent"
        yield words.ghost(vertex)
        return
    for fault in vertex.faults:
        yield f"{glyphs().failed} {words.fault(fault)}"
    if vertex.role == "leaf":
        yield names.verdict(compare(cert, verdict.name if verdict else None))
    if verdict is not None and not any(fault.reason in ("expired", "not_yet_valid") for fault in vertex.faults):
        yield age(cert, verdict.at)
    for edge in graph.issuers(vertex.id)[:1]:
        checked = words.sorted_checks(edge.checks)
        above = graph.vertices[edge.issuer].name
        if checked.failed:
            yield f"its link to {safe(above)} fails: {words.titles(checked.failed)}"
        elif checked.passed:
            yield f"its link to {safe(above)} holds: {words.titles(checked.passed)}"
    if vertex.stores:
        yield f"it needs no signature of anybody: the {' and the '.join(map(safe, vertex.stores))} store has it"


def _verdict(verdict: Trust, way: list[Vertex], width: int) -> Slide:
    sign = trust(verdict.verdict)
    reasons = [known.what for reason in verdict.reasons[:2] if (known := entry(f"trust.{reason}")) is not None]
    told = [words.contrast(verdict), *reasons, words.now(verdict)]
    if not reasons:
        told.append("Each certificate was signed by the one above, up to one that this computer trusts already.")
    facts = f"{sign.glyph} {words.judged(verdict)}"
    return Slide("verdict", tuple(_picture(way, None, width)), sign.word, sign.role, facts,
                 tuple(_sentence(text) for text in told if text))  # fmt: skip


def _page(page: Page, graph: Graph, width: int) -> Slide:
    size = min(width - 8, WIDEST)
    # On a small screen what stands behind the first button is left out.
    shown = page._replace(advanced="", way_on="") if width < ROOMY else page
    picture = [[(" " * ((width - size) // 2), ""), *line] for line in window(shown, size)]
    role = "failed" if page.refuses else "verified"
    guilty = faulty(page, graph)
    whose = f"Why: {safe(guilty.name)}: " if guilty is not None else ""
    return Slide(f"page {page.client}", tuple(picture), "", role, "", (_sentence(f"{whose}{cause(page)}"), DATED))


def _picture(way: list[Vertex], chosen: Vertex | None, width: int) -> Iterator[Line]:
    """The chain from left to right, the certificate that the slide is about in strong letters."""
    signs = glyphs()
    line: Line = []
    room = max((width - 8) // max(len(way), 1) - 5, 6)
    for place, vertex in enumerate(way):
        if place:
            line.append((f" {signs.dash}{signs.dash}{signs.right} ", "rule"))
        sign = signs.ghost if vertex.certificate is None else signs.failed if vertex.faults else signs.verified
        style = "failed" if vertex.faults else "inferred" if vertex.certificate is None else "server"
        mine = vertex is chosen
        line.append(
            (f" {sign} {clip(safe(shorten(vertex.name, 60)), room)} ", f"{style} bold{' reverse' if mine else ''}")
        )
    size = sum(cell_len(text) for text, _ in line)
    yield [(" " * max((width - size) // 2, 0), ""), *line]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) or not text else ".")
