"""A list to choose from: headings, and items of a title with a muted detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.reactive import reactive

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, LineView, cells, clip, fit, pad_line, wrap


@dataclass(frozen=True, slots=True)
class Choice:
    """One item. ``value`` is what the owner knows it by; a choice without one is a heading or a remark."""

    title: str
    detail: str = ""
    value: object = None
    role: str = ""
    heading: bool = False


class Choices(LineView):
    """A list of choices. With ``tall`` the detail stands below its title, else beside it."""

    HELP = "Move with the arrow keys, open with Enter or a click."
    BINDINGS = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "edge(-1)", "first", show=False),
        Binding("end", "edge(1)", "last", show=False),
        Binding("enter", "choose", "open", tooltip="Open the marked one"),
    ]

    highlighted: reactive[int] = reactive(-1)
    """The index of the choice that Enter opens; -1 when there is none to choose."""

    class Chosen(Message):
        """A choice was opened."""

        def __init__(self, choices: Choices, choice: Choice) -> None:
            super().__init__()
            self.choices = choices
            self.choice = choice

        @property
        def control(self) -> Choices:
            return self.choices

    class Left(Message):
        """The cursor was moved beyond the first (-1) or last (1) choice."""

        def __init__(self, choices: Choices, by: int) -> None:
            super().__init__()
            self.choices = choices
            self.by = by

    def __init__(self, choices: Sequence[Choice] = (), *, tall: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tall = tall
        self._choices = tuple(choices)
        self._rows: list[tuple[int, Line]] = []

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Replaces everything; the highlight stays on the same value where it is still there."""
        old = self.marked.value if self.marked is not None else None
        self._choices = tuple(choices)
        values = [choice.value for choice in self._choices]
        kept = values.index(old) if old is not None and old in values else -1
        self.set_reactive(Choices.highlighted, kept if kept >= 0 else next(iter(self._open()), -1))
        self._build()

    @property
    def marked(self) -> Choice | None:
        """The choice that Enter opens."""
        return self._choices[self.highlighted] if self.highlighted >= 0 else None

    def mark(self, value: object) -> None:
        """Marks the choice with a value, where there is one."""
        places = [place for place in self._open() if self._choices[place].value == value]
        if places:
            self.highlighted = places[0]

    def on_mount(self) -> None:
        self.set_choices(self._choices)

    def on_resize(self) -> None:
        self._build()

    def _open(self) -> list[int]:
        return [index for index, choice in enumerate(self._choices) if choice.value is not None]

    def _build(self) -> None:
        """Lays the rows out for the present width."""
        self._rows = []
        width = self.width
        for index, choice in enumerate(self._choices):
            if choice.heading:
                if index:
                    self._rows.append((-1, []))
                remark = f"  {choice.detail}" if choice.detail else ""
                self._rows.append((-1, [(choice.title, "bold muted"), (remark, "muted")]))
                continue
            if choice.value is None:
                self._rows += [(-1, [(part, "muted")]) for part in wrap(choice.title, width)]
                continue
            self._rows += [(index, line) for line in self._item(choice, width)]
        self.relayout()

    def _item(self, choice: Choice, width: int) -> list[Line]:
        style = f"bold {choice.role}".strip()
        if not self.tall:
            room = max(width - 3 - cells([(choice.detail, "")]), 8)
            return [[(fit(choice.title, room - 1), style), (f" {choice.detail}", "muted")]]
        parts = wrap(choice.detail, width - 5) if choice.detail else []
        if len(parts) > self.detail_lines:
            parts = [*parts[: self.detail_lines - 1], clip(" ".join(parts[self.detail_lines - 1 :]), width - 5)]
        return [[(clip(choice.title, width - 2), style)], *([("  " + part, "muted")] for part in parts)]

    @property
    def detail_lines(self) -> int:
        """How many lines a detail may take: one where rows are dear."""
        return 1 if self.app.size.height < 30 else 2

    def line_count(self) -> int:
        return len(self._rows)

    def line(self, index: int) -> Line:
        owner, line = self._rows[index]
        if owner < 0:
            return line
        if owner != self.highlighted or not self.has_focus:
            return [(" ", ""), *line]
        ground = "on selection"
        styled = [(text, f"{style} {ground}") for text, style in line]
        return pad_line([(glyphs().cursor, f"server {ground}"), *styled], self.width, ground)

    def watch_highlighted(self) -> None:
        shown = [row for row, (owner, _) in enumerate(self._rows) if owner == self.highlighted]
        if shown:
            self.reveal(shown[0], shown[-1], margin=1)
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def action_move(self, by: int) -> None:
        places = self._open()
        if not places:
            self.post_message(self.Left(self, by))
            return
        at = places.index(self.highlighted) + by if self.highlighted in places else 0
        if 0 <= at < len(places):
            self.highlighted = places[at]
        else:
            self.post_message(self.Left(self, by))

    def action_page(self, by: int) -> None:
        places = self._open()
        if places:
            step = by * max(self.scrollable_content_region.height - 1, 1)
            at = places.index(self.highlighted) if self.highlighted in places else 0
            self.highlighted = places[max(0, min(at + step, len(places) - 1))]

    def action_edge(self, end: int) -> None:
        places = self._open()
        if places:
            self.highlighted = places[0 if end < 0 else -1]

    def action_choose(self) -> None:
        if self.marked is not None:
            self.post_message(self.Chosen(self, self.marked))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        row = self.index_at(offset.y) if offset is not None else None
        if row is not None and (owner := self._rows[row][0]) >= 0:
            self.highlighted = owner
            self.action_choose()
