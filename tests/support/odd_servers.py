"""Small servers that misbehave in one way each."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

Play = Callable[[socket.socket], None]


@contextlib.contextmanager
def playing(play: Play) -> Iterator[int]:
    """A server on 127.0.0.1 that plays its part with each client; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def client(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(3)
            play(sock)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while not stopped.is_set():
                sock, _ = listener.accept()
                threading.Thread(target=client, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopped.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(1)


def reset(sock: socket.socket) -> None:
    """Closes with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def saying(answer: bytes, then: Play | None = None) -> Play:
    """Reads the hello, answers, and closes (or does ``then``)."""

    def play(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(answer)
        (then or (lambda _: None))(sock)

    return play


def wait_for_end(sock: socket.socket) -> None:
    """Reads until the client goes."""
    while sock.recv(65536):
        pass


def silent(sock: socket.socket) -> None:
    wait_for_end(sock)


def flood(piece: bytes) -> Play:
    """Sends the same bytes for as long as anyone takes them."""

    def play(sock: socket.socket) -> None:
        sock.recv(65536)
        while True:
            sock.sendall(piece)

    return play


def trickle(piece: bytes, pause: float) -> Play:
    """Sends one byte after another, slowly."""

    def play(sock: socket.socket) -> None:
        sock.recv(65536)
        for byte in piece:
            sock.sendall(bytes([byte]))
            time.sleep(pause)

    return play


def alert(description: int, level: int = 2, version: int = 0x0303) -> bytes:
    """An alert record in the clear."""
    return struct.pack(">BHHBB", 21, version, 2, level, description)
