"""The ladder as an SVG picture, written by hand: for pages and slides, sharp at every size."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape as xml

from tlsviz.connection.ladder import Step, steps
from tlsviz.connection.model import Connection, Trace
from tlsviz.report.paint import clip
from tlsviz.report.phrases import PROOF, end, facts, name, step_words
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.text import clock, safe, shorten

WIDTH = 960
ROW, FLIGHT, TOP = 28, 18, 92
LEFT, RIGHT = 110, 770
MAX_STEPS = 400
_LETTERS = 60
"""So many letters fit between the lanes above an arrow."""

STYLE = """\
.page{fill:#fff}.ink{fill:#1b1f24}.dim{fill:#646b75}.bad{fill:#b42318}.good{fill:#136c3a}
.lane{stroke:#b6bdc7;stroke-width:1.5}.clear{stroke:#1b1f24;stroke-width:1.6}
.sealed{stroke:#0b6a8f;stroke-width:3.2}.tcp{stroke:#8b929c;stroke-width:1.2;stroke-dasharray:4 3}
.guess{stroke:#7a4fb0;stroke-width:1.6;stroke-dasharray:2 4}.hole{fill:#fbeede;stroke:#a35a00}
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
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
        rows += _step(connection, step, at, secrets)
        at += ROW
        if step.note:
            rows.append(_text((LEFT + RIGHT) / 2, at - 8, f"▲ {shorten(step.note, 90)}", "bad small middle"))
            at += 16
    if len(found) > MAX_STEPS:
        rows.append(_text((LEFT + RIGHT) / 2, at, f"{len(found) - MAX_STEPS} more steps", "dim middle"))
        at += ROW
    foot = at - ROW / 2
    lanes = [f'<line class="lane" x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{foot:.0f}"/>\n' for x in (LEFT, RIGHT)]
    return "".join((*_head(connection), *lanes, *rows)), foot + 16


def _head(connection: Connection) -> Iterator[str]:
    yield f"<title>{xml(name(connection))}</title>\n"
    yield _text(16, 24, name(connection), "ink bold")
    said = " · ".join(piece.text for piece in facts(connection, True)[1:])
    yield _text(16, 44, shorten(said, 120), "dim")
    yield _text(LEFT, TOP - 20, "client", "ink bold middle")
    yield _text(RIGHT, TOP - 20, "server", "ink bold middle")
    yield _text(LEFT + 34, TOP - 20, end(connection.client), "dim small")
    yield _text(RIGHT - 34, TOP - 20, end(connection.server), "dim small end")


def _step(connection: Connection, step: Step, at: float, secrets: bool) -> Iterator[str]:
    """An arrow with its words above, its time on the left, how it travelled on the right."""
    title, detail = step_words(connection, step, secrets)
    yield _text(LEFT - 12, at + 4, clock(step.time), "dim small end")
    middle = (LEFT + RIGHT) / 2
    words = clip(title, _LETTERS)
    figures = clip(detail, max(_LETTERS + 16 - len(words), 0))
    if step.kind == "hole":
        yield f'<rect class="hole" x="{LEFT + 8}" y="{at - 12:.0f}" width="{RIGHT - LEFT - 16}" height="18"/>\n'
        yield _text(middle, at + 2, words, "ink small middle")
        return
    client = step.sender == CLIENT
    if step.kind == "mark" and not title.startswith("TCP "):
        style = "bad" if step.note else "dim"
        text = " · ".join(filter(None, (words, figures)))
        yield _text(LEFT + 12 if client else RIGHT - 12, at + 4, f"◆ {text}", style if client else f"{style} end")
        return
    yield _arrow(step, at + 6)
    yield (
        f'<text class="ink middle" x="{middle:.0f}" y="{at:.0f}">{xml(words)}'
        f'<tspan class="dim small" dx="8">{xml(figures)}</tspan></text>\n'
    )
    if step.kind in ("message", "data"):
        how = "? inferred" if step.provenance == "inferred" else "▣ encrypted" if step.encrypted else "clear"
        if step.encrypted and step.provenance == "decrypted":
            how = "▣ decrypted"
        yield _text(RIGHT + 12, at + 8, how, "dim small")
        if step.proof:
            yield _text(RIGHT + 94, at + 8, PROOF[step.proof].text, f"{PROOF[step.proof].style} small")


def _arrow(step: Step, at: float) -> str:
    style = "tcp" if step.kind == "mark" else "sealed" if step.encrypted else "clear"
    if step.provenance == "inferred":
        style = "guess"
    start, stop, head = (LEFT, RIGHT, -10) if step.sender == CLIENT else (RIGHT, LEFT, 10)
    return (
        f'<line class="{style}" x1="{start}" y1="{at:.0f}" x2="{stop + head * 0.6:.0f}" y2="{at:.0f}"/>'
        f'<path class="ink" d="M{stop} {at:.0f}l{head} -5v10z"/>\n'
    )


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:.0f}" y="{y:.0f}">{xml(safe(text))}</text>\n' if text else ""
