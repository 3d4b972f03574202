"""One HTTP/1.1 request over the new connection, so that there is application data to see."""

from __future__ import annotations

import h11

import tlsviz
from tlsviz.sources.target import Target, authority

LONGEST_RESPONSE = 64 * 1024


class Exchange:
    """A GET request and as much of its response as is worth reading."""

    def __init__(self, target: Target, name: str | None, instead: bytes = b"") -> None:
        """``name``: the server name that was sent, which is also what Host says; None for the target's own.

        ``instead``: what to send in place of the request, whatever it is.
        """
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_RESPONSE)
        self._received = 0
        self.done = False
        headers = [
            ("Host", authority(name or target.host.partition("%")[0], target.port)),
            ("User-Agent", f"tlsviz/{tlsviz.__version__}"),
            ("Accept", "*/*"),
            ("Connection", "close"),
        ]
        request = self._connection.send(h11.Request(method="GET", target=target.path, headers=headers))
        request = (request or b"") + (self._connection.send(h11.EndOfMessage()) or b"")
        self.request = instead or request

    def receive(self, data: bytes) -> None:
        """Takes decrypted bytes of the response; ``done`` once it is whole, too long, or not HTTP."""
        self._received += len(data)
        try:
            self._connection.receive_data(data)
            while not self.done:
                event = self._connection.next_event()
                if event in (h11.NEED_DATA, h11.PAUSED):
                    break
                self.done = isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed))
        except h11.RemoteProtocolError:
            self.done = True
        if self._received >= LONGEST_RESPONSE:
            self.done = True
