"""A web server without TLS on 127.0.0.1: what answers on a host's plain port, by path."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

import h11

from tlsviz.lab.listener import Listener, Waiter


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its status, where it redirects to, its Strict-Transport-Security header."""

    status: int = 200
    location: str | None = None
    hsts: str | None = None

    def headers(self, length: int) -> list[tuple[str, str]]:
        """The head, for so many bytes of content."""
        found = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(length))]
        found += [("Location", self.location)] if self.location is not None else []
        found += [("Strict-Transport-Security", self.hsts)] if self.hsts is not None else []
        return [*found, ("Connection", "close")]


@dataclass(frozen=True, slots=True)
class Site:
    """What a host's plain port answers, by path; ``speaks_tls``: it is a TLS server by mistake."""

    pages: Mapping[str, Page] = field(default_factory=dict)
    speaks_tls: bool = False


BODY = b"<!doctype html>\n<title>tlsviz lab</title>\n<p>In the clear.</p>\n"


class PlainServer(Listener):
    """Answers HTTP/1.1 requests with the pages of a site; unknown paths with 404, everything else with 400."""

    def __init__(self, site: Site, host: str = "127.0.0.1", port: int = 0) -> None:
        """Raises OSError when the port cannot be had; ``port`` 0 takes a free one."""
        self._site = site
        super().__init__(host, port)

    def answer(self, client: socket.socket) -> None:
        waiter, http = Waiter(client, self.stop), h11.Connection(h11.SERVER)
        page, body = Page(400), True
        with contextlib.suppress(h11.RemoteProtocolError):
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(waiter.read())
            if isinstance(event, h11.Request):
                page = self._site.pages.get(event.target.decode("ascii", "replace"), Page(404))
                body = event.method != b"HEAD"
        headers = page.headers(len(BODY))
        answer = http.send(h11.Response(status_code=page.status, headers=headers)) or b""
        waiter.write(answer + (BODY if body else b""))
        # What the client has said beyond its request is read, so that closing does not reset the answer.
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            while waiter.read():
                pass
