"""The two ports of a web server, the encrypted and the plain one: what answers there, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tlsviz.connection.hsts import HALF_YEAR, Hsts, duration, parse
from tlsviz.connection.http import Reply
from tlsviz.connection.model import SEVERITIES, Connection, Finding
from tlsviz.pki.names import as_address
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.text import plural, shorten

PortState = Literal["tls", "http", "other", "silent", "refused", "filtered", "reset", "unreachable", "failed"]
"""tls, http: it speaks that. other: something else. silent: open, but without an answer. refused: closed. filtered: no
answer to the SYN. reset: after the first bytes. unreachable: no way. failed: anything else, such as no such name."""

STATES: dict[PortState, str] = {
    "tls": "open, speaks TLS",
    "http": "open, speaks plain HTTP",
    "other": "open, speaks something else",
    "silent": "open, but does not answer",
    "refused": "closed: refused",
    "filtered": "filtered: no answer at all",
    "reset": "open, but resets what it gets",
    "unreachable": "unreachable",
    "failed": "could not be tried",
}
MOST_HOPS = 10
_FAILED: dict[str, PortState] = {
    "connection_refused": "refused",
    "connection_timed_out": "filtered",
    "host_unreachable": "unreachable",
    "connection_reset": "reset",
    "reset_after_client_hello": "reset",
    "closed_after_client_hello": "silent",
    "handshake_timed_out": "silent",
    "plain_http_on_tls_port": "http",
    "not_tls": "other",
    "name_not_found": "failed",
    "name_lookup_failed": "failed",
}


class Port(NamedTuple):
    """One port as it was found. ``wanted``: what should speak there; ``took``: seconds; ``detail`` is safe to print."""

    port: int
    wanted: Literal["tls", "http"]
    state: PortState
    detail: str = ""
    took: float = 0.0


class Hop(NamedTuple):
    """One request and its answer on the way that redirects lead. ``fault`` says why there is no answer."""

    url: str
    request: tuple[str, ...]
    reply: Reply | None
    fault: str = ""

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("https:")

    @property
    def target(self) -> str | None:
        """Where it sends the visitor, if it does."""
        if self.reply is None or self.reply.status not in (301, 302, 303, 307, 308):
            return None
        return self.reply.header("location")


class Ports(NamedTuple):
    """What was found at a host. ``hops``: from the plain port on, as redirects lead; ``ending`` says why they end.

    ``secure``: the request over TLS to the host itself, ``connection`` what carried it.
    """

    host: str
    ports: tuple[Port, ...]
    hops: tuple[Hop, ...] = ()
    ending: str = ""
    secure: Hop | None = None
    connection: Connection | None = None

    @property
    def hsts(self) -> Hsts | None:
        """The header of the encrypted answer; the first one counts (RFC 6797 8.1)."""
        text = self.secure.reply.header("strict-transport-security") if self.secure and self.secure.reply else None
        return None if text is None else parse(text)

    @property
    def at_address(self) -> bool:
        """Whether visitors ask for an IP address: browsers remember HSTS for names only (RFC 6797 8.1.1)."""
        first = self.secure or (self.hops[0] if self.hops else None)
        return first is not None and as_address(_host(first.url)) is not None


def _host(url: str) -> str:
    """The host of an address of ours, without its port; an IPv6 address without brackets."""
    rest = url.partition("://")[2].partition("/")[0]
    return rest[1:].partition("]")[0] if rest.startswith("[") else rest.partition(":")[0]


def tls_port(port: int, connection: Connection, took: float) -> Port:
    """A port that TLS is expected on, after a handshake was tried."""
    diagnosis = connection.diagnosis
    if any(message.sender != CLIENT for message in connection.messages):
        said = "" if connection.complete or diagnosis is None else diagnosis.title
        return Port(port, "tls", "tls", said or str(connection.version or ""), took)
    state = _FAILED.get(diagnosis.code, "failed") if diagnosis else "failed"
    return Port(port, "tls", state, shorten(diagnosis.evidence, 200) if diagnosis else "", took)


def looks_like_tls(answer: bytes) -> bool:
    """Whether a server's answer to a plain request is a TLS record, or HTTP that says that TLS is wanted here."""
    if len(answer) > 1 and 20 <= answer[0] <= 23 and answer[1] == 3:
        return True
    lowered = answer[:2048].lower()
    return lowered.startswith(b"http/1.") and b" 400" in lowered[:12] and b"to https port" in lowered


# -- what is to be said ------------------------------------------------------------------------------------------


def judge(found: Ports) -> tuple[Finding, ...]:
    """What is wrong at the two ports, the worst first."""
    finders = (_wrong_protocol, _redirects, _strict_transport, _errors)
    findings = [finding for finder in finders for finding in finder(found)]
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))


def _wrong_protocol(found: Ports) -> Iterator[Finding]:
    for port in found.ports:
        if port.wanted == "tls" and port.state == "http":
            yield Finding(
                "plain_http_on_tls_port",
                "error",
                f"Port {port.port} speaks plain HTTP where TLS is expected",
                port.detail or "The answer to the ClientHello is HTTP.",
                "Switch TLS on at this port (in nginx: listen 443 ssl).",
                "RFC 9110 4.2.2",
            )
        if port.wanted == "http" and port.state == "tls":
            yield Finding(
                "tls_on_plain_port",
                "warning",
                f"Port {port.port} speaks TLS where plain HTTP is expected",
                port.detail,
                "Serve a redirect in plain HTTP there, and TLS on 443.",
                "RFC 9110 4.2.1",
            )


