"""A live handshake, from the name lookup to the farewell.

Whatever the server does ends in a Connection: what came is shown, and why it stopped is its diagnosis.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tlsviz.connection.diagnosis import Failure, diagnose
from tlsviz.connection.engine import Engine
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Endpoint, Source, SourceKind, Trace
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import CancelledError
from tlsviz.pki import stores
from tlsviz.sources.dial import Address, Patience, dial, look_up
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.tape import Tape
from tlsviz.sources.target import Target, is_address
from tlsviz.wire.chunks import CLIENT, Mark

if TYPE_CHECKING:
    import socket

    from tlsviz.sources.http import Exchange
    from tlsviz.sources.tapped import TappedConnection

Update = Callable[[Connection], None]

HTTP_WAIT = 2.0
"""How long to wait for the HTTP response, in seconds."""
HTTP_GUESS_WAIT = 0.03
"""The same at least, in seconds, where ALPN did not agree on HTTP."""
TICKET_WAIT = 0.02
"""How long at least to wait for what the server sends by itself, in seconds."""
GOODBYE_WAIT = 0.1
"""How long to wait for the server's end of the farewell, in seconds."""


def run_live(
    target: Target,
    options: LiveOptions,
    update: Update | None = None,
    cancelled: Callable[[], bool] | None = None,
    kind: SourceKind = "live",
    name: str | None = None,
) -> Trace:
    """Shakes hands with the target; always gives exactly one connection, failed or not.

    ``update`` gets a snapshot when something new has come; ``cancelled`` is asked at least every 50 ms. Raises
    UsageError for options that cannot be followed, CancelledError when the user stopped it, TlsvizError when the
    CA file cannot be read or the save file not be written. `ladder.connected` says whether TCP came about.
    """
    connection, tape = handshake(target, options, update, cancelled)
    if options.save is not None:
        from tlsviz.sources.record import save

        save(options.save, [tape], f"handshake with {target}")
    return Trace(Source(kind, name or str(target)), (connection,))


def handshake(
    target: Target,
    options: LiveOptions,
    update: Update | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Connection, Tape]:
    """Like `run_live`, for one connection and with the tape of it."""
    return _Handshake(target, options.checked(), update, cancelled).run()


