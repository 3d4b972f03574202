"""The ladder as an SVG picture, written by hand: for pages and slides, sharp at every size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape as xml

from tlsviz.connection.ladder import Step, steps
from tlsviz.connection.model import Connection, Trace
from tlsviz.report.paint import clip
from tlsviz.report.phrases import PROOF, end, facts, name, step_words
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.text import clock, safe, shorten

WIDTH = 960
ROW, FLIGHT, NOTE, TOP = 28, 18, 16, 92
LEFT, RIGHT = 110, 770
MAX_STEPS = 400


class Lanes(NamedTuple):
    """Where the client's and the server's lane stand (x), and how many letters fit between them above an arrow.

    ``brief``: beside the lanes there is room for signs only.
    """

    left: float
    right: float
    letters: int
    brief: bool = False

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


_LANES = Lanes(LEFT, RIGHT, 60)

STYLE = """\
.page{fill:#fff}.ink{fill:#1b1f24}.dim{fill:#646b75}.bad{fill:#b42318}.good{fill:#136c3a}
.lane{stroke:#b6bdc7;stroke-width:1.5}.clear{stroke:#1b1f24;stroke-width:1.6}
.sealed{stroke:#0b6a8f;stroke-width:3.2}.tcp{stroke:#8b929c;stroke-width:1.2;stroke-dasharray:4 3}
.guess{stroke:#7a4fb0;stroke-width:1.6;stroke-dasharray:2 4}.hole{fill:#fbeede;stroke:#a35a00}
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.warn{fill:#8a5200}.band{fill:#fdf3df}.rule{stroke:#dfe3e8}.title{fill:#0b6a8f;font-weight:600}
.small{font-size:11px}.bold{font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}
"""


def render_svg(trace: Trace, secrets: bool = False) -> str:
    """A picture of every connection, one below the other."""
    top, parts = 0.0, []
    for connection in trace.connections:
        body, height = ladder_svg(connection, secrets)
        parts.append(f'<g transform="translate(0 {top:.0f})">\n{body}</g>\n')
        top += height
    return picture("".join(parts), WIDTH, max(top, 40))


def picture(body: str, width: float, height: float) -> str:
    """A whole SVG document around what is drawn."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">\n'
        f'<style>{STYLE}</style>\n<rect class="page" width="100%" height="100%"/>\n{body}</svg>\n'
    )


def ladder_svg(connection: Connection, secrets: bool) -> tuple[str, float]:
    """What draws one connection from (0, 0) down, and how high it is."""
    rows: list[str] = []
    at, flight = float(TOP), 0
    found = steps(connection)
    for step in found[:MAX_STEPS]:
        if step.flight != flight:
            flight = step.flight
            at += FLIGHT
        rows += rung(connection, step, at, _LANES, secrets)
        at += ROW
        if step.note:
            rows.append(note(step.note, at, _LANES))
            at += NOTE
    if len(found) > MAX_STEPS:
        rows.append(line(_LANES.middle, at, f"{len(found) - MAX_STEPS} more steps", "dim middle"))
        at += ROW
    foot = at - ROW / 2
    return "".join((*_head(connection), *lanes_svg(_LANES, TOP - 12, foot), *rows)), foot + 16


def _head(connection: Connection) -> Iterator[str]:
    yield f"<title>{xml(name(connection))}</title>\n"
    yield line(16, 24, name(connection), "ink bold")
    said = " · ".join(piece.text for piece in facts(connection, True)[1:])
    yield line(16, 44, shorten(said, 120), "dim")
    yield from ends(connection, TOP - 20, _LANES)


def ends(connection: Connection, at: float, lanes: Lanes) -> Iterator[str]:
    """Who stands above which lane."""
    yield line(lanes.left, at, "client", "ink bold middle")
    yield line(lanes.right, at, "server", "ink bold middle")
    room = (lanes.letters - 6) // 2
    yield line(lanes.left + 34, at, clip(end(connection.client), room), "dim small")
    yield line(lanes.right - 34, at, clip(end(connection.server), room), "dim small end")


def lanes_svg(lanes: Lanes, top: float, foot: float) -> Iterator[str]:
    """Both lanes."""
    for x in (lanes.left, lanes.right):
        yield f'<line class="lane" x1="{x:.0f}" y1="{top:.0f}" x2="{x:.0f}" y2="{foot:.0f}"/>\n'


def rung(connection: Connection, step: Step, at: float, lanes: Lanes, secrets: bool) -> Iterator[str]:
    """An arrow with its words above, its time on the left, how it travelled on the right."""
    title, detail = step_words(connection, step, secrets)
    yield line(lanes.left - 12, at + 4, clock(step.time), "dim small end")
    words = clip(title, lanes.letters)
    figures = clip(detail, max(lanes.letters + 16 - len(words), 0))
    if step.kind == "hole":
        width = lanes.right - lanes.left - 16
        yield f'<rect class="hole" x="{lanes.left + 8:.0f}" y="{at - 12:.0f}" width="{width:.0f}" height="18"/>\n'
        yield line(lanes.middle, at + 2, words, "ink small middle")
        return
    client = step.sender == CLIENT
    if step.kind == "mark" and not title.startswith("TCP "):
        style = "bad" if step.note else "dim"
        text = clip(" · ".join(filter(None, (words, figures))), lanes.letters)
        x = lanes.left + 12 if client else lanes.right - 12
        yield line(x, at + 4, f"◆ {text}", style if client else f"{style} end")
        return
    yield _arrow(step, at + 6, lanes)
    yield (
        f'<text class="ink middle" x="{lanes.middle:.0f}" y="{at:.0f}">{xml(words)}'
        f'<tspan class="dim small" dx="8">{xml(figures)}</tspan></text>\n'
    )
    if step.kind in ("message", "data"):
        yield from _beside(step, at + 8, lanes)


def _beside(step: Step, at: float, lanes: Lanes) -> Iterator[str]:
    """How a step travelled, and what is proven of it."""
    how = "? inferred" if step.provenance == "inferred" else "▣ encrypted" if step.encrypted else "clear"
    if step.encrypted and step.provenance == "decrypted":
        how = "▣ decrypted"
    proof = PROOF[step.proof] if step.proof else None
    if lanes.brief:
        how = "" if how == "clear" else how[0]
    yield line(lanes.right + 12, at, how, "dim small")
    if proof is not None:
        x = lanes.right + (28 if lanes.brief else 94)
        yield line(x, at, proof.text[0] if lanes.brief else proof.text, f"{proof.style} small")


def note(text: str, at: float, lanes: Lanes) -> str:
    """What is wrong with the step above."""
    return line(lanes.middle, at - 8, f"▲ {shorten(text, lanes.letters * 3 // 2)}", "bad small middle")


def _arrow(step: Step, at: float, lanes: Lanes) -> str:
    style = "tcp" if step.kind == "mark" else "sealed" if step.encrypted else "clear"
    if step.provenance == "inferred":
        style = "guess"
    client = step.sender == CLIENT
    start, stop, head = (lanes.left, lanes.right, -10) if client else (lanes.right, lanes.left, 10)
    return (
        f'<line class="{style}" x1="{start:.0f}" y1="{at:.0f}" x2="{stop + head * 0.6:.0f}" y2="{at:.0f}"/>'
        f'<path class="ink" d="M{stop:.0f} {at:.0f}l{head} -5v10z"/>\n'
    )


def line(x: float, y: float, text: str, style: str) -> str:
    """One line of text, escaped; "" draws nothing."""
    return f'<text class="{style}" x="{x:.0f}" y="{y:.0f}">{xml(safe(text))}</text>\n' if text else ""
