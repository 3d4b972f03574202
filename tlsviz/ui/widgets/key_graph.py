"""Drawing the key schedule: secrets as blocks on a spine, what they give as branches, the key block as a ruler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rich.cells import cell_len

from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import KeyNode, Schedule
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import clip, wrap
from tlsviz.wire.text import plural, safe

SPINES = {
    "tls13": ("early_secret", "handshake_secret", "main_secret"),
    "tls12": ("premaster_secret", "master_secret", "key_block"),
    "ssl3": ("premaster_secret", "master_secret", "key_block"),
}
APART = "initial_secret"
RAIL = 3
"""The column of the spine."""
VALUES_FROM = 78
"""From this width on values stand beside the names."""
VALUE_WIDTH = 24


class Bit(NamedTuple):
    """A piece of a line; ``node``: the id of what it stands for, "" for none."""

    text: str
    style: str = ""
    node: str = ""


GraphLine = list[Bit]


class Span(NamedTuple):
    """Where a node stands: its line, and its cells."""

    line: int
    start: int
    end: int
    node: str


def verdicts(connection: Connection) -> dict[int, str]:
    """What the proofs say of each message."""
    found: dict[int, str] = {}
    for proof in connection.proofs:
        if proof.message is not None and found.get(proof.message) != "failed":
            found[proof.message] = proof.status
    return found


def spans(lines: Iterable[GraphLine]) -> list[Span]:
    """Every node's places, in reading order; bits of one node that follow each other are one place."""
    found: list[Span] = []
    for number, line in enumerate(lines):
        at = 0
        for bit in line:
            end = at + cell_len(bit.text)
            if bit.node:
                last = found[-1] if found else None
                if last is not None and (last.line, last.end, last.node) == (number, at, bit.node):
                    found[-1] = last._replace(end=end)
                else:
                    found.append(Span(number, at, end, bit.node))
            at = end
    return found


