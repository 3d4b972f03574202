"""The fields of the selected message as a tree: name, value in words, size and place."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.reactive import reactive

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import FieldChosen, Scene
from tlsviz.ui.widgets.lines import Line, fit
from tlsviz.ui.widgets.pane import Pane, paragraph
from tlsviz.ui.widgets.values import value_words
from tlsviz.wire.nodes import Node, Path, walk
from tlsviz.wire.text import plural, safe

OPEN_DEPTH = 2
"""How many levels are open before the user opens more."""
MAX_ROWS = 20_000


class FieldsPane(Pane):
    """Enter or a click on the sign opens and closes; arrows move; `find` keeps only fields that match."""

    BINDINGS = [
        Binding("up", "move(-1)", "previous field", show=False),
        Binding("down", "move(1)", "next field", show=False),
        Binding("enter", "unfold", "open or close the field", show=False),
        Binding("plus", "open_all(True)", "open every field", show=False),
        Binding("minus", "open_all(False)", "close every field", show=False),
    ]

    find: reactive[str] = reactive("")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[tuple[Path, Node]] = []
        self._tree: Node | None = None
        self._of: Node | None = None
        self._flipped: set[Path] = set()
        self._last: Path | None = None

    def key(self, scene: Scene) -> tuple[object, ...]:
        own = scene.message.tree if scene.message else None
        return (scene.step, _Same(own), scene.selection.path, self.find, frozenset(self._flipped))

    def watch_find(self) -> None:
        self.update_lines()

    def build(self, scene: Scene, width: int) -> list[Line]:
        tree, message = scene.tree, scene.message
        own = message.tree if message else None
        if own is not self._of:
            self._of = own
            self._flipped.clear()
            self._last = None
        self._tree = tree
        if tree is None:
            self._rows = []
            return _nothing(scene, width)
        chosen = scene.selection.path
        if chosen != self._last:
            self._last = chosen
            for depth in range(len(chosen or ())):
                self._set_open((chosen or ())[:depth], True)
        self._rows = self._found(tree) if self.find else self._visible(tree)
        if not self._rows:
            text = f"Nothing found: no field of this message has {safe(self.find)} in its name or value."
            return [[], *paragraph(text, width, "muted", 2)]
        return [self._row(path, node, width, path == chosen) for path, node in self._rows]

    def show_start(self, scene: Scene) -> None:
        index = self._chosen_row()
        if index is None:
            super().show_start(scene)
        else:
            self.reveal(index)

    def _chosen_row(self) -> int | None:
        scene = self.scene
        if scene is None or scene.selection.path is None:
            return None
        return next((i for i, (path, _) in enumerate(self._rows) if path == scene.selection.path), None)

    # open and closed

    def _open(self, path: Path) -> bool:
        return (len(path) < OPEN_DEPTH) != (path in self._flipped)

    def _set_open(self, path: Path, wanted: bool) -> None:
        if self._open(path) != wanted:
            self._flipped ^= {path}

    def _visible(self, tree: Node) -> list[tuple[Path, Node]]:
        rows: list[tuple[Path, Node]] = []

        def add(path: Path, node: Node) -> None:
            if len(rows) >= MAX_ROWS:
                return
            rows.append((path, node))
            if self._open(path):
                for index, inner in enumerate(node.children):
                    add((*path, index), inner)

        add((), tree)
        return rows

    def _found(self, tree: Node) -> list[tuple[Path, Node]]:
        """The fields whose name or value holds the sought text, with their ancestors."""
        wanted = self.find.casefold()
        keep: set[Path] = set()
        for path, node in walk(tree):
            if wanted in node.name.casefold() or (node.label and wanted in node.label.casefold()):
                keep.update(path[:depth] for depth in range(len(path) + 1))
        return [(path, node) for path, node in walk(tree) if path in keep][:MAX_ROWS]

    def first_found(self) -> Path | None:
        """The first field that matches what is sought."""
        wanted = self.find.casefold()
        for path, node in self._rows:
            if path and (wanted in node.name.casefold() or (node.label and wanted in node.label.casefold())):
                return path
        return None

    # drawing

    def _row(self, path: Path, node: Node, width: int, chosen: bool) -> Line:
        signs = glyphs()
        ground = " on selection" if chosen else ""
        sign = " "
        if node.children:
            sign = signs.open if self._open(path) or self.find else signs.closed
        name = safe(node.name)
        size = f"{node.length:,} B".rjust(8)
        right = f"{size} {node.start:04x} " if width >= 72 else f"{size} "
        lead = f"{signs.cursor if chosen else ' '}{'  ' * len(path)}{sign} "
        names = max(36 if width >= 72 else 23, cell_len(lead) + cell_len(name)) if width >= 44 else 0
        style = "failed" if node.note else ("foreground bold" if node.children else "foreground")
        line: Line = [
            (lead, f"accent{ground}"),
            (fit(name, max(names - cell_len(lead), min(cell_len(name), 16))) + " ", style + ground),
        ]
        room = width - sum(cell_len(text) for text, _ in line) - len(right)
        words = value_words(node, max(room - 1, 4)) if path else ""
        if node.note:
            words = (
                f"{signs.odd} {safe(node.note)}"
                if not words or node.children
                else f"{words} {signs.odd} {safe(node.note)}"
            )
        value_style = "warning" if node.note else ("muted" if node.label is None else "server")
        if room > 2:
            line.append((fit(words, room), value_style + ground))
        line.append((right, f"muted{ground}"))
        return line

    # keys and mouse

    def action_move(self, by: int) -> None:
        """Chooses the next or previous row."""
        if not self._rows:
            return
        index = self._chosen_row()
        index = max(0, min((index or 0) + by, len(self._rows) - 1))
        self.post_message(FieldChosen(self._rows[index][0] or None))

    def action_unfold(self) -> None:
        """Opens or closes the chosen field."""
        scene = self.scene
        if scene is not None and scene.selection.path is not None:
            self._flip(scene.selection.path)

    def action_open_all(self, wanted: bool) -> None:
        """Opens or closes every field."""
        if self._tree is not None:
            for path, node in walk(self._tree):
                if path and node.children:
                    self._set_open(path, wanted)
            self.update_lines()

    def _flip(self, path: Path) -> None:
        self._flipped ^= {path}
        self.update_lines()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None or index >= len(self._rows):
            return
        path, node = self._rows[index]
        if node.children and offset.x <= 2 * len(path) + 2:
            self._flip(path)
            if self._last is not None and self._last[: len(path)] != path:
                return
        self.post_message(FieldChosen(path or None))


class _Same:
    """Compares a tree by identity: trees are big and never change."""

    def __init__(self, tree: Node | None) -> None:
        self.tree = tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.tree is self.tree

    def __hash__(self) -> int:
        return id(self.tree)


def _nothing(scene: Scene, width: int) -> list[Line]:
    """Why there are no fields here."""
    step = scene.step
    if step is None:
        text = "Nothing has happened yet."
    elif step.provenance == "inferred":
        text = "This message must be here, but it is encrypted and the keys are not known: there are no fields to see."
    elif step.kind == "data":
        run = scene.run
        size = plural(run.bytes, "byte") if run else "bytes"
        text = f"Application data: {size} that TLS only carries. What is known of them is in pane 3."
    elif step.kind == "hole":
        text = "The capture lacks these bytes."
    elif step.kind == "mark":
        text = "An event of the transport below TLS: it has no TLS fields."
    else:
        text = "No fields here."
    return [[], *paragraph(text, width, "muted", 2)]
