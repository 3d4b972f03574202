"""The formats of `show` and `compare` by name; each is loaded when it is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsviz.connection.compare import Comparison
    from tlsviz.connection.model import Source, Trace

DOCUMENTS = ("markdown", "svg", "html", "mermaid")
"""Formats for documents; beside them there are text and json."""
COMPARED = ("text", "json", "markdown", "svg", "html")


def document(trace: Trace, name: str, secrets: bool) -> str:
    """The trace in one of `DOCUMENTS`."""
    if name == "markdown":
        from tlsviz.report.markdown import render_markdown

        return render_markdown(trace, secrets)
    if name == "svg":
        from tlsviz.report.svg import render_svg

        return render_svg(trace, secrets)
    if name == "html":
        from tlsviz.report.html import render_html

        return render_html(trace, secrets)
    from tlsviz.report.mermaid import render_mermaid

    return render_mermaid(trace, secrets)


def picture(comparison: Comparison, sources: tuple[Source, Source]) -> str:
    """A comparison as SVG, without secrets: what the screens save, which know nothing of reports."""
    return compared(comparison, sources, "svg", False, False, False)


def compared(
    comparison: Comparison, sources: tuple[Source, Source], name: str, fields: bool, secrets: bool, ascii: bool
) -> str:
    """A comparison as JSON (``ascii``: nothing else in it), Markdown, SVG or HTML."""
    if name == "json":
        from tlsviz.report.compare import compare_json

        found = compare_json(comparison, sources, fields, secrets)
        return json.dumps(found, indent=2, ensure_ascii=ascii) + "\n"
    if name == "markdown":
        from tlsviz.report.markdown import compare_markdown

        return compare_markdown(comparison, sources, secrets)
    if name == "svg":
        from tlsviz.report.compare_svg import compare_svg

        return compare_svg(comparison, sources, secrets)
    from tlsviz.report.html import compare_html

    return compare_html(comparison, sources, secrets)
