"""What the client says, as a form: every field with what an empty one means; Enter runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tlsviz.ui.client_fields import FIELDS, GROUPS, Field, FieldError, choices, hint, request, texts
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.messages import GoBack, OpenRequest
from tlsviz.ui.sizes import size_classes
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from tlsviz.sources.options import LiveOptions


class FormInput(Input):
    """One field of the form; up and down lead to its neighbours."""

    BINDINGS = [
        Binding("enter", "submit", "run", tooltip="Run the handshake"),
        Binding("up", "screen.neighbour(-1)", "field", key_display="↑↓", tooltip="Previous field"),
        Binding("down", "screen.neighbour(1)", "next field", show=False),
        Binding("right", "cursor_right", "take", show=False, tooltip="Take the grey suggestion"),
    ]

    def __init__(self, field: Field, value: str) -> None:
        known = choices(field.name)
        suggester = SuggestFromList(known, case_sensitive=False) if known else None
        super().__init__(value, placeholder=field.empty, suggester=suggester, id=f"field-{field.name}", compact=True)
        self.field = field


class ClientFormScreen(Screen[None]):
    """Posts `OpenRequest` for what is filled in; what is wrong is said below, and its field gets the focus.

    ``target``: what to begin with; ``options``: those of the last run.
    """

    CSS_PATH = "client_form.tcss"
    HELP = (
        "Everything that the client says and does can be changed here, and run again: Enter runs from any field.\n"
        "An empty field means what stands in it in grey. Compare the new handshake with the old one by c."
    )
    AUTO_FOCUS = None
    BINDINGS = [
        Binding("ctrl+s", "run", "run", show=False),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, target: str, options: LiveOptions) -> None:
        super().__init__()
        self._target = target
        self._options = options

    def compose(self) -> ComposeResult:
        self.add_class(*size_classes(self.app.size))
        filled = texts(self._target, self._options)
        with Vertical(id="form"):
            yield Static("What the client says", id="form-title")
            with VerticalScroll(id="fields", can_focus=False):
                for group in GROUPS:
                    yield Static(group.title, classes="form-group")
                    for field in group.fields:
                        with Horizontal(classes="form-row"):
                            yield Static(field.label, classes="form-label")
                            yield FormInput(field, filled[field.name])
            yield Static(id="form-hint")
        yield KeyBar()

    def on_mount(self) -> None:
        first = "servername" if self._target else "target"
        self.query_one(f"#field-{first}").focus()

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, FormInput):
            self.query(".form-row").remove_class("-here")
            if event.widget.parent is not None:
                event.widget.parent.set_class(True, "-here")
            self._say(event.widget.field)

    def _say(self, field: Field) -> None:
        self.query_one("#form-hint", Static).update(Content.assemble((f"{field.label}  ", "bold"), hint(field)))

    @on(Input.Submitted)
    def action_run(self) -> None:
        """Runs what is filled in, or says what is wrong with it."""
        filled = {field.name: self.query_one(f"#field-{field.name}", Input).value for field in FIELDS}
        for each in self.query(FormInput):
            each.remove_class("-wrong")
        try:
            asked = request(filled, self._options)
        except FieldError as wrong:
            self._complain(wrong)
        else:
            self.app.post_message(OpenRequest(asked))

    def _complain(self, wrong: FieldError) -> None:
        field = self.query_one(f"#field-{wrong.field}", FormInput)
        field.add_class("-wrong")
        field.focus()
        error = wrong.error
        parts = [(f"{glyphs().failed} ", "$failed"), (safe(error.title), "bold $failed")]
        if error.message:
            parts.append((f"  {safe(error.message)}", ""))
        if error.hint:
            parts.append((f"  {safe(error.hint)}", "$muted"))
        # Said after the focus has moved, which says the field's hint.
        self.call_after_refresh(self.query_one("#form-hint", Static).update, Content.assemble(*parts))

    def action_neighbour(self, by: int) -> None:
        """Moves to the next or previous field."""
        if by > 0:
            self.focus_next(FormInput)
        else:
            self.focus_previous(FormInput)

    def action_back(self) -> None:
        self.post_message(GoBack())
