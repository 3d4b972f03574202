"""What is selected, and the scene that every widget of the handshake screen draws from.

A `Scene` is one frozen picture: a connection, its steps, and the one `Selection` that ladder, tree, bytes and words
share. Widgets take it by reactive and answer with the messages below; only the screen makes new scenes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.message import Message as Event

from tlsviz.connection.ladder import Step, steps
from tlsviz.connection.model import ApplicationRun, Connection, Inner, Message
from tlsviz.connection.observer import Observer, as_seen_by
from tlsviz.tls.views import certificates
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import Sender
from tlsviz.wire.nodes import Node, Path, lookup, path_at, walk
from tlsviz.wire.text import plural


@dataclass(frozen=True, slots=True)
class Selection:
    """A step of the ladder, a field of its message (a path in its tree) and bytes ``[start, end)`` of its buffer.

    ``path`` is None when the step as a whole is selected; then ``start == end``.
    """

    step: int = 0
    path: Path | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, eq=False)
class Scene:
    """A connection, its steps and what is selected. Compared by identity: a new scene is a new picture.

    ``connection`` is what the ``observer`` sees; ``known`` all that is known of it, None when that is the same.
    """

    connection: Connection
    steps: tuple[Step, ...]
    selection: Selection
    observer: Observer = "endpoints"
    known: Connection | None = None

    @property
    def truth(self) -> Connection:
        """All that is known of the connection, whoever looks."""
        return self.known or self.connection

    @property
    def step(self) -> Step | None:
        """The selected step; None when there are none."""
        return self.steps[self.selection.step] if self.steps else None

    @property
    def message(self) -> Message | None:
        """The selected protocol message, if the step is one."""
        return message_of(self.connection, self.step)

    @property
    def run(self) -> ApplicationRun | None:
        """The selected application data, if the step is that."""
        step = self.step
        return self.connection.application[step.index] if step and step.kind == "data" else None

    @property
    def tree(self) -> Node | None:
        """The fields of the selected message; behind its own those of the message that it holds compressed."""
        message = self.message
        if message is None or message.tree is None or message.inner is None:
            return message.tree if message else None
        size = plural(len(message.inner.buffer.data), "byte")
        inside = message.inner.tree._replace(label=f"decompressed to {size}")
        return message.tree._replace(children=(*message.tree.children, inside))

    @property
    def inner(self) -> Inner | None:
        """The decompressed message, when the selected field is in it: its offsets count in a buffer of its own."""
        message, path = self.message, self.selection.path
        if message is None or message.tree is None or message.inner is None or not path:
            return None
        return message.inner if path[0] == len(message.tree.children) else None

    @property
    def layer(self) -> Node | None:
        """The fields whose offsets count in `buffer`: the message's own, or those of the one inside."""
        message = self.message
        return self.inner.tree if self.inner else message.tree if message else None

    @property
    def buffer(self) -> Buffer | None:
        """The bytes of the selected step, as plain as they are known; of a field inside, the decompressed ones."""
        if self.inner is not None:
            return self.inner.buffer
        if (message := self.message) is not None:
            return message.buffer
        if (run := self.run) is not None:
            return run.plaintext
        step = self.step
        if step and step.kind == "prelude":
            return Buffer("wire", self.connection.prelude[step.index].data)
        if step and step.kind == "hole":
            return self.connection.holes[step.index].stray
        return None

    @property
    def node(self) -> Node | None:
        """The selected field."""
        tree, path = self.tree, self.selection.path
        return lookup(tree, path) if tree is not None and path is not None else None

    def at_step(self, index: int) -> Scene:
        """The scene with another step selected, clamped to what is there."""
        index = max(0, min(index, len(self.steps) - 1))
        return replace(self, selection=Selection(index))

    def at_path(self, path: Path | None) -> Scene:
        """The scene with a field selected; the whole step for None or a path that is not there."""
        tree = self.tree
        if path is None or tree is None:
            return replace(self, selection=Selection(self.selection.step))
        try:
            node = lookup(tree, path)
        except IndexError:
            return replace(self, selection=Selection(self.selection.step))
        return replace(self, selection=Selection(self.selection.step, path, node.start, node.end))

    def at_message(self, index: int, path: Path | None = None) -> Scene:
        """The scene with a message selected (and a field of it); the same scene when it is not on the ladder."""
        for place, step in enumerate(self.steps):
            if step.kind == "message" and step.index == index:
                return self.at_step(place).at_path(path)
        return self

    def at_byte(self, offset: int) -> Scene:
        """The scene with the field under a byte of the step's buffer selected, or the byte where there is no tree."""
        tree, message = self.layer, self.message
        path = path_at(tree, offset) if tree is not None else None
        if path is not None and self.inner is not None and message is not None and message.tree is not None:
            path = (len(message.tree.children), *path)
        if path is not None:
            return self.at_path(path)
        return replace(self, selection=Selection(self.selection.step, None, offset, offset + 1))

    def at_certificate(self, sender: Sender, index: int) -> Scene:
        """The scene with a sent certificate's node selected; the same scene when it cannot be found."""
        sent = [each for each in self.connection.certificates if each.sender == sender]
        number = sent[index].message if index < len(sent) else None
        for place, step in enumerate(self.steps):
            if step.kind == "message" and step.index == number:
                there = self.at_step(place)
                message = there.message
                holder = message.certificate if message else None
                if message is None or holder is None or message.tree is None:
                    return there
                lead: Path = () if message.inner is None else (len(message.tree.children),)
                found = certificates(holder.tree, holder.buffer.data)
                first = next((at for at, each in enumerate(sent) if each.message == number), 0)
                return there.at_path((*lead, *found[index - first][1])) if index - first < len(found) else there
        return self

    def next_field(self, by: int) -> Scene:
        """The scene with the next (1) or previous (-1) field in wire order selected."""
        tree = self.tree
        if tree is None:
            return self
        paths = [path for path, _ in walk(tree)][1:]
        if not paths:
            return self
        if self.selection.path in paths:
            index = paths.index(self.selection.path) + by
            if index < 0:
                return self.at_path(None)
        else:
            index = 0 if by > 0 else len(paths) - 1
        return self.at_path(paths[max(0, min(index, len(paths) - 1))])

    def with_connection(self, connection: Connection) -> Scene:
        """The same place in a newer snapshot of the connection, seen with the same eyes."""
        fresh = _looked_at(connection, self.observer)
        chosen = self.selection
        if not fresh.steps or chosen.step >= len(fresh.steps):
            return fresh.at_step(chosen.step)
        moved = fresh.at_step(chosen.step)
        if self.step is None or moved.step is None or self.step.kind != moved.step.kind:
            return moved
        return moved.at_path(chosen.path) if chosen.path is not None else moved

    def seen_by(self, observer: Observer) -> Scene:
        """The same place with other eyes: the same message, or what is left of it."""
        fresh = _looked_at(self.truth, observer)
        if fresh.connection is self.connection:
            return replace(fresh, selection=self.selection)
        place = self._place_in(fresh)
        moved = fresh.at_step(place)
        kept = self.message is not None and moved.message is not None and self.message.sha256 == moved.message.sha256
        return moved.at_path(self.selection.path) if kept and self.selection.path is not None else moved

    def _place_in(self, fresh: Scene) -> int:
        """The step of another view that is this one: the same message, the same records, or the same moment."""
        step, message = self.step, self.message
        if step is None:
            return 0
        if message is not None:
            alike = [m.index for m in self.connection.messages if (m.type, m.sender) == (message.type, message.sender)]
            number = alike.index(message.index)
            there = [
                place
                for place, each in enumerate(fresh.steps)
                if (found := message_of(fresh.connection, each))
                and (found.type, found.sender) == (message.type, message.sender)
            ]
            if number < len(there):
                return there[number]
        records = _records(self.connection, step)
        for place, each in enumerate(fresh.steps):
            if records and records & _records(fresh.connection, each):
                return place
        near = [place for place, each in enumerate(fresh.steps) if each.time >= step.time and each.kind == step.kind]
        return near[0] if near else self.selection.step


