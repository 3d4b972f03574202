"""What a person would meet: the page of each browser and the output of programs, next to the cause on the chain."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.screen import Screen

from tlsviz.connection.model import Connection
from tlsviz.explain.browsers import DATED, Page, pages
from tlsviz.ui.widgets.browser_lines import beside, tab_at, tabs, window
from tlsviz.ui.widgets.chain_lines import Target, drawn
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line, LineView, Painted
from tlsviz.ui.widgets.pane import paragraph
from tlsviz.wire.chunks import SERVER


class BrowserScreen(Screen[Target | None]):
    """One client at a time; gives back the field at fault if its bytes are to be seen."""

    CSS_PATH = "browser.tcss"
    HELP = (
        "The page that a person would meet at this server: the browser's warning, or what stands behind its padlock; "
        "and what curl and Java print. Beside it stands the certificate that is the cause.\n"
        "The words are those of one version; the verdict is this connection's."
    )
    AUTO_FOCUS = "PageView"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (104, "-wide")]
    BINDINGS = [
        Binding("left", "next(-1)", "client", key_display="←→", tooltip="The previous browser or program"),
        Binding("right", "next(1)", "the next browser or program", show=False),
        *(Binding(str(number), f"choose({number - 1})", "client", show=False) for number in range(1, 6)),
        Binding("up", "scroll(-1)", "scroll up", show=False),
        Binding("down", "scroll(1)", "scroll down", show=False),
        Binding("pageup", "next(-1)", "the previous browser or program", show=False),
        Binding("pagedown", "next(1)", "the next browser or program", show=False),
        Binding("enter", "bytes", "cause", key_display="⏎", tooltip="To the certificate and field at fault"),
        Binding("b,escape", "close", "back", key_display="esc", tooltip="Back"),
    ]

    at: reactive[int] = reactive(0)

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._graph, _ = drawn(connection, SERVER)
        self._pages = pages(connection.trust)

    def compose(self) -> ComposeResult:
        yield ClientTabs([(page.client, page.refuses) for page in self._pages])
        with Horizontal(id="browser-body"):
            yield PageView(id="page")
            yield PageView(id="cause")
        yield KeyBar()

    def on_mount(self) -> None:
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def watch_at(self) -> None:
        if self.is_mounted:
            self._draw()

    @property
    def page(self) -> Page | None:
        """What the chosen client shows."""
        return self._pages[self.at] if self._pages else None

    def _draw(self) -> None:
        self.query_one(ClientTabs).at = self.at
        left, right = self.query_one("#page", PageView), self.query_one("#cause", PageView)
        page = self.page
        if page is None:
            left.show(
                [[], *paragraph("The server's certificates were not judged: there is nothing to show.", left.width)]
            )
            right.show([])
            return
        below = beside(page, self._graph, right.width if self.has_class("-wide") else left.width - 2)
        dated: list[Line] = paragraph(DATED, left.width - 4, "muted", 1)
        framed = [[(" ", ""), *line] for line in window(page, left.width - 2)]
        if self.has_class("-wide"):
            left.show([*framed, *dated])
            right.show([[], *(line for line, _ in below)], {at + 1 for at, (_, leads) in enumerate(below) if leads})
        else:
            start = len(framed)
            left.show(
                [*framed, *(line for line, _ in below), *dated],
                {start + at for at, (_, leads) in enumerate(below) if leads},
            )
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is no cause there is nowhere to go."""
        if action == "bytes":
            return self.page is not None and self.page.fault is not None and self._target() is not None
        return True

    def action_next(self, by: int) -> None:
        """Shows the next or previous client."""
        if self._pages:
            self.at = (self.at + by) % len(self._pages)

    def action_choose(self, at: int) -> None:
        """Shows a client."""
        if at < len(self._pages):
            self.at = at

    def action_scroll(self, by: int) -> None:
        """Scrolls the page."""
        view = self.query_one("#page", PageView)
        view.scroll_to(y=view.scroll_offset.y + by, animate=False)

    def _target(self) -> Target | None:
        fault = self.page.fault if self.page else None
        if fault is None:
            return None
        for vertex in self._graph.vertices:
            cert = vertex.certificate
            if cert is not None and cert.sha256 == fault.sha256:
                return Target(SERVER, cert.der, vertex.index, fault.field)
        return None

    def action_bytes(self) -> None:
        """Leaves for the field at fault."""
        self.dismiss(self._target())

    def action_close(self) -> None:
        self.dismiss(None)


class PageView(LineView):
    """Lines that scroll; a click on what leads somewhere goes there."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._leading: set[int] = set()

    def show(self, lines: list[Line], leading: set[int] | None = None) -> None:
        """Takes lines, and the numbers of those that lead to the cause."""
        self._lines, self._leading = lines, leading or set()
        self.relayout()

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        return self._lines[index]

    async def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if index is not None and index in self._leading:
            await self.run_action("screen.bytes")


class ClientTabs(Painted):
    """The clients, with a sign for whether they refuse."""

    at: reactive[int] = reactive(0)

    def __init__(self, names: list[tuple[str, bool]]) -> None:
        super().__init__()
        self._names = names

    def lines(self, width: int) -> list[Line]:
        return [tabs(self._names, self.at, width)]

    async def on_click(self, event: events.Click) -> None:
        found = tab_at(self._names, event.x)
        if found is not None:
            await self.run_action(f"screen.choose({found})")
