"""The keys that work now, read from the bindings themselves: for the help screen and the palette."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

if TYPE_CHECKING:
    from textual.dom import DOMNode


@dataclass
class KeyRow:
    """An action that can be done now: what it does, its keys (as bound, and as shown), and where it belongs."""

    title: str
    action: str
    node: DOMNode
    where: str
    bound: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The action without its parameters: ``step`` of ``step(-1)``, ``help`` of ``typed('help')``."""
        name, _, rest = self.action.partition("(")
        return rest.strip("')\"") if name == "typed" else name

    @property
    def moves(self) -> bool:
        """Whether it only moves about: all its keys are arrows and the like."""
        return all(key in _MOVING for key in self.bound)


_MOVING = frozenset(("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "shift+tab", "j", "k"))


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
        title = _sentence(binding.tooltip or binding.description)
        row = rows.setdefault((where, title), KeyRow(title, binding.action, active.node, where))
        row.bound.append(binding.key)
        row.keys.append(screen.app.get_key_display(binding))
    order = {"here": 0, "this screen": 1, "everywhere": 2}
    return sorted(rows.values(), key=lambda row: order[row.where])


def grouped(rows: Iterable[KeyRow]) -> list[KeyRow]:
    """One row for all ways to do the same: forth and back, every pane. No key is shown twice."""
    found: dict[tuple[str, str], KeyRow] = {}
    for row in rows:
        known = found.setdefault((row.where, row.name), replace(row, bound=[], keys=[]))
        known.bound += row.bound
        known.keys += row.keys
        known.title = _both(known.title, row.title)
    for row in found.values():
        keys = list(dict.fromkeys(row.keys))
        row.keys = [key for key in keys if not any(_covers(other, key) for other in keys)]
    return list(found.values())


def _both(first: str, second: str) -> str:
    """Two titles as one: ``Pane: bytes`` and ``Pane: chain`` are ``Pane: bytes, chain``."""
    if first == second:
        return first
    kind, colon, rest = second.partition(": ")
    if colon and first.startswith(kind + colon):
        return f"{first}, {rest}"
    return f"{first}, {second[:1].lower()}{second[1:]}"


def _covers(shown: str, key: str) -> bool:
    """Whether what is shown for several keys stands for this one: ``↑↓`` for ``↓``, ``0-7`` for ``3``."""
    if len(key) != 1 or len(shown) == 1:
        return False
    first, dash, last = shown.partition("-")
    return first <= key <= last if dash else key in shown and not shown.isascii()