def _redirects(found: Ports) -> Iterator[Finding]:
    """Whether the plain port leads to an encrypted page, and nothing leads back."""
    for hop, following in zip(found.hops, found.hops[1:], strict=False):
        if hop.encrypted and not following.encrypted:
            yield _downgrade(hop.url, following.url)
    last = found.hops[-1] if found.hops else None
    if found.ending and last is not None and last.encrypted and (last.target or "").lower().startswith("http:"):
        yield _downgrade(last.url, last.target or "")
    secure = found.secure
    target = secure.target if secure is not None and secure.url not in {hop.url for hop in found.hops} else None
    if secure is not None and target and target.lower().startswith("http:"):
        yield _downgrade(secure.url, target)
    answered = [hop for hop in found.hops if hop.reply is not None]
    if not answered or answered[0].encrypted:
        return
    page = answered[-1]
    status = page.reply.status if page.reply else 0
    leads = any(hop.encrypted or (hop.target or "").lower().startswith("https:") for hop in found.hops)
    if not leads and status < 400:
        mend = "Answer every plain request with 301 or 308 and a Location that begins with https://."
        if found.at_address:
            # Few come by the address, and what it leads to should have a name that a certificate can hold.
            mend = "Redirect to the site's name, https://NAME/: certificates and HSTS are for names, not addresses."
        yield Finding(
            "no_redirect_to_https",
            "notice" if found.at_address else "warning",
            "The plain port does not lead to the encrypted one",
            f"{page.url} answers {status}"
            + (f" after {plural(len(answered) - 1, 'redirect')}" if answered[1:] else "")
            + ".",
            mend,
            "RFC 9110 15.4.9",
        )


def _downgrade(source: str, target: str) -> Finding:
    return Finding(
        "http_redirect_to_plain",
        "warning",
        "An encrypted page leads back to plain HTTP",
        f"{shorten(source, 100)} redirects to {shorten(target, 100)}.",
        "Let the Location begin with https://; tell a backend behind a proxy which scheme the visitor used.",
        "RFC 9110 15.4",
    )


def _strict_transport(found: Ports) -> Iterator[Finding]:
    secure = found.secure
    if secure is None or secure.reply is None:
        return
    hsts = found.hsts
    mend = "Send Strict-Transport-Security: max-age=31536000; includeSubDomains"
    if found.at_address:
        if hsts is not None:
            yield Finding(
                "hsts_ignored",
                "info",
                "HSTS for an IP address is ignored",
                f"{secure.url} sends {hsts.text}: browsers remember it for names only.",
                "Nothing is wrong with sending it: it counts when visitors come by the name.",
                "RFC 6797 8.1.1",
            )
        return
    if hsts is None:
        yield Finding("no_hsts", "notice", "No HSTS", f"{secure.url} answers without it.", mend, "RFC 6797 6.1")
    elif not hsts.works:
        why = "; ".join(hsts.faults) or "max-age=0 makes browsers forget the host"
        yield Finding("no_hsts", "warning", "HSTS has no effect", f"{hsts.text}: {why}.", mend, "RFC 6797 6.1")
    elif hsts.max_age is not None and hsts.max_age < HALF_YEAR:
        evidence = f"max-age={hsts.max_age} is {duration(hsts.max_age)}."
        yield Finding(
            "short_hsts", "notice", "HSTS is remembered for a short time only", evidence, mend, "RFC 6797 11.2"
        )


def _errors(found: Ports) -> Iterator[Finding]:
    """Answers of 400 and above, and redirects that lead nowhere."""
    hops = {hop.url: hop for hop in (*found.hops, *([found.secure] if found.secure else []))}
    for hop in hops.values():
        if hop.reply is not None and hop.reply.status >= 400:
            status = hop.reply.words
            severity: Literal["warning", "error"] = "error" if hop.reply.status >= 500 else "warning"
            mend = f"`tlsviz explain {hop.reply.status}` says what it means."
            yield Finding("http_error", severity, f"The web server answers {status}", hop.url, mend, "RFC 9110 15")
    if found.ending:
        mend = "Follow the hops, and let one of them answer with a page."
        yield Finding("http_error", "error", "The redirects lead nowhere", found.ending, mend, "RFC 9110 15.4")


# -- the same request, in the clear and encrypted ------------------------------------------------------------------


class Overheard(NamedTuple):
    """What somebody on the way reads of one request and its answer, in lines that are safe to print."""

    clear: tuple[str, ...]
    sealed: tuple[str, ...]


def overheard(found: Ports) -> Overheard:
    """The plain request and answer word by word; of the encrypted ones what is left to see."""
    plain = next((hop for hop in found.hops if not hop.encrypted and hop.request), None)
    clear: list[str] = [] if plain is not None or found.connection is None else ["nothing: no plain HTTP answers here"]
    if plain is not None:
        clear += plain.request
        if plain.reply is not None:
            reply = plain.reply
            clear += ["", f"{reply.version} {reply.words}"]
            clear += [f"{name}: {value}" for name, value in reply.headers]
    return Overheard(
        tuple(clear), tuple(_sealed(found.connection)) if found.connection and found.connection.messages else ()
    )


def _sealed(connection: Connection) -> Iterator[str]:
    yield f"the server's address: {connection.server}"
    if connection.server_name and not connection.ech_accepted:
        yield f"its name, in the ClientHello: {shorten(connection.server_name, 80)}"
    for side in (CLIENT, "server"):
        run = next((run for run in connection.application if run.sender == side), None)
        if run is None:
            continue
        index = next(iter(run.record_indices), None)
        data = connection.records[index].buffer.data if index is not None and index < len(connection.records) else b""
        what = "request" if side == CLIENT else "answer"
        yield f"the {what}: {plural(run.records, 'record')}, about {plural(run.bytes, 'byte')}"
        if data:
            yield f"  {data[:24].hex(' ')} …"
