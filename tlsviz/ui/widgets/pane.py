"""What the panes share: words laid out in lines, built only when they are seen and something in them changed."""

from __future__ import annotations

from textual.binding import Binding
from textual.reactive import var

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import Scene
from tlsviz.ui.widgets.lines import Line, LineView, wrap


class Pane(LineView):
    """A pane drawn from the scene. Subclasses give `build`, and `key`: what the lines depend on."""

    BINDINGS = [
        Binding("up", "scroll_up", "scroll", show=False),
        Binding("down", "scroll_down", "scroll", show=False),
    ]

    scene: var[Scene | None] = var(None)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._lines: list[Line] = []
        self._built: tuple[object, ...] | None = None

    def build(self, scene: Scene, width: int) -> list[Line]:
        """The pane's lines at a width."""
        raise NotImplementedError

    def key(self, scene: Scene) -> tuple[object, ...]:
        """What the lines depend on, compared by identity or equality."""
        return (scene.connection, scene.selection)

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]

    def watch_scene(self) -> None:
        self.update_lines()

    def on_resize(self) -> None:
        self.update_lines()

    def on_show(self) -> None:
        self.update_lines()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def update_lines(self) -> None:
        """Builds the lines anew if they are seen and what they depend on has changed."""
        scene = self.scene
        if scene is None or not self.is_attached or not self.display or self.size.width < 4:
            return
        key = (*self.key(scene), self.width)
        if self._built is not None and _same(self._built, key):
            return
        fresh = self._built is None or not _same(self._built[:-1], key[:-1])
        self._built = key
        self._lines = self.build(scene, self.width)
        self.relayout()
        if fresh:
            self.show_start(scene)

    def show_start(self, scene: Scene) -> None:
        """Called after the lines have changed for a new subject: to the top, unless a subclass knows better."""
        self.scroll_to(y=0, animate=False)


def _same(old: tuple[object, ...], new: tuple[object, ...]) -> bool:
    return len(old) == len(new) and all(a is b or a == b for a, b in zip(old, new, strict=True))


def heading(text: str, width: int, role: str = "muted") -> list[Line]:
    """A quiet heading with a rule behind it."""
    rule = max(width - len(text) - 4, 0)
    return [[(f" {text} ", f"{role} bold"), (glyphs().dash * rule, "rule")]]


def paragraph(text: str, width: int, style: str = "", indent: int = 1, first: str | None = None) -> list[Line]:
    """Text wrapped within an indent; ``first`` stands before its first line."""
    lead = " " * indent if first is None else first
    lines = wrap(text, max(width - indent - 1, 8))
    return [[(lead if index == 0 else " " * indent, style), (part, style)] for index, part in enumerate(lines)]
