"""One live handshake, from the name lookup to the farewell, and what it asks and hears in between.

Whatever the server does ends in a Connection: what came is shown, and why it stopped is its diagnosis.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.engine import Engine
from tlsviz.connection.failure import Failure
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.crypto.keylog import PSK, KeyLog
from tlsviz.errors import CancelledError
from tlsviz.pki import stores
from tlsviz.sources.dial import SLICE, Address, Patience, dial, look_up
from tlsviz.sources.evidence import gather
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.tape import Tape
from tlsviz.sources.target import Target, is_address
from tlsviz.wire.chunks import CLIENT, Mark
from tlsviz.wire.text import clock

if TYPE_CHECKING:
    import socket

    from tlsviz.pki.vouchers import SecondOpinion
    from tlsviz.sources.http import Exchange
    from tlsviz.sources.service import ServiceRecord
    from tlsviz.sources.session import LiveSession
    from tlsviz.sources.tapped import TappedConnection

Update = Callable[[Connection], None]

HTTP_WAIT = 2.0
"""How long to wait for the HTTP response, in seconds."""
HTTP_GUESS_WAIT = 0.5
"""The same at least, in seconds, where ALPN did not agree on HTTP."""
TICKET_WAIT = 0.02
"""How long at least to wait for what the server sends by itself, in seconds."""
LAST_LOOK = 0.05
"""How long what has come may still be taken apart when the user has stopped, in seconds."""
GOODBYE_WAIT = 0.1
"""How long to wait for the server's end of the farewell, in seconds."""


