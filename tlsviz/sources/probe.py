"""Re-probes of a live target that failed: the same handshake with one thing changed each, few and in bounded time."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time
from collections.abc import Callable, Iterator

from tlsviz.connection.diagnosis import in_the_clear
from tlsviz.connection.failure import Failure
from tlsviz.connection.model import Connection, Probe
from tlsviz.connection.reprobes import answered_in_clear, conclude, judge, plan, reached, skipped
from tlsviz.connection.suspects import POST_QUANTUM
from tlsviz.connection.telling import real
from tlsviz.errors import UsageError
from tlsviz.sources.dial import READ, Address, Patience, look_up
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target, is_address
from tlsviz.sources.tunnel import Way, opened
from tlsviz.sources.visits import visit
from tlsviz.wire.text import safe

Told = Callable[[Probe], None]

ALL_THE_TIME = 30.0
"""Seconds for all re-probes of one target."""
PROBE_TIME = 4.0
"""Seconds for one of them, at most."""
PAUSE = 0.1
"""Seconds between two: a server that counts connections is to see a visitor, no flood."""
GREETING_WAIT = 0.5
"""Seconds that a server gets to speak first."""
ANSWER_SIZE = 1024
HTTP_PORT, HTTPS_PORT = 80, 443

_GROUPS = "X25519:P-256:P-384:P-521:X448:ffdhe2048:ffdhe3072"
_CURVES = "P-256:P-384:P-521"
"""The same without what a hello usually begins with."""
_SCHEMES = (
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA224:ECDSA+SHA224:RSA+SHA1:ECDSA+SHA1"
)
_OLDER_SUITES = "ALL:eNULL"
"""Without a secret that both sides share already, OpenSSL leaves PSK and SRP out of them."""
_TLS13_SUITES = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
    "TLS_SHA256_SHA256",
    "TLS_SHA384_SHA384",
)
"""All that are registered with OpenSSL's names: RFC 8446 B.4, and those that do not encrypt (RFC 9150)."""


