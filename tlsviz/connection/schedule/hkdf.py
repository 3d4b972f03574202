"""HKDF's steps as nodes: what the stages of TLS 1.3's key schedule are drawn with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tlsviz.connection.handshakes import Handshake, readable, transcript
from tlsviz.connection.keys import NO_KEYS
from tlsviz.connection.model import Message
from tlsviz.connection.schedule.build import NOTHING, Builder
from tlsviz.connection.schedule.model import KeyContext, Stage
from tlsviz.crypto import schedule as crypto
from tlsviz.crypto.hashing import digest, hash_length
from tlsviz.wire.chunks import Sender
from tlsviz.wire.text import shorten

ONE_WAY = "the key log holds traffic secrets, not the secret they come from, and HKDF cannot be turned round"


class Hkdf:
    """Enters derived values of one handshake. ``unknown``: why secrets above the traffic secrets are not known."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self.h: Handshake = builder.handshake
        self.hash = builder.suite.prf_hash
        self.size = hash_length(self.hash)
        self.unknown = ONE_WAY if builder.logged else NO_KEYS

    def extract(self, id: str, name: str, purpose: str, stage: Stage, inputs: tuple[str, str], why: str) -> str:
        """HKDF-Extract: ``inputs`` are salt and IKM; ``why``: what to say when it is not known."""
        compute = partial(crypto.hkdf_extract, self.hash)
        return self.b.derive(
            id,
            name,
            purpose,
            "secret",
            stage,
            function="HKDF-Extract",
            inputs=inputs,
            compute=compute,
            why=why,
            length=self.size,
        )

    def secret(
        self,
        id: str,
        purpose: str,
        stage: Stage,
        source: str,
        label: str,
        context: KeyContext,
        sender: Sender | None = None,
        why: str = "",
        name: str = "",
    ) -> str:
        """Derive-Secret; a client's or server's is a traffic secret."""
        known = self.b.value(source) is not None
        return self.b.derive(
            id,
            name or id,
            purpose,
            "traffic_secret" if sender else "secret",
            stage,
            function="Derive-Secret",
            inputs=(source,),
            compute=lambda secret, hashed: crypto.derive_secret(self.hash, secret, label, hashed, self.b.version),
            label=label,
            context=context,
            why="" if known else why or self.not_logged(source),
            length=self.size,
            sender=sender,
        )

    def not_logged(self, source: str) -> str:
        name = self.b.nodes[source].name
        return (
            f"the key log does not hold it, and the {name} that it comes from is not known"
            if self.b.logged
            else NO_KEYS
        )

    def derived(self, id: str, source: str, stage: Stage) -> None:
        """The salt of the next stage: Derive-Secret(., "derived", "")."""
        purpose = "the salt of the next stage"
        context = KeyContext("the hash of nothing", value=digest(self.hash, b""))
        self.secret(id, purpose, stage, source, "derived", context, name="derived")

    def expand(self, label: str, size: int) -> Callable[[bytes, bytes], bytes]:
        """HKDF-Expand-Label without context, as `Builder.derive` calls it."""
        return lambda secret, _: crypto.hkdf_expand_label(self.hash, secret, label, b"", size, self.b.version)

    def finished_key(self, secret: str, stage: Stage, sender: Sender) -> None:
        """The key of a Finished's or binder's MAC."""
        self.b.derive(
            f"{secret}.finished_key",
            "finished_key",
            f"the key of the {sender}'s Finished" if "traffic" in secret else "the key of the binder's MAC",
            "finished_key",
            stage,
            function="HKDF-Expand-Label",
            inputs=(secret,),
            compute=self.expand("finished", self.size),
            label="finished",
            context=NOTHING,
            length=self.size,
            sender=sender,
        )

    def hash_through(self, last: Message | None, text: str) -> KeyContext:
        """The transcript hash up to and with a message."""
        return self.hash_of(self.h.through(last) if last is not None else (), text)

    def hash_of(self, messages: tuple[Message, ...], text: str) -> KeyContext:
        """The transcript hash over some messages."""
        indices = tuple(message.index for message in messages)
        made = transcript(messages, self.hash) if messages else None
        if made is not None:
            return KeyContext(f"transcript hash, {text}", indices, made.hash(self.hash))
        sealed = next((message for message in messages if not readable(message)), None)
        why = "a message that the transcript covers was not seen"
        if sealed is not None:
            why = f"the transcript covers {shorten(sealed.type, 40)}, which cannot be read"
        return KeyContext(f"transcript hash, {text}", indices, None, why)
