"""Printing: what the terminal can show, and where the text goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz.errors import TargetError

if TYPE_CHECKING:
    from tlsviz.connection.model import Trace


def text(
    trace: Trace, terminal: bool, connection: int | None, fields: bool, secrets: bool, segments: bool = False
) -> str:
    """The text report, for the ``terminal`` or for a file."""
    from tlsviz.report.text import render_text

    return render_text(
        trace,
        width=width(),
        color=color(terminal),
        ascii=not unicode(),
        connection=connection,
        fields=fields,
        secrets=secrets,
        segments=segments,
    )


def color(terminal: bool) -> bool:
    """Whether what is printed (to the ``terminal``, not to a file) may have colours."""
    return terminal and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def notices(trace: Trace) -> None:
    """Says on standard error what is to be said of the source itself."""
    for notice in trace.notices:
        print(f"tlsviz: {notice}", file=sys.stderr)  # noqa: T201


def filter_hints(text: str, trace: Trace, matched: bool) -> None:
    """Says on standard error what a filter may have been meant as, where that helps."""
    from tlsviz.connection.filter_hints import hints
    from tlsviz.connection.rows import rows
    from tlsviz.explain.words import entries

    said = hints(text, rows(trace.connections), lambda: entries("finding"), matched)
    if said:
        print("tlsviz:", *([] if matched else ["Nothing matches."]), *said, file=sys.stderr)  # noqa: T201


def write(text: str | Iterable[str], path: Path | None, private: bool) -> None:
    """Prints text or its parts, or writes a file. ``private``: it holds secrets, so the file is for its owner alone."""
    parts = (text,) if isinstance(text, str) else text
    if path is None:
        for part in parts:
            out(part)
        return
    from tlsviz.sources.private import private_file

    try:
        with private_file(path) if private else path.open("wb") as file:
            for part in parts:
                file.write(part.encode())
    except OSError as error:
        raise TargetError(f"Cannot write {path}", error.strerror or str(error)) from None


def out(text: str) -> None:
    """Prints, and lets the reader have it at once."""
    if not (text.isascii() or unicode()):
        from tlsviz.report.paint import in_ascii

        text = in_ascii(text)
    sys.stdout.write(text)
    sys.stdout.flush()


def interactive() -> bool:
    """Whether somebody sits at a terminal that can show screens."""
    return sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """The columns to print in; 100 where nobody says."""
    return known_width() or 100


def known_width() -> int | None:
    """The columns of the terminal, or as COLUMNS has them; None where nobody says, as in a pipe."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    import shutil

    return max(shutil.get_terminal_size((100, 24)).columns, 60)


def unicode() -> bool:
    """Whether standard output takes every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")
