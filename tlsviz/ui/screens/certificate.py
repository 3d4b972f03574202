"""One certificate in full: its facts, and beside them the tree of its bytes."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Label

from tlsviz.connection.model import Connection
from tlsviz.explain import chain as words
from tlsviz.pki.ascent import ascend
from tlsviz.pki.graph import Vertex
from tlsviz.pki.profile import profile
from tlsviz.ui.actions import save_text
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.certificate_view import CertificateView
from tlsviz.ui.widgets.chain_lines import Target, drawn
from tlsviz.ui.widgets.der_view import DerView
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, Painted, cells, clip_line
from tlsviz.wire.text import safe, shorten

NARROW, WIDE = "-narrow", "-wide"


class CertificateScreen(Screen[Target | None]):
    """Shows the certificates of one side, one at a time; gives back a field whose bytes are to be seen, or None."""

    CSS_PATH = "certificate.tcss"
    HELP = (
        "A certificate of the chain. Left and right go to the one below and above. Copy it (c) or save it (w) as PEM "
        "for openssl and others; Enter goes to its bytes in the handshake, if it was sent."
    )
    AUTO_FOCUS = "CertificateView"
    HORIZONTAL_BREAKPOINTS = [(0, NARROW), (104, WIDE)]
    BINDINGS = [
        Binding("left", "next(-1)", "next", key_display="←→", tooltip="The certificate below"),
        Binding("right", "next(1)", "the certificate above", show=False),
        Binding("d", "der", "DER", tooltip="The tree of its bytes, or its facts"),
        Binding("enter", "bytes", "bytes", key_display="⏎", tooltip="To this field's bytes in the handshake"),
        Binding("c", "copy", "copy", tooltip="Copy the certificate as PEM"),
        Binding("w", "save", "save", tooltip="Save the certificate as PEM, in a file"),
        Binding("escape", "close", "back", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, connection: Connection, target: Target) -> None:
        super().__init__()
        graph, self._trust = drawn(connection, target.side)
        climbed = ascend(graph)
        self._side = target.side
        found = dict.fromkeys(rung.vertex.id for rung in (*climbed.ways, *climbed.strays) if rung.vertex.certificate)
        self._shown: list[Vertex] = [graph.vertices[id] for id in found]
        ders = [vertex.certificate.der for vertex in self._shown if vertex.certificate]
        self._at = ders.index(target.der) if target.der in ders else 0
        self._field = target.field

    def compose(self) -> ComposeResult:
        yield CertificateHead()
        with Horizontal(id="certificate-body"):
            yield CertificateView(id="facts")
            yield DerView(id="der")
        with Horizontal(id="saving"):
            yield Label("save as")
            yield FileName(placeholder="file name", id="file", compact=True)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#saving").display = False
        self.call_after_refresh(self._show, self._field)

    @property
    def vertex(self) -> Vertex:
        """The certificate that is shown, in its place in the chain."""
        return self._shown[self._at]

    def _show(self, field: str = "") -> None:
        self.query_one(CertificateHead).tell(self._shown, self._at, self._side)
        self.query_one(CertificateView).show(self.vertex, self._trust, field)
        self.refresh_bindings()

    @on(CertificateView.FieldLit)
    def _lit(self, event: CertificateView.FieldLit) -> None:
        cert = self.vertex.certificate
        if cert is not None:
            self.query_one(DerView).show(cert.der, event.field)

    @on(DerView.Chosen)
    def _element_chosen(self, event: DerView.Chosen) -> None:
        self.query_one(CertificateView).choose(".".join(event.names))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what was sent has bytes in the handshake; where both are seen nothing is to be changed over."""
        if action == "bytes":
            return bool(self._shown) and self.vertex.index is not None and not self.query_one("#saving").display
        if action == "next":
            return len(self._shown) > 1
        return not (action == "der" and not self.has_class(NARROW))

    def action_next(self, by: int) -> None:
        """Shows the certificate above (1) or below."""
        self._at = (self._at + by) % len(self._shown)
        self._show()

    def action_der(self) -> None:
        """Changes between facts and bytes, where they take turns."""
        self.toggle_class("-der")

    def action_bytes(self) -> None:
        """Leaves for the bytes of the chosen field in the handshake."""
        vertex = self.vertex
        if vertex.certificate is not None:
            field = self.query_one(CertificateView).field or "tbsCertificate"
            self.dismiss(Target(self._side, vertex.certificate.der, vertex.index, field))

    def _pem(self) -> str:
        cert = self.vertex.certificate
        return profile(cert).pem if cert is not None else ""

    def action_copy(self) -> None:
        """Puts the PEM into the clipboard, as far as the terminal lets programs do that (OSC 52)."""
        self.app.copy_to_clipboard(self._pem())
        self.app.notify("Copied as PEM, if the terminal allows it.", markup=False, timeout=3)

    def action_save(self) -> None:
        """Asks for the name of a file."""
        box = self.query_one("#file", Input)
        box.value = f"{_stem(self.vertex)}.pem"
        self.query_one("#saving").display = True
        box.focus()
        self.refresh_bindings()

    @on(Input.Submitted, "#file")
    def _named(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if name and save_text(self.app, Path(name).expanduser(), self._pem(), "Certificate saved"):
            self._close_file()

    def _close_file(self) -> None:
        self.query_one("#saving").display = False
        self.query_one(CertificateView).focus()
        self.refresh_bindings()

    def action_close(self) -> None:
        """Closes the question for a file, else the page."""
        if self.query_one("#saving").display:
            self._close_file()
        elif self.has_class("-der") and self.has_class(NARROW):
            self.remove_class("-der")
        else:
            self.dismiss(None)


class FileName(Input):
    """The name of the file to save in; the bar of keys says what Enter does."""

    BINDINGS = [Binding("enter", "submit", "save", key_display="⏎", tooltip="Save the certificate in this file")]


class CertificateHead(Painted):
    """Which certificate of how many it is, as a trail from the server's own up."""

    def __init__(self) -> None:
        super().__init__()
        self._trail: list[Vertex] = []
        self._at, self._side = 0, "server"

    def tell(self, shown: list[Vertex], at: int, side: str) -> None:
        """Takes the certificates and which is shown."""
        self._trail, self._at, self._side = shown, at, side
        self.refresh(layout=True)

    def lines(self, width: int) -> list[Line]:
        line: Line = [(f" {self._at + 1} of {len(self._trail)} ", "muted")]
        for place, vertex in enumerate(self._trail):
            if place:
                line.append((f" {glyphs().arrow} ", "rule"))
            style = "foreground bold underline" if place == self._at else "failed" if vertex.faults else "muted"
            line.append((shorten(vertex.name, 30), style))
        if cells(line) > width and self._trail:
            vertex = self._trail[self._at]
            about = words.part(vertex, self._side)
            line = [line[0], (shorten(vertex.name, max(width - 30, 10)), "foreground bold"), (f"  {about}", "muted")]
        return [clip_line(line, width)]


def _stem(vertex: Vertex) -> str:
    """A file name from a peer's text: letters, digits, dots and dashes only."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in ".-") else "-" for char in safe(vertex.name))
    return kept.strip(".-")[:60] or "certificate"
