"""Whose eyes these are: the banner above everything, and the pane that says what each observer learns."""

from __future__ import annotations

from textual import events
from textual.reactive import reactive

from tlsviz.connection.model import Connection
from tlsviz.connection.observer import OBSERVERS, Observer, as_seen_by
from tlsviz.explain.observer import COMPARED, Learned, Seen, brief, column, learned, verdict, who
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import ObserverChosen, Scene
from tlsviz.ui.widgets.lines import Line, Painted, cells, clip, clip_line, fit, wrap
from tlsviz.ui.widgets.pane import Pane, heading, paragraph
from tlsviz.wire.text import safe

SHORT: dict[Observer, str] = {
    "endpoints": "ends",
    "eavesdropper": "spy",
    "key_holder": "key",
    "proxy": "proxy",
}
CELL = 6
"""The cells of a column."""
TITLE = 23
_ROLES: dict[Seen, str] = {
    "yes": "clear",
    "partly": "warning",
    "no": "encrypted",
    "theirs": "inferred",
    "absent": "muted",
}


def mark(seen: Seen) -> str:
    """A sign for whether something is seen."""
    signs = glyphs()
    return {
        "yes": signs.chosen,
        "partly": signs.half,
        "no": signs.offered,
        "theirs": signs.unknown,
        "absent": signs.dot,
    }[seen]


class ObserverBanner(Painted):
    """Says whose eyes these are and what they learn; nothing for the endpoints. A click goes on to the next."""

    scene: reactive[Scene | None] = reactive(None)

    def watch_scene(self, old: Scene | None, new: Scene | None) -> None:
        if new is not None:
            self.set_class(new.observer == "endpoints", "-none")
            if old is None or old.observer != new.observer or old.connection is not new.connection:
                self.refresh(layout=True)

    def lines(self, width: int) -> list[Line]:
        if self.scene is None or self.scene.observer == "endpoints":
            return []
        return banner(self.scene, width)

    def on_click(self) -> None:
        if self.scene is not None:
            self.post_message(ObserverChosen(following(self.scene.observer)))


def following(observer: Observer) -> Observer:
    """The observer after this one."""
    return OBSERVERS[(OBSERVERS.index(observer) + 1) % len(OBSERVERS)]


def banner(scene: Scene, width: int) -> list[Line]:
    """Who looks, and in a line or two what they learn and what not."""
    signs = glyphs()
    name = f" {signs.eye} {seen_by(scene.observer)} "
    keys = "o: the next   8: what they learn "
    head: Line = [(" ", ""), (name, "warning bold reverse")]
    room = width - cells(head) - 2
    if room >= len(keys):
        head += [(" " * (room - len(keys) + 2), ""), (keys, "muted")]
    have, lack = brief(learned(scene.truth, scene.connection, scene.observer))
    gets, lacks = f"{signs.chosen} gets {have}", f"{signs.offered} not {lack}" if lack else ""
    if len(gets) + len(lacks) + 6 <= width:
        line: Line = [("  ", ""), (gets, "clear"), ("   ", ""), (lacks, "encrypted")]
        return [clip_line(head, width), line]
    parts = [(part, "clear") for part in wrap(gets, width - 3)[:2]]
    parts += [(part, "encrypted") for part in wrap(lacks, width - 3)[:1]] if lacks else []
    return [clip_line(head, width), *([("  ", ""), part] for part in parts)]


def seen_by(observer: Observer) -> str:
    """Whose eyes these are, in words."""
    title = who(observer).title
    return f"Seen by {title[:1].lower()}{title[1:]}"


