"""The key schedule: a graph to walk through, and beside it how the chosen value came to be."""

from __future__ import annotations

from dataclasses import replace

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.reactive import reactive, var

from tlsviz.connection.handshakes import handshakes
from tlsviz.connection.keys import NO_KEYS
from tlsviz.connection.model import Connection
from tlsviz.connection.observer import NO_KEY
from tlsviz.connection.schedule import Schedule, key_schedule
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import KeyChosen, MessageChosen, Scene, TranscriptChosen
from tlsviz.ui.widgets.key_detail import DetailLine, Target, detail
from tlsviz.ui.widgets.key_graph import GraphLine, Span, graph, spans, verdicts
from tlsviz.ui.widgets.lines import Line, LineView, pad_line

DETAIL = 11
"""Lines that the derivation gets at least where it stands below the graph, its rule among them."""
_FIRST = ("handshake_secret", "master_secret")
"""What is chosen at first: the middle of the story."""


class KeyGraph(LineView):
    """The graph. Arrows walk from value to value, a click chooses one."""

    HELP = """The key schedule: how every key of this connection came to be. The arrow keys walk through it, Enter
        goes on to how the chosen value was made, v shows or masks the values. A filled dot is a known secret, an empty
        one is public, a dashed one is not known here."""
    BINDINGS = [
        Binding("up", "line(-1)", "walk", key_display="↑↓←→", tooltip="Walk through the graph"),
        Binding("down", "line(1)", "a line down", show=False),
        Binding("left", "walk(-1)", "the value before", show=False),
        Binding("right", "walk(1)", "the next value", show=False),
        Binding("enter", "detail", "made how", key_display="⏎", tooltip="How the chosen value was made"),
    ]

    chosen: reactive[str] = reactive("")

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[GraphLine] = []
        self._spans: list[Span] = []

    def take(self, lines: list[GraphLine]) -> None:
        """Shows other lines."""
        self._lines = lines
        self._spans = spans(lines)
        self.relayout()
        self._bring()

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        line: Line = []
        mine = False
        for bit in self._lines[index]:
            if bit.node and bit.node == self.chosen:
                mine = True
                line.append((bit.text, f"{bit.style} bold underline on selection".replace(" reverse", "")))
            else:
                line.append((bit.text, bit.style))
        if mine and line and line[0][0].startswith(" "):
            line[0] = (line[0][0][1:], line[0][1])
            line.insert(0, (glyphs().cursor, "accent bold"))
        return line

    def watch_chosen(self) -> None:
        self.refresh()
        self._bring()

    def _bring(self) -> None:
        place = self._place()
        if place is not None:
            self.reveal(self._spans[place].line)

    def _place(self) -> int | None:
        return next((at for at, span in enumerate(self._spans) if span.node == self.chosen), None)

    def action_walk(self, by: int) -> None:
        """Chooses the next or previous value in reading order."""
        place = self._place()
        if self._spans:
            at = 0 if place is None else max(0, min(place + by, len(self._spans) - 1))
            self.post_message(KeyChosen(self._spans[at].node))

    def action_line(self, by: int) -> None:
        """Chooses the nearest value on the next or previous line that has one."""
        place = self._place()
        if place is None:
            self.action_walk(0)
            return
        here = self._spans[place]
        beyond = [span for span in self._spans if (span.line - here.line) * by > 0]
        if beyond:
            line = (min if by > 0 else max)(span.line for span in beyond)
            near = min((span for span in beyond if span.line == line), key=lambda span: abs(span.start - here.start))
            self.post_message(KeyChosen(near.node))

    def action_detail(self) -> None:
        """Goes on to the derivation."""
        self.screen.query_one(KeyDetail).begin()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        for span in self._spans:
            if offset is not None and span.line == index and span.start <= offset.x < span.end:
                self.post_message(KeyChosen(span.node))


class KeyDetail(LineView):
    """How the chosen value was made. Lines that lead somewhere can be followed with Enter or a click."""

    HELP = """How the chosen value was made: the function, its inputs, its label, and the messages whose hash went into
        it. Enter follows the marked line to that value or message; escape goes back to the graph."""
    BINDINGS = [
        Binding("up", "move(-1)", "mark", key_display="↑↓", tooltip="Mark a line that leads somewhere"),
        Binding("down", "move(1)", "down", show=False),
        Binding("enter", "follow", "go there", key_display="⏎", tooltip="Go where the marked line leads"),
        Binding("escape,left", "graph", "graph", key_display="esc", tooltip="Back to the graph"),
    ]

    at: reactive[int] = reactive(-1)
    """The marked line; -1 for none."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[DetailLine] = []

    def take(self, lines: list[DetailLine]) -> None:
        """Shows other lines."""
        self._lines = lines
        if self.at >= len(lines) or not self.has_focus:
            self.at = -1
        elif self.at >= 0:
            self.at = next(iter(self._open()), -1)
        self.relayout()
        self.scroll_to(y=0, animate=False)

    def begin(self) -> None:
        """Takes the focus, with the first line that leads somewhere marked."""
        self.focus()
        self.at = next(iter(self._open()), -1)

    def _open(self) -> list[int]:
        return [index for index, (_, target) in enumerate(self._lines) if target is not None]

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        line, target = self._lines[index]
        if index != self.at or target is None or not self.has_focus:
            return line
        styled = [(text, f"{style} on selection") for text, style in line]
        first = styled[0]
        styled[0] = (first[0][1:], first[1])
        return pad_line([(glyphs().cursor, "accent bold on selection"), *styled], self.width, "on selection")

    def watch_at(self) -> None:
        self.refresh()
        if self.at >= 0:
            self.reveal(self.at, margin=1)

    def on_blur(self) -> None:
        self.refresh()

    def action_move(self, by: int) -> None:
        """Marks the next or previous line that leads somewhere; scrolls where there is none."""
        places = self._open()
        beyond = [place for place in places if (place - self.at) * by > 0]
        if beyond:
            self.at = (min if by > 0 else max)(beyond)
        else:
            (self.scroll_down if by > 0 else self.scroll_up)(animate=False)

    def action_follow(self) -> None:
        """Goes where the marked line leads."""
        if 0 <= self.at < len(self._lines):
            self._go(self._lines[self.at][1])

    def action_graph(self) -> None:
        """Gives the focus back to the graph."""
        self.at = -1
        self.screen.query_one(KeyGraph).focus()

    def _go(self, target: Target | None) -> None:
        if target is None:
            return
        if target.node:
            self.post_message(KeyChosen(target.node))
        elif target.message is not None:
            self.post_message(MessageChosen(target.message, target.path))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is not None:
            self._go(self._lines[index][1])


class KeysPane(Container):
    """Graph and derivation. `secrets` shows the values."""

    scene: var[Scene | None] = var(None)
    secrets: var[bool] = var(False)
    chosen: var[str] = var("", init=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._key: tuple[object, ...] = ()
        self._about: tuple[Connection, int] | None = None
        self._schedule = Schedule(None)

    def compose(self) -> ComposeResult:
        yield KeyGraph()
        yield KeyDetail()

    def watch_scene(self) -> None:
        self.update_lines()

    def watch_secrets(self) -> None:
        self.update_lines()

    def on_resize(self) -> None:
        self.call_after_refresh(self.update_lines)

    def on_show(self) -> None:
        self.update_lines()
        self.tell()

    @property
    def schedule(self) -> Schedule:
        """What is drawn."""
        return self._schedule

    def update_lines(self) -> None:
        """Draws anew if it is seen and something in it has changed."""
        scene = self.scene
        if scene is None or not self.is_attached or not self.display or self.size.width < 8:
            return
        view, words = self.query_one(KeyGraph), self.query_one(KeyDetail)
        number = _handshake(scene)
        about = (scene.connection, number)
        if self._about is None or self._about[0] is not about[0] or self._about[1] != number:
            self._about = about
            self._schedule = key_schedule(scene.connection, number)
            if scene.known is not None:
                self._schedule = _without_key(self._schedule)
            self._key = ()
        if self._schedule.node(self.chosen) is None:
            first = next((id for id in _FIRST if self._schedule.node(id)), "")
            self.set_reactive(KeysPane.chosen, first or next((node.id for node in self._schedule.nodes), ""))
        wide = self.screen.has_class("-wide")
        height = view.scrollable_content_region.height if wide else max(self.size.height - DETAIL, 3)
        key = (self._schedule, self.secrets, view.width, height)
        if len(key) != len(self._key) or any(
            new is not old and new != old for new, old in zip(key, self._key, strict=True)
        ):
            self._key = key
            proofs = verdicts(scene.connection)
            lines = graph(self._schedule, view.width, height, secrets=self.secrets, proofs=proofs)
            view.styles.height = "1fr" if wide else min(len(lines), height)
            view.take(lines)
        view.chosen = self.chosen
        node = self._schedule.node(self.chosen)
        words.take(detail(scene.connection, self._schedule, node, words.width, self.secrets) if node else [])

    @on(KeyChosen)
    def _key_chosen(self, event: KeyChosen) -> None:
        event.stop()
        self.chosen = event.node

    def watch_chosen(self) -> None:
        self.update_lines()
        self.tell()

    def tell(self) -> None:
        """Says which messages the chosen value depends on."""
        step = self._schedule.step(self.chosen)
        covers = step.context.messages if step is not None and step.context is not None else ()
        self.post_message(TranscriptChosen(covers))


def _without_key(schedule: Schedule) -> Schedule:
    """The schedule of somebody who has no key: that, and not a missing key log, is why they do not know."""
    nodes = (replace(node, why=NO_KEY) if node.why == NO_KEYS else node for node in schedule.nodes)
    return replace(schedule, nodes=tuple(nodes))


def _handshake(scene: Scene) -> int:
    """The handshake that the selected message belongs to; the first one for everything else."""
    message = scene.message
    found = 0
    if message is not None:
        for shake in handshakes(scene.connection):
            first = next(iter(shake.messages), None)
            if first is not None and first.index <= message.index:
                found = shake.number
    return found