def probed(
    target: Target,
    options: LiveOptions,
    connection: Connection,
    told: Told | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Connection:
    """The connection, which failed, with what its re-probes have shown; itself where none would tell anything.

    ``told`` gets each result as it comes. At most `reprobes.MOST_PROBES`, one after the other, in `ALL_THE_TIME`.
    Raises CancelledError.
    """
    prober = _Prober(target, options, connection, cancelled or (lambda: False))
    found = []
    for probe in prober.run(plan(connection)):
        found.append(probe)
        if told is not None:
            told(probe)
    return conclude(connection, tuple(found))


class _Prober:
    def __init__(
        self, target: Target, options: LiveOptions, connection: Connection, cancelled: Callable[[], bool]
    ) -> None:
        self._target = target
        self._options = options
        self._base = connection
        self._cancelled = cancelled
        self._until = time.monotonic() + ALL_THE_TIME

    def run(self, names: tuple[str, ...]) -> Iterator[Probe]:
        for place, name in enumerate(names):
            if place:
                self._pause()
            if self._until - time.monotonic() < PAUSE:
                yield skipped(name, "the time for re-probes is up")
            else:
                yield self._one(name)

    def _pause(self) -> None:
        for seconds in Patience(PAUSE, self._cancelled).slices():
            time.sleep(seconds)

    def _one(self, name: str) -> Probe:
        if name in _DIRECT and self._options.starttls:
            return skipped(name, "the server is asked for TLS by STARTTLS")
        if name in _AT_THE_ADDRESS and self._options.proxy:
            return skipped(name, "a proxy stands between: only it knows the address")
        if name == "plain_text":
            return self._plain_text()
        if name == "other_port":
            return self._other_port()
        try:
            options, words = self._changed(name)
            tried = visit(self._target, options, cancelled=self._cancelled).connections[0]
        except UsageError as error:
            return skipped(name, error.message or error.title)
        return judge(self._base, name, tried, words)

    # -- what is changed -------------------------------------------------------------------------------------

    @property
    def _time(self) -> float:
        return max(min(self._options.timeout, PROBE_TIME, self._until - time.monotonic()), PAUSE)

    def _changed(self, name: str) -> tuple[LiveOptions, str]:
        """The options of one re-probe, and what is changed in words, "" for the usual; UsageError if it cannot be."""
        base = dataclasses.replace(
            self._options, timeout=self._time, stores=(), probe=False, request=False, resume=0, early_data=None
        )
        base = dataclasses.replace(base, save=None, aia=False, crls=(), ca=None)
        simple: dict[str, dict[str, object]] = {
            "again": {},
            "no_name": {"servername": ""},
            "own_name": {"servername": None},
            "tls12": {"max_version": "1.2", "min_version": _at_most(base.min_version, "1.2")},
            "tls13": {"min_version": "1.3", "max_version": "1.3"},
            "all_versions": {"min_version": None, "max_version": None},
            "wide_ciphers": {"ciphers": _every_suite()},
            "other_sigalgs": {"sigalgs": _SCHEMES},
            "no_alpn": {"alpn": ()},
            "split_hello": {"split_hello": True},
            "other_groups": {"groups": _CURVES if self._options.groups is None else _GROUPS},
            "no_post_quantum": {"groups": self._classic_groups()},
        }
        if name in simple:
            if name == "own_name" and self._target.is_address:
                raise UsageError("", "the target is an address: it has no name to send")
            return dataclasses.replace(base, **simple[name]), ""  # type: ignore[arg-type]
        if name == "other_name":
            other = _other_name(self._base.server_name or self._target.host)
            return dataclasses.replace(base, servername=other), f"with the server name {safe(other)}"
        address = self._other_address()
        return dataclasses.replace(base, resolve=address.text), f"at {address.text}"

    def _classic_groups(self) -> str:
        """The groups that were offered, without those of post-quantum cryptography."""
        codes = [group for group in real(self._base.offered.groups) if group.code not in POST_QUANTUM]
        names = [_OPENSSL_GROUPS[group.code] for group in codes if group.code in _OPENSSL_GROUPS]
        return ":".join(names) or "X25519:P-256"

    def _other_address(self) -> Address:
        """An address of the target in the family that failed not. Raises UsageError if it has none."""
        if self._options.resolve is not None or self._target.is_address:
            raise UsageError("", "the target is one address")
        patience = Patience(self._time, self._cancelled)
        found = look_up(self._target.host, self._target.port, patience)
        used = self._base.server.address
        if isinstance(found, Failure):
            raise UsageError("", f"the name could not be looked up: {found.detail}")
        six = ":" in used
        other = next((one for one in found if (":" in one.text) != six), None)
        if other is None:
            raise UsageError("", f"the name has no {'IPv4' if six else 'IPv6'} address")
        return other

    # -- without TLS -----------------------------------------------------------------------------------------

    def _same_place(self) -> tuple[str, int] | None:
        """Where the failed connection went; through a proxy, what that is asked for. None if nobody knows."""
        host, port = self._options.place(self._target)
        if self._options.proxy is not None:
            return host, port
        address = self._base.server.address or host
        return (address, port) if is_address(address) else None

    def _other_port(self) -> Probe:
        name = "other_port"
        port = HTTP_PORT if self._base.server.port != HTTP_PORT else HTTPS_PORT
        place = self._same_place()
        if place is None:
            return skipped(name, "the address is not known")
        words = f"TCP to port {port} of the same address"
        failure = opened((place[0], port), None, Patience(self._time, self._cancelled))
        if isinstance(failure, Way):
            failure.sock.close()
            return reached(self._base, name, True, f"port {port} is open", words)
        if failure.kind != "refused":
            return reached(self._base, name, False, failure.detail, words)
        if self._is("connection_refused"):
            return reached(self._base, name, False, f"port {port} is refused too", words)
        return reached(self._base, name, True, f"port {port} is refused: the host is up", words)

    def _is(self, code: str) -> bool:
        return self._base.diagnosis is not None and self._base.diagnosis.code == code

    def _plain_text(self) -> Probe:
        place = self._same_place()
        if place is None:
            return skipped("plain_text", "the address is not known")
        patience = Patience(self._time, self._cancelled)
        way = opened(place, self._options.by_way(), patience)
        if isinstance(way, Failure):
            return skipped("plain_text", way.detail or "no connection")
        with way.sock as sock:
            answer = way.came or _listen(sock, patience, GREETING_WAIT)
            if not answer:
                request = f"GET / HTTP/1.1\r\nHost: {self._target.host}\r\nConnection: close\r\n\r\n"
                with contextlib.suppress(OSError):
                    sock.send(request.encode("ascii", "ignore"))
                answer = _listen(sock, patience, None)
        return answered_in_clear(self._base, in_the_clear(answer))


_DIRECT = frozenset(("plain_text", "other_port", "other_family"))
"""What goes around whatever is said before TLS."""
_AT_THE_ADDRESS = frozenset(("other_port", "other_family"))
"""What is asked of the server's own address."""
_OPENSSL_GROUPS = {
    23: "P-256",
    24: "P-384",
    25: "P-521",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "X25519",
    30: "X448",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
}
"""IANA's numbers to OpenSSL's names."""


def _at_most(version: str | None, limit: str) -> str | None:
    return version if version is None or version <= limit else None


def _every_suite() -> str:
    """Every cipher suite that can be offered to a stranger, as far as this OpenSSL has it."""
    from tlsviz.sources.openssl import knows

    return ":".join([_OLDER_SUITES, *(name for name in _TLS13_SUITES if knows("ciphers", name))])


def _other_name(name: str) -> str:
    """A neighbouring name, which a filter for this one does not know: with www., or without."""
    return name.removeprefix("www.") if name.startswith("www.") else f"www.{name}"


def _listen(sock: socket.socket, patience: Patience, limit: float | None) -> bytes:
    """What comes first, b"" if nothing does."""
    try:
        return sock.recv(ANSWER_SIZE) if patience.wait(sock, READ, limit) else b""
    except OSError:
        return b""
