"""A TLS client connection whose every byte is tapped: our socket below, OpenSSL over memory BIOs above."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from OpenSSL import SSL

from tlsviz.connection import tds
from tlsviz.connection.failure import Failure, FailureKind
from tlsviz.errors import UsageError
from tlsviz.sources.dial import READ, WRITE, Patience, errno_words
from tlsviz.sources.openssl import reason
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Input, Mark, MarkKind, Sender

if TYPE_CHECKING:
    from tlsviz.sources.gate import Hold
    from tlsviz.sources.session import LiveSession
    from tlsviz.sources.starttls.speech import Dialogue
    from tlsviz.sources.upgrade import Kinds

READ_SIZE = 16384
MOST_HANDSHAKE = 1 << 18
"""How much is taken from a server before the handshake is done, in bytes: more than the longest chains need."""
MOST_BYTES = 1 << 20
"""How much is taken from a server at all, in bytes."""
SPLIT_PAUSE = 0.02
"""Seconds between the two halves of a ClientHello that is cut in two: enough for two segments."""
LAST_WORDS = 4096
"""How much is taken from a server after the end, in bytes."""
FIRST_BYTES = 256
"""How much of the server's first bytes a failure remembers."""


class TappedConnection:
    """Carries bytes between OpenSSL and the socket, and gives each to ``feed`` with its time."""

    def __init__(
        self,
        context: SSL.Context,
        name: str | None,
        patience: Patience,
        feed: Callable[[Input], None],
    ) -> None:
        """``name``: the server name to send, None for none. Give it a socket by `attach` before all else."""
        self.ssl = SSL.Connection(context, None)
        self.ssl.set_connect_state()
        if name is not None:
            self.ssl.set_tlsext_host_name(name.encode("ascii"))
        # Browsers ask for a stapled OCSP response too; without the question no server may send one (RFC 6066 8).
        self.ssl.request_ocsp()
        self.ended = False
        """The server has closed or reset the transport."""
        self.reset = False
        self.early = 0
        """How many bytes of 0-RTT data go with the ClientHello."""
        self.split = False
        """Cut the ClientHello into two records, in two segments."""
        self.longest_turn = 0.0
        """The longest time between something sent and the answer to it, in seconds."""
        self.in_packets = False
        """Whether what is sent goes inside of TDS packets, as while TLS shakes hands with an SQL Server."""
        self._patience = patience
        self._feed = feed
        self.hold: Hold | None = None
        """What holds each flight before it passes (step mode)."""
        self._unwrapping: tds.Unwrapping | None = None
        self.most = MOST_HANDSHAKE
        """How many bytes the server may send in all."""
        self._taken = 0
        self._start = bytearray()
        self._last_at: float | None = None
        self._sent_at: float | None = None
        self._send_error: OSError | None = None

    def prepare(self, session: LiveSession | None = None, early: bytes = b"") -> None:
        """Writes the ClientHello, before the clock matters. Raises UsageError when nothing is left to offer.

        ``session``: to be resumed; ``early``: 0-RTT data to go with it, of which the session's ticket may allow less
        (`early` says how much).
        """
        early = early[: session.early_data] if session is not None else b""
        try:
            if session is not None:
                self._resume(session, early)
            if not early:
                self.ssl.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            why = reason(error) or "OpenSSL cannot make a ClientHello"
            hint = "Allow more with --min, --max, --ciphers, --groups and --sigalgs."
            raise UsageError("These options leave nothing to offer", why, hint) from None

    def _resume(self, session: LiveSession, early: bytes) -> None:
        from tlsviz.sources.session import offer, write_early

        offer(self.ssl, session)
        if early:
            write_early(self.ssl, early)
            self.early = len(early)

    def attach(self, sock: socket.socket) -> None:
        """Takes a connected, non-blocking socket."""
        self._sock = sock

    def clock(self) -> float:
        """Monotonic seconds, without those that the wire was held: what every limit is measured by."""
        return time.monotonic() - (self.hold.seconds if self.hold is not None else 0.0)

    def talk(self, dialogue: Dialogue, kinds: Kinds) -> Failure | None:
        """Carries a plaintext dialogue to its end; the failure, of one of these kinds, if TLS cannot follow."""
        from tlsviz.sources.starttls.speech import GarbledError, RefusedError

        until = self.clock() + self._patience.left()
        came: bytes | None = None
        failure: Failure | None
        try:
            while True:
                said = dialogue.send(came)  # type: ignore[arg-type]  # the first is None
                failure = self._send(said.wire, said.shown) if said.wire else None
                answer = failure or self._receive(until)
                if isinstance(answer, Failure):
                    return self._stopped_talking(answer, kinds)
                came = answer
        except StopIteration as end:
            failure = self._send(end.value.wire, end.value.shown) if end.value.wire else None
            # What was said before TLS is no part of its handshake: none of it may count as an answer to the hello.
            self._start.clear()
            self._taken, self._last_at = 0, None
            return failure
        except RefusedError as error:
            return self._failure(kinds.refused, str(error))
        except GarbledError as error:
            return self._failure(kinds.garbled, str(error))

    def _stopped_talking(self, failure: Failure, kinds: Kinds) -> Failure:
        if failure.kind == "timeout":
            awaited = f"the answer did not come within {self._patience.timeout:.3g} s"
            return self._gave_up(failure, awaited)._replace(kind=kinds.stalled)
        return failure._replace(kind=kinds.broken)

    def wrap(self) -> None:
        """From now on TLS travels inside of TDS packets; `in_packets` ends it for what is sent."""
        self.in_packets = True
        self._unwrapping = tds.Unwrapping(first=False)

    def drive(self, step: Callable[[], object], limit: float, awaited: str = "") -> Failure | None:
        """Repeats a step of OpenSSL's until it is done, carrying bytes both ways; the failure if it cannot be done.

        ``limit`` in seconds; when it is reached a mark says so in the words of ``awaited``, none if there are no words.
        """
        until = self.clock() + self._patience.left(limit)
        while True:
            failure, done = None, False
            try:
                step()
                done = True
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                failure = self._refusal(error)
            failure = self.flush() or failure
            if failure is not None or done:
                return failure
            came = self._receive(until)
            if isinstance(came, Failure):
                return self._gave_up(came, awaited)
            if self._unwrapping is not None:
                came = self._unwrapping.unwrapped(came)
            if came:
                self.ssl.bio_write(came)

    def listen(self, limit: float) -> None:
        """Taps what still comes within ``limit`` seconds, a little at most, without working on it."""
        until = self.clock() + self._patience.left(limit)
        most = self._taken + LAST_WORDS
        while self._taken < most and not self.ended:
            if isinstance(self._receive(until), Failure):
                break

    def flush(self) -> Failure | None:
        """Sends what OpenSSL has to say."""
        pending = bytearray()
        while True:
            try:
                pending += self.ssl.bio_read(65536)
            except SSL.WantReadError:
                break
        if self.split and pending:
            self.split = False
            first, second = halves(bytes(pending))
            failure = self._send(first)
            time.sleep(SPLIT_PAUSE)
            return failure or self._send(second)
        data = tds.packets(bytes(pending)) if self.in_packets else bytes(pending)
        return self._send(data) if data else None

    def _send(self, data: bytes, shown: bytes | None = None) -> Failure | None:
        """``shown``: what is told of it, of the same length, where it holds a secret."""
        failure = self._held_up(CLIENT, shown or data)
        at = self._patience.now()
        sent = 0
        while sent < len(data) and failure is None:
            try:
                sent += self._sock.send(data[sent:])
            except BlockingIOError:
                if not self._patience.wait(self._sock, WRITE):
                    failure = self._failure("timeout", "the server does not take what is sent")
            except OSError as error:
                # The server's last words may still wait to be read: receiving will meet with the same end.
                self._send_error = error
                break
        if sent:
            self._feed(Chunk(CLIENT, at, (shown or data)[:sent]))
            self._sent_at = at
        return failure

    def _receive(self, until: float) -> bytes | Failure:
        """The next bytes, before ``until`` by `clock`; or why none come."""
        if self._taken >= self.most:
            return self._failure("too_much", f"the server has sent more than {self.most >> 10:,} KiB")
        while True:
            left = until - self.clock()
            if left <= 0 or not self._patience.wait(self._sock, READ, left):
                return self._failure("timeout")
            try:
                data = self._sock.recv(READ_SIZE)
            except BlockingIOError:
                continue
            except OSError as error:
                return self._broken(error)
            break
        if not data and self._send_error is not None:
            return self._broken(self._send_error)
        if not data:
            return self._closed()
        now = self._patience.now()
        self._held_up(SERVER, data)
        self._feed(Chunk(SERVER, now, data))
        if self._sent_at is not None:
            self.longest_turn = max(self.longest_turn, now - self._sent_at)
            self._sent_at = None
        self._taken += len(data)
        self._last_at = time.monotonic()
        self._start += data[: max(FIRST_BYTES - len(self._start), 0)]
        return data

    def _held_up(self, sender: Sender, data: bytes) -> Failure | None:
        """Holds a flight in step mode; the failure if the server does not wait for it."""
        if self.hold is None:
            return None
        gone: list[Failure] = []

        def look(seconds: float) -> bool:
            self._patience.check()
            if sender == SERVER or not self._patience.ready(self._sock, READ, seconds):
                return False
            try:
                if self._sock.recv(1, socket.MSG_PEEK):
                    return False
                gone.append(self._closed())
            except BlockingIOError:
                return False
            except OSError as error:
                gone.append(self._broken(error))
            return True

        if self._patience.idle is not None:
            self._patience.idle()
        self._patience.extend(self.hold.before(sender, data, look))
        return gone[0] if gone else None

    def _closed(self) -> Failure:
        self.ended = True
        self._feed(Mark("fin", SERVER, self._patience.now()))
        return self._failure("closed", "the server closed the connection")

    def _gave_up(self, failure: Failure, awaited: str) -> Failure:
        """Marks that our own side ends the waiting; what the server ended is marked already."""
        if failure.kind not in ("timeout", "too_much") or not awaited:
            return failure
        detail = failure.detail or awaited
        mark: MarkKind = "timeout" if failure.kind == "timeout" else "error"
        self._feed(Mark(mark, CLIENT, self._patience.now(), (), detail))
        return failure._replace(detail=detail)

    def _refusal(self, error: SSL.Error) -> Failure:
        """OpenSSL cannot go on with what it got, or has been told that this is the end."""
        if isinstance(error, SSL.ZeroReturnError):
            return self._failure("closed", "the server ended the TLS connection")
        return self._failure("tls", reason(error))

    def _broken(self, error: OSError) -> Failure:
        """The transport broke: a reset, nearly always."""
        self.ended = True
        words = errno_words(error.errno or 0)
        self.reset = isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError))
        if self.reset:
            self._feed(Mark("rst", SERVER, self._patience.now(), (), words))
            return self._failure("reset", words)
        self._feed(Mark("error", CLIENT, self._patience.now(), (), words))
        return self._failure("error", words)

    def _failure(self, kind: FailureKind, detail: str = "") -> Failure:
        quiet = None if self._last_at is None else time.monotonic() - self._last_at
        return Failure(kind, detail, bytes(self._start), self._taken, quiet, self._patience.timeout)


def halves(hello: bytes) -> tuple[bytes, bytes]:
    """The record with a ClientHello as two records, cut in its middle (RFC 8446 5.1 allows that)."""
    header, fragment = hello[:3], hello[5:]
    middle = len(fragment) // 2
    first, second = (header + len(part).to_bytes(2, "big") + part for part in (fragment[:middle], fragment[middle:]))
    return first, second