def value_words(node: KeyNode, secrets: bool, most: int = 8) -> str:
    """The first bytes of a value, masked where it is secret and not asked for; "" where it is not known."""
    if node.value is None:
        return ""
    if node.secret and not secrets:
        return " ".join([glyphs().mask * 4] * min(-(-len(node.value) // 2), most // 2))
    shown = node.value[:most].hex(" ", 2)
    return shown + (f" {glyphs().ellipsis}" if len(node.value) > most else "")


def role(node: KeyNode) -> str:
    """The colour of a node: whose it is, or that it is not known."""
    if node.value is None:
        return "inferred"
    if not node.secret:
        return "clear" if node.kind != "verify_data" else "verified"
    if node.kind == "verify_data":
        return "verified"
    return node.sender or "encrypted"


def sign(node: KeyNode) -> str:
    """Known, not known, or known to everybody."""
    signs = glyphs()
    if node.value is None:
        return signs.ghost
    return signs.chosen if node.secret else signs.offered


def title(node: KeyNode) -> str:
    """What to call a node: shares have other names in every key exchange."""
    return node.id.replace("_", " ") if node.kind == "public" and node.id.endswith("_share") else node.name


class Graph:
    """Draws one schedule. ``proofs``: what they say, by message."""

    def __init__(
        self, schedule: Schedule, width: int, *, secrets: bool, proofs: Mapping[int, str], airy: bool = False
    ) -> None:
        self.schedule = schedule
        self.width = width
        self.secrets = secrets
        self.proofs = proofs
        self.airy = airy
        self.signs = glyphs()
        self.nodes = {node.id: node for node in schedule.nodes}
        self.made = {step.output: step for step in schedule.steps}
        self.spine = [id for id in SPINES.get(schedule.family or "", ()) if id in self.nodes]
        self.out: list[GraphLine] = []
        self.drawn: set[str] = set()

    def lines(self) -> list[GraphLine]:
        """The whole graph. What everybody can compute (QUIC's Initial keys) stands by itself above it."""
        if APART in self.nodes:
            self._line(Bit("   Initial packets, under keys that everybody can compute", "muted italic"))
            self._feed(APART, True)
            self._block(APART, True)
            self._branches(APART, True)
            self._line()
        for place, id in enumerate(self.spine):
            if self.airy and place:
                self._line(Bit(self._rail(False), "muted"))
            self._feed(id, place == 0)
            self._block(id, place == 0)
            if self.nodes[id].kind == "key_block":
                self._ruler(id)
            else:
                self._branches(id, place == len(self.spine) - 1)
        rest = [node.id for node in self.schedule.nodes if node.id not in self.drawn and node.kind != "constant"]
        if rest:
            self._rest(rest)
        return self.out

    # the spine

    def _feed(self, id: str, first: bool) -> None:
        """What goes into a secret beside the one before it."""
        step = self.made.get(id)
        if step is None:
            return
        extract = step.function == "HKDF-Extract"
        chips: list[list[Bit]] = []
        for place, source in enumerate(step.inputs):
            node = self.nodes.get(source)
            if node is None or source in self.spine:
                continue
            if node.name == "derived":
                self._line(Bit(f"{self._rail(first)}  "), *self._chip(node))
                continue
            maker = self.made.get(source)
            if maker is not None and maker.inputs:
                self._line(Bit(f"{self._rail(first)}  "), *self._chips(maker.inputs, " + "))
            words = f" by {safe(maker.function)}" if maker is not None and maker.function else ""
            if extract:
                words += f" as {('salt', 'input')[min(place, 1)]}"
            chips.append([*self._chip(node), Bit(words, "muted")])
        if chips:
            start = (
                f"{' ' * RAIL}{self.signs.corner_tl if first else self.signs.branch}{self.signs.left}{self.signs.dash} "
            )
            joined = [bit for place, chip in enumerate(chips) for bit in ([Bit(", ", "muted")] if place else []) + chip]
            self._line(Bit(start, "muted"), *joined)

    def _block(self, id: str, first: bool) -> None:
        node, step = self.nodes[id], self.made.get(id)
        name = f" {sign(node)} {safe(node.name)}" + (
            f", {plural(node.length, 'byte')} " if node.kind == "key_block" and node.length else " "
        )
        lead = Bit(f"{' ' * RAIL}{self.signs.below if step else ' '} ", "muted")
        if node.value is None:
            block = [Bit(f"{self.signs.waiting_lane}{name}{self.signs.waiting_lane}", "inferred bold", id)]
        else:
            block = [Bit(f" {name} ", f"{role(node)} bold reverse", id)]
        words = ""
        if step is not None:
            words = f"  {safe(step.function)}" + (f" {safe(step.label)!r}".replace("'", '"') if step.label else "")
        self.drawn.add(id)
        self._valued([lead, *block, Bit(words, "muted")], node)

    # branches

    def _branches(self, id: str, last: bool) -> None:
        """Everything that is derived from a secret, one branch each; later generations follow their parent."""
        outputs = self._own_branches(id)
        for place, output in enumerate(outputs):
            self._branch(output, last and place == len(outputs) - 1)

    def _own_branches(self, id: str) -> list[str]:
        found: list[str] = []
        for output in self._outputs(id):
            found.append(output)
            found += [later for later in self._own_branches(output) if self.nodes[later].kind == "traffic_secret"]
        return [output for output in found if output not in self.drawn]

    def _outputs(self, id: str) -> list[str]:
        """What follows from a node, but for the spine and its joints."""
        return [
            step.output
            for step in self.schedule.steps
            if step.inputs[:1] == (id,)
            and step.output in self.nodes
            and step.output not in self.spine
            and self.nodes[step.output].name != "derived"
        ]

    def _branch(self, id: str, last: bool) -> None:
        signs = self.signs
        node, step = self.nodes[id], self.made[id]
        label = safe(step.label or step.function)
        corner = signs.last if last else signs.branch
        lead = Bit(f"{' ' * RAIL}{corner}{signs.dash} {label} {signs.dash}{signs.right} ", "muted")
        self._valued([lead, *self._chip(node)], node)
        leaves = [output for output in self._outputs(id) if self.nodes[output].kind != "traffic_secret"]
        groups = [self._leaf(leaf) for leaf in leaves]
        indent = f"{' ' * RAIL}{' ' if last else signs.rail}     "
        self._wrapped(indent, groups)

    def _leaf(self, id: str) -> list[Bit]:
        """A key, an IV, a ticket's PSK: short, with what is made of it."""
        node, step = self.nodes[id], self.made[id]
        short = step.label.rpartition(" ")[2]
        name = short if short in ("key", "iv", "hp") else node.name
        bits = self._chip(node, name)
        for output in self._outputs(id):
            bits += [Bit(f" {self.signs.arrow} ", "muted"), *self._chip(self.nodes[output])]
        return bits

    def _wrapped(self, indent: str, groups: list[list[Bit]]) -> None:
        line: list[Bit] = [Bit(indent, "muted")]
        for group in groups:
            size = sum(cell_len(bit.text) for bit in group)
            if len(line) > 1 and sum(cell_len(bit.text) for bit in line) + size > self.width:
                self._line(*line)
                line = [Bit(indent, "muted")]
            line += [*group, Bit("   ")]
        if len(line) > 1:
            self._line(*line)

    # the key block

    def _ruler(self, id: str) -> None:
        """The key block's parts side by side, each as wide as it is long, as far as its name allows."""
        parts = [self.nodes[output] for output in self._outputs(id)]
        if not parts:
            return
        indent = RAIL
        room = max(self.width - indent - 1, 20)
        names = [_part_name(node) for node in parts]
        least = [max(len(name) + 2, len(node.sender or "") + 1) + 1 for name, node in zip(names, parts, strict=True)]
        whole = sum(node.length or 0 for node in parts) or 1
        spare = max(room - sum(least), 0)
        sizes = [size + spare * (node.length or 0) // whole for size, node in zip(least, parts, strict=True)]
        offsets, blocks, sides = [Bit(" " * indent)], [Bit(" " * indent)], [Bit(" " * indent)]
        at = 0
        for node, name, size in zip(parts, names, sizes, strict=True):
            self.drawn.add(node.id)
            style = f"{role(node)} reverse" if node.value is not None else "inferred"
            left, right = (" ", " ") if node.value is not None else (self.signs.waiting_lane, self.signs.waiting_lane)
            text = f"{left}{name}".ljust(size - 2)[: size - 2] + right
            offsets.append(Bit(str(at).ljust(size), "muted"))
            blocks += [Bit(text, style, node.id), Bit(" ")]
            sides.append(Bit((node.sender or "").ljust(size), node.sender or "muted"))
            at += node.length or 0
        self._line(*offsets)
        self._line(*blocks)
        self._line(*sides)

    def _rest(self, ids: list[str]) -> None:
        self._line()
        self._wrapped("  ", [self._chip(self.nodes[id]) for id in ids])

    # pieces

    def _rail(self, first: bool) -> str:
        return " " * RAIL + (" " if first else self.signs.rail)

    def _chips(self, ids: Iterable[str], between: str) -> list[Bit]:
        bits: list[Bit] = []
        for id in ids:
            if id in self.nodes:
                bits += [*([Bit(between, "muted")] if bits else []), *self._chip(self.nodes[id])]
        return bits

    def _chip(self, node: KeyNode, name: str = "") -> list[Bit]:
        self.drawn.add(node.id)
        bits = [Bit(f"{sign(node)} {safe(name or title(node))}", role(node), node.id)]
        if node.kind == "verify_data" and node.message is not None:
            status = self.proofs.get(node.message)
            if status == "verified":
                bits.append(Bit(f" {self.signs.verified}", "verified", node.id))
            elif status == "failed":
                bits.append(Bit(f" {self.signs.failed}", "failed bold", node.id))
        return bits

    def _valued(self, line: GraphLine, node: KeyNode) -> None:
        """A line with the value at its right end where there is room."""
        used = sum(cell_len(bit.text) for bit in line)
        for most in (8, 4):
            value = value_words(node, self.secrets, most)
            gap = max(self.width - VALUE_WIDTH - used, 2)
            if self.width >= VALUES_FROM and value and used + gap + len(value) < self.width:
                line = [*line, Bit(" " * gap), Bit(value, "muted" if node.secret else "clear")]
                break
        self._line(*line)

    def _line(self, *bits: Bit) -> None:
        line: GraphLine = []
        room = self.width
        for bit in bits:
            size = cell_len(bit.text)
            line.append(bit if size <= room else bit._replace(text=clip(bit.text, room)))
            room -= size
            if room <= 0:
                break
        self.out.append(line)


def _part_name(node: KeyNode) -> str:
    """``client_write_MAC_key`` in a ruler: the side stands below it."""
    name = node.name.removeprefix(f"{node.sender}_").removeprefix("write_").replace("_", " ")
    return f"{safe(name)} {node.length}" if node.length else safe(name)


def graph(schedule: Schedule, width: int, height: int, *, secrets: bool, proofs: Mapping[int, str]) -> list[GraphLine]:
    """The lines of a schedule, with air in it where the height allows; without nodes, why there are none."""
    if not schedule.nodes:
        why = schedule.notes[0] if schedule.notes else "nothing is known"
        return [[], *([Bit(f"  {part}", "muted")] for part in wrap(f"No key schedule: {safe(why)}.", width - 3))]
    lines = Graph(schedule, width, secrets=secrets, proofs=proofs, airy=True).lines()
    if len(lines) + len(schedule.notes) > height:
        lines = Graph(schedule, width, secrets=secrets, proofs=proofs).lines()
    for note in schedule.notes:
        lines += [[Bit(f" {part}", "warning")] for part in wrap(f"{glyphs().odd} {safe(note)}", width - 2)]
    return lines
