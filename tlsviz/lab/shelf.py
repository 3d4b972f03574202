"""Files over plain HTTP on 127.0.0.1, as authorities publish their certificates and lists (RFC 5280 4.2.2.1)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping

import h11

from tlsviz.lab.listener import Listener, Waiter

TYPES = {"cer": "application/pkix-cert", "p7c": "application/pkcs7-mime", "crl": "application/pkix-crl"}
"""Media types by a name's ending (RFC 2585 4, RFC 5273)."""


class Shelf(Listener):
    """Gives every file that ``files`` has: ``/name`` to content. They may be put there later. Others are not found."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        super().__init__()

    @property
    def url(self) -> str:
        """Where the files lie, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def answer(self, client: socket.socket) -> None:
        waiter, http = Waiter(client, self.stop), h11.Connection(h11.SERVER)
        with contextlib.suppress(h11.RemoteProtocolError):
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(waiter.read())
            if isinstance(event, h11.Request):
                waiter.write(self._response(http, event))

    def _response(self, http: h11.Connection, request: h11.Request) -> bytes:
        path = request.target.decode("ascii", "replace")
        found = self.files.get(path)
        headers = [
            ("Content-Type", TYPES.get(path.rpartition(".")[2], "text/plain")),
            ("Content-Length", str(len(found or b""))),
            ("Connection", "close"),
        ]
        answer = http.send(h11.Response(status_code=404 if found is None else 200, headers=headers)) or b""
        return answer + (found or b"") * (request.method != b"HEAD")
