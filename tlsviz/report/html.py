"""A connection, or a comparison, as one HTML page that needs nothing else: no scripts, no fonts, no network."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tlsviz.connection.compare import Comparison
from tlsviz.connection.model import Source, Trace
from tlsviz.report.compare import LEGEND, names
from tlsviz.report.phrases import name
from tlsviz.report.svg import WIDTH, ladder_svg, picture
from tlsviz.report.tables import Table, compare_tables, tables
from tlsviz.wire.text import safe

_STYLE = """\
:root{color-scheme:light}body{font:16px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;
color:#1b1f24;background:#fff}h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem}h3{font-size:1rem;margin-top:1.5rem}
table{border-collapse:collapse;width:100%;font-size:.85rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;
border-bottom:1px solid #dfe3e8;overflow-wrap:anywhere}th{color:#646b75;font-weight:600}svg{max-width:100%;height:auto}
"""


def render_html(trace: Trace, secrets: bool = False) -> str:
    """Every connection: its ladder drawn, then its tables."""
    body = [f"<h1>{_text(trace.source.name)}</h1>"]
    for connection in trace.connections:
        drawn, height = ladder_svg(connection, secrets)
        body += [f"<h2>{connection.id}: {_text(name(connection))}</h2>", picture(drawn, WIDTH, height)]
        body += map(_table, tables(connection))
    if not trace.connections:
        body.append("<p>No TLS connection.</p>")
    return _page(trace.source.name, body)


def compare_html(comparison: Comparison, sources: tuple[Source, Source], secrets: bool = False) -> str:
    """What differs, subject by subject, and the ladders beside each other."""
    left, right = names(comparison, sources)
    title = f"{left} compared with {right}"
    body = [f"<h1>{_text(title)}</h1>"]
    if comparison.alike:
        body.append("<p>No difference in meaning.</p>")
    body += map(_table, compare_tables(comparison, sources, secrets))
    return _page(title, [*body, f"<p>{_text(LEGEND)}</p>"])


def _text(text: str) -> str:
    return escape(safe(text))


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>\n" for row in table.rows)
    return f"<h3>{_text(table.title)}</h3>\n<table><tr>{head}</tr>\n{rows}</table>"


def _page(title: str, body: Iterable[str]) -> str:
    # The policy keeps even a page with a bug from loading or running anything.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )
