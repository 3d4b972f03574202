"""The walk along one handshake: what is known at each message, as both ends knew it there."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection.handshakes import Handshake, readable
from tlsviz.connection.model import Connection, Message, Proof, ProofStatus
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls import views
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Node

SSL3, TLS12 = 0x0300, 0x0303
SEALED = "the message is encrypted and the keys are not known"
LOST = "bytes before it are missing in the capture"


class Credential(NamedTuple):
    """A delegated credential (RFC 9345): the key that signs in the certificate's place, for which scheme."""

    key: bytes
    scheme: int


class Walk:
    """What the walk knows so far. ``broken``: why the transcript is not whole, "" while it is.

    ``leaf``: each side's own certificate (or raw public key), in DER; ``credential``: what signs in its place.
    ``finished``: verify_data of each side, as it was sent; None for one that could not be read. ``earlier``: those of
    the handshake before this one.
    """

    __slots__ = (
        "broken",
        "connection",
        "credential",
        "earlier",
        "finished",
        "handshake",
        "hash_name",
        "leaf",
        "randoms",
        "secrets",
        "transcript",
        "version",
    )

    def __init__(
        self,
        connection: Connection,
        handshake: Handshake,
        version: int,
        hash_name: str,
        secrets: dict[str, bytes],
        earlier: dict[Sender, bytes | None] | None = None,
    ) -> None:
        self.connection = connection
        self.handshake = handshake
        self.version = version
        self.hash_name = hash_name
        self.secrets = secrets
        self.earlier = earlier
        self.transcript = Transcript()
        self.randoms: dict[Sender, bytes] = {}
        self.leaf: dict[Sender, bytes] = {}
        self.credential: dict[Sender, Credential] = {}
        self.finished: dict[Sender, bytes | None] = {}
        self.broken = ""

    @property
    def tls13(self) -> bool:
        return self.handshake.tls13

    def failed(self, what: str, why: str, message: Message) -> Proof:
        """A check that came out wrong: failed, unless messages before it may be missing from the transcript."""
        if self._incomplete(message):
            return Proof(what, "not_provable", LOST, message.index)
        return Proof(what, "failed", why, message.index)

    def _incomplete(self, message: Message) -> bool:
        first = self.handshake.messages[0]
        if first.type not in ("client_hello", "ssl2_client_hello"):
            return True
        return any(hole.order < message.order for hole in self.connection.holes)

    def take(self, message: Message) -> None:
        """Goes on past a message."""
        if not readable(message) or message.buffer is None or message.tree is None:
            what = "a handshake message before it is not whole" if not message.whole else ""
            self.broken = self.broken or what or "a handshake message before it is encrypted and the keys are not known"
            return
        if message.type == "hello_retry_request":
            self.transcript.replace_with_message_hash(self.hash_name)
        self.transcript.add(message.hashed())
        self.learn(message, message.tree, message.buffer.data)

    def learn(self, message: Message, tree: Node, data: bytes) -> None:
        """Takes what later messages are checked by."""
        if message.type in ("client_hello", "ssl2_client_hello"):
            self.randoms[CLIENT] = views.hello_random(tree, data)
        elif message.type == "server_hello":
            self.randoms[SERVER] = views.hello_random(tree, data)
        elif (sent := message.certificate) is not None:
            found = views.certificates(sent.tree, sent.buffer.data)
            self.leaf.pop(message.sender, None)
            self.credential.pop(message.sender, None)
            if found:
                self.leaf[message.sender] = found[0][0]
                credential = _credential(sent.tree, sent.buffer.data)
                if credential is not None:
                    self.credential[message.sender] = credential


def entries(tree: Node) -> tuple[Node, ...]:
    """The entries of a TLS 1.3 Certificate: each with a certificate and extensions of its own."""
    block = tree.child("certificate_list")
    return tuple(entry for entry in block.children if entry.name == "certificate_entry") if block else ()


def content(node: Node | None, data: bytes) -> bytes:
    """The bytes behind a vector's length."""
    return data[node.children[0].end : node.end] if node is not None and node.children else b""


def number(node: Node | None) -> int | None:
    """The value of a field that is a number."""
    return node.value if node is not None and isinstance(node.value, int) else None


def _credential(tree: Node, data: bytes) -> Credential | None:
    found = entries(tree)
    node = found[0].get("extensions.delegated_credential.cred") if found else None
    scheme = number(node.child("dc_cert_verify_algorithm")) if node is not None else None
    key = content(node.child("ASN1_subjectPublicKeyInfo"), data) if node is not None else b""
    return Credential(key, scheme) if scheme is not None and key else None


def signature_of(tree: Node, data: bytes) -> bytes | None:
    """The bytes of a message's signature field."""
    node = tree.child("signature")
    return content(node, data) if node is not None else None


def status_of(status: str) -> ProofStatus:
    """A verdict as a proof's status."""
    return "verified" if status == "verified" else "failed" if status == "failed" else "not_provable"
