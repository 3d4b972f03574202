"""A client's page as lines: a browser's window with its warning or padlock panel, or a program in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from tlsviz.explain.browsers import Page, advice, cause
from tlsviz.pki.graph import Graph, Vertex
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, cells, clip, pad_line, wrap
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.wire.text import safe, shorten

WIDEST = 88


def window(page: Page, width: int) -> list[Line]:
    """The page within its frame, in at most ``width`` cells."""
    size = min(width, WIDEST)
    inner = max(size - 4, 12)
    content = terminal(page, inner) if page.look == "terminal" else browser(page, inner)
    top, bar = _chrome(page, inner)
    signs = glyphs()
    edge = signs.dash * (inner + 2)
    lines: list[Line] = [[(f"{signs.corner_tl}{edge}{signs.corner_tr}", "muted")]]
    lines += [_framed(line, inner) for line in top]
    if bar:
        lines.append([(f"{signs.branch}{edge}{signs.branch_back}", "muted")])
    lines += [_framed(line, inner) for line in ([], *content, [])]
    return [*lines, [(f"{signs.corner_bl}{edge}{signs.corner_br}", "muted")]]


def _framed(line: Line, inner: int) -> Line:
    rail = glyphs().rail
    return [(f"{rail} ", "muted"), *pad_line(line, inner + 1), (rail, "muted")]


def _chrome(page: Page, inner: int) -> tuple[list[Line], bool]:
    """The window's head: its buttons and the address bar, or the shell's prompt."""
    signs = glyphs()
    dots: Line = [(f"{signs.chosen} ", "failed"), (f"{signs.chosen} ", "warning"), (f"{signs.chosen}  ", "verified")]
    if page.look == "terminal":
        return [[*dots, (page.client, "muted")]], True
    if page.look == "warning":
        state: Line = [(f"{signs.odd} {page.bar} ", "failed bold"), (f"{signs.rail} ", "rule")]
    else:
        state = [(f"{signs.sealed} ", "verified bold")]
    room = inner - cells(dots) - cells(state) - 6
    address = page.address if page.look == "secure" else page.address.removeprefix("https://")
    bar: Line = [*dots, (f"{signs.back} {signs.arrow}  ", "muted"), *state, (clip(address, max(room, 8)), "foreground")]
    if page.look == "warning":
        at = len(bar) - 1
        bar.insert(at, ("https", "failed strike"))
        bar.insert(at + 1, ("://", "muted"))
    return [bar], True


def browser(page: Page, inner: int) -> list[Line]:
    """A warning over the whole page, or the panel behind the padlock."""
    signs = glyphs()
    sign, style = (signs.odd, "failed") if page.look == "warning" else (signs.sealed, "verified")
    lines: list[Line] = [
        [(f"  {sign} ", f"{style} bold"), (part, f"{style} bold")] for part in wrap(page.title, inner - 6)[:1]
    ]
    lines += [[("    ", ""), (part, f"{style} bold")] for part in wrap(page.title, inner - 6)[1:]]
    lines.append([])
    lines += _text(page.text, inner, "foreground")
    if page.code:
        lines += [[], *_text(page.code, inner, "muted")]
    if page.buttons:
        lines += [[], _buttons(page.buttons, inner)]
    if page.advanced:
        lines += [[], [("    ", ""), (signs.dash * max(inner - 8, 4), "rule")]]
        lines += _text(page.advanced, inner, "foreground")
    if page.way_on:
        lines += [[], *_text(page.way_on, inner, "server underline")]
    return lines


def _text(text: str, inner: int, style: str) -> list[Line]:
    return [[("    ", ""), (part, style)] for part in wrap(safe(text), max(inner - 8, 8))]


def _buttons(names: Sequence[str], inner: int) -> Line:
    """The buttons; the one that leads to safety is filled."""
    line: Line = [("    ", "")]
    for name in names:
        safe_one = name.startswith(("Back", "Go Back", "Close", "Try", "Reload"))
        line += [(f"[ {name} ]", "reverse bold" if safe_one else "server on selection"), ("  ", "")]
    return line if cells(line) <= inner else line[:3]


def terminal(page: Page, inner: int) -> list[Line]:
    """A command and what it prints."""
    style = "failed bold" if page.refuses else "verified"
    lines: list[Line] = [[("$ ", "muted"), (part, "foreground bold")] for part in wrap(page.bar, inner - 2)]
    lines += [[(part, style)] for part in wrap(safe(page.title), inner)]
    for text in filter(None, (page.text, page.advanced)):
        lines += [[(part, "muted")] for part in wrap(safe(text), inner)]
    lines.append([])
    lines.append([(f"exit status {_status(page)}", "muted")])
    return lines


def _status(page: Page) -> str:
    if not page.refuses:
        return "0"
    return ("60" if page.code or page.title.startswith("curl: (60)") else "35") if page.client == "curl" else "1"


def beside(page: Page, graph: Graph, width: int) -> list[tuple[Line, bool]]:
    """The cause on the chain and what to do; True marks the lines that lead to the bytes at fault."""
    signs = glyphs()
    found: list[tuple[Line, bool]] = [(line, False) for line in heading("Why, on the chain", width)]
    guilty = faulty(page, graph)
    route = graph.routes[0].vertices if graph.routes else tuple(vertex.id for vertex in graph.vertices[:1])
    for vertex in (graph.vertices[id] for id in reversed(route)):
        bad = vertex is guilty
        sign = signs.ghost if vertex.certificate is None else signs.failed if bad else signs.here
        style = "failed bold" if bad else "inferred italic" if vertex.certificate is None else "foreground"
        found.append(([(f"   {sign} ", style), (clip(safe(vertex.name), width - 8), style)], bad))
        if bad:
            found += [(line, True) for line in paragraph(f"{cause(page)}.", width, "failed", 6)]
    if not graph.vertices or guilty is None:
        style = "failed" if page.refuses else "verified"
        sign = signs.failed if page.refuses else signs.verified
        found += [(line, False) for line in paragraph(f"{cause(page)}.", width, style, 5, f"   {sign} ")]
    found += [(line, False) for line in _advice(page, width)]
    return found


def faulty(page: Page, graph: Graph) -> Vertex | None:
    """The certificate that stops a client, None if none does."""
    fault = page.fault
    if fault is None:
        return None
    return next((v for v in graph.vertices if v.certificate and v.certificate.sha256 == fault.sha256), None)


def _advice(page: Page, width: int) -> Iterator[Line]:
    entry = advice(page)
    if entry is not None:
        yield []
        yield from heading("What it means", width)
        yield from paragraph(entry.what, width, "foreground", 3)
        if entry.mend:
            yield from paragraph(entry.mend, width, "foreground bold", 3, f" {glyphs().arrow} ")
    yield []
    if page.note:
        yield from paragraph(page.note, width, "warning", 3, f" {glyphs().odd} ")
    yield from paragraph(f"By the {safe(page.store)} store.", width, "muted", 3)


def tabs(names: Sequence[tuple[str, bool]], at: int, width: int) -> Line:
    """The clients with their number keys and whether they refuse; the chosen one marked."""
    signs = glyphs()
    line: Line = [(" ", "")]
    for number, (name, refuses) in enumerate(names):
        sign, role = (signs.failed, "failed") if refuses else (signs.verified, "verified")
        ground = " on selection" if number == at else ""
        style = "foreground bold underline" if number == at else "muted"
        line += [
            (f" {number + 1} ", f"accent{ground}"),
            (name, f"{style}{ground}"),
            (f" {sign} ", f"{role}{ground}"),
            (" ", ""),
        ]
    return line if cells(line) <= width else [(shorten("".join(text for text, _ in line), width), "foreground")]


def tab_at(names: Sequence[tuple[str, bool]], x: int) -> int | None:
    """Which tab lies under a cell."""
    start = 1
    for number, (name, _) in enumerate(names):
        end = start + cell_len(name) + 6
        if start <= x < end:
            return number
        start = end + 1 - 1
    return None