def _records(connection: Connection, step: Step) -> set[int]:
    if step.kind == "message":
        return set(connection.messages[step.index].records)
    return set(connection.application[step.index].record_indices) if step.kind == "data" else set()


def _looked_at(connection: Connection, observer: Observer) -> Scene:
    view = as_seen_by(connection, observer)
    return Scene(view, steps(view), Selection(), observer, None if view is connection else connection)


def scene(connection: Connection) -> Scene:
    """The first scene of a connection: where its story starts, or where it stopped."""
    made = Scene(connection, steps(connection), Selection())
    return made.at_step(opening_step(made))


def opening_step(made: Scene) -> int:
    """The step to look at first: the one the diagnosis is about, else the first message, else the first step."""
    diagnosis = made.connection.failure
    if diagnosis is not None:
        if diagnosis.message is not None:
            for index, step in enumerate(made.steps):
                if step.kind == "message" and step.index == diagnosis.message:
                    return index
        return max(len(made.steps) - 1, 0)
    return next((index for index, step in enumerate(made.steps) if step.kind == "message"), 0)


def message_of(connection: Connection, step: Step | None) -> Message | None:
    """The protocol message of a step, if it is one."""
    return connection.messages[step.index] if step and step.kind == "message" else None


@dataclass
class StepChosen(Event):
    """A step of the ladder was chosen."""

    index: int


@dataclass
class MessageChosen(Event):
    """A message was chosen from elsewhere, and maybe a field of it."""

    index: int
    path: Path | None = None


@dataclass
class KeyChosen(Event):
    """A value of the key schedule was chosen."""

    node: str


@dataclass
class TranscriptChosen(Event):
    """The messages whose hash went into the chosen value; () for none."""

    messages: tuple[int, ...]


@dataclass
class FieldChosen(Event):
    """A field was chosen; None lets go of it."""

    path: Path | None


@dataclass
class ByteChosen(Event):
    """A byte of the step's buffer was chosen."""

    offset: int


@dataclass
class ObserverChosen(Event):
    """Somebody was chosen to look at the connection."""

    observer: Observer


@dataclass
class PaneChosen(Event):
    """A pane was chosen by its name."""

    pane: str
