"""The keys that work now, read from the bindings themselves: for the help screen and the palette."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

if TYPE_CHECKING:
    from textual.dom import DOMNode


@dataclass
class KeyRow:
    """An action that can be done now: the longer of its names, its keys, and where it belongs."""

    title: str
    action: str
    node: DOMNode
    where: str
    keys: list[str] = field(default_factory=list)


@cache
def _own_actions(kind: type) -> frozenset[str]:
    """The actions that tlsviz's own classes bind: not the hundred ways to move a text cursor."""
    found: set[str] = set()
    for each in kind.__mro__:
        if each.__module__.startswith("tlsviz."):
            for binding in each.__dict__.get("BINDINGS", ()):
                found.add(binding.action if isinstance(binding, Binding) else binding[1])
    return frozenset(found)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def key_rows(screen: Screen[object]) -> list[KeyRow]:
    """Every action with a description, the focused widget's first, then the screen's, then the app's."""
    rows: dict[tuple[str, str], KeyRow] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if not binding.description or not active.enabled or binding.action not in _own_actions(type(active.node)):
            continue
        where = (
            "everywhere"
            if isinstance(active.node, App)
            else "this screen"
            if isinstance(active.node, Screen)
            else "here"
        )
        row = rows.setdefault(
            (where, binding.description),
            KeyRow(_sentence(binding.tooltip or binding.description), binding.action, active.node, where),
        )
        row.keys.append(screen.app.get_key_display(binding))
    for row in rows.values():
        row.keys = list(dict.fromkeys(row.keys))
    order = {"here": 0, "this screen": 1, "everywhere": 2}
    return sorted(rows.values(), key=lambda row: order[row.where])
