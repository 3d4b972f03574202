"""The way to a server: name lookup and TCP connection, each step marked with its time, every wait bounded."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tlsviz.connection.failure import Failure, FailureKind
from tlsviz.errors import CancelledError
from tlsviz.sources.target import is_address
from tlsviz.wire.chunks import CLIENT, SERVER, Mark
from tlsviz.wire.text import safe

SLICE = 0.05
"""How long at most nobody looks whether the user has cancelled, in seconds."""
FIRST_ADDRESS_LIMIT = 3.0
"""How long at most an address may keep the next one waiting, in seconds."""
MOST_ADDRESSES = 6

READ, WRITE = select.POLLIN, select.POLLOUT

_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EACCES,
    errno.EPERM,
    errno.EINVAL,
}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


def _never() -> bool:
    return False


class Patience:
    """A deadline and the user's wish to stop, for every wait of one handshake.

    ``idle`` is called when nothing has come for a while (`SLICE`): then there is time to show what has come so far.
    """

    def __init__(
        self, timeout: float, cancelled: Callable[[], bool] = _never, idle: Callable[[], None] | None = None
    ) -> None:
        self.timeout = timeout
        self.cancelled = cancelled
        self.idle = idle
        now = time.monotonic()
        self._deadline = now + timeout
        self._epoch = time.time() - now

    def now(self) -> float:
        """Unix time, in seconds, that never jumps back."""
        return self._epoch + time.monotonic()

    def left(self, limit: float | None = None) -> float:
        """Seconds until the deadline, or until ``limit`` seconds from now if that is sooner; never negative."""
        left = self._deadline - time.monotonic()
        return max(left if limit is None else min(left, limit), 0.0)

    def check(self) -> None:
        """Raises CancelledError if the user has cancelled."""
        if self.cancelled():
            raise CancelledError("Stopped", "the handshake was cancelled")

    def slices(self, limit: float | None = None) -> Iterator[float]:
        """The lengths of the waits, in seconds, that make up ``limit``: short enough to notice a cancel."""
        until = time.monotonic() + self.left(limit)
        while True:
            self.check()
            left = until - time.monotonic()
            yield max(min(left, SLICE), 0.0)
            if left <= SLICE:
                return
            if self.idle is not None:
                self.idle()

    def extend(self, seconds: float) -> None:
        """Puts the deadline off: this time was the user's own."""
        self._deadline += seconds

    def ready(self, sock: socket.socket, events: int, seconds: float) -> bool:
        """Whether the socket becomes ready within so many seconds; asks nobody else."""
        poller = select.poll()
        poller.register(sock, events)
        return bool(poller.poll(seconds * 1000))

    def wait(self, sock: socket.socket, events: int, limit: float | None = None) -> bool:
        """Whether the socket became ready within the deadline and ``limit`` seconds."""
        return any(self.ready(sock, events, seconds) for seconds in self.slices(limit))


class Address(NamedTuple):
    """Where to connect to: what ``socket.socket`` and ``connect`` take."""

    family: socket.AddressFamily
    place: tuple[str, int] | tuple[str, int, int, int]

    @property
    def text(self) -> str:
        return self.place[0]


class Dialled(NamedTuple):
    """The socket and the address it is connected to; or why there is none, and the address tried last."""

    sock: socket.socket | None
    address: Address | None
    failure: Failure | None


Told = Callable[[Mark], None]


def _unheard(_mark: Mark) -> None:
    """Nobody draws this connection."""


def look_up(host: str, port: int, patience: Patience, mark: Told = _unheard) -> list[Address] | Failure:
    """The addresses of a host, in the system's order of preference."""
    if is_address(host):
        return _numeric(host, port)
    mark(Mark("name_lookup", CLIENT, patience.now(), (), safe(host)))
    found: list[list[Address] | OSError | UnicodeError] = []
    done = threading.Event()

    def resolve() -> None:
        try:
            found.append(_resolve(host, port))
        except (OSError, UnicodeError) as error:
            found.append(error)
        done.set()

    # A resolver cannot be interrupted; a daemon thread can be left behind.
    threading.Thread(target=resolve, name="tlsviz-lookup", daemon=True).start()
    if not any(done.wait(seconds) for seconds in patience.slices()):
        return Failure("name_lookup_failed", f"no answer within {patience.timeout:g} s")
    result = found[0]
    if not isinstance(result, list):
        return _lookup_failure(result)
    if not result:
        return Failure("name_not_found", "the name has no address")
    addresses = ", ".join(dict.fromkeys(address.text for address in result))
    mark(Mark("name_lookup", CLIENT, patience.now(), (), f"{safe(host)} is {addresses}"))
    return result


