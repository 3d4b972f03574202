"""A connection, or a comparison, as Markdown for issues and wikis: tables, and the ladder as it is in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tlsviz.connection.compare import Comparison
from tlsviz.connection.model import Source, Trace
from tlsviz.report.compare import LEGEND, names
from tlsviz.report.ladder import ladder
from tlsviz.report.paint import render
from tlsviz.report.phrases import name
from tlsviz.report.tables import Table, compare_tables, tables
from tlsviz.wire.text import safe

LADDER_WIDTH = 100


def escape(text: str) -> str:
    """The text as Markdown that shows it and nothing else: what could be markup is escaped, HTML too."""
    text = safe(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A backslash before a letter is a backslash; before punctuation it takes the meaning away.
    return "".join(f"\\{char}" if char in "\\`*_{}[]|~$^#" else char for char in text).replace("://", ":&#47;/")


def render_markdown(trace: Trace, secrets: bool = False) -> str:
    """Every connection under a heading of its own."""
    return _joined(_trace(trace, secrets))


def _trace(trace: Trace, secrets: bool) -> Iterator[str]:
    yield f"# {escape(trace.source.name)}"
    for connection in trace.connections:
        yield f"## {connection.id}: {escape(name(connection))}"
        yield _fenced(render(ladder(connection, LADDER_WIDTH, secrets), False, False))
        for table in tables(connection):
            yield from _table(table)
    if not trace.connections:
        yield "No TLS connection."


def compare_markdown(comparison: Comparison, sources: tuple[Source, Source], secrets: bool = False) -> str:
    """What differs, subject by subject, and the ladders beside each other."""
    left, right = names(comparison, sources)
    parts = [f"# {escape(left)} compared with {escape(right)}"]
    if comparison.alike:
        parts.append("No difference in meaning.")
    for table in compare_tables(comparison, sources, secrets):
        parts += _table(table)
    return _joined([*parts, escape(LEGEND)])


def _table(table: Table) -> Iterator[str]:
    yield f"### {escape(table.title)}"
    lines = ["| " + " | ".join(map(escape, table.head)) + " |", "|" + " --- |" * len(table.head)]
    lines += ["| " + " | ".join(map(escape, row)) + " |" for row in table.rows]
    yield "\n".join(lines)


def _fenced(text: str) -> str:
    """A block that nothing in it can end: its fence is longer than any run of backticks inside."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}text\n{text}{fence}"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"
