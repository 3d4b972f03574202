"""What a teller works with: one message of one connection, and the sentences said about it so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tlsviz.connection.model import Connection, Message, Proof
from tlsviz.connection.titles import bytes_of
from tlsviz.explain.words import words
from tlsviz.tls.context import TLS_1_3, layout
from tlsviz.tls.registry import GREASE
from tlsviz.wire.nodes import Node, notes
from tlsviz.wire.text import plural, shorten

NAME_WIDTH = 80
"""No name that a peer wrote takes more characters than this of a sentence."""


class Sentence(NamedTuple):
    """One sentence of a narration, safe to print.

    ``provenance``: wire, decrypted, computed, inferred or unknown. ``field``: the dotted path of the node it is
    about (`Node.get` from the message's tree); "" for none. ``secret``: it quotes decrypted application data, so it
    is shown only where secrets may be.
    """

    text: str
    provenance: str = "wire"
    field: str = ""
    secret: bool = False


class Narration(NamedTuple):
    """What happens at one step, with the values of this connection.

    ``key``: the words that explain such steps in general (`words`); ``lead``: the step in one or two sentences, where
    a side speaks in its own voice; ``odd``: what is unusual or dangerous here.
    """

    key: str
    title: str
    lead: str
    sentences: tuple[Sentence, ...] = ()
    odd: tuple[str, ...] = ()
    reference: str = ""


@dataclass(slots=True)
class Scene:
    """A message in its connection, and the story that grows.

    ``key``: the words that explain it in general, where the message's type alone does not name them.
    """

    connection: Connection
    message: Message
    lead: str = ""
    key: str = ""
    sentences: list[Sentence] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def tls13(self) -> bool:
        """Whether TLS 1.3 (or a draft of it) was negotiated."""
        version = self.connection.version
        return version is not None and (layout(version.code) or 0) >= TLS_1_3

    def node(self, path: str) -> Node | None:
        """The message's node at a dotted path."""
        return self.message.tree.get(path) if self.message.tree is not None else None

    def say(self, text: str, field: str = "", provenance: str = "") -> None:
        """Adds a sentence; its provenance is the message's own unless another is given."""
        about = field if field and self.node(field) is not None else ""
        self.sentences.append(Sentence(text, provenance or self.message.provenance, about))

    def proof(self, *what: str) -> Proof | None:
        """The first proof of these names; one about this very message wins."""
        found = [proof for proof in self.connection.proofs if proof.what in what]
        return next((p for p in found if p.message == self.message.index), found[0] if found else None)

    def tell_proof(self, proof: Proof | None, verified: str, failed: str) -> None:
        """A sentence on what became of a proof; nothing if it was never tried."""
        if proof is None:
            return
        if proof.status == "verified":
            self.say(f"Recomputed here, and it fits: {verified}", provenance="computed")
        elif proof.status == "failed":
            self.say(f"Recomputed here, and it does not fit: {failed}", provenance="computed")
            self.odd.append(f"The proof failed: {shorten(proof.why, 160)}.")
        else:
            self.say(f"It cannot be checked here: {shorten(proof.why, 160)}.", provenance="unknown")

    def tell_faults(self) -> None:
        """What is wrong with the message's bytes, the first three places."""
        faults = list(_first(notes(self.message.tree), 4)) if self.message.tree is not None else []
        said = self.message.note or ""
        if said and not any(node.note and node.note in said for node in faults):
            self.odd.append(sentence(shorten(said, 200)))
        for node in faults[:3]:
            self.odd.append(sentence(f"Field {node.name} at byte {node.start}: {shorten(node.note or '', 160)}"))
        if len(faults) > 3:
            self.odd.append("More of its fields are marked as faulty.")

    def narration(self, title: str) -> Narration:
        """The finished story."""
        key = self.key or f"message.{self.message.type}"
        known = words(key)
        lead = self.lead or (known.what if known else f"A message of {plural(bytes_of(self.message), 'byte')}.")
        reference = known.reference if known else ""
        return Narration(key, title, lead, tuple(self.sentences), tuple(dict.fromkeys(self.odd)), reference)


def elements(node: Node | None, name: str = "") -> list[Node]:
    """The elements of a vector's node, without its length field; only those of that name if one is given."""
    if node is None:
        return []
    return [inner for inner in node.children if (inner.name == name if name else inner.name != "length")]


def called(node: Node) -> str:
    """A code point's name, else its number in hex; a text's label."""
    if node.label:
        return shorten(node.label, NAME_WIDTH)
    if isinstance(node.value, int):
        return f"0x{node.value:0{max(node.length, 1) * 2}x}"
    return f"{node.length} bytes"


def real(nodes: Iterable[Node]) -> list[Node]:
    """Code points without GREASE values."""
    return [node for node in nodes if node.label != GREASE]


def listing(names: Iterable[str], limit: int = 4, word: str = "and") -> str:
    """``a, b and c``; beyond ``limit``: ``a, b, c, d and 9 more``."""
    found = list(names)
    if len(found) > limit + 1:
        return f"{', '.join(found[:limit])} and {len(found) - limit} more"
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {word} {found[-1]}"


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', '…')) else '.'}" if text else ""


def name(text: str) -> str:
    """A name that a peer wrote, safe and not too long."""
    return shorten(text, NAME_WIDTH)


def span(seconds: float) -> str:
    """A duration: ``0.3 ms``, ``87 ms``, ``1.2 s``."""
    if seconds < 0.0001:
        return "less than 0.1 ms"
    if seconds < 0.001:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def number(node: Node | None) -> int | None:
    """A node's value if it is a number."""
    return node.value if node is not None and isinstance(node.value, int) else None


def _first(items: Iterator[Node], count: int) -> Iterator[Node]:
    for _, item in zip(range(count), items, strict=False):
        yield item
