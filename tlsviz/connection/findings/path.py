"""Findings about the way between both sides: who sees the name, who is slow, who changes, cuts off or replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection import titles
from tlsviz.connection.model import Connection, Finding, Message
from tlsviz.connection.proofs.binding import SENTINELS
from tlsviz.connection.tcp import Trips, answer, trips
from tlsviz.pki.certificate import read
from tlsviz.tls.views import extension_codes
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import clock, shorten

SLOW_TRIP = 0.3
"""A round trip of so many seconds is slow: three of them take a second."""
SLOW_ANSWER = 0.3
"""A server that thinks for so many seconds beyond the round trip is slow."""
_TLS13 = 0x0304
_CLOSING = ("fin", "rst", "shutdown", "abort")
_UNASKED = frozenset((0xFF01, 0x002C))
"""renegotiation_info answers a suite, and a retry's cookie nothing: both may come without a request."""


def _first(connection: Connection, kind: str) -> Message | None:
    return next((m for m in connection.messages_of(kind) if m.tree is not None and m.buffer is not None), None)


def name_in_clear(connection: Connection) -> Iterator[Finding]:
    """The server name, for everybody on the way to read."""
    hello = _first(connection, "client_hello")
    if hello is None or hello.tree is None or connection.server_name is None or connection.ech_accepted:
        return
    if hello.tree.get("extensions.server_name") is None:
        return
    how = "under Initial keys that everybody can compute" if connection.transport == "quic" else "in the clear"
    yield Finding(
        "name_in_clear",
        "info",
        "Everybody on the way sees the server's name",
        f"the ClientHello says {shorten(connection.server_name, 80)} {how} (server_name)",
        "Publish an ECH configuration in the HTTPS record of the name, and use clients that support ECH.",
        "RFC 6066 3; RFC 9849",
        message=hello.index,
        field="extensions.server_name",
    )


def early_data(connection: Connection) -> Iterator[Finding]:
    """0-RTT: what was sent before the server said anything fresh can be sent again."""
    run = next((run for run in connection.application if run.early), None)
    if not connection.early_data or run is None:
        return
    hello = _first(connection, "client_hello")
    yield Finding(
        "early_data_replayable",
        "notice",
        "0-RTT data can be replayed",
        f"{run.bytes:,} bytes of early data in the client's first flight",
        "Accept only what may be repeated, answer the rest with 425. nginx: ssl_early_data off.",
        "RFC 8446 8; RFC 8470 5.2",
        message=hello.index if hello is not None else None,
        field="extensions.early_data",
    )


def truncated(connection: Connection) -> Iterator[Finding]:
    """A side that closes its stream without close_notify: the end of its data is not protected."""
    if not connection.complete or connection.transport not in ("tcp", "sctp"):
        return
    if any(run.opaque for run in connection.application):
        # A close_notify may be among the records that cannot be read.
        return
    if any(message.alert and message.alert.description.code for message in connection.messages):
        return  # a fatal alert ends a connection at once, without a farewell (RFC 8446 6.2)
    for sender in (SERVER, CLIENT):
        spoke = any(run.sender == sender for run in connection.application)
        cut = next((p.mark for p in connection.marks if p.mark.kind in _CLOSING and p.mark.sender == sender), None)
        if not spoke or cut is None or any(m.alert or m.type == "alert" for m in _of(connection, sender)):
            continue
        yield Finding(
            "truncated_stream",
            "notice",
            f"The {sender} ended without close_notify",
            f"its {titles.mark(cut)[0]} came at {clock(cut.time - connection.start)}, and no closing alert before it",
            "Close in order (SSL_shutdown). With HTTP's own lengths nothing is lost; without, data may be cut unseen.",
            "RFC 8446 6.1; RFC 9112 9.8",
        )
        return


def _of(connection: Connection, sender: Sender) -> list[Message]:
    return [message for message in connection.messages if message.sender == sender]


