"""An entry as plain text, for the command line."""

from __future__ import annotations

import textwrap

from tlsviz.explain.words import Words

NARROWEST = 20


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
