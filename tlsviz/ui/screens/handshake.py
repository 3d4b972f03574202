"""The handshake screen: one connection as a ladder, with its words, fields, bytes, certificates and ciphers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from tlsviz.connection.model import Connection, Source
from tlsviz.ui.selection import scene


class HandshakeScreen(Screen[None]):
    """Shows one connection; `show` replaces it by a newer snapshot. Dismissed with Escape.

    ``running``: the handshake is still going on, so the newest step is followed until the user takes over.
    """

    def __init__(
        self, connection: Connection, source: Source | None = None, *, running: bool = False
    ) -> None:
        super().__init__()
        self.source = source
        self.running = running
        self.start = scene(connection)

    def show(self, connection: Connection, *, running: bool | None = None) -> None:
        """Shows a newer snapshot of the connection; ``running`` False says that it is the last."""
        if running is not None:
            self.running = running
        self.start = self.start.with_connection(connection)

    def compose(self) -> ComposeResult:
        yield Footer()
