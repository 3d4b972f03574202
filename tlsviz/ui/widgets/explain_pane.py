"""The selected step and field in words: what happens here, what it is, why it is there, what would be odd."""

from __future__ import annotations

from textual import events
from textual.binding import Binding

from tlsviz.connection import titles
from tlsviz.connection.ladder import Step
from tlsviz.connection.model import Connection
from tlsviz.explain.inputs import inputs
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.scene import Narration
from tlsviz.explain.words import Words, lookup_field, words
from tlsviz.ui.glyphs import glyphs, passage, proof
from tlsviz.ui.selection import FieldChosen, Scene
from tlsviz.ui.widgets.finding_lines import Place, evidence, finding_rows, role
from tlsviz.ui.widgets.lines import Line, clip, pad_line, wrap
from tlsviz.ui.widgets.pane import Pane, paragraph
from tlsviz.ui.widgets.values import value_words
from tlsviz.wire.chunks import other
from tlsviz.wire.nodes import names, path_of
from tlsviz.wire.text import clock, plural, safe


class ExplainPane(Pane):
    """The chosen field first, then the step, then what was found in the whole connection.

    The arrows scroll, and stop at what leads somewhere: Enter or a click on a sentence chooses the field that it is
    about, on a finding its evidence.
    """

    HELP = (
        "What happens in this step, what it is for, and what would be odd. Below it stands everything that was found "
        "in the connection, the gravest first.\n"
        "Enter or a click on a sentence or a finding chooses the message and the field that it is about; f goes from "
        "finding to finding."
    )
    BINDINGS = [
        Binding("up", "move(-1)", "scroll", show=False),
        Binding("down", "move(1)", "scroll", show=False),
        Binding("enter", "open", "open", key_display="⏎", tooltip="Choose what the sentence or the finding is about"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._targets: list[Place] = []
        self._findings = self._heading = 0
        self._at: int | None = None

    def build(self, scene: Scene, width: int) -> list[Line]:
        self._targets = []
        self._findings = 0
        step = scene.step
        if step is None:
            return [[], *paragraph("Nothing has happened yet.", width, "muted", 2)]
        told = narrate_step(scene.connection, step)
        lines = _title(scene, step, width)
        if scene.selection.path is not None:
            lines += _field(scene, width)
        lines += _lead(told, step, width)
        self._sentences(lines, told, scene, step, width)
        lines += _odd(told, width)
        lines += _proofs(scene.connection, step, width)
        self._odd_here(lines, scene.connection, step, width)
        entry = words(told.key)
        if entry:
            lines += _entry(entry, told, width)
        self._found(lines, scene.connection, width)
        return lines

    def _sentences(self, lines: list[Line], told: Narration, scene: Scene, step: Step, width: int) -> None:
        """What is said with this connection's values, each sentence marked when its field is the chosen one."""
        signs = glyphs()
        for sentence in told.sentences:
            path = path_of(scene.tree, sentence.field)
            mine = path is not None and scene.selection.path is not None and scene.selection.path[: len(path)] == path
            lead = f" {signs.cursor if mine else signs.dot} "
            text = sentence.text
            if sentence.provenance in ("computed", "inferred", "unknown") and sentence.provenance != step.provenance:
                text += f" ({sentence.provenance})"
            first = len(lines)
            for number, part in enumerate(wrap(text, width - 4)):
                style = "foreground bold" if mine else "foreground"
                lines.append([(lead if number == 0 else "   ", "accent" if mine else "muted"), (part, style)])
            if path is not None:
                self._targets.append(Place(first, len(lines) - 1, FieldChosen(path)))
        if told.sentences:
            lines.append([])

    def _odd_here(self, lines: list[Line], connection: Connection, step: Step, width: int) -> None:
        """What was found in this step, with the evidence and what to do."""
        before = len(lines)
        for finding in connection.findings:
            if step.kind != "message" or finding.message != step.index:
                continue
            first = len(lines)
            lines += paragraph(safe(finding.title), width, f"{role(finding)} bold", 3, f" {glyphs().odd} ")
            mend = f"{glyphs().arrow} {finding.mend}" if finding.mend else ""
            for text in (finding.evidence, mend):
                lines += paragraph(safe(text), width, "foreground", 3) if text else []
            if (chosen := evidence(connection, finding)) is not None and chosen.path is not None:
                self._targets.append(Place(first, len(lines) - 1, chosen))
        if len(lines) > before:
            lines.append([])

    def _found(self, lines: list[Line], connection: Connection, width: int) -> None:
        """What was found in the whole connection."""
        self._findings = len(self._targets)
        if connection.findings and lines and lines[-1]:
            lines.append([])
        self._heading = len(lines)
        for first, last, rows, chosen in finding_rows(connection, width, len(lines)):
            lines += rows
            if chosen is not None:
                self._targets.append(Place(first, last, chosen))

    # choosing

    def show_start(self, scene: Scene) -> None:
        self._at = None
        super().show_start(scene)

    def line(self, index: int) -> Line:
        line = super().line(index)
        place = self._targets[self._at] if self._at is not None and self.has_focus else None
        if place is None or not place.first <= index <= place.last:
            return line
        return pad_line([(text, f"{style} on selection") for text, style in line], self.width, "on selection")

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def action_move(self, by: int) -> None:
        """Goes to the next place in sight that leads somewhere; where there is none, scrolls by a line."""
        top = self.scroll_offset.y
        bottom = top + self.scrollable_content_region.height
        here = self._targets[self._at].first if self._at is not None else None
        if here is None or not top <= here < bottom:
            here = top - 1 if by > 0 else bottom
        ahead = [
            at
            for at, place in enumerate(self._targets)
            if top <= place.first < bottom and (place.first > here if by > 0 else place.first < here)
        ]
        if not ahead:
            self.scroll_to(y=top + by, animate=False)
            return
        self._goto(ahead[0] if by > 0 else ahead[-1])

    def next_finding(self) -> None:
        """Goes to the next finding of the connection that has evidence, after the last to the first; else to all."""
        self.update_lines()
        if self._findings >= len(self._targets):
            self.reveal(self._heading, len(self._lines) - 1)
            return
        at = self._at + 1 if self._at is not None and self._at >= self._findings else self._findings
        self._goto(at if at < len(self._targets) else self._findings)

    def _goto(self, at: int) -> None:
        self._at = at
        self.reveal(self._targets[at].first, self._targets[at].last)
        self.refresh()

    def action_open(self) -> None:
        """Chooses what the cursor is at."""
        if self._at is not None:
            self.post_message(self._targets[self._at].chosen)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        for place in self._targets:
            if index is not None and place.first <= index <= place.last:
                self.post_message(place.chosen)


def _title(scene: Scene, step: Step, width: int) -> list[Line]:
    signs = glyphs()
    way = passage(step)
    facts = [clock(step.time), f"{step.sender} {signs.arrow} {other(step.sender)}"]
    if step.kind in ("message", "data"):
        facts.append(f"{way.glyph} {way.word}".strip())
    message = scene.message
    if message is not None and message.provenance != "inferred":
        facts.append(plural(titles.bytes_of(message), "byte"))
    packets = message.packets if message else scene.run.packets if scene.run else ()
    if packets:
        facts.append(titles.seen_in(scene.connection, packets))
    lines: list[Line] = [[(" ", ""), (clip(safe(step.title), width - 2), f"{step.sender} bold")]]
    lines += paragraph(f" {signs.dot} ".join(facts), width, "muted")
    lines.append([])
    return lines


def _field(scene: Scene, width: int) -> list[Line]:
    """The chosen field, behind a bar."""
    signs = glyphs()
    node, tree, path = scene.node, scene.tree, scene.selection.path
    if node is None or tree is None or path is None:
        return []
    way = names(tree, path)
    inner = width - 5
    body: list[tuple[str, str]] = [(clip(safe(node.name), inner), "foreground bold")]
    trail = f" {signs.closed} ".join(safe(name) for name in way[1:-1])
    if trail:
        body.append((clip(f"in {trail}", inner), "muted"))
    body += [(part, "server") for part in wrap(safe(value_words(node, 400)), inner)[:6]]
    place = f"{plural(node.length, 'byte')} at 0x{node.start:04x} to 0x{max(node.end - 1, node.start):04x}"
    body.append((place, "muted"))
    if node.note:
        body += [(part, "warning bold") for part in wrap(f"{signs.odd} {safe(node.note)}", inner)]
    entry = lookup_field(way)
    if entry:
        for text in (entry.what, entry.why, entry.odd_if and f"Odd: {entry.odd_if}"):
            if text:
                body.append(("", ""))
                body += [(part, "foreground") for part in wrap(text, inner)]
        if entry.reference:
            body += [("", ""), (clip(entry.reference, inner), "muted")]
    lines: list[Line] = [[(f" {signs.cursor} ", "accent"), (text, style)] for text, style in body]
    return [*lines, []]


def _lead(told: Narration, step: Step, width: int) -> list[Line]:
    """The step in one or two sentences, where a side speaks."""
    rail = f" {glyphs().rail} "
    return [*([(rail, step.sender), (part, "foreground bold")] for part in wrap(told.lead, width - 5)), []]


def _odd(told: Narration, width: int) -> list[Line]:
    lines: list[Line] = []
    for text in told.odd:
        lines += paragraph(safe(text), width, "warning bold", 3, f" {glyphs().odd} ")
    return [*lines, []] if lines else []


def _entry(entry: Words, told: Narration, width: int) -> list[Line]:
    """The general words; what the lead has said already is not said again."""
    lines: list[Line] = []
    for title, text in (
        ("What it is", entry.what if entry.what != told.lead else ""),
        ("Why it is there", entry.why),
        ("What would be odd", entry.odd_if),
        ("What to try", entry.mend),
    ):
        if text:
            lines.append([(f" {title}", "accent bold")])
            lines += paragraph(text, width, "foreground")
            lines.append([])
    reference = told.reference or entry.reference
    return [*lines, *paragraph(reference, width, "muted")] if reference else lines


def _proofs(connection: Connection, step: Step, width: int) -> list[Line]:
    """What was proven of this step."""
    if step.kind != "message":
        return []
    lines: list[Line] = []
    for each in connection.proofs:
        sign = proof(each.status) if each.message == step.index else None
        if sign:
            text = f"{each.what.replace('_', ' ')}: {sign.word}"
            lines += paragraph(text, width, f"{sign.role} bold", 3, f" {sign.glyph} ")
            lines += paragraph(safe(each.why), width, "muted", 3) if each.why else []
            made_of = inputs(connection, each)
            lines += paragraph(safe(f"made of {made_of}"), width, "muted", 3) if made_of else []
    return [*lines, []] if lines else []
