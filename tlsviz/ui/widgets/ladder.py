"""The ladder: two lanes, time running down, one arrow a step."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import var

from tlsviz.connection.ladder import Step
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import Scene, StepChosen
from tlsviz.ui.widgets.ladder_lines import Density, Drawing, Row
from tlsviz.ui.widgets.lines import Line, LineView, Painted, pad_line
from tlsviz.ui.widgets.way_view import WayStrip


class LadderHead(Painted):
    """The names of the lanes; stays while the ladder scrolls."""

    scene: var[Scene | None] = var(None)

    def watch_scene(self, old: Scene | None, new: Scene | None) -> None:
        if old is None or new is None or old.connection is not new.connection or old.observer != new.observer:
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        if self.scene is None:
            return []
        between = "proxy" if self.scene.observer == "proxy" else ""
        return Drawing(self.scene.connection, (), width, "compact").head(self.content_region.height, between)


class LadderRows(LineView):
    """The arrows. A click chooses a step."""

    scene: var[Scene | None] = var(None)
    running: var[bool] = var(False)
    covered: var[tuple[int, ...]] = var(())
    """Messages with a mark beside them: those that a hash covers."""
    segments: var[bool] = var(False)
    """Whether TCP's segments are drawn too."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._key: tuple[object, ...] = ()
        self._chosen = 0

    def line_count(self) -> int:
        return len(self._rows)

    def line(self, index: int) -> Line:
        row = self._rows[index]
        scene = self.scene
        if scene is None or row.step is None:
            return row.line
        if row.step != scene.selection.step:
            return self._marked(row.line) if self._covers(scene.steps[row.step]) else row.line
        marker = [(glyphs().cursor, "accent bold on selection")]
        rest = [(text, f"{style} bold on selection" if style else "on selection") for text, style in row.line[1:]]
        return pad_line([*marker, *rest], self.width, "on selection")

    def _covers(self, step: Step) -> bool:
        return bool(self.covered) and step.kind == "message" and step.index in self.covered

    def _marked(self, line: Line) -> Line:
        return [(glyphs().full, "verified"), *line[1:]]

    def watch_covered(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._draw()

    def watch_scene(self) -> None:
        self._draw()

    def watch_segments(self) -> None:
        self._draw()

    def watch_running(self) -> None:
        self._key = ()
        self._draw()

    def _draw(self) -> None:
        """Draws the rows when something they show has changed, and keeps the selected step in sight."""
        scene = self.scene
        width = self.width
        height = self.scrollable_content_region.height
        if scene is None or width < 8 or not self.is_attached:
            return
        key = (scene.connection, scene.steps, width, height, self.running, self.segments)
        if not self._key or any(old is not new and old != new for old, new in zip(self._key, key, strict=True)):
            self._key = key
            self._rows = self._layout(scene, width, height)
            self.relayout()
        else:
            self._refresh_step(self._chosen)
        self._chosen = scene.selection.step
        mine = self._refresh_step(self._chosen)
        if mine:
            self.reveal(mine[0], mine[-1])

    def _refresh_step(self, step: int) -> list[int]:
        """Paints the rows of a step anew; returns their places."""
        places = [index for index, row in enumerate(self._rows) if row.step == step]
        if places:
            self.refresh_lines(places[0], places[-1] - places[0] + 1)
        return places

    def _layout(self, scene: Scene, width: int, height: int) -> list[Row]:
        densities: tuple[Density, ...] = ("airy", "spaced", "roomy", "compact")
        for density in densities if len(scene.steps) <= height else densities[-1:]:
            drawing = Drawing(scene.connection, scene.steps, width, density, self.segments)
            rows = drawing.rows(running=self.running)
            if len(rows) <= height:
                break
        return rows

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is None:
            return
        step = self._rows[index].step
        if step is not None:
            self.post_message(StepChosen(step))


class Ladder(Vertical):
    """The lanes' names over the arrows."""

    scene: var[Scene | None] = var(None)
    running: var[bool] = var(False)
    covered: var[tuple[int, ...]] = var(())
    segments: var[bool] = var(False)

    def compose(self) -> ComposeResult:
        yield WayStrip().data_bind(Ladder.scene)
        yield LadderHead().data_bind(Ladder.scene)
        yield LadderRows().data_bind(Ladder.scene, Ladder.running, Ladder.covered, Ladder.segments)
