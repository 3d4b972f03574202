"""Entries as plain text, for the command line."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tlsviz.explain.words import Words

NARROWEST = 20
FEW = 3
"""More entries than this are told by their titles first."""


def render(words: Words, width: int = 80) -> str:
    """The entry as paragraphs of at most ``width`` columns (20 at least), without a final line break."""
    width = max(width, NARROWEST)
    family, _, name = words.key.partition(".")
    paragraphs = [f"Field {name}" if family == "field" else words.title, words.what]
    if words.why:
        paragraphs.append(words.why if words.why.startswith("Usual cause") else f"Why: {words.why}")
    if words.odd_if:
        paragraphs.append(f"Odd: {words.odd_if}")
    if words.mend:
        paragraphs.append(f"To try: {words.mend}")
    if words.reference:
        paragraphs.append(f"See: {words.reference}")
    return "\n\n".join(textwrap.fill(text, width, break_on_hyphens=False) for text in paragraphs)


def render_all(found: Sequence[Words], width: int = 80) -> str:
    """All entries one after the other; where there are many, a list of their families and titles comes first."""
    texts = [render(words, width) for words in found]
    if len(found) > FEW:
        texts.insert(0, _titles(found, max(width, NARROWEST)))
    return "\n\n".join(texts)


def _titles(found: Sequence[Words], width: int) -> str:
    families = [words.key.partition(".")[0] for words in found]
    column = max(map(len, families))
    lines = [f"{len(found)} things fit, the likeliest first:"]
    for family, words in zip(families, found, strict=True):
        name = words.key.partition(".")[2] if family == "field" else words.title
        lines.append(f"  {family:{column}}  {name}"[:width])
    return "\n".join(lines)
