"""Encrypted ClientHellos of a connection: what was inside, and whether the server took it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsviz.crypto.hashing import supported
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls import suites
from tlsviz.tls.views import ServerHello
from tlsviz.wire.nodes import Node

if TYPE_CHECKING:
    from tlsviz.crypto.ech import Outer

SECRET, CONFIG = "ECH_SECRET", "ECH_CONFIG"


class EncryptedHellos:
    """Follows the hellos. ``inner``: each inner hello by its outer one's message index; ``secrets``: what opened them.

    ``accepted``: whether the server took the inner hello; None as long as nobody can tell. ``random``: its random.
    """

    __slots__ = ("_first", "_outer", "_said", "accepted", "inner", "keylog", "secrets")

    def __init__(self, keylog: KeyLog) -> None:
        self.keylog = keylog
        self.inner: dict[int, bytes] = {}
        self.secrets: dict[str, bytes] = {}
        self.accepted: bool | None = None
        self._first: Outer | None = None
        self._outer: dict[int, Outer] = {}
        self._said: list[tuple[str, bytes]] = []

    @property
    def random(self) -> bytes:
        return next(iter(self.inner.values()), b"")[6:38]

    def client_hello(self, tree: Node, data: bytes, message: int) -> None:
        """A ClientHello that can be read; opened if the key log has what it takes."""
        if tree.name != "client_hello" or len(self._outer) == 2:
            return
        outer = _outer(tree)
        if outer is None:
            return
        number = len(self._outer)
        self._outer[message] = outer
        self._first = self._first or outer
        secret, config = self.keylog.get(SECRET, data[6:38]), self.keylog.get(CONFIG, data[6:38])
        if secret is None or config is None:
            return
        from tlsviz.crypto.ech import inner_hello

        cipher = outer._replace(kdf=self._first.kdf, aead=self._first.aead)
        found = inner_hello(data, cipher, secret, config, number)
        if found is not None:
            self.inner[message] = found
            self.secrets = {SECRET: secret, CONFIG: config}
            self._said.append(("client_hello", found))

    def retry(self, data: bytes) -> None:
        """A HelloRetryRequest."""
        self._said.append(("hello_retry_request", data))

    def server_hello(self, hello: ServerHello, data: bytes) -> None:
        """The ServerHello: holds the sign, or not."""
        suite = suites.suite(hello.cipher_suite)
        if self.accepted is not None or len(self.inner) != len(self._outer) or not self.inner:
            return
        if suite is None or not suite.tls13 or not supported(suite.prf_hash):
            return
        from tlsviz.crypto.ech import SIGNAL, acceptance

        said = Transcript()
        for kind, message in self._said:
            if kind == "hello_retry_request":
                said.replace_with_message_hash(suite.prf_hash)
            said.add(message)
        self.accepted = acceptance(suite.prf_hash, said, self.random, data) == data[SIGNAL]


def _outer(tree: Node) -> Outer | None:
    """The outer hello's extension; None if it is none, or damaged."""
    node = tree.get("extensions.encrypted_client_hello")
    if node is None:
        return None
    kdf, aead, payload = node.get("cipher_suite.kdf_id"), node.get("cipher_suite.aead_id"), node.child("payload")
    if kdf is None or aead is None or payload is None or not payload.children:
        return None
    if not isinstance(kdf.value, int) or not isinstance(aead.value, int):
        return None
    from tlsviz.crypto.ech import Outer

    return Outer(kdf.value, aead.value, slice(payload.children[0].end, payload.end))