class ObserverPane(Pane):
    """What each observer learns of this connection, and what each protocol shows to an eavesdropper."""

    HELP = """What others see of this connection. Press o, or click a column, to look with other eyes: those of both
        ends, of an eavesdropper, of somebody with the server's RSA key, of an inspecting proxy."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = 0
        self._about: Connection | None = None
        self._facts: tuple[tuple[Learned, ...], ...] = ()

    def key(self, scene: Scene) -> tuple[object, ...]:
        return (scene.truth, scene.observer)

    def build(self, scene: Scene, width: int) -> list[Line]:
        if self._about is not scene.truth:
            self._about, self._facts = scene.truth, facts(scene.truth)
        found = self._facts
        mine = dict(zip(OBSERVERS, found, strict=True))[scene.observer]
        entry = who(scene.observer)
        lines: list[Line] = [[(f" {glyphs().eye} {entry.title}", "warning bold")]]
        lines += paragraph(entry.what, width, "foreground", 3)
        lines += paragraph(verdict(scene.truth, scene.observer), width, "foreground bold", 3)
        lines.append([])
        self._columns = len(lines)
        lines += table(found, mine, scene.observer, width)
        lines += [[], *compared(scene.truth, width), []]
        lines += paragraph(entry.why, width, "muted", 1)
        lines += paragraph(entry.odd_if, width, "muted", 1) if entry.odd_if else []
        return lines

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None or index < self._columns:
            return
        at = (offset.x - first_column(self.width)) // CELL
        if 0 <= at < len(OBSERVERS) and offset.x >= first_column(self.width):
            self.post_message(ObserverChosen(OBSERVERS[at]))


def facts(connection: Connection) -> tuple[tuple[Learned, ...], ...]:
    """What each of the observers learns, in their order."""
    return tuple(learned(connection, as_seen_by(connection, observer), observer) for observer in OBSERVERS)


def first_column(width: int) -> int:
    """The cell where the observers' columns begin: at the right end."""
    return max(width - len(OBSERVERS) * CELL - 1, TITLE)


def table(
    found: tuple[tuple[Learned, ...], ...], mine: tuple[Learned, ...], observer: Observer, width: int
) -> list[Line]:
    """A line for each thing: its value as the chosen observer has it, and a sign for each observer."""
    start = first_column(width)
    head: Line = [(fit("   what they learn", start), "muted bold")]
    for each in OBSERVERS:
        style = "warning bold reverse" if each == observer else "muted"
        head += [(SHORT[each].center(CELL - 1), style), (" ", "")]
    lines: list[Line] = [head]
    for place, fact in enumerate(mine):
        title = clip(fact.title, TITLE - 4)
        line: Line = [(f" {mark(fact.seen)} {title}".ljust(TITLE), _ROLES[fact.seen])]
        line.append((fit(safe(_value(fact)), start - TITLE), "foreground" if fact.seen == "yes" else "muted"))
        for each, others in zip(OBSERVERS, found, strict=True):
            seen = others[place].seen if place < len(others) else "absent"
            style = f"{_ROLES[seen]} bold on selection" if each == observer else _ROLES[seen]
            line += [(mark(seen).center(CELL - 1), style), (" ", "")]
        lines.append(line)
    return lines


def _value(fact: Learned) -> str:
    return fact.value or {"no": "hidden", "theirs": "readable; no key here", "absent": "nothing to see"}.get(
        fact.seen, ""
    )


_PROTOCOLS = ("HTTP", "TLS 1.2", "TLS 1.3")


def compared(connection: Connection, width: int) -> list[Line]:
    """What an eavesdropper sees in each protocol, with this connection's marked."""
    size = 9
    mine = column(connection)
    start = first_column(width) - (len(_PROTOCOLS) * size - len(OBSERVERS) * CELL)
    lines = heading("What a passive eavesdropper sees, by protocol", width)
    head: Line = [(" " * start, "")]
    for place, name in enumerate(_PROTOCOLS):
        head += [(name.center(size - 1), "accent bold reverse" if place == mine else "muted"), (" ", "")]
    lines.append(head)
    for row in COMPARED:
        line: Line = [(fit(f"   {row.title}", start), "foreground")]
        for place, seen in enumerate((row.http, row.tls12, row.tls13)):
            style = f"{_ROLES[seen]} bold on selection" if place == mine else _ROLES[seen]
            line += [(mark(seen).center(size - 1), style), (" ", "")]
        lines.append(line)
    signs = glyphs()
    legend = f"{signs.chosen} seen  {signs.half} partly  {signs.offered} hidden  {signs.dot} nothing to see"
    return [*lines, [(f"   {legend}", "muted")]]
