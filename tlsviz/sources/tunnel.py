"""A connection through a proxy for what is said beside TLS: plain HTTP, and the fetching of certificates.

What TLS is spoken over goes the same way, but by `tapped`, which keeps every byte.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.connection.failure import Failure
from tlsviz.sources.dial import READ, WRITE, Patience, dial, errno_words, look_up
from tlsviz.sources.proxy import Proxy
from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Said, Speech

READ_SIZE = 4096


class Way(NamedTuple):
    """A socket that leads to the server, non-blocking; ``came``: what the server has said already."""

    sock: socket.socket
    came: bytes = b""


class _EndedError(Exception):
    """The proxy is gone, or silent: why, in words."""


def opened(place: tuple[str, int], proxy: Proxy | None, patience: Patience) -> Way | Failure:
    """A connection to a host (or address) and port, through the proxy if there is one; or why there is none.

    A failure on the way to the proxy, or of its own, is of a proxy's kind: it says nothing of the server. Raises
    CancelledError.
    """
    first = place if proxy is None else (proxy.host, proxy.port)
    found = look_up(*first, patience)
    if isinstance(found, Failure):
        return found if proxy is None else _on_the_way(found)
    dialled = dial(found, patience)
    if dialled.sock is None:
        failure = dialled.failure or Failure("error")
        return failure if proxy is None else _on_the_way(failure)
    if proxy is None:
        return Way(dialled.sock)
    with contextlib.ExitStack() as stack:
        stack.enter_context(dialled.sock)
        speech = Speech(*place)
        failed = _asked(dialled.sock, proxy.dialogue(speech), patience)
        if failed is not None:
            return failed
        stack.pop_all()
    return Way(dialled.sock, speech.rest())


def _on_the_way(failure: Failure) -> Failure:
    return Failure("proxy_broken", f"on the way to the proxy: {failure.detail}")


def _asked(sock: socket.socket, dialogue: Dialogue, patience: Patience) -> Failure | None:
    """Carries the dialogue to its end; why the way is not open, if it is not."""
    try:
        for said in _turns(sock, dialogue, patience):
            _send(sock, said.wire, patience)
    except RefusedError as error:
        return Failure("proxy_refused", f"the proxy refuses: {error}")
    except GarbledError as error:
        return Failure("proxy_garbled", f"what answers is no such proxy: {error}")
    except _EndedError as error:
        return Failure("proxy_broken", f"the proxy: {error}")
    return None


def _turns(sock: socket.socket, dialogue: Dialogue, patience: Patience) -> Iterator[Said]:
    """What is to be said, each before the next bytes are read."""
    came: bytes | None = None
    while True:
        try:
            said = dialogue.send(came)  # type: ignore[arg-type]  # the first is None
        except StopIteration as end:
            yield end.value
            return
        yield said
        came = _receive(sock, patience)


def _send(sock: socket.socket, data: bytes, patience: Patience) -> None:
    try:
        while data:
            if not patience.wait(sock, WRITE):
                raise _EndedError("it takes nothing in time")
            data = data[sock.send(data) :]
    except OSError as error:
        raise _EndedError(errno_words(error.errno or 0)) from None


def _receive(sock: socket.socket, patience: Patience) -> bytes:
    try:
        if not patience.wait(sock, READ):
            raise _EndedError("no answer in time")
        data = sock.recv(READ_SIZE)
    except OSError as error:
        raise _EndedError(errno_words(error.errno or 0)) from None
    if not data:
        raise _EndedError("it closed the connection without an answer")
    return data
