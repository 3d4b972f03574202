"""What a live handshake may be told: the command line's live options as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz.errors import UsageError
from tlsviz.sources.target import Target, is_address, parse_host
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from datetime import datetime

    from tlsviz.pki.stores import Store
    from tlsviz.sources.gate import Gate
    from tlsviz.sources.proxy import Proxy

VERSIONS: dict[str, int] = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
DEFAULT_TIMEOUT = 10.0
LONGEST_TIMEOUT = 600.0
MOST_RESUMPTIONS = 20
LONGEST_EARLY_DATA = 1 << 16
"""Bytes of 0-RTT data, at most; tickets rarely allow more than 16 KiB."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A client certificate with its chain and private key, as PEM."""

    certificates: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to shake hands. The defaults offer everything from TLS 1.0 on.

    ``servername``: the name to send, "" for none, None for the target's own. ``resolve``: connect to this address
    (and port, if one is given: ``address:port``) instead of looking the host up. ``ciphers``, ``groups`` and
    ``sigalgs`` are lists in OpenSSL's or IANA's names, separated by commas or colons. ``timeout`` in seconds covers
    everything of one connection. ``resume``: how many further connections resume the session; ``early_data``: what
    these send before the handshake is over, or a file with it. ``stores`` are the trust stores to judge by, None for
    the usual ones; ``ca`` names a file that replaces them, ``at`` the time to judge at, None for now. ``identity`` is
    a client certificate that is not in files. ``starttls`` names a protocol of `connection.upgrades`, in which the
    server is asked for TLS first; ``proxy`` is what `proxy.parse_proxy` reads; ``profile`` names a client of `profiles`
    to be played; ``leave_out`` are extensions not to send, as far as `openssl.CAN_LEAVE_OUT` has them. ``probe``: a
    handshake that fails is tried again in other ways, to learn why; ``ports``: port 80 is looked at, too. For probes:
    ``request`` False sends no HTTP request, ``split_hello`` cuts the ClientHello in two. ``step``: the wire is to be
    held before each flight, which ``gate`` then does.
    """

    servername: str | None = None
    resolve: str | None = None
    alpn: tuple[str, ...] = ("http/1.1",)
    min_version: str | None = None
    max_version: str | None = None
    ciphers: str | None = None
    groups: str | None = None
    sigalgs: str | None = None
    cert: Path | None = None
    key: Path | None = None
    identity: Identity | None = None
    ca: Path | None = None
    stores: tuple[Store, ...] | None = None
    starttls: str | None = None
    proxy: str | None = field(default=None, repr=False)
    profile: str | None = None
    leave_out: frozenset[int] = frozenset()
    resume: int = 0
    early_data: Path | bytes | None = field(default=None, repr=False)
    step: bool = False
    gate: Gate | None = field(default=None, repr=False, compare=False)
    at: datetime | None = None
    timeout: float = DEFAULT_TIMEOUT
    save: Path | None = None
    aia: bool = False
    crls: tuple[Path, ...] = ()
    ct_logs: Path | None = None
    probe: bool = False
    ports: bool = False
    request: bool = True
    split_hello: bool = False

    def checked(self) -> LiveOptions:
        """These options, if they can be followed; raises UsageError otherwise."""
        self._check_starttls()
        self.by_way()
        if self.profile is not None:
            from tlsviz.sources.profiles import profile

            profile(self.profile)
        for name, value in (("min", self.min_version), ("max", self.max_version)):
            if value is not None and value not in VERSIONS:
                known = ", ".join(VERSIONS)
                raise UsageError(f"--{name} {shorten(value, 20)}", "not a TLS version", f"Use one of {known}.")
        if self.min_version and self.max_version and VERSIONS[self.min_version] > VERSIONS[self.max_version]:
            raise UsageError("--min is above --max", f"{self.min_version} > {self.max_version}", "Swap them.")
        if not 0 < self.timeout <= LONGEST_TIMEOUT:
            raise UsageError("--timeout", f"seconds, above 0 and at most {LONGEST_TIMEOUT:.0f}", "Give such a number.")
        if self.save is not None and not self.save.absolute().parent.is_dir():
            raise UsageError(
                f"--save {shorten(str(self.save), 80)}", "there is no such folder", "Make it, or name another."
            )
        if not 0 <= self.resume <= MOST_RESUMPTIONS:
            raise UsageError("--resume", f"a number from 0 to {MOST_RESUMPTIONS}", "Give such a number.")
        if self.early_data is not None and self.max_version not in (None, "1.3"):
            raise UsageError("--early-data", "0-RTT data takes TLS 1.3", "Leave --max out.")
        if self.key and not self.cert:
            raise UsageError("--key without --cert", "a key alone proves nothing", "Give the certificate too.")
        self._check_alpn()
        return self

    @property
    def visits(self) -> int:
        """How many connections are to be made; 0-RTT data takes a second one."""
        return 1 + max(self.resume, 1 if self.early_data else 0)

    def early(self) -> bytes:
        """The 0-RTT data, b"" for none. Raises UsageError if its file cannot be read."""
        if self.early_data is None:
            return b""
        if isinstance(self.early_data, bytes):
            return self.early_data
        option = f"--early-data {shorten(str(self.early_data), 80)}"
        try:
            with self.early_data.open("rb") as file:
                data = file.read(LONGEST_EARLY_DATA + 1)
        except OSError as error:
            why = error.strerror or str(error)
            raise UsageError(option, why, "Give a file with what to send, such as an HTTP request.") from None
        if not 0 < len(data) <= LONGEST_EARLY_DATA:
            why = "the file is empty" if not data else f"more than {LONGEST_EARLY_DATA} bytes"
            raise UsageError(option, why, "Give a file with what to send, such as an HTTP request.")
        return data

    def place(self, target: Target) -> tuple[str, int]:
        """The host or address, and the port, to connect to. Raises UsageError if ``resolve`` is no address."""
        if self.resolve is None:
            return target.host, target.port
        if is_address(self.resolve):
            return self.resolve, target.port
        try:
            place = parse_host(self.resolve)
        except UsageError:
            place = None
        if place is None or not place.is_address:
            raise UsageError(
                f"--resolve {shorten(self.resolve, 60)}", "not an IP address", "Give the address to connect to."
            )
        with_port = "]:" in self.resolve if self.resolve.startswith("[") else ":" in self.resolve
        return place.host, place.port if with_port else target.port

    @property
    def speaks_http(self) -> bool:
        """Whether HTTP is to be spoken above TLS."""
        return self.request and self.starttls is None

    def by_way(self) -> Proxy | None:
        """The proxy to go through. Raises UsageError if ``proxy`` names none."""
        if self.proxy is None:
            return None
        from tlsviz.sources.proxy import parse_proxy

        return parse_proxy(self.proxy)

    def first_place(self, target: Target) -> tuple[str, int]:
        """Where TCP goes to, and its port: the proxy if there is one, else `place`."""
        proxy = self.by_way()
        return self.place(target) if proxy is None else (proxy.host, proxy.port)

    def _check_starttls(self) -> None:
        if self.starttls is None:
            return
        from tlsviz.connection.upgrades import UPGRADES

        if self.starttls not in UPGRADES:
            why = "no protocol that is known here"
            raise UsageError(f"--starttls {shorten(self.starttls, 20)}", why, f"Use one of {', '.join(UPGRADES)}.")

    def _check_alpn(self) -> None:
        for name in self.alpn:
            if not 0 < len(name.encode("utf-8", "surrogateescape")) < 256:
                raise UsageError("--alpn", "a protocol's name has 1 to 255 bytes", "Separate names by commas.")

    def name_for(self, target: Target) -> str | None:
        """The server name to send: none for an IP address (RFC 6066 section 3), unless one was asked for."""
        if self.servername is None:
            return None if target.is_address else target.host
        if not self.servername:
            return None
        wanted = parse_host(self.servername)
        return None if wanted.is_address else wanted.host
