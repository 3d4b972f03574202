"""The projector: one idea a screen, as big as a terminal can, for people who sit far away.

What the application sent is not shown: a class need not read somebody's request.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from textual import events
from textual.reactive import reactive

from tlsviz.connection import titles
from tlsviz.connection.ladder import Step
from tlsviz.connection.schedule import Schedule
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.words import lookup_field, words
from tlsviz.ui.glyphs import ASCII, glyphs, passage, proof
from tlsviz.ui.selection import Scene, StepChosen
from tlsviz.ui.widgets.big_text import big, big_lines, huge
from tlsviz.ui.widgets.chain_slides import chain_slides
from tlsviz.ui.widgets.lines import Line, Painted, clip, wrap
from tlsviz.ui.widgets.observer_pane import seen_by
from tlsviz.ui.widgets.projector_slides import Slide, key_slides, record_slides
from tlsviz.ui.widgets.values import value_words
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.nodes import names
from tlsviz.wire.text import clock, plural, safe

_LOW_TIP: tuple[str, ...] = ("█▄   ", "█████", "█▀   ")
_TIP: tuple[str, ...] = ("█▄     ", "████▄  ", "███████", "████▀  ", "█▀     ")
_ASCII_TIP: tuple[str, ...] = ("\\     ", "\\\\\\   ", "=====> ", "///   ", "/     ")
_MIRROR = str.maketrans("\\/>", "/\\<")
HINT = "PgUp and PgDn step, Esc leaves"
ABOUT = {"keys": "how the keys are made", "chain": "whom to trust"}
COLUMN = 66
"""Text is read best in a column of about so many cells."""


class Projector(Painted):
    """A click on the right half goes on, on the left half back. `subject`: "steps", "keys", "record" or "chain"."""

    scene: reactive[Scene | None] = reactive(None)
    subject: reactive[str] = reactive("steps")
    at: reactive[int] = reactive(0)
    """Which slide of the key schedule, the record or the chain."""

    def __init__(self) -> None:
        super().__init__()
        self._schedule = Schedule(None)

    def begin(self, subject: str, schedule: Schedule, chosen: str = "") -> None:
        """Shows the steps, the key schedule from the chosen value on, or the record of the step."""
        self._schedule = schedule
        self.subject = subject
        found = [each.key for each in self._slides(self.content_region.width or 80)]
        self.at = found.index(chosen) if chosen in found else 0

    def turn(self, by: int) -> bool:
        """Goes on or back by slides; False where steps are shown, which the screen chooses."""
        slides = self._slides(self.content_region.width)
        if not slides:
            return False
        self.at = max(0, min(self.at + by, len(slides) - 1))
        return True

    def lines(self, width: int) -> list[Line]:
        scene, height = self.scene, self.content_region.height
        if scene is None or scene.step is None or width < 20:
            return []
        slides = self._slides(width)
        if slides:
            at = min(self.at, len(slides) - 1)
            about = ABOUT.get(self.subject) or f"the record of {scene.step.title}"
            return drawn(scene, slides[at], (at, len(slides)), about, width, height)
        return slide(scene, scene.step, width, height)

    def _slides(self, width: int) -> list[Slide]:
        if self.scene is None or self.subject == "steps":
            return []
        if self.subject == "keys":
            return key_slides(self.scene.connection, self._schedule, width)
        if self.subject == "chain":
            return chain_slides(self.scene.connection, width)
        return record_slides(self.scene, width)

    def on_click(self, event: events.Click) -> None:
        if self.scene is not None:
            by = 1 if event.x >= self.size.width // 2 else -1
            if not self.turn(by):
                self.post_message(StepChosen(self.scene.selection.step + by))


def slide(scene: Scene, step: Step, width: int, height: int) -> list[Line]:
    """The whole slide of a step in ``height`` lines."""
    top = _top(scene, f"{scene.selection.step + 1} of {len(scene.steps)}", "", width)
    bottom = _progress(scene.selection.step, len(scene.steps), width)
    arrow = _arrow(step, width, 3 if height < 30 else 5)
    title = _title(scene, step, width, huge if height >= 34 else big)
    return _filled(top, arrow, title, _facts_line(_facts(scene, step), width), _texts(scene), bottom, width, height)


def drawn(scene: Scene, one: Slide, place: tuple[int, int], about: str, width: int, height: int) -> list[Line]:
    """The whole slide of a key or of a record's part in ``height`` lines; ``place``: which one of how many."""
    at, count = place
    top, bottom = _top(scene, f"{at + 1} of {count}", about, width), _progress(at, count, width)
    title = _lettered(one.title, f"{one.role} bold", width, huge if height >= 40 else big)
    facts = _facts_line(one.facts, width)
    return _filled(top, list(one.picture), title, facts, list(one.texts), bottom, width, height)


