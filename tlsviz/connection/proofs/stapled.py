"""What comes beside a certificate, where it is in a connection: stapled OCSP responses and transparency receipts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from tlsviz.connection.model import CERTIFICATES, Connection, Inner, Message
from tlsviz.connection.proofs.walk import content, entries
from tlsviz.pki import transparency
from tlsviz.pki.certificate import read
from tlsviz.pki.links import signed_by
from tlsviz.pki.trust import Trust
from tlsviz.tls import views
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.nodes import Node

MOST_RESPONSES = 10
RECEIPTS = 18
"""The extension signed_certificate_timestamp (RFC 6962 section 3.3.1)."""


class Stapled(NamedTuple):
    """Something that came beside a certificate: in which message, about which certificate (None: not known)."""

    message: Message
    certificate: bytes | None
    data: bytes
    source: Literal["certificate", "tls", "ocsp"] = "tls"


class Issuers:
    """Who signed a certificate: found on the trusted path, or among what was sent."""

    def __init__(self, connection: Connection, sent: list[bytes], trust: Trust | None) -> None:
        self.at = datetime.fromtimestamp(connection.start, UTC)
        self._known = list(sent)
        if trust is not None:
            self.at = trust.at
            paths = [verdict.path for verdict in trust.stores]
            paths += [verdict.helped.path for verdict in trust.stores if verdict.helped]
            for path in paths:
                self._known += [der for der in path if der not in self._known]

    def of(self, der: bytes) -> bytes | None:
        """The issuer's certificate; None if it is not here."""
        wanted = read(der).issuer_der
        for candidate in self._known:
            if candidate != der and read(candidate).subject_der == wanted and signed_by(der, candidate) == "verified":
                return candidate
        return None


def certificate_messages(connection: Connection) -> Iterator[tuple[Message, Inner]]:
    """The server's messages that bring certificates, and those within."""
    for message in connection.messages:
        if message.type in CERTIFICATES and message.sender == SERVER and (sent := message.certificate) is not None:
            yield message, sent


def responses(connection: Connection, sent: list[bytes]) -> Iterator[Stapled]:
    """Every stapled OCSP response: in TLS 1.2 a message, in TLS 1.3 an extension of its certificate."""
    for message in connection.messages_of("certificate_status", SERVER):
        if message.tree is not None and message.buffer is not None:
            for index, data in enumerate(_staples(message.tree, message.buffer.data)):
                yield Stapled(message, sent[index] if index < len(sent) else None, data)
    for message, inner in certificate_messages(connection):
        for entry in entries(inner.tree):
            node = entry.get("extensions.status_request")
            der = content(entry.child("cert_data"), inner.buffer.data)
            for data in _staples(node, inner.buffer.data) if node is not None else ():
                yield Stapled(message, der, data)


def _staples(node: Node, data: bytes) -> list[bytes]:
    """The responses of a CertificateStatus; an empty one stands for none."""
    holder = node.child("ocsp_response_list") or node
    found = [content(child, data) for child in holder.children if child.name == "ocsp_response"]
    return [one for one in found[:MOST_RESPONSES] if one]


def receipt_lists(connection: Connection, sent: list[bytes]) -> Iterator[tuple[Stapled, bytes | None]]:
    """Every list of timestamps that came beside a certificate, and the log entry that it is about."""
    for message in connection.messages_of("server_hello"):
        if message.tree is None or message.buffer is None:
            continue
        for code, data in views.extension_list(message.tree, message.buffer.data):
            if code == RECEIPTS:
                yield Stapled(message, sent[0], data), transparency.certificate_entry(sent[0])
    for message, inner in certificate_messages(connection):
        for entry in entries(inner.tree):
            node = entry.get("extensions.signed_certificate_timestamp.sct_list")
            der = content(entry.child("cert_data"), inner.buffer.data)
            if node is not None:
                data = inner.buffer.data[node.start : node.end]
                yield Stapled(message, der, data), transparency.certificate_entry(der)
