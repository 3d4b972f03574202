"""Looking at both ports of a web server at once: TLS at the one, plain HTTP and its redirects at the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from tlsviz.connection.failure import Failure
from tlsviz.connection.http import reply, request_lines, spoken
from tlsviz.connection.ladder import connected
from tlsviz.connection.model import Connection, Source, SourceKind, Trace
from tlsviz.connection.ports import MOST_HOPS, Hop, Port, Ports, PortState, looks_like_tls, tls_port
from tlsviz.errors import CancelledError, UsageError
from tlsviz.sources.dial import READ, WRITE, Patience, errno_words
from tlsviz.sources.http import PLAIN_PORT, Exchange
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import DEFAULT_PORT, Target, authority, parse_host
from tlsviz.sources.tunnel import Way, opened
from tlsviz.sources.visits import visit
from tlsviz.wire.text import shorten

LONGEST_HEAD = 64 * 1024
HOP_PATIENCE = 5.0
"""How long one request may take at most, in seconds."""
_STATES: dict[str, PortState] = {
    "refused": "refused",
    "connect_timeout": "filtered",
    "unreachable": "unreachable",
    "reset": "reset",
}

Places = dict[tuple[str, int], str]
"""Where to find a host and port instead: ``address:port``, as `LiveOptions.resolve` has it."""


def look(
    target: Target,
    options: LiveOptions,
    plain_port: int = PLAIN_PORT,
    places: Places | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Ports:
    """What answers at the target's port and at the plain one, looked at in parallel within ``options.timeout``.

    Raises UsageError for options that cannot be followed, CancelledError when the user stopped it.
    """
    return _Look(target, options, plain_port, places or {}, cancelled).run()


def ports_trace(
    target: Target,
    options: LiveOptions,
    kind: SourceKind = "live",
    name: str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """The look at both ports as a trace, with the connection to the encrypted one."""
    found = look(target, options, cancelled=cancelled)
    connections = (found.connection,) if found.connection is not None else ()
    return Trace(Source(kind, name or str(target)), connections, (), found)


class _Look:
    """One look under way: two threads, each of which fills in its half."""

    def __init__(
        self,
        target: Target,
        options: LiveOptions,
        plain_port: int,
        places: Places,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._target = target
        self._options = replace(options.checked(), resume=0, early_data=None, save=None, alpn=("http/1.1",))
        self._plain = plain_port
        self._places = places
        self._cancelled = cancelled or (lambda: False)
        self._patience = Patience(options.timeout, self._cancelled)
        self._errors: list[BaseException] = []
        self._tls: tuple[Port, Connection] | None = None
        self._clear: tuple[Port, tuple[Hop, ...], str] | None = None

    def run(self) -> Ports:
        halves = [threading.Thread(target=self._guarded, args=(half,), daemon=True) for half in (self._a, self._b)]
        for half in halves:
            half.start()
        for half in halves:
            half.join()
        if self._errors:
            raise self._errors[0]
        if self._tls is None or self._clear is None:
            raise CancelledError("Stopped", "the look at the ports was cancelled")
        (port, connection), (plain, hops, ending) = self._tls, self._clear
        heard = spoken(connection)
        url = _url("https", self._target)
        secure = Hop(url, heard.request, heard.reply) if heard else None
        if secure is None and connection.complete:
            secure = Hop(url, (), None, "no answer in HTTP")
        return Ports(str(self._target), (port, plain), hops, ending, secure, connection)

    def _guarded(self, half: Callable[[], None]) -> None:
        """What goes wrong in a thread goes wrong in `run`."""
        try:
            half()
        except BaseException as error:
            self._errors.append(error)

    def _a(self) -> None:
        begun = time.monotonic()
        connection = self._shake(self._target)
        port = tls_port(self._target.port, connection, time.monotonic() - begun)
        if self._options.proxy is not None and not connected(connection):
            # It is the proxy that was not reached: nobody has asked the port.
            port = port._replace(state="failed")
        self._tls = port, connection

    def _b(self) -> None:
        begun = time.monotonic()
        start = self._target._replace(port=self._plain)
        hop, answer, failure = self._plain_hop(start)
        state, detail = self._plain_state(start, hop, answer, failure)
        port = Port(self._plain, "http", state, detail, time.monotonic() - begun)
        hops, ending = self._follow(hop) if hop.reply is not None and state == "http" else ((), "")
        self._clear = port, hops, ending

    # -- one request -----------------------------------------------------------------------------------------

    def _place(self, target: Target) -> str | None:
        return self._places.get((target.host, target.port))

    def _shake(self, target: Target) -> Connection:
        """A handshake and one request over it."""
        limit = max(min(self._patience.left(), HOP_PATIENCE), 0.05)
        resolve = self._place(target) or self._options.resolve
        options = replace(self._options, resolve=resolve, timeout=limit)
        if target.host != self._target.host:
            options = replace(options, servername=None)
        return visit(target, options, cancelled=self._cancelled).connections[0]

    def _plain_hop(self, target: Target) -> tuple[Hop, bytes, Failure | None]:
        """One request in the clear: the hop, the answer's bytes, and why there are none."""
        url = _url("http", target)
        patience = Patience(max(min(self._patience.left(), HOP_PATIENCE), 0.05), self._cancelled)
        own = replace(self._options, resolve=self._place(target) or _address(self._options.resolve))
        exchange = Exchange(target, None, scheme="http")
        request = request_lines(exchange.request)
        way = opened(own.place(target), own.by_way(), patience)
        if isinstance(way, Failure):
            return Hop(url, (), None, way.detail), b"", way
        with way.sock:
            answer, ended = _ask(way, exchange, patience)
        found_reply = reply(answer)
        fault = "" if found_reply else ended.detail if ended else "the answer is no HTTP"
        return Hop(url, request, found_reply, fault), answer, ended

    def _plain_state(self, target: Target, hop: Hop, answer: bytes, failure: Failure | None) -> tuple[PortState, str]:
        """What the plain port is. A port that does not answer HTTP is asked in TLS, too."""
        if not hop.request:
            state = _STATES.get(failure.kind if failure else "", "failed")
            return state, failure.detail if failure else ""
        if hop.reply is not None and not looks_like_tls(answer):
            return "http", hop.reply.words
        if self._patience.left() and any(m.sender == "server" for m in self._shake(target).messages):
            return "tls", "A ClientHello gets a TLS answer."
        if answer:
            return "other", f"The answer begins with: {shorten(answer[:32].decode('latin-1'), 60)}"
        kind = failure.kind if failure else ""
        return ("reset" if kind == "reset" else "silent"), failure.detail if failure else "closed without an answer"

    # -- redirects -------------------------------------------------------------------------------------------

    def _follow(self, first: Hop) -> tuple[tuple[Hop, ...], str]:
        """The hops that redirects lead to, and why they end where no page is."""
        hops = [first]
        seen = {first.url}
        while (where := hops[-1].target) is not None:
            if len(hops) >= MOST_HOPS:
                return tuple(hops), f"More than {MOST_HOPS - 1} redirects."
            try:
                scheme, target = _parsed(urljoin(hops[-1].url, where))
            except (UsageError, ValueError):
                return tuple(hops), f"The redirect leads to {shorten(where, 100)}, which is no web address."
            plain = _url(scheme, target)
            if plain in seen:
                return tuple(hops), f"A loop: {shorten(plain, 100)} was asked for before."
            if not self._patience.left():
                return tuple(hops), "There was no time left to follow them."
            seen.add(plain)
            hops.append(self._hop(scheme, target))
        return tuple(hops), ""

    def _hop(self, scheme: str, target: Target) -> Hop:
        if scheme == "http":
            return self._plain_hop(target)[0]
        connection = self._shake(target)
        heard = spoken(connection)
        if heard is not None:
            return Hop(_url(scheme, target), heard.request, heard.reply, "" if heard.reply else "no answer in HTTP")
        failure = connection.diagnosis
        return Hop(_url(scheme, target), (), None, failure.title if failure else "no answer in HTTP")


