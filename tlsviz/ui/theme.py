"""Three palettes and the meaning of their colours.

Beside Textual's own variables every palette defines the *roles* below. In .tcss and in `Content` styles write
``$client``, ``$verified`` and so on; where a plain colour is needed, `role(app.theme_variables, "client")`.
Colour is never the only signal: every role also has a glyph or a word where it is used.

The two ends are amber and blue, which stay apart for every kind of colour vision; the protected is violet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from textual.theme import Theme

Role = Literal[
    "client",
    "server",
    "clear",
    "encrypted",
    "verified",
    "failed",
    "inferred",
    "warning",
    "muted",
    "rule",
    "selection",
]
"""client, server: the two ends. clear, encrypted: how bytes travelled. verified, failed: what a proof said.
inferred: must be there, cannot be seen. warning: odd. muted: secondary words. rule: lines and frames.
selection: the background of what is selected (put $foreground or a role on it)."""

DARK: Final = "tlsviz-dark"
LIGHT: Final = "tlsviz-light"
PROJECTOR: Final = "tlsviz-projector"

_DARK_ROLES: dict[str, str] = {
    "client": "#f0a868",
    "server": "#6cb6f0",
    "clear": "#cfc19a",
    "encrypted": "#b9a0f2",
    "verified": "#7fd098",
    "failed": "#f4808a",
    "inferred": "#93a0b2",
    "muted": "#8793a5",
    "rule": "#2d3a4b",
    "selection": "#26384d",
}
_LIGHT_ROLES: dict[str, str] = {
    "client": "#9c4a06",
    "server": "#135f96",
    "clear": "#6b5a22",
    "encrypted": "#6338a8",
    "verified": "#1c6d35",
    "failed": "#ab1d2c",
    "inferred": "#5d6773",
    "muted": "#636b76",
    "rule": "#cfc9ba",
    "selection": "#d5e4f0",
}
_PROJECTOR_ROLES: dict[str, str] = {
    "client": "#8a3200",
    "server": "#003f88",
    "clear": "#4a3c00",
    "encrypted": "#4d158f",
    "verified": "#00551c",
    "failed": "#9e0018",
    "inferred": "#454545",
    "muted": "#3a3a3a",
    "rule": "#8c8c8c",
    "selection": "#ffe58a",
}


def _chrome(roles: Mapping[str, str], foreground: str, background: str, panel: str) -> dict[str, str]:
    """The variables of Textual's own widgets that would otherwise not match, over the roles."""
    return {
        **roles,
        "border": roles["server"],
        "border-blurred": roles["rule"],
        "block-cursor-background": roles["selection"],
        "block-cursor-foreground": foreground,
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": panel,
        "block-cursor-blurred-foreground": foreground,
        "block-hover-background": panel,
        "footer-background": background,
        "footer-item-background": background,
        "footer-description-background": background,
        "footer-key-background": background,
        "footer-foreground": roles["muted"],
        "footer-description-foreground": roles["muted"],
        "footer-key-foreground": roles["server"],
        "input-cursor-background": foreground,
        "input-cursor-foreground": background,
        "input-selection-background": roles["selection"],
        "scrollbar": roles["rule"],
        "scrollbar-hover": roles["muted"],
        "scrollbar-active": roles["server"],
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
    }


THEMES: Final[tuple[Theme, ...]] = (
    Theme(
        name=DARK,
        primary=_DARK_ROLES["server"],
        secondary=_DARK_ROLES["client"],
        accent=_DARK_ROLES["encrypted"],
        warning="#ecd06f",
        error=_DARK_ROLES["failed"],
        success=_DARK_ROLES["verified"],
        foreground="#dbe2ea",
        background="#0f141b",
        surface="#151c26",
        panel="#1c2531",
        dark=True,
        variables=_chrome(_DARK_ROLES, "#f2f5f8", "#0f141b", "#1c2531"),
    ),
    Theme(
        name=LIGHT,
        primary=_LIGHT_ROLES["server"],
        secondary=_LIGHT_ROLES["client"],
        accent=_LIGHT_ROLES["encrypted"],
        warning="#7d5a00",
        error=_LIGHT_ROLES["failed"],
        success=_LIGHT_ROLES["verified"],
        foreground="#232a33",
        background="#fbf9f4",
        surface="#f4f1e9",
        panel="#eae6db",
        dark=False,
        variables=_chrome(_LIGHT_ROLES, "#10151b", "#fbf9f4", "#eae6db"),
    ),
    Theme(
        name=PROJECTOR,
        primary=_PROJECTOR_ROLES["server"],
        secondary=_PROJECTOR_ROLES["client"],
        accent=_PROJECTOR_ROLES["encrypted"],
        warning="#6b4600",
        error=_PROJECTOR_ROLES["failed"],
        success=_PROJECTOR_ROLES["verified"],
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#f0f0f0",
        dark=False,
        text_alpha=1.0,
        variables=_chrome(_PROJECTOR_ROLES, "#000000", "#ffffff", "#f0f0f0"),
    ),
)

DEFAULTS: Final[Mapping[str, str]] = {**_DARK_ROLES, "warning": "#ecd06f"}
"""The roles for a theme that does not define them; see `App.get_theme_variable_defaults`."""


def role(variables: Mapping[str, str], name: Role) -> str:
    """The colour of a role as ``#rrggbb``, from the app's ``theme_variables``."""
    return variables.get(name) or DEFAULTS[name]
