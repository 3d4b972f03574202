"""The transcript: the hash over all handshake messages so far, headers included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsviz.crypto.hashing import digest, new_hash

if TYPE_CHECKING:
    from hashlib import _Hash

MESSAGE_HASH = 254


class Transcript:
    """Handshake messages in order. The hash is known only later, so any can be asked for at any time."""

    __slots__ = ("_messages", "_running")

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self._running: dict[str, _Hash] = {}

    def add(self, message: bytes) -> None:
        """Appends a whole handshake message, its 4-byte header included."""
        self._messages.append(message)
        for running in self._running.values():
            running.update(message)

    def hash(self, hash_name: str) -> bytes:
        """The digest of everything so far. Raises `Unopened` if the hash is not supported."""
        running = self._running.get(hash_name)
        if running is None:
            running = new_hash(hash_name)
            for message in self._messages:
                running.update(message)
            self._running[hash_name] = running
        return running.digest()

    def data(self) -> bytes:
        """Everything so far, unhashed: what TLS 1.2's CertificateVerify signs."""
        return b"".join(self._messages)

    def replace_with_message_hash(self, hash_name: str) -> None:
        """Puts the synthetic message_hash in the place of everything so far (RFC 9846 section 4.4.1).

        To be called when a HelloRetryRequest came, before it is added.
        """
        inner = digest(hash_name, self.data())
        self._running.clear()
        self._messages = [bytes([MESSAGE_HASH]) + len(inner).to_bytes(3, "big") + inner]

    def copy(self) -> Transcript:
        """An independent transcript that starts with the same messages."""
        twin = Transcript()
        twin._messages = list(self._messages)
        twin._running = {name: running.copy() for name, running in self._running.items()}
        return twin