class Handshake:
    """One handshake under way."""

    def __init__(
        self,
        target: Target,
        options: LiveOptions,
        update: Update | None,
        cancelled: Callable[[], bool] | None,
        number: int = 0,
        offered: LiveSession | None = None,
        early: bytes = b"",
    ) -> None:
        """``offered``: the session to resume; ``early``: 0-RTT data, as far as that allows it."""
        self.session: LiveSession | None = None
        self._number = number
        self._offered = offered
        self._early = early
        self._target = target
        self._options = options
        self._name = options.name_for(target)
        self._update = update
        self._place = options.first_place(target)
        self._patience = Patience(options.timeout, cancelled or (lambda: False), self._show)
        self._keylog = KeyLog()
        host, port = self._place
        self.tape = Tape(server=Endpoint(host if is_address(host) else "", port))
        self._engine = self._new_engine()
        self._failure: Failure | None = None
        self._established = False
        self._followed = 0
        self._shown = 0
        self._service: ServiceRecord | None = None

    def run(self) -> Connection:
        """To its end, whatever that is; `session` and `tape` are there afterwards."""
        # Whatever takes time is done before the clock matters: imports, trust stores, OpenSSL's context.
        from tlsviz.sources.http import Exchange
        from tlsviz.sources.openssl import client_context
        from tlsviz.sources.second import OpinionTaker
        from tlsviz.sources.tapped import TappedConnection

        judges = self._stores()
        context = client_context(self._options, self._take_secret)
        exchange = Exchange(self._target, self._name, self._early)
        peer = TappedConnection(context, self._name, self._patience, self.tape.inputs.append)
        host, at = self._name or self._target.host, self._options.at
        opinion = OpinionTaker(context, peer.ssl, judges[-1], host, at) if judges else None
        self._service = self._service_record()
        peer.prepare(self._offered, self._early)
        peer.split = self._options.split_hello
        if self._options.gate is not None:
            from tlsviz.sources.gate import Hold

            peer.hold = Hold(self._options.gate)
        if self._offered is not None and self._offered.psk:
            # The callback tells everything but this: without it nobody could check the binder.
            random = peer.ssl.client_random() or b""
            self._take_secret(f"{PSK} {random.hex()} {self._offered.psk.hex()}".encode())
        try:
            sock = self._reach()
            if sock is not None:
                with sock:
                    peer.attach(sock)
                    self._speak(peer, exchange)
        except CancelledError:
            self._show(LAST_LOOK)
            raise
        if self._service is not None:
            self._service.note(self.tape.inputs, self._followed, last=True)
        self._follow()
        self._engine.finish()
        return self._judged(judges, opinion.verdict() if opinion else None)

    def _judged(self, judges: tuple[stores.Store, ...], opinion: SecondOpinion | None) -> Connection:
        """The connection with what is to be said about it: the diagnosis, then the verdicts."""
        connection = self._engine.connection()
        # OpenSSL knows better than the engine whether the handshake came to its end.
        outcome = dataclasses.replace(connection, complete=self._established)
        found = diagnose(outcome, self._failure, live=True)
        name = self._name or self._target.host
        evidence = gather(connection, judges, self._options, opinion, self._patience.cancelled)
        return judged(connection, judges, self._options.at, name, failure=found, live=True, evidence=evidence)

    def _stores(self) -> tuple[stores.Store, ...]:
        if self._options.ca is not None:
            return (stores.from_file(self._options.ca),)
        if self._options.stores is not None:
            return self._options.stores
        return (stores.mozilla(), stores.system())

    # -- what the engine and the screen get ------------------------------------------------------------------

    def _new_engine(self) -> Engine:
        name = self._name or (None if self._target.is_address else self._target.host)
        return Engine(self._number, self.tape.client, self.tape.server, self._keylog, server_name=name)

    def _take_secret(self, line: bytes) -> None:
        self.tape.keylog.append(line)
        self._keylog.add_text(line, "this handshake")

    def _follow(self, limit: float | None = None) -> None:
        """Gives the engine what has happened since; late, because its work would make the times wrong.

        ``limit``: the seconds after which the rest is left out.
        """
        until = None if limit is None else time.monotonic() + limit
        if self._service is not None:
            self._service.note(self.tape.inputs, self._followed)
        for item in self.tape.inputs[self._followed :]:
            if until is not None and time.monotonic() > until:
                break
            self._engine.receive(item)
            self._followed += 1

    def _show(self, limit: float | None = None) -> None:
        """Gives a snapshot if there is something new. Called while nothing comes."""
        if self._update is None or self._shown == len(self.tape.inputs):
            return
        self._shown = len(self.tape.inputs)
        self._follow(limit)
        self._update(self._engine.connection())

    # -- the steps -------------------------------------------------------------------------------------------

    def _service_record(self) -> ServiceRecord | None:
        """The question for the name's HTTPS record, once for a name that is looked up anyway."""
        host, port = self._place
        if self._number or self._target.is_address or host != self._target.host:
            return None
        from tlsviz.sources.service import ServiceRecord, asked_of

        return ServiceRecord(host, port, self._patience.now) if asked_of(host) else None

    def _reach(self) -> socket.socket | None:
        """Name lookup and TCP connection."""
        if self._service is not None:
            self._service.ask()
        addresses = look_up(*self._place, self._patience, self.tape.inputs.append)
        if isinstance(addresses, Failure):
            self.tape.inputs.append(Mark("error", CLIENT, self._patience.now(), (), addresses.detail))
            self._failure = self._whose(addresses)
            return None
        dialled = dial(addresses, self._patience, self.tape.inputs.append)
        self._failure = self._whose(dialled.failure) if dialled.failure is not None else None
        self._name_ends(dialled.address, dialled.sock)
        return dialled.sock

    def _whose(self, failure: Failure) -> Failure:
        """The failure, with the words that it is the proxy's where there is one: the target was never tried."""
        if self._options.proxy is None:
            return failure
        return failure._replace(detail=f"on the way to the proxy: {failure.detail}")

    def _name_ends(self, address: Address | None, sock: socket.socket | None) -> None:
        """The two ends are known only now: a new engine gets them, and what has happened so far."""
        if address is None:
            return
        self.tape.server = Endpoint(address.place[0], address.place[1])
        if sock is not None:
            own = sock.getsockname()
            self.tape.client = Endpoint(str(own[0]), int(own[1]))
        self._engine = self._new_engine()
        self._followed = 0

    def _speak(self, peer: TappedConnection, exchange: Exchange) -> None:
        """The handshake, the HTTP request and the farewell, as far as each comes."""
        from tlsviz.sources.tapped import MOST_BYTES

        limit = self._options.timeout
        self._failure = self._ask_for_tls(peer) or peer.drive(
            peer.ssl.do_handshake, limit, f"no whole handshake within {limit:.3g} s"
        )
        peer.in_packets = False
        if self._failure is None:
            self._established = True
            peer.most = MOST_BYTES
            self._failure = self._converse(peer, exchange)
            # While the server takes its leave the ladder is drawn: judging comes after that, and takes longer.
            self._show(LAST_LOOK)
            if self._number + 1 < self._options.visits:
                from tlsviz.sources.session import taken

                self.session = taken(peer.ssl)
            self._say_goodbye(peer)
        elif self._failure.kind == "tls":
            peer.listen(GOODBYE_WAIT)
        if not peer.reset:
            self.tape.inputs.append(Mark("fin", CLIENT, self._patience.now()))

    def _ask_for_tls(self, peer: TappedConnection) -> Failure | None:
        """What is said in plaintext first: to a proxy, and to a server that has to be asked for TLS."""
        if self._options.proxy is None and self._options.starttls is None:
            return None
        from tlsviz.sources.upgrade import dialogues

        for dialogue, kinds in dialogues(self._options, self._target, self._name):
            if (failure := peer.talk(dialogue, kinds)) is not None:
                return failure
        if self._options.starttls == "mssql":
            peer.wrap()
        return None

    def _converse(self, peer: TappedConnection, exchange: Exchange) -> Failure | None:
        """One HTTP request; with another protocol agreed on, only what the server says by itself."""
        from tlsviz.sources.http import conversation

        protocol = peer.ssl.get_alpn_proto_negotiated()
        if not self._options.speaks_http or (protocol not in (b"", b"http/1.1", b"h2") and not self._early):
            return peer.drive(lambda: _read_on(peer), max(2 * peer.longest_turn, TICKET_WAIT))
        # Without ALPN nobody has said that this server speaks HTTP at all: it gets less time to answer.
        limit = HTTP_WAIT if protocol else min(max(20 * peer.longest_turn, HTTP_GUESS_WAIT), HTTP_WAIT)
        awaited = f"no whole HTTP response within {clock(limit)}"
        talk = exchange if self._early else conversation(protocol, exchange, self._target, self._name)
        request = talk.request[self._taken_early(peer) :]
        failure = peer.drive(lambda: peer.ssl.sendall(request), limit, awaited) if request else None
        until = peer.clock() + limit
        late = peer.clock() + SLICE
        while failure is None and not talk.done:
            if peer.clock() > late:
                # An answer that goes on and on leaves no pause to show what is there.
                self._show(LAST_LOOK)
                late = until
            failure = peer.drive(lambda: talk.receive(peer.ssl.recv(16384)), until - peer.clock(), awaited)
            if failure is None and (more := talk.outgoing()):
                failure = peer.drive(partial(peer.ssl.sendall, more), until - peer.clock(), awaited)
        return failure

    def _taken_early(self, peer: TappedConnection) -> int:
        """How many bytes of the request have reached the server as 0-RTT data that it took."""
        if not peer.early:
            return 0
        self._follow()
        return peer.early if self._engine.facts.early_accepted else 0

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
