"""Findings about the chain beside its faults: what stands oddly in it, who disagrees about it, the client's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from tlsviz.connection.findings.certificates import certificate_message, numbered
from tlsviz.connection.model import Connection, Finding
from tlsviz.pki.certificate import read
from tlsviz.pki.names import ascii_name
from tlsviz.pki.trust import Reason, StoreVerdict, Trust
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from tlsviz.pki.graph import Vertex

_CLIENTS_OWN: frozenset[Reason] = frozenset(
    (
        "expired",
        "not_yet_valid",
        "bad_signature",
        "not_a_ca",
        "path_length",
        "key_usage",
        "extended_key_usage",
        "name_constraints",
        "revoked",
        "weak_key",
        "weak_signature",
    )
)
"""Faults of a client's chain that it has for every server, whichever authorities that trusts."""


def oddities(connection: Connection) -> Iterator[Finding]:
    """Certificates out of order, sent twice, or for nothing: clients cope, but each costs bytes and luck."""
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    if len(ders) < 2:
        return
    trust = connection.trust
    ordered, extras = _odd(tuple(ders), trust.stores if trust else (), trust.store if trust else "")
    if not ordered:
        yield Finding(
            "chain_out_of_order",
            "notice",
            "The certificates are not sent in order",
            "some do not come right behind the certificate that they issued; clients before TLS 1.3 may stumble",
            "Send the server's own certificate first, then each one's issuer.",
            "RFC 5246 7.4.2; RFC 8446 4.4.2",
            message=certificate_message(connection, SERVER),
        )
    if extras:
        yield Finding(
            "chain_has_extras",
            "info",
            "Certificates are sent that nobody needs",
            "; ".join(extras[:5]),
            "Configure the server to send its own certificate and the intermediates, each once, without the root.",
            "RFC 8446 4.4.2",
            message=certificate_message(connection, SERVER),
        )


@lru_cache(maxsize=512)
def _odd(ders: tuple[bytes, ...], stores: tuple[StoreVerdict, ...], store: str) -> tuple[bool, list[str]]:
    """Whether the certificates came in order, and which nobody needs, in words: by the ways up, whatever the time."""
    from tlsviz.pki.graph import graph

    found = graph(ders, Trust("unknown", (), datetime.min.replace(tzinfo=UTC), store, stores=stores))
    return found.ordered, [
        f"certificate {vertex.index + 1} ({shorten(vertex.name, 80)}) {words}"
        for vertex in found.vertices
        if vertex.index is not None
        for words in _needless(vertex)
    ]


def _needless(vertex: Vertex) -> Iterator[str]:
    """Why a certificate that was sent need not have been."""
    from tlsviz.pki.graph import MARKS

    if vertex.copies:
        yield f"sent again as number {', '.join(str(place + 1) for place in vertex.copies)}"
    for mark in vertex.marks:
        if mark in ("unrelated", "superfluous_root"):
            yield MARKS[mark]


def stores_disagree(connection: Connection) -> Iterator[Finding]:
    """Trusted here and not there: why a page opens in the browser and not in curl."""
    trust = connection.trust
    if trust is None or len(trust.stores) < 2:
        return
    yes = [verdict for verdict in trust.stores if verdict.verdict == "trusted"]
    no = [verdict for verdict in trust.stores if verdict.verdict == "untrusted"]
    if yes and no:
        refused = "; ".join(f"{verdict.store} refuses it: {verdict.detail}" for verdict in no)
        rules = " (by rules that only public authorities must keep)" if all(verdict.strict for verdict in no) else ""
        yield Finding(
            "stores_disagree",
            "notice",
            f"Trusted by {', '.join(verdict.store for verdict in yes)}, not by {', '.join(v.store for v in no)}",
            f"{refused}{rules}",
            "Browsers have stores of their own, curl and most programs use the system's: mend what the refusal names.",
            "RFC 5280 6.1",
            message=certificate_message(connection, SERVER),
        )