def slow(connection: Connection) -> Iterator[Finding]:
    """Time that was lost, on the way or in the server: TCP's answers tell one from the other."""
    timed = trips(connection)
    if timed.whole is None:
        return
    if timed.whole >= SLOW_TRIP:
        yield Finding(
            "slow_network",
            "info",
            f"A round trip takes {clock(timed.whole)}",
            f"the TCP handshake was answered after {clock(timed.whole)}, before anybody had anything to compute"
            f"{_tried(timed)}",
            "Save round trips: TLS 1.3, resumption, a server closer to the client.",
            "RFC 8446 2",
        )
    said = answer(connection)
    if said is None or said.thought is None or said.thought < max(SLOW_ANSWER, timed.whole):
        return
    received = f"TCP had the hello after {clock(said.acknowledged)}" if said.acknowledged is not None else ""
    way = received or f"{clock(said.whole - said.thought)} of them the way"
    yield Finding(
        "slow_server",
        "notice",
        f"The server thought for {clock(said.thought)}",
        f"{clock(said.whole)} from ClientHello to the answer; {way}",
        "Look at its load, key store and backends. nginx: ssl_session_cache shared:TLS:10m; ECDSA signs faster.",
        "RFC 8446 2",
        message=said.message.index,
    )


def _tried(timed: Trips) -> str:
    return f"; the SYN had to be sent {timed.tries} times" if timed.tries > 1 else ""


def middlebox(connection: Connection) -> Iterator[Finding]:
    """Marks of somebody who changes messages on their way."""
    hello, answer = _first(connection, "client_hello"), _first(connection, "server_hello")
    if hello is None or answer is None:
        return
    if not (hello.whole and answer.whole and hello.sha256 and answer.sha256):
        return  # of a damaged hello nobody knows what it said
    marks = list(_marks(connection, hello, answer))
    if marks:
        yield Finding(
            "middlebox_marks",
            "warning",
            "A message seems to have been changed on its way",
            "; ".join(text for text, _ in marks),
            "Compare with another network; look for a proxy, firewall or virus scanner between.",
            "RFC 8446 4.1.3, 4.2 and 9.3",
            message=answer.index,
            field=marks[0][1],
        )


def _marks(connection: Connection, hello: Message, answer: Message) -> Iterator[tuple[str, str]]:
    """What does not fit between the hello that was seen and the answer, with the field that shows it."""
    if hello.tree is None or hello.buffer is None or answer.tree is None or answer.buffer is None:
        return
    random = answer.tree.child("random")
    tail = answer.buffer.data[random.start : random.end][-8:] if random is not None else b""
    offered = max((p.code for p in connection.offered.versions if p.name != "GREASE"), default=0)
    if tail in SENTINELS and connection.version is not None and connection.version.code < _TLS13 <= offered:
        yield (
            "the server's random says that it was offered no TLS 1.3 (downgrade sentinel), and this hello offers it",
            "random",
        )
    asked = _UNASKED.union(extension_codes(hello.tree))
    unasked = [code for code in extension_codes(answer.tree) if code not in asked]
    if unasked and not connection.hello_retry:
        listed = ", ".join(f"0x{code:04x}" for code in unasked[:4])
        yield f"the ServerHello answers extensions that this hello does not have ({listed})", "extensions"
    sent, echoed = hello.tree.child("legacy_session_id"), answer.tree.child("legacy_session_id_echo")
    if connection.version is not None and connection.version.code == _TLS13 and sent is not None and echoed is not None:
        mine, its = hello.buffer.data[sent.start : sent.end], answer.buffer.data[echoed.start : echoed.end]
        if mine != its and connection.transport == "tcp":
            yield "the session id in the ServerHello is not the one that the hello has", "legacy_session_id_echo"


def no_staple(connection: Connection) -> Iterator[Finding]:
    """The client asked for a fresh word on revocation, and got none."""
    asked = any(point.name == "status_request" for point in connection.offered.extensions)
    leaf = next((sent for sent in connection.certificates if sent.sender == SERVER), None)
    if not asked or leaf is None or connection.trust is None or not connection.complete:
        return
    cert = read(leaf.der)
    if not cert.ocsp or cert.must_staple or any(one.source == "ocsp" for one in connection.trust.revocations):
        return
    yield Finding(
        "no_staple",
        "info",
        "No OCSP response is stapled",
        "the client asked for one (status_request), the certificate names a responder, and none came",
        "nginx: ssl_stapling on; Apache: SSLUseStapling on. Else clients must ask the responder themselves.",
        "RFC 6066 8; RFC 9325 4.3",
        message=leaf.message,
    )


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    name_in_clear,
    early_data,
    truncated,
    slow,
    middlebox,
    no_staple,
)
