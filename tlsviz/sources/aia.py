"""Fetches the certificates that a server should have sent, from where their children say they lie (AIA).

RFC 5280 4.2.2.1.
Plain HTTP only, as authorities publish them (RFC 5280 forbids nothing else, but TLS here would ask for another chain):
the certificate's own signature protects it. Everything is bounded: how many, how big, how long, how many redirects.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from tlsviz.pki.certificate import read
from tlsviz.pki.links import signed_by
from tlsviz.pki.stores import Store, pem_blocks
from tlsviz.pki.trust import Borrowed
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    import socket

    from tlsviz.sources.proxy import Proxy

MAX_SIZE = 256 << 10
"""Bytes of one answer."""
MOST_STEPS = 4
MOST_PLACES = 2
MOST_REDIRECTS = 3
MOST_IN_ONE = 20
TIMEOUT = 5.0
"""Seconds for everything that is fetched for one chain, if the caller says nothing else."""
_PKCS7 = re.compile(rb"-----BEGIN PKCS7-----")


class Attempt(NamedTuple):
    """One address that was asked: what came of it, in words ("" when a certificate did)."""

    where: str
    fault: str = ""


class Fetched(NamedTuple):
    """The certificates that were got, each with its address, and every attempt that was made."""

    certificates: tuple[Borrowed, ...] = ()
    attempts: tuple[Attempt, ...] = ()


class _FetchError(Exception):
    """Why an address gave nothing."""


def complete(
    ders: Sequence[bytes],
    stores: Sequence[Store],
    timeout: float = TIMEOUT,
    cancelled: Callable[[], bool] | None = None,
    proxy: Proxy | None = None,
) -> Fetched:
    """Fetches what is missing above the first certificate, up to an anchor of any store; never raises.

    Nothing is fetched for a chain that has no gap. ``timeout`` in seconds covers everything. With a ``proxy`` every
    question goes through that, name lookups too.
    """
    until = time.monotonic() + timeout
    found: list[Borrowed] = []
    attempts: list[Attempt] = []
    top = ders[0] if ders else b""
    for _ in range(MOST_STEPS):
        top = _climb(top, [*ders, *(one.der for one in found)])
        cert = read(top)
        anchored = any(top in store or store.by_subject(cert.issuer_der) for store in stores)
        if not top or cert.self_issued or anchored or (cancelled is not None and cancelled()):
            break
        issuer = _issuer(top, cert.ca_issuers[:MOST_PLACES], until, attempts, proxy)
        if issuer is None:
            break
        found.append(issuer)
    return Fetched(tuple(found), tuple(attempts))


def _climb(top: bytes, known: Sequence[bytes]) -> bytes:
    """The last certificate that the known ones lead to."""
    seen = {top}
    while True:
        wanted = read(top).issuer_der
        above = next(
            (
                der
                for der in known
                if der not in seen and wanted and read(der).subject_der == wanted and signed_by(top, der) != "failed"
            ),
            None,
        )
        if above is None:
            return top
        seen.add(above)
        top = above


def _issuer(
    child: bytes, places: Sequence[str], until: float, attempts: list[Attempt], proxy: Proxy | None
) -> Borrowed | None:
    """The certificate that signed the child, from the first address that has it."""
    for place in places:
        shown = shorten(place, 200)
        try:
            for der in certificates_in(fetch(place, until - time.monotonic(), proxy)):
                if signed_by(child, der) == "verified":
                    attempts.append(Attempt(shown))
                    return Borrowed(der, "fetched", shown)
            raise _FetchError("what lies there is not the issuer's certificate")
        except _FetchError as error:
            attempts.append(Attempt(shown, str(error)))
    return None


def fetch(url: str, timeout: float = TIMEOUT, proxy: Proxy | None = None) -> bytes:
    """The body at an http address, within the limits. Raises `_FetchError` with why not, in words."""
    until = time.monotonic() + timeout
    for _ in range(MOST_REDIRECTS + 1):
        status, location, body = _in_time(_checked(url), until, proxy)
        if status == 200:
            return body
        if status not in (301, 302, 303, 307, 308) or not location:
            raise _FetchError(f"the answer was HTTP {status}")
        url = urljoin(url, location)
    raise _FetchError(f"more than {MOST_REDIRECTS} redirects")


def _checked(url: str) -> SplitResult:
    """The parts of an address that may be asked: plain HTTP, a host, printable ASCII without spaces."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _FetchError("it is no address") from None
    if parts.scheme.lower() != "http":
        raise _FetchError(f"only http addresses are asked, not {shorten(parts.scheme or 'none', 20)}")
    if not parts.hostname or port == 0 or parts.username is not None:
        raise _FetchError("it is no address of a host")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise _FetchError("it is no proper address")
    return parts