def _numeric(host: str, port: int) -> list[Address]:
    flags = socket.AI_NUMERICHOST
    try:
        infos = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM, flags=flags)
    except OSError:
        # An address with a zone that this machine does not have.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [Address(family, (host.partition("%")[0], port))]
    return [Address(info[0], info[4]) for info in infos[:1]]  # type: ignore[arg-type]


def _resolve(host: str, port: int) -> list[Address]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [Address(info[0], info[4]) for info in infos]  # type: ignore[arg-type]
    return list(dict.fromkeys(addresses))[:MOST_ADDRESSES]


def _lookup_failure(error: OSError | UnicodeError) -> Failure:
    missing = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
    if isinstance(error, UnicodeError):
        return Failure("name_not_found", "this name cannot exist in the domain name system")
    kind: FailureKind = "name_not_found" if error.errno in missing else "name_lookup_failed"
    return Failure(kind, safe(error.strerror or str(error)))


def dial(addresses: list[Address], patience: Patience, mark: Told = _unheard) -> Dialled:
    """Connects to the first address that answers, one after the other."""
    failure: Failure | None = None
    for position, address in enumerate(addresses):
        last = position == len(addresses) - 1
        limit = patience.left() if last else min(patience.left() / 2, FIRST_ADDRESS_LIMIT)
        sock, why = _connect(address, patience, limit, mark)
        if sock is not None:
            return Dialled(sock, address, None)
        if failure is None or why.telling > failure.telling:
            failure = why
        if not patience.left():
            break
    return Dialled(None, addresses[-1] if addresses else None, failure)


def _connect(address: Address, patience: Patience, limit: float, mark: Told) -> tuple[socket.socket | None, Failure]:
    """One TCP connection attempt; the failure counts only where there is no socket."""
    place = f"[{address.text}]" if ":" in address.text else address.text
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:
        return None, _refusal(error.errno or 0, place, patience, mark)
    sock.setblocking(False)
    mark(Mark("syn", CLIENT, patience.now(), (), f"{place}:{address.place[1]}"))
    try:
        code = sock.connect_ex(address.place)
    except OSError as error:
        code = error.errno or errno.EINVAL
    try:
        if code == errno.EINPROGRESS:
            if not patience.wait(sock, WRITE, limit):
                sock.close()
                mark(Mark("timeout", CLIENT, patience.now(), (), f"no answer from {place}"))
                return None, Failure("connect_timeout", f"{place} did not answer within {limit:.3g} s")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    except BaseException:
        sock.close()
        raise
    if code:
        sock.close()
        return None, _refusal(code, place, patience, mark)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    mark(Mark("connected", SERVER, patience.now(), (), f"{place}:{address.place[1]}"))
    return sock, Failure("error", "")


def _refusal(code: int, place: str, patience: Patience, mark: Told) -> Failure:
    words = errno_words(code)
    if code == errno.ECONNREFUSED:
        mark(Mark("refused", SERVER, patience.now(), (), place))
        return Failure("refused", f"{place}: {words}")
    if code == errno.ETIMEDOUT:
        mark(Mark("timeout", CLIENT, patience.now(), (), place))
        return Failure("connect_timeout", f"{place}: {words}")
    if code in _RESET:
        mark(Mark("rst", SERVER, patience.now(), (), place))
        return Failure("reset", f"{place}: {words}")
    if code in _UNREACHABLE:
        mark(Mark("unreachable", SERVER, patience.now(), (), f"{place}: {words}"))
        return Failure("unreachable", f"{place}: {words}")
    mark(Mark("error", CLIENT, patience.now(), (), f"{place}: {words}"))
    return Failure("error", f"{place}: {words}")


def errno_words(code: int) -> str:
    import os

    return os.strerror(code).lower()
