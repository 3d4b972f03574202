"""The line in which a field of the message is sought by its name or value."""

from __future__ import annotations

from textual import on
from textual.widgets import Input

from tlsviz.ui.selection import FieldChosen
from tlsviz.ui.widgets.fields_pane import FieldsPane


class FindBox(Input):
    """Keeps only what matches in the Fields pane while something is typed; Enter chooses the first of it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder="find a field by its name or value", id=id, compact=True)

    @property
    def _fields(self) -> FieldsPane:
        return self.screen.query_one(FieldsPane)

    def on_mount(self) -> None:
        self.display = False

    def open(self) -> None:
        """Asks for a name or value."""
        self.display = True
        self.focus()

    def close(self) -> None:
        """Goes away; every field is shown again."""
        self.value = ""
        self.display = False
        self._fields.find = ""

    def stop(self) -> None:
        """Goes away and gives the focus to the fields."""
        self.close()
        self._fields.focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._fields.find = event.value.strip()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        fields = self._fields
        path = fields.first_found()
        if path is None and fields.find:
            return
        self.stop()
        if path is not None:
            self.post_message(FieldChosen(path))
