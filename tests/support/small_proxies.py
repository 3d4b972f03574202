"""Small proxies on 127.0.0.1, HTTP's CONNECT and SOCKS 5: they lead to a server, or do not."""

from __future__ import annotations

import base64
import contextlib
import re
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from odd_servers import Play, playing, wait_for_end

Led = Callable[[int], int]
"""The port on 127.0.0.1 that a port asked for leads to."""


class Proxy(NamedTuple):
    """``scheme`` and ``login`` as --proxy has them; ``play`` makes what speaks, or None where nothing listens."""

    scheme: str
    play: Callable[[Led], Play] | None
    login: str = ""

    @contextlib.contextmanager
    def serve(self, led: Led) -> Iterator[str]:
        """Runs it; gives what --proxy takes."""
        with _nothing() if self.play is None else playing(self.play(led)) as port:
            yield f"{self.scheme}://{self.login}{'@' if self.login else ''}127.0.0.1:{port}"


def _nothing() -> AbstractContextManager[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return contextlib.nullcontext(int(sock.getsockname()[1]))


def http(login: str = "", answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Callable[[Led], Play]:
    """CONNECT; ``login``: the user:password it wants. Another ``answer`` than 200 is a refusal."""
    wanted = b"Basic " + base64.b64encode(login.encode())

    def make(led: Led) -> Play:
        def play(sock: socket.socket) -> None:
            head = b""
            while b"\r\n\r\n" not in head and head[:1] in b"C" and (more := sock.recv(4096)):
                head += more
            asked = re.match(rb"CONNECT \S+:(\d+) HTTP/1\.1\r\n", head)
            if asked is None:
                sock.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            elif login and wanted not in head:
                sock.sendall(
                    b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'
                )
            elif b" 200 " not in answer:
                sock.sendall(answer)
            else:
                _lead(sock, led(int(asked[1])), answer)

        return play

    return make


def socks5(login: str = "", reply: int = 0) -> Callable[[Led], Play]:
    """SOCKS 5 that takes names only, as it is to look them up; ``reply``: the code of its refusal."""

    def make(led: Led) -> Play:
        def play(sock: socket.socket) -> None:
            methods = sock.recv(2)[1]
            offered = sock.recv(methods)
            method = 2 if login else 0
            sock.sendall(bytes([5, method if method in offered else 0xFF]))
            if method not in offered or (login and not _logged_in(sock, login)):
                return
            _, _, _, kind = sock.recv(4)
            assert kind == 3, "an address was asked for: the name was looked up before"
            sock.recv(sock.recv(1)[0])
            port = int.from_bytes(sock.recv(2), "big")
            told = bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
            if reply:
                sock.sendall(told)
            else:
                _lead(sock, led(port), told)

        return play

    return make


def _logged_in(sock: socket.socket, login: str) -> bool:
    user, _, password = login.partition(":")
    said = (sock.recv(sock.recv(2)[1]), sock.recv(sock.recv(1)[0]))
    right = said == (user.encode(), password.encode())
    sock.sendall(bytes([1, 0 if right else 1]))
    return right


def _lead(sock: socket.socket, port: int, answer: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 3) as far:
        sock.sendall(answer)
        relay(sock, far)


def playing_as(play: Play) -> Callable[[Led], Play]:
    """Something that is no proxy."""
    return lambda _led: play


silent_proxy = playing_as(wait_for_end)


def relay(near: socket.socket, far: socket.socket) -> None:
    """Carries bytes both ways until one side ends."""
    while True:
        ready, _, _ = select.select([near, far], [], [], 3)
        if not ready:
            return
        for sock in ready:
            data = sock.recv(65536)
            if not data:
                return
            (far if sock is near else near).sendall(data)