def helped(connection: Connection) -> Iterator[Finding]:
    """Chains with a gap that clients fill by themselves, or do not: works in a browser, not in curl."""
    trust = connection.trust
    verdict = next((one for one in trust.stores if one.helped is not None), None) if trust is not None else None
    if trust is None or verdict is None or verdict.helped is None:
        return
    sources = {
        f"fetched from {one.where}" if one.source == "fetched" else "seen in another connection"
        for one in trust.borrowed
    }
    names = ", ".join(shorten(read(one.der).title, 80) for one in trust.borrowed)
    outcome = "is trusted" if verdict.helped.verdict == "trusted" else f"is still refused: {verdict.helped.detail}"
    yield Finding(
        "gap_can_be_filled",
        "info",
        "The certificate that is missing was found elsewhere",
        f"{names}, {' and '.join(sorted(sources))}: with it the chain {outcome} ({verdict.store})",
        "Browsers that fetch or remember it show the page, curl and most programs refuse it: send it.",
        "RFC 5280 4.2.2.1",
        message=certificate_message(connection, SERVER),
    )


def verdicts_disagree(connection: Connection) -> Iterator[Finding]:
    """OpenSSL and we looked at the same handshake with the same anchors and came to different ends."""
    openssl = connection.trust.openssl if connection.trust is not None else None
    if connection.trust is None or openssl is None or openssl.agrees:
        return
    ours = next((verdict for verdict in connection.trust.stores if verdict.store == openssl.store), None)
    if ours is None:
        return
    mine = "trusted" if ours.verdict == "trusted" else f"refused ({', '.join(ours.reasons)}: {ours.detail})"
    theirs = "accepts it" if openssl.code == 0 else f"says {openssl.code}, {openssl.text}, at depth {openssl.depth}"
    yield Finding(
        "verdicts_disagree",
        "notice",
        "OpenSSL judges this chain differently",
        f"by the {openssl.store} store it is {mine} here, and {openssl.version} {theirs}",
        "Clients differ on such chains: replace the certificate at fault by one that all of them take.",
        "RFC 5280 6.1",
        message=certificate_message(connection, SERVER),
    )


def deceptive_names(connection: Connection) -> Iterator[Finding]:
    """Internationalised names that look like others."""
    leaf = next((sent for sent in connection.certificates if sent.sender == SERVER), None)
    asked = (connection.trust.name if connection.trust is not None else None) or connection.server_name or ""
    if asked.isascii() and "xn--" not in asked.lower():
        return
    from tlsviz.pki.naming import deceptive, to_unicode

    reads = to_unicode(ascii_name(asked)) or ""
    odd = deceptive(reads)
    if odd:
        yield Finding(
            "deceptive_name",
            "notice",
            "The name may be taken for another",
            f"{shorten(ascii_name(asked), 200)} reads {shorten(reads, 200)}: {odd}",
            "Compare it letter by letter with the one that you meant; browsers show its xn-- form for that reason.",
            "RFC 5891",
            message=leaf.message if leaf is not None else None,
        )


def clients_own(connection: Connection) -> Iterator[Finding]:
    """What is wrong with the client's certificates whichever authorities the server trusts."""
    trust = connection.client_trust
    if trust is None or trust.verdict == "trusted":
        return
    found = [fault for fault in trust.faults if fault.reason in _CLIENTS_OWN]
    if found:
        yield Finding(
            "client_certificate_faulty",
            "warning",
            "The client's certificate has a fault",
            "; ".join(numbered(fault) for fault in found[:5]),
            "Replace the client's certificate: servers that look will refuse it.",
            "RFC 8446 4.4.2.3; RFC 5280 6.1.3",
            message=certificate_message(connection, CLIENT),
        )


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    stores_disagree,
    helped,
    verdicts_disagree,
    oddities,
    deceptive_names,
    clients_own,
)
