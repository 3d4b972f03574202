"""The key schedule as data: what there is to draw, and how each thing follows from others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tlsviz.wire.chunks import Sender
from tlsviz.wire.nodes import Path

Kind = Literal[
    "constant", "public", "secret", "traffic_secret", "key_block", "mac_key", "key", "iv", "finished_key", "verify_data"
]
Stage = Literal["exchange", "early", "handshake", "main", "master", "keys"]
"""Where a value belongs: in TLS 1.3 exchange, early, handshake, main; before, exchange, master, keys."""

Origin = Literal["sent", "constant", "key log", "given", "computed", "unknown"]
Family = Literal["tls13", "tls12", "ssl3"]


class KeyPart(NamedTuple):
    """Bytes ``[start, end)`` of a node's value that mean something by themselves."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class KeyNode:
    """A value of the key schedule.

    ``id`` is unique in its schedule ("client_handshake_traffic_secret", "client_handshake_traffic_secret.key");
    ``name`` is what the RFC calls it, ``purpose`` what it is for, in a short phrase. ``value`` is None when it is not
    known, and ``why`` then says why; ``why`` of a known value is "" unless something is odd about it, or it was only
    seen and not computed. ``secret``: to be masked until asked for. ``length`` in bytes, None when not known.
    ``sender``: the side whose it is, None for both. ``message`` and ``path``: where its bytes stand, for what was
    sent. ``origin``: how the value is known. ``parts`` take the value apart, in order, where it has parts.
    """

    id: str
    name: str
    purpose: str
    kind: Kind
    stage: Stage
    value: bytes | None = field(default=None, repr=False)
    why: str = ""
    secret: bool = True
    length: int | None = None
    sender: Sender | None = None
    message: int | None = None
    path: Path = ()
    origin: Origin = "unknown"
    parts: tuple[KeyPart, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyContext:
    """What a step binds in beside its inputs: a transcript hash, the randoms, a nonce, or nothing.

    ``text`` describes it. ``messages``: the indices of the messages that it covers; ``value``: its bytes, None when
    they are not known, then ``why`` says why.
    """

    text: str
    messages: tuple[int, ...] = ()
    value: bytes | None = field(default=None, repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True)
class KeyStep:
    """One derivation: ``output`` (a node's id) from ``inputs`` (ids, in the function's order).

    ``function``: HKDF-Extract (inputs: salt, IKM), Derive-Secret, HKDF-Expand-Label, HMAC, PRF, SSL 3 KDF, cut, RSA
    decryption, or the name of the key exchange's group. ``label`` without "tls13 ".
    """

    output: str
    function: str
    label: str
    inputs: tuple[str, ...]
    context: KeyContext | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A handshake's key schedule. ``nodes`` in an order in which inputs come before what follows from them.

    ``handshake``: 0, or the number of the renegotiation. ``notes``: what is to be said about all of it; without any
    node, why there is none. ``hash_name``: hashlib's, of HKDF or the PRF
    ("md5+sha1" before TLS 1.2).
    """

    family: Family | None
    version: int | None = None
    suite: str | None = None
    hash_name: str | None = None
    handshake: int = 0
    nodes: tuple[KeyNode, ...] = ()
    steps: tuple[KeyStep, ...] = ()
    notes: tuple[str, ...] = ()

    def node(self, id: str) -> KeyNode | None:
        """The node of that id."""
        return next((node for node in self.nodes if node.id == id), None)

    def step(self, id: str) -> KeyStep | None:
        """The step that makes the node of that id; None for what comes from outside."""
        return next((step for step in self.steps if step.output == id), None)

    def uses(self, id: str) -> tuple[str, ...]:
        """The ids of the nodes that follow from one."""
        return tuple(step.output for step in self.steps if id in step.inputs)
