"""Puts a schedule together: each node enters once, with its value if it can be known and the reason if not."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tlsviz.connection.handshakes import Handshake
from tlsviz.connection.model import Message
from tlsviz.connection.schedule.model import (
    Family,
    KeyContext,
    KeyNode,
    KeyPart,
    KeyStep,
    Kind,
    Origin,
    Schedule,
    Stage,
)
from tlsviz.crypto.protection import Unopened
from tlsviz.crypto.schedule import TLS12
from tlsviz.tls.suites import Suite
from tlsviz.wire.chunks import Sender
from tlsviz.wire.nodes import Node, Path, walk

NOTHING = KeyContext("nothing", value=b"")


class Place(NamedTuple):
    """Where a value stands in a message: the bytes, and the path of the node that holds them."""

    start: int
    end: int
    path: Path


def whole(root: Node | None, *names: str) -> Place | None:
    """The first node of one of these names."""
    for path, node in walk(root) if root is not None else ():
        if node.name in names:
            return Place(node.start, node.end, path)
    return None


def content(root: Node | None, *names: str) -> Place | None:
    """What stands behind the length in the first vector of one of these names."""
    for path, node in walk(root) if root is not None else ():
        if node.name in names:
            start = node.children[0].end if node.children and node.children[0].name == "length" else node.start
            return Place(start, node.end, path)
    return None


@dataclass(slots=True, eq=False, repr=False)
class Builder:
    """Collects nodes and steps. ``logged``: values by node id that the key log has; ``given``: from elsewhere.

    ``quic``: the version of QUIC that carries the connection, None where there are records; ``updates``: how often its
    packets changed the keys of each side.
    """

    handshake: Handshake
    suite: Suite
    version: int
    logged: Mapping[str, bytes]
    given: Mapping[str, bytes]
    quic: int | None = None
    updates: Mapping[Sender, int] = field(default_factory=dict)
    nodes: dict[str, KeyNode] = field(default_factory=dict)
    steps: list[KeyStep] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def value(self, id: str) -> bytes | None:
        """What is known of a node."""
        node = self.nodes.get(id)
        return node.value if node else None

    def constant(self, id: str, name: str, purpose: str, stage: Stage, value: bytes) -> str:
        """Enters a value that everyone knows."""
        node = KeyNode(id, name, purpose, "constant", stage, value, secret=False, length=len(value), origin="constant")
        self.nodes[id] = node
        return id

    def sent(self, id: str, name: str, purpose: str, message: Message | None, place: Place | None, why: str) -> str:
        """Enters bytes that went over the wire in the clear; ``why``: what to say when they cannot be read."""
        sender = message.sender if message else None
        found = KeyNode(id, name, purpose, "public", "exchange", None, why, False, sender=sender)
        if message is not None and message.buffer is not None and place is not None:
            value = message.buffer.data[place.start : place.end]
            found = replace(
                found,
                value=value,
                why="",
                length=len(value),
                message=None if message.index in self.handshake.inner else message.index,
                path=place.path,
                origin="sent",
            )
        self.nodes[id] = found
        return id

    def observed(self, id: str, name: str, purpose: str, stage: Stage, value: bytes | None, why: str) -> str:
        """Enters bytes that stand in the clear outside of any message; ``why`` says why they are not known."""
        size = len(value) if value is not None else None
        origin: Origin = "unknown" if value is None else "sent"
        node = KeyNode(id, name, purpose, "public", stage, value, why, secret=False, length=size, origin=origin)
        self.nodes[id] = node
        return id

    def outside(self, id: str, name: str, purpose: str, stage: Stage, why: str, length: int | None = None) -> str:
        """Enters a secret that no other value here gives."""
        return self._enter(KeyNode(id, name, purpose, "secret", stage, None, why, length=length), None, ())

    def derive(
        self,
        id: str,
        name: str,
        purpose: str,
        kind: Kind,
        stage: Stage,
        *,
        function: str,
        inputs: tuple[str, ...],
        compute: Callable[..., bytes] | None,
        label: str = "",
        context: KeyContext | None = None,
        why: str = "",
        length: int | None = None,
        sender: Sender | None = None,
        public: bool = False,
        always_secret: bool = False,
        sent: tuple[Message, Place] | None = None,
    ) -> str:
        """Enters what follows from others.

        ``compute`` is called with the inputs' values, and the context's if there is one, when all are known.
        What is made of nothing but public values is no secret, unless ``always_secret`` (a private key is in it
        besides); ``public``: no secret whatever it is made of. ``sent``: where it
        was sent, in the clear or protected.
        """
        self.steps.append(KeyStep(id, function, label, inputs, context))
        secret = always_secret or (not public and any(self.nodes[name].secret for name in inputs))
        node = KeyNode(id, name, purpose, kind, stage, None, why, secret, length, sender)
        if sent is None:
            return self._enter(node, compute, inputs, context)
        message, place = sent
        if message.index not in self.handshake.inner:
            node = replace(node, message=message.index, path=place.path)
        self._enter(node, compute, inputs, context)
        if message.buffer is not None:
            self._compare(id, message.buffer.data[place.start : place.end])
        return id

    def _compare(self, id: str, seen: bytes) -> None:
        """Holds a computed value against the one that was sent."""
        node = self.nodes[id]
        if node.value is None:
            self.nodes[id] = replace(node, value=seen, why=node.why, origin="sent", length=len(seen))
        elif not hmac.compare_digest(node.value, seen):
            self.nodes[id] = replace(node, why="what was sent is another value")

    def take_apart(self, id: str, *parts: tuple[str, int]) -> None:
        """Names the parts of a node's value: name and length of each, in order; those without bytes are left out."""
        found: list[KeyPart] = []
        start = 0
        for name, length in parts:
            if length:
                found.append(KeyPart(name, start, start + length))
            start += length
        self.nodes[id] = replace(self.nodes[id], parts=tuple(found))

    def schedule(self, family: Family) -> Schedule:
        """All of it."""
        return Schedule(
            family,
            self.version,
            self.suite.name,
            self.suite.prf_hash if self.version >= TLS12 else "md5+sha1",
            self.handshake.number,
            tuple(self.nodes.values()),
            tuple(self.steps),
            tuple(self.notes),
        )

    def _enter(
        self,
        node: KeyNode,
        compute: Callable[..., bytes] | None,
        inputs: tuple[str, ...],
        context: KeyContext | None = None,
    ) -> str:
        computed, why = self._computed(compute, inputs, context)
        logged, given = self.logged.get(node.id), self.given.get(node.id)
        known = logged or given
        if known is not None:
            origin: Origin = "key log" if logged else "given"
            odd = ""
            if computed is not None:
                same = hmac.compare_digest(computed, known)
                origin, odd = ("computed", "") if same else (origin, "what it should follow from gives another value")
            node = replace(node, value=known, why=odd, origin=origin, length=len(known))
        elif computed is not None:
            node = replace(node, value=computed, why="", origin="computed", length=len(computed))
        else:
            node = replace(node, why=node.why or why)
        self.nodes[node.id] = node
        return node.id

    def _computed(
        self, compute: Callable[..., bytes] | None, inputs: tuple[str, ...], context: KeyContext | None
    ) -> tuple[bytes | None, str]:
        """The value if it can be computed, and the reason if not."""
        if compute is None:
            return None, ""
        values: list[bytes] = []
        for id in inputs:
            value = self.nodes[id].value
            if value is None:
                return None, f"the {self.nodes[id].name} that it comes from is not known"
            values.append(value)
        if context is not None:
            if context.value is None:
                return None, context.why
            values.append(context.value)
        try:
            return compute(*values), ""
        except (Unopened, ValueError) as reason:
            return None, str(reason)
