"""Sessions that can be resumed: their secrets, by what a client resumes them with."""

from __future__ import annotations

MOST_SESSIONS = 20_000


class Sessions:
    """Master secrets by session ID and by ticket, in TLS 1.3 pre-shared keys by ticket.

    Shared by all connections of a source; the oldest go first when there are too many.
    """

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, bytes], bytes] = {}

    def learn(self, session_id: bytes, ticket: bytes, master: bytes) -> None:
        """Remembers a master secret; an empty session ID or ticket is none."""
        self._learn("id", session_id, master)
        self._learn("ticket", ticket, master)

    def learn_psk(self, ticket: bytes, psk: bytes) -> None:
        """Remembers the pre-shared key of a ticket of TLS 1.3."""
        self._learn("psk", ticket, psk)

    def psk(self, identity: bytes) -> bytes | None:
        """The pre-shared key of a ticket of TLS 1.3."""
        return self._secrets.get(("psk", identity))

    def _learn(self, kind: str, name: bytes, secret: bytes) -> None:
        if not name:
            return
        self._secrets.pop((kind, name), None)
        self._secrets[kind, name] = secret
        if len(self._secrets) > MOST_SESSIONS:
            del self._secrets[next(iter(self._secrets))]

    def master(self, session_id: bytes, ticket: bytes) -> bytes | None:
        """The master secret of the session that a client resumes."""
        return self._secrets.get(("ticket", ticket)) or self._secrets.get(("id", session_id))