def _address(resolve: str | None) -> str | None:
    """The address of ``address:port``: another port than the one that was named for TLS is meant here."""
    if resolve is None:
        return None
    return parse_host(resolve).host


def _parsed(url: str) -> tuple[str, Target]:
    """Scheme and target of a web address; raises UsageError or ValueError."""
    scheme = urlsplit(url).scheme.lower()
    if scheme not in ("http", "https"):
        raise UsageError("Not a web address", scheme, "")
    target = parse_host("https://" + url.split("://", 1)[1])
    named = urlsplit(url).port
    return scheme, target if named or scheme == "https" else target._replace(port=PLAIN_PORT)


def _url(scheme: str, target: Target) -> str:
    usual = PLAIN_PORT if scheme == "http" else DEFAULT_PORT
    return f"{scheme}://{authority(target.host, target.port, usual)}{target.path}"


def _ask(way: Way, exchange: Exchange, patience: Patience) -> tuple[bytes, Failure | None]:
    """Sends the request and reads as much as makes the head of an answer."""
    sock, answer, request = way.sock, way.came, exchange.request
    try:
        while request:
            if not patience.wait(sock, WRITE):
                return answer, Failure("timeout", "the server does not take the request")
            request = request[sock.send(request) :]
        while not exchange.done and len(answer) < LONGEST_HEAD and b"\r\n\r\n" not in answer:
            if not patience.wait(sock, READ):
                return answer, Failure("timeout", "no answer in time")
            more = sock.recv(16384)
            if not more:
                return answer, Failure("closed", "closed without an answer")
            answer += more
            exchange.receive(more)
    except OSError as error:
        kind = "reset" if isinstance(error, (ConnectionResetError, BrokenPipeError)) else "error"
        return answer, Failure(kind, errno_words(error.errno or 0))  # type: ignore[arg-type]
    return answer, None