def _in_time(parts: SplitResult, until: float, proxy: Proxy | None) -> tuple[int, str, bytes]:
    """`_get` in a thread that can be left behind: a resolver, or a server that drips, cannot be interrupted."""
    outcome: list[tuple[int, str, bytes] | _FetchError] = []
    done = threading.Event()

    def work() -> None:
        try:
            outcome.append(_get(parts, until, proxy))
        except _FetchError as error:
            outcome.append(error)
        done.set()

    threading.Thread(target=work, name="tlsviz-aia", daemon=True).start()
    if not done.wait(max(until - time.monotonic(), 0)):
        raise _FetchError("the time was up")
    result = outcome[0]
    if isinstance(result, _FetchError):
        raise result
    return result


def _get(parts: SplitResult, until: float, proxy: Proxy | None) -> tuple[int, str, bytes]:
    """One request: status, Location, and the body read piece by piece until the deadline or the limit."""
    left = until - time.monotonic()
    if left <= 0:
        raise _FetchError("the time was up")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=left)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        if proxy is not None:
            connection.sock = _through(proxy, connection.host, connection.port, left)
        connection.request("GET", path, headers={"Accept": "*/*", "Connection": "close", "User-Agent": "tlsviz"})
        response = connection.getresponse()
        body = bytearray()
        while response.status == 200:
            left = until - time.monotonic()
            if left <= 0:
                raise _FetchError("the time was up")
            piece = response.read1(16384)
            if not piece:
                break
            body += piece
            if len(body) > MAX_SIZE:
                raise _FetchError(f"larger than {MAX_SIZE >> 10} kB")
        return response.status, response.getheader("Location") or "", bytes(body)
    except TimeoutError:
        raise _FetchError("the time was up") from None
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise _FetchError(f"cannot be reached: {shorten(str(why), 80)}") from None
    finally:
        connection.close()


def _through(proxy: Proxy, host: str, port: int, left: float) -> socket.socket:
    """A connection to the host by way of the proxy, which looks its name up. Raises `_FetchError`."""
    from tlsviz.connection.failure import Failure
    from tlsviz.sources.dial import Patience
    from tlsviz.sources.tunnel import opened

    way = opened((host, port), proxy, Patience(left))
    if isinstance(way, Failure):
        raise _FetchError(shorten(way.detail, 120))
    way.sock.settimeout(left)
    return way.sock


def certificates_in(data: bytes) -> tuple[bytes, ...]:
    """The certificates in an answer: DER, PEM, or PKCS #7 (a "certs-only" bundle); () when there are none."""
    if _PKCS7.search(data) or (data[:1] == b"\x30" and not read(data).subject_der):
        return _pkcs7(data)
    blocks = tuple(pem_blocks(data))[:MOST_IN_ONE]
    if blocks:
        return blocks
    return (data,) if read(data).subject_der else ()


def _pkcs7(data: bytes) -> tuple[bytes, ...]:
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    load = pkcs7.load_pem_pkcs7_certificates if _PKCS7.search(data) else pkcs7.load_der_pkcs7_certificates
    try:
        return tuple(cert.public_bytes(Encoding.DER) for cert in load(data)[:MOST_IN_ONE])
    except Exception:  # whatever a parser says of hostile bytes
        return ()