def _filled(
    top: list[Line],
    picture: list[Line],
    title: list[Line],
    facts: list[Line],
    texts: list[str],
    bottom: list[Line],
    width: int,
    height: int,
) -> list[Line]:
    """The parts of a slide with as much air between them as there is."""
    room = height - len(top) - len(bottom)
    story = _story(texts, width)
    spaced = [line for each in story for line in (each, [])][:-1]
    if len(picture) + len(title) + len(facts) + len(spaced) + 8 <= room:
        story = spaced
    parts = [picture, title, [*facts, *story]]
    air = max(min((room - sum(map(len, parts))) // (len(parts) + 1), 4), 0)
    body: list[Line] = []
    for part in parts:
        body += [[]] * air + part
    body = body[:room]
    return [*top, *body, *([[]] * (room - len(body))), *bottom]


def _top(scene: Scene, place: str, about: str, width: int) -> list[Line]:
    connection = scene.connection
    name = safe(connection.server_name or connection.server.address)
    left = f"  {clip(name, width // 2)}"
    if connection.version:
        left += f" {glyphs().dot} {titles.version(connection)}"
    if scene.observer != "endpoints":
        left += f" {glyphs().dot} {glyphs().eye} {seen_by(scene.observer)}"
    if about:
        left += f" {glyphs().dot} {safe(about)}"
    right = f"{place}  "
    left = clip(left, width - cell_len(right) - 2)
    gap = max(width - cell_len(left) - cell_len(right), 1)
    return [[(left, "muted"), (" " * gap, ""), (right, "foreground bold")]]


def _arrow(step: Step, width: int, rows: int) -> list[Line]:
    """Two boxes with the ends' names, and one thick arrow with how it travelled below."""
    box = 14 if width >= 70 else 10
    side = max((width - 120) // 2, 2)
    way = passage(step)
    style = "failed" if step.proof == "failed" else way.role
    arrow = _thick(step, width - 2 * side - 2 * box - 2, rows)
    lines: list[Line] = []
    for row, (client, server) in enumerate(zip(_box("client", box, rows), _box("server", box, rows), strict=True)):
        middle = arrow[row]
        lines.append([(" " * side, ""), (client, "client bold"), (f" {middle} ", style), (server, "server bold")])
    if step.kind in ("message", "data"):
        words = {"clear": "in the clear", "decrypted": "encrypted, opened here"}.get(way.word, way.word)
        lines.append(_centre(f"{way.glyph} {words}".strip(), width, f"{style} bold"))
    return lines


def _thick(step: Step, span: int, rows: int) -> list[str]:
    """The lines of an arrow: a bar with a triangle for its head, solid only when it travels in the clear."""
    signs = glyphs()
    shaft = signs.shade if step.encrypted else signs.full
    if step.provenance == "inferred" or step.kind == "mark":
        shaft = signs.light
    if step.kind not in ("message", "data", "prelude", "hole", "mark"):
        return [" " * span] * rows
    forth = step.sender == CLIENT
    tips = _ASCII_TIP if signs is ASCII else _TIP
    if rows < len(tips):
        tips = _ASCII_TIP[1:-1] if signs is ASCII else _LOW_TIP
    if not forth:
        tips = tuple(tip[::-1].translate(_MIRROR) for tip in tips)
    size = max(map(len, tips))
    lines: list[str] = []
    for row, tip in enumerate(tips):
        rest = (shaft if row == rows // 2 else " ") * (span - size)
        lines.append(rest + tip.ljust(size) if forth else tip.rjust(size) + rest)
    return lines


def _box(name: str, size: int, rows: int) -> list[str]:
    signs = glyphs()
    inner = size - 2
    middle = [(name.upper() if row == rows // 2 else "").center(inner) for row in range(1, rows - 1)]
    return [
        signs.corner_tl + signs.dash * inner + signs.corner_tr,
        *(signs.rail + text + signs.rail for text in middle),
        signs.corner_bl + signs.dash * inner + signs.corner_br,
    ]


def _title(scene: Scene, step: Step, width: int, letters: Callable[[str], list[str]]) -> list[Line]:
    node = scene.node
    text = step.title if step.kind != "data" else "application data"
    if scene.connection.plain and step.kind in ("message", "data"):
        text = step.title.partition(" /")[0] if step.kind == "message" else "content"
    style = f"{step.sender} bold"
    if node is not None and scene.selection.path:
        text, style = node.name, "foreground bold"
    return _lettered(text, style, width, letters)


def _lettered(text: str, style: str, width: int, letters: Callable[[str], list[str]]) -> list[Line]:
    """Text in big letters, where they have room; else in spaced capitals."""
    large = None if glyphs() is ASCII else big_lines(safe(text), width - 6, letters)
    if large is None and glyphs() is not ASCII:
        large = big_lines(safe(text), width - 6)
    if large is None:
        return [_centre(clip(" ".join(safe(text).upper()), width - 4), width, style)]
    return [_centre(line.ljust(max(map(len, large))), width, style) for line in large]


def _facts_line(facts: str, width: int) -> list[Line]:
    return [_centre(clip(facts, width - 4), width, "foreground"), []] if facts else []


def _story(texts: list[str], width: int) -> list[Line]:
    """What happens here and why, in a column."""
    lines: list[Line] = []
    column = min(COLUMN, width - 8)
    for number, text in enumerate(texts):
        if number:
            lines.append([])
        left = (width - column) // 2
        style = "foreground bold" if number == 0 else "foreground"
        lines += [[(" " * left, ""), (part, style)] for part in wrap(safe(text), column)]
    return lines


def _facts(scene: Scene, step: Step) -> str:
    dot = f" {glyphs().dot} "
    node = scene.node
    if node is not None and scene.selection.path:
        return dot.join([value_words(node, 60), plural(node.length, "byte")])
    facts = [clock(step.time)]
    if step.detail and step.kind != "data":
        facts.insert(0, step.detail)
    seal = proof(step.proof)
    if seal:
        facts.append(f"{seal.glyph} {seal.word}")
    if step.note:
        facts.append(f"{glyphs().odd} {step.note}")
    return dot.join(safe(fact) for fact in facts)


def _texts(scene: Scene) -> list[str]:
    tree, path = scene.tree, scene.selection.path
    if tree is not None and path:
        entry = lookup_field(names(tree, path))
        return [text for text in (entry.what, entry.why) if text] if entry else []
    step = scene.step
    if step is None:
        return []
    told = narrate_step(scene.connection, step)
    entry = words(told.key)
    return [text for text in (told.lead, entry.why if entry else "") if text]


def _progress(at: int, count: int, width: int) -> list[Line]:
    """A dot for each slide, the present one filled; below them the way on and out."""
    signs = glyphs()
    hint = _centre(clip(HINT, width - 2), width, "muted")
    if count * 2 > width - 4:
        return [hint]
    line: Line = [(" " * ((width - count * 2 + 1) // 2), "")]
    for index in range(count):
        mine = index == at
        line.append((signs.chosen if mine else signs.dot, "accent bold" if mine else "muted"))
        line.append((" ", ""))
    return [line, hint]


def _centre(text: str, width: int, style: str) -> Line:
    return [(" " * max((width - cell_len(text)) // 2, 0), ""), (text, style)]
