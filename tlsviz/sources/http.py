"""One HTTP request over the new connection, so that there is application data to see: HTTP/1.1, or HTTP/2 by ALPN."""

from __future__ import annotations

from typing import Protocol

import h11

import tlsviz
from tlsviz.sources.target import DEFAULT_PORT, Target, authority

LONGEST_RESPONSE = 64 * 1024
PLAIN_PORT = 80


class Conversation(Protocol):
    """A GET request and as much of its response as is worth reading."""

    request: bytes
    done: bool

    def receive(self, data: bytes) -> None:
        """Takes bytes of the response; ``done`` once it is whole, too long, or not what it should be."""

    def outgoing(self) -> bytes:
        """What is to be sent by now, beside the request."""


class Exchange:
    """A request in HTTP/1.1 (RFC 9112)."""

    def __init__(self, target: Target, name: str | None, instead: bytes = b"", scheme: str = "https") -> None:
        """``name``: the server name that was sent, which is also what Host says; None for the target's own.

        ``instead``: what to send in place of the request, whatever it is.
        """
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_RESPONSE)
        self._received = 0
        self.done = False
        headers = [("Host", _host(target, name, scheme)), *_HEADERS, ("Connection", "close")]
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

    def outgoing(self) -> bytes:
        """Nothing: in HTTP/1.1 the request is all."""
        return b""


class Exchange2:
    """The same request in HTTP/2 (RFC 9113), on its first stream."""

    def __init__(self, target: Target, name: str | None) -> None:
        """``name``: as `Exchange` has it."""
        from h2.config import H2Configuration
        from h2.connection import H2Connection

        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._received = 0
        self.done = False
        self._connection.initiate_connection()
        pseudo = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", _host(target, name, "https")),
            (":path", target.path),
        ]
        headers = [*pseudo, *((key.lower(), value) for key, value in _HEADERS)]
        self._connection.send_headers(1, headers, end_stream=True)
        self.request = self._connection.data_to_send()

    def receive(self, data: bytes) -> None:
        """Takes decrypted bytes; ``done`` once the stream has ended, too much has come, or it is no HTTP/2."""
        from h2.events import ConnectionTerminated, DataReceived, StreamEnded, StreamReset
        from h2.exceptions import H2Error

        self._received += len(data)
        try:
            for event in self._connection.receive_data(data):
                if isinstance(event, DataReceived) and event.flow_controlled_length:
                    self._connection.acknowledge_received_data(event.flow_controlled_length, 1)
                self.done = self.done or isinstance(event, (StreamEnded, StreamReset, ConnectionTerminated))
        except (H2Error, ValueError):
            self.done = True
        if self._received >= LONGEST_RESPONSE:
            self.done = True

    def outgoing(self) -> bytes:
        """Acknowledgements, and more room for the server to send into."""
        return self._connection.data_to_send()


def conversation(protocol: bytes, exchange: Exchange, target: Target, name: str | None) -> Conversation:
    """What speaks the protocol that ALPN chose: ``exchange``, or the same request in HTTP/2."""
    return Exchange2(target, name) if protocol == b"h2" else exchange


_HEADERS = (("User-Agent", f"tlsviz/{tlsviz.__version__}"), ("Accept", "*/*"))


def _host(target: Target, name: str | None, scheme: str) -> str:
    usual = PLAIN_PORT if scheme == "http" else DEFAULT_PORT
    return authority(name or target.host.partition("%")[0], target.port, usual)
