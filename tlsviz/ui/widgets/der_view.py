"""A certificate's DER as an open tree, with one field lit: also of certificates that no message carried."""

from __future__ import annotations

from textual import events
from textual.message import Message as Event

from tlsviz.tls.der.kinds import CertificateNode
from tlsviz.ui.certificates import descend
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, LineView, clip, fit
from tlsviz.ui.widgets.values import FRAME, value_words
from tlsviz.wire.nodes import Node, Path, lookup
from tlsviz.wire.text import safe

MAX_ROWS = 6_000


class DerView(LineView):
    """Every element with its value, offset and length; its frame and what its value says already are left out."""

    HELP = "The certificate's own bytes, element by element (DER), with the field that is chosen beside lit."

    class Chosen(Event):
        """An element was clicked, by its path in the tree."""

        def __init__(self, names: tuple[str, ...]) -> None:
            super().__init__()
            self.names = names

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tree: Node | None = None
        self._rows: list[tuple[Path, Node]] = []
        self._lit: Path | None = None
        self._field = ""

    def show(self, der: bytes, field: str | None) -> None:
        """Shows a certificate with a field lit: its dotted path; None for none."""
        if self._tree is None or self._tree.value != der:
            self._tree = CertificateNode("certificate", 0, len(der), der)
            self._rows = _rows(self._tree)
            self.relayout()
        self._field = field or ""
        self._lit = descend(self._tree, field) if field else None
        self.reveal_lit()
        self.refresh()

    def reveal_lit(self) -> None:
        """Scrolls to the lit field, with all of it in view that has room."""
        places = [at for at, (path, _) in enumerate(self._rows) if self._is_lit(path)]
        if places:
            self.reveal(places[0], min(places[-1], places[0] + max(self.size.height - 4, 0)))

    def on_resize(self) -> None:
        self.relayout()
        self.reveal_lit()

    def _is_lit(self, path: Path) -> bool:
        return bool(self._lit) and path[: len(self._lit or ())] == self._lit

    def line_count(self) -> int:
        return len(self._rows)

    def line(self, index: int) -> Line:
        path, node = self._rows[index]
        lit = self._is_lit(path)
        ground = " on selection" if lit else ""
        first = lit and path == self._lit
        lead = f"{glyphs().cursor if first else ' '}{'  ' * len(path)}"
        right = f" {node.start:5,} {node.length:6,} B "
        room = max(self.width - len(right), 4)
        name = clip(safe(node.name), max(room - len(lead) - 1, 4))
        value = value_words(node, max(room - len(lead) - len(name) - 3, 4)) if path else ""
        if node.note:
            value = f"{glyphs().odd} {safe(node.note)}"
        style = "failed" if node.note else "foreground bold" if node.children else "foreground"
        text = fit(
            f"  {safe(value)}" if value and not (node.children and node.label is None) else "",
            max(room - len(lead) - len(name), 0),
        )
        return [
            (lead, f"accent{ground}"),
            (name, f"{style}{ground}"),
            (text, ("warning" if node.note else "server") + ground),
            (right if self.width >= 44 else " ", f"muted{ground}"),
        ]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is None or self._tree is None:
            return
        path, _ = self._rows[index]
        names = tuple(lookup(self._tree, path[:depth]).name for depth in range(1, len(path) + 1))
        self.post_message(self.Chosen(names))


def _rows(tree: Node) -> list[tuple[Path, Node]]:
    rows: list[tuple[Path, Node]] = []
    pending: list[tuple[Path, Node]] = [((), tree)]
    while pending and len(rows) < MAX_ROWS:
        path, node = pending.pop()
        rows.append((path, node))
        hidden = FRAME | {"data"} if node.label is not None else FRAME
        inner = [((*path, at), child) for at, child in enumerate(node.children) if child.name not in hidden]
        pending.extend(reversed(inner))
    return rows
