"""Something is in the way: what, why, what to do. Also for a capture that holds no TLS."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tlsviz.connection.model import Trace
from tlsviz.errors import TlsvizError
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.messages import GoBack, OpenRequest
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.workers import Request
from tlsviz.wire.text import plural, safe


class FailureScreen(Screen[None]):
    """An error as three sentences; ``request`` is what may be tried again."""

    CSS_PATH = "failure.tcss"
    HELP = "This is what stopped tlsviz, why, and what you can do about it."
    BINDINGS = [
        Binding("r,enter", "again", "try again"),
        Binding("escape", "back", "back"),
    ]

    def __init__(self, error: TlsvizError, request: Request | None = None, *, mild: bool = False) -> None:
        super().__init__()
        self.error = error
        self.request = request
        self.mild = mild

    def compose(self) -> ComposeResult:
        sign, role = (glyphs().odd, "$warning") if self.mild else (glyphs().failed, "$failed")
        with VerticalScroll(id="failure"), Vertical(classes="mild" if self.mild else "bad", id="failure-box"):
            if self.request is not None and self.request.title not in self.error.title:
                yield Static(Content(safe(self.request.title)), classes="muted")
            yield Static(Content.assemble((f"{sign} ", role), (safe(self.error.title), f"bold {role}")), id="what")
            if self.error.message:
                yield Static(_labelled("Why", self.error.message), id="why")
            if self.error.hint:
                yield Static(_labelled("What to do", self.error.hint), id="todo")
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.request is not None if action == "again" else True

    def action_again(self) -> None:
        if self.request is not None:
            self.app.post_message(OpenRequest(self.request))

    def action_back(self) -> None:
        self.app.post_message(GoBack())


def _labelled(label: str, text: str) -> Content:
    lines = "\n".join(safe(line) for line in text.split("\n"))
    stop = "" if lines.endswith((".", "?", "!")) else "."
    return Content.assemble((f"{label}\n", "$muted"), lines[:1].upper() + lines[1:] + stop)


def nothing_found(trace: Trace, title: str) -> TlsvizError:
    """What to say of a source without a single TLS connection: what it held instead."""
    packets = trace.source.packets
    held = [f"It holds {plural(packets, 'packet')}."] if packets is not None and not trace.notices else []
    return TlsvizError(
        f"No TLS in {title}",
        " ".join([*held, *(f"{notice.rstrip('.')}." for notice in trace.notices)]),
        "TLS, DTLS and QUIC are found by their bytes, on any port. Was the capture started before the connection?",
    )
