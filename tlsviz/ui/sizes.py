"""The sizes that the screens are made for: 80 by 24, 120 by 36, 200 by 50, and what lies between."""

from __future__ import annotations

from textual.geometry import Size

WIDTHS: list[tuple[int, str]] = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
HEIGHTS: list[tuple[int, str]] = [(0, "-short"), (30, "-medium"), (44, "-tall")]


def size_classes(size: Size) -> tuple[str, str]:
    """The classes of a size: put on a screen before its first layout, they spare it a second one."""
    width = [name for least, name in WIDTHS if size.width >= least][-1]
    height = [name for least, name in HEIGHTS if size.height >= least][-1]
    return width, height