class _Handshake:
    """One handshake under way."""

    def __init__(
        self,
        target: Target,
        options: LiveOptions,
        update: Update | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._target = target
        self._options = options
        self._name = options.name_for(target)
        self._update = update
        self._place = options.place(target)
        self._patience = Patience(options.timeout, cancelled or (lambda: False), self._show)
        self._keylog = KeyLog()
        host, port = self._place
        self._tape = Tape(server=Endpoint(host if is_address(host) else "", port))
        self._engine = self._new_engine()
        self._failure: Failure | None = None
        self._established = False
        self._followed = 0
        self._shown = 0

    def run(self) -> tuple[Connection, Tape]:
        # Whatever takes time is done before the clock matters: imports, trust stores, OpenSSL's context.
        from tlsviz.sources.http import Exchange
        from tlsviz.sources.openssl import client_context
        from tlsviz.sources.tapped import TappedConnection

        judges = self._stores()
        context = client_context(self._options, self._take_secret)
        exchange = Exchange(self._target, self._name)
        peer = TappedConnection(context, self._name, self._patience, self._tape.inputs.append)
        peer.prepare()
        try:
            sock = self._reach()
            if sock is not None:
                with sock:
                    peer.attach(sock)
                    self._speak(peer, exchange)
        except CancelledError:
            self._show()
            raise
        self._follow()
        self._engine.finish()
        return self._judged(judges), self._tape

    def _judged(self, judges: tuple[stores.Store, ...]) -> Connection:
        """The connection with what is to be said about it: the diagnosis, then the verdicts."""
        connection = self._engine.connection()
        # OpenSSL knows better than the engine whether the handshake came to its end.
        outcome = dataclasses.replace(connection, complete=self._established)
        found = diagnose(outcome, self._failure) if self._failure or not self._established else None
        name = self._name or self._target.host
        return judged(connection, judges, self._options.at, name, failure=found, live=True)

    def _stores(self) -> tuple[stores.Store, ...]:
        if self._options.ca is not None:
            return (stores.from_file(self._options.ca),)
        if self._options.stores is not None:
            return self._options.stores
        return (stores.mozilla(), stores.system())

    # -- what the engine and the screen get ------------------------------------------------------------------

    def _new_engine(self) -> Engine:
        name = self._name or (None if self._target.is_address else self._target.host)
        return Engine(client=self._tape.client, server=self._tape.server, keylog=self._keylog, server_name=name)

    def _take_secret(self, line: bytes) -> None:
        self._tape.keylog.append(line)
        self._keylog.add_text(line, "this handshake")

    def _follow(self) -> None:
        """Gives the engine what has happened since; late, because its work would make the times wrong."""
        for item in self._tape.inputs[self._followed :]:
            self._engine.receive(item)
        self._followed = len(self._tape.inputs)

    def _show(self) -> None:
        """Gives a snapshot if there is something new. Called while nothing comes."""
        if self._update is None or self._shown == len(self._tape.inputs):
            return
        self._shown = len(self._tape.inputs)
        self._follow()
        self._update(self._engine.connection())

    # -- the steps -------------------------------------------------------------------------------------------

    def _reach(self) -> socket.socket | None:
        """Name lookup and TCP connection."""
        addresses = look_up(*self._place, self._patience, self._tape.inputs.append)
        if isinstance(addresses, Failure):
            self._tape.inputs.append(Mark("error", CLIENT, self._patience.now(), (), addresses.detail))
            self._failure = addresses
            return None
        dialled = dial(addresses, self._patience, self._tape.inputs.append)
        self._failure = dialled.failure
        self._name_ends(dialled.address, dialled.sock)
        return dialled.sock

    def _name_ends(self, address: Address | None, sock: socket.socket | None) -> None:
        """The two ends are known only now: a new engine gets them, and what has happened so far."""
        if address is None:
            return
        self._tape.server = Endpoint(address.place[0], address.place[1])
        if sock is not None:
            own = sock.getsockname()
            self._tape.client = Endpoint(str(own[0]), int(own[1]))
        self._engine = self._new_engine()
        self._followed = 0

    def _speak(self, peer: TappedConnection, exchange: Exchange) -> None:
        """The handshake, the HTTP request and the farewell, as far as each comes."""
        limit = self._options.timeout
        self._failure = peer.drive(peer.ssl.do_handshake, limit, f"no whole handshake within {limit:.3g} s")
        if self._failure is None:
            self._established = True
            self._failure = self._converse(peer, exchange)
            self._say_goodbye(peer)
        elif self._failure.kind == "tls":
            peer.listen(GOODBYE_WAIT)
        if not peer.reset:
            self._tape.inputs.append(Mark("fin", CLIENT, self._patience.now()))

    def _converse(self, peer: TappedConnection, exchange: Exchange) -> Failure | None:
        """One HTTP request; with another protocol agreed on, only what the server says by itself."""
        protocol = peer.ssl.get_alpn_proto_negotiated()
        if protocol not in (b"", b"http/1.1"):
            return peer.drive(lambda: _read_on(peer), max(2 * peer.longest_turn, TICKET_WAIT))
        # Without ALPN nobody has said that this server speaks HTTP at all: it gets less time to answer.
        limit = HTTP_WAIT if protocol else min(max(20 * peer.longest_turn, HTTP_GUESS_WAIT), HTTP_WAIT)
        awaited = f"no whole HTTP response within {limit:.2g} s"
        failure = peer.drive(lambda: peer.ssl.sendall(exchange.request), limit, awaited)
        until = time.monotonic() + limit
        while failure is None and not exchange.done:
            failure = peer.drive(lambda: exchange.receive(peer.ssl.recv(16384)), until - time.monotonic(), awaited)
        return failure

    def _say_goodbye(self, peer: TappedConnection) -> None:
        """close_notify, and the server's."""
        from OpenSSL import SSL

        if not peer.reset:
            with contextlib.suppress(SSL.Error):
                peer.ssl.shutdown()
            peer.flush()
        if not peer.ended:
            peer.listen(GOODBYE_WAIT)


def _read_on(peer: TappedConnection) -> None:
    """Reads until nothing more is there (WantReadError)."""
    while True:
        peer.ssl.recv(16384)
