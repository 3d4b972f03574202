"""The keys of the handshake screen."""

from __future__ import annotations

from textual.binding import Binding, BindingType

HANDSHAKE_KEYS: list[BindingType] = [
    Binding("up", "step(-1)", "step", key_display="↑↓", tooltip="Previous step"),
    Binding("down", "step(1)", "next step", show=False),
    Binding("pageup", "step(-1)", "previous step", show=False),
    Binding("pagedown", "step(1)", "next step", show=False),
    Binding("home", "first", "first step", show=False),
    Binding("end", "last", "last step", show=False),
    Binding("left", "field(-1)", "field", key_display="←→", tooltip="Previous field"),
    Binding("right", "field(1)", "next field", show=False),
    Binding("space", "play", "play", tooltip="Play: step by itself"),
    Binding("space,n", "let_go", "let go", key_display="space", tooltip="Step mode: let the held flight pass"),
    Binding("0", "pane('ladder')", "pane: ladder", show=False),
    Binding("1", "pane('explain')", "pane", key_display="0-8", tooltip="Pane: explain"),
    Binding("2", "pane('fields')", "pane: fields", show=False),
    Binding("3", "pane('bytes')", "pane: bytes", show=False),
    Binding("4", "pane('chain')", "pane: chain", show=False),
    Binding("5", "pane('cipher')", "pane: cipher", show=False),
    Binding("6", "pane('record')", "pane: record", show=False),
    Binding("7", "pane('keys')", "pane: keys", show=False),
    Binding("8", "pane('seen')", "pane: seen by whom", show=False),
    Binding("tab", "next_pane(1)", "next pane", show=False),
    Binding("shift+tab", "next_pane(-1)", "previous pane", show=False),
    Binding("m", "records", "bytes as on the wire", show=False),
    Binding("o", "observer", "eyes", tooltip="Other eyes: an eavesdropper's, a key holder's, a proxy's"),
    Binding("b", "browser", "browser", show=False, tooltip="What browsers, curl and Java say of the certificates"),
    Binding("f", "finding", "findings", tooltip="The next finding; Enter chooses its evidence"),
    Binding("d", "diagnosis", "diagnosis", tooltip="Why it failed; re-probes that tell the causes apart"),
    Binding("d", "undiagnosed", "", show=False),
    Binding("w", "way", "way", show=False, tooltip="The way there: every wait and round trip, and what could be saved"),
    Binding("n", "ports", "ports", show=False, tooltip="Network: what ports 443 and 80 of this host answer"),
    Binding("v", "secrets", "values", tooltip="Show or mask secret values"),
    Binding("slash", "find", "find", key_display="/", tooltip="Find a field of this message"),
    Binding("z", "zoom", "zoom", tooltip="Zoom: the focused side alone"),
    Binding("escape", "back", "back", key_display="esc", tooltip="Back, or leave"),
    Binding("t", "segments", "TCP", tooltip="TCP's segments below the ladder: sent again, late, missing"),
    Binding("p", "projector", "projector", tooltip="Projector: one step, key, part or certificate a screen"),
]
