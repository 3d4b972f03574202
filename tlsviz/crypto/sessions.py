"""Sessions that can be resumed: the master secrets of TLS 1.2 and earlier, by what a client resumes them with."""

from __future__ import annotations

MOST_SESSIONS = 20_000


class Sessions:
    """Master secrets by session ID and by ticket, shared by all connections of a source; the oldest go first."""

    def __init__(self) -> None:
        self._masters: dict[tuple[str, bytes], bytes] = {}

    def learn(self, session_id: bytes, ticket: bytes, master: bytes) -> None:
        """Remembers a master secret; an empty session ID or ticket is none."""
        for key in (("id", session_id), ("ticket", ticket)):
            if not key[1]:
                continue
            self._masters.pop(key, None)
            self._masters[key] = master
            if len(self._masters) > MOST_SESSIONS:
                del self._masters[next(iter(self._masters))]

    def master(self, session_id: bytes, ticket: bytes) -> bytes | None:
        """The master secret of the session that a client resumes."""
        return self._masters.get(("ticket", ticket)) or self._masters.get(("id", session_id))
