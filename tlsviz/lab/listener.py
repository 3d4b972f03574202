"""A TCP listener on 127.0.0.1 in a thread of this process; what it says to a client is its subclass's business."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import Self

CLIENT_PATIENCE = 10.0
"""How long one client may take for everything, in seconds."""
MOST_CLIENTS = 20
_SLICE = 0.05


class Listener:
    """Serves until closed: ``with SomeListener(...) as server: ... server.port``."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Raises OSError when the port cannot be had; ``port`` 0 takes a free one."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=16)
        self._listener.setblocking(False)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.stop = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._slots = threading.BoundedSemaphore(MOST_CLIENTS)
        self._thread = threading.Thread(target=self._accept, name=f"lab:{self.port}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening; clients in the middle of something are dropped within 50 ms."""
        self.stop.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        self._thread.join(2)
        for sock in (self._listener, self._wake, self._woken):
            sock.close()

    def answer(self, client: socket.socket) -> None:
        """One client's conversation, on a non-blocking socket; may raise OSError when the client goes away."""
        raise NotImplementedError

    def _accept(self) -> None:
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        while not self.stop.is_set():
            poller.poll()
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                if not self._slots.acquire(blocking=False):
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), name="lab client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One client, whatever it does."""
        try:
            with client, contextlib.suppress(OSError):
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.answer(client)
        finally:
            self._slots.release()


class Waiter:
    """Waits for a client's socket, until the client has had its time or the listener is closed."""

    def __init__(self, sock: socket.socket, stop: threading.Event) -> None:
        self._sock = sock
        self._stop = stop
        self._deadline = time.monotonic() + CLIENT_PATIENCE

    def wait(self, events: int) -> None:
        """Returns when one of ``select.poll``'s events is there; raises TimeoutError otherwise."""
        poller = select.poll()
        poller.register(self._sock, events)
        while not poller.poll(_SLICE * 1000):
            if self._stop.is_set() or time.monotonic() > self._deadline:
                raise TimeoutError

    def read(self, size: int = 4096) -> bytes:
        """What the client says next, b"" when it has closed."""
        self.wait(select.POLLIN)
        return self._sock.recv(size)

    def write(self, data: bytes) -> None:
        """Says all of ``data``."""
        while data:
            self.wait(select.POLLOUT)
            data = data[self._sock.send(data) :]
