"""Views drawn line by line: fast for any length, and the text in them can never become markup.

A line is a list of pieces ``(text, style)``; a style is words: roles of the theme, ``bold``, ``dim``, ``italic``,
``underline``, ``reverse`` and ``on ROLE`` for the background.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tlsviz.ui.glyphs import glyphs, showable
from tlsviz.wire.text import safe

Piece = tuple[str, str]
Line = list[Piece]


def cells(line: Line) -> int:
    """How many cells a line takes."""
    return sum(cell_len(text) for text, _ in line)


def fit(text: str, width: int) -> str:
    """The text in exactly ``width`` cells: cut with an ellipsis, or filled with spaces."""
    return set_cell_size(clip(text, width), width)


def clip(text: str, width: int) -> str:
    """The text in at most ``width`` cells, with an ellipsis when something is left out."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + glyphs().ellipsis if width > 0 else ""


def clip_middle(text: str, width: int) -> str:
    """The text in at most ``width`` cells: its beginning and its end, which tells most of texts that begin alike."""
    if cell_len(text) <= width or width < 8:
        return clip(text, width)
    head = (width - 1) // 2
    tail = text[-(width - 1 - head) :]
    while cell_len(tail) > width - 1 - head:
        tail = tail[1:]
    return set_cell_size(text, head).rstrip() + glyphs().ellipsis + tail.lstrip()


def clip_line(line: Line, width: int) -> Line:
    """The line in at most ``width`` cells."""
    kept: Line = []
    for text, style in line:
        size = cell_len(text)
        if size > width:
            if width > 0:
                kept.append((clip(text, width), style))
            return kept
        kept.append((text, style))
        width -= size
    return kept


def pad_line(line: Line, width: int, style: str = "") -> Line:
    """The line in exactly ``width`` cells."""
    line = clip_line(line, width)
    missing = width - cells(line)
    return [*line, (" " * missing, style)] if missing > 0 else line


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` cells, broken at spaces, inside a word only when one is too long."""
    width = max(width, 1)
    found: list[str] = []
    for paragraph in text.split("\n"):
        current = ""
        for word in paragraph.split():
            joined = f"{current} {word}" if current else word
            if cell_len(joined) <= width:
                current = joined
                continue
            if current:
                found.append(current)
            while cell_len(word) > width:
                head = set_cell_size(word, width).rstrip()
                found.append(head or word[0])
                word = word[max(len(head), 1) :]
            current = word
        found.append(current)
    return found


class Painter:
    """Turns style words into Rich styles in the theme's colours."""

    def __init__(self, variables: Callable[[], dict[str, str]]) -> None:
        self._variables = variables
        self._known: dict[str, Style] = {}

    def forget(self) -> None:
        """Drops the styles of the old theme."""
        self._known.clear()

    def style(self, words: str) -> Style:
        """The style that the words name; unknown words are taken as Rich's own."""
        found = self._known.get(words)
        if found is None:
            variables = self._variables()
            found = Style.parse(" ".join(variables.get(word, word) for word in words.split()))
            self._known[words] = found
        return found


class Painted(Widget):
    """A widget of a few lines that do not scroll. Subclasses give `lines`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.painter = Painter(lambda: self.app.theme_variables)
        self._base = Style()
        self._drawn: list[Line] = []

    def lines(self, width: int) -> list[Line]:
        """The lines at a width."""
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width))

    def notify_style_update(self) -> None:
        self.painter.forget()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style
        self._drawn = self.lines(self.content_region.width)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        line = self._drawn[y] if y < len(self._drawn) else []
        return paint(self.painter, line, self.content_region.width, self._base)


def paint(painter: Painter, line: Line, width: int, base: Style) -> Strip:
    """A line as Textual wants it, in exactly ``width`` cells."""
    segments = [Segment(showable(safe(text)), base + painter.style(style)) for text, style in line]
    return Strip(segments).adjust_cell_length(width, base)


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """A scrolling view of lines. Subclasses give `line_count` and `line`; both must be quick.

    It binds no keys by itself: what it does not use is the screen's, where the arrows step.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.painter = Painter(lambda: self.app.theme_variables)
        self._base = Style()

    def line_count(self) -> int:
        """How many lines there are at the present width."""
        raise NotImplementedError

    def line(self, index: int) -> Line:
        """One line; ``index`` is in range."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """The cells that a line may take."""
        return max(self.scrollable_content_region.width, 1)

    def relayout(self, repaint: bool = True) -> None:
        """Takes a new number of lines, and paints everything."""
        size = Size(0, self.line_count())
        if size != self.virtual_size:
            # Assigning it would lay out the whole screen, although only the scroll bar has to know.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        if repaint:
            self.refresh()

    def reveal(self, first: int, last: int | None = None, margin: int = 2) -> None:
        """Scrolls just as far as needed to see the lines ``first`` to ``last`` with some lines around them."""
        last = first if last is None else last
        height = self.scrollable_content_region.height
        if height <= 0:
            return
        margin = max(0, min(margin, (height - 1 - (last - first)) // 2))
        top = self.scroll_offset.y
        if first - margin < top:
            self.scroll_to(y=max(first - margin, 0), animate=False)
        elif last + margin >= top + height:
            self.scroll_to(y=last + margin - height + 1, animate=False)

    def index_at(self, y: int) -> int | None:
        """The line under a mouse position within the content."""
        index = y + self.scroll_offset.y
        return index if 0 <= index < self.line_count() else None

    def notify_style_update(self) -> None:
        self.painter.forget()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        line = self.line(index) if 0 <= index < self.line_count() else []
        return paint(self.painter, line, self.scrollable_content_region.width, self._base)
