"""Screenshots as files that need nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from tlsviz.errors import TlsvizError

_REMOTE = re.compile(r"\s*@font-face\s*\{[^}]*\}|\s*<!--.*?-->", re.DOTALL)
_INDENTED = re.compile(
    r'(?P<head><text[^>]*?) x="(?P<x>[\d.]+)"(?P<mid>[^>]*?) textLength="(?P<length>[\d.]+)"(?P<tail>[^>]*)>'
    r"(?P<spaces>(?:&#160;)+)(?=[^<])"
)
_CELL = 12.2
"""The width of a cell in Rich's SVG: a font of 20 units, 0.61 as wide as high."""
_MONOSPACE = "Fira Code, JetBrains Mono, DejaVu Sans Mono, Menlo, Consolas, monospace"


def self_contained(svg: str) -> str:
    """The screenshot without the fonts that Textual would fetch from the network; local ones stand in.

    Some renderers drop the spaces that a text begins with, so texts begin at their first sign instead.
    """
    svg = _REMOTE.sub("", svg).replace("font-family: Fira Code, monospace", f"font-family: {_MONOSPACE}")
    return _INDENTED.sub(_outdent, svg)


def _outdent(match: re.Match[str]) -> str:
    shift = match["spaces"].count(";") * _CELL
    x, length = float(match["x"]) + shift, float(match["length"]) - shift
    return f'{match["head"]} x="{x:g}"{match["mid"]} textLength="{max(length, 0):g}"{match["tail"]}>'


def save(svg: str, folders: list[Path], stem: str) -> Path:
    """Writes the screenshot into the first folder that takes it, never over another file; raises TlsvizError."""
    why = "there is no folder to write to"
    for folder in folders:
        for number in range(1, 1000):
            path = folder / (f"{stem}.svg" if number == 1 else f"{stem}-{number}.svg")
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(svg)
            except FileExistsError:
                continue
            except OSError as error:
                why = f"{folder}: {error.strerror or error}"
                break
            return path
    raise TlsvizError("The screenshot was not saved", why, "Start tlsviz in a folder that you may write to.")
