"""What others say of the server's certificate: its stapled OCSP responses and its transparency receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection, Inner, Message, Proof, ProofStatus
from tlsviz.connection.proofs.walk import content, entries
from tlsviz.crypto.signatures import verify_signature
from tlsviz.crypto.spki import subject_public_key_info
from tlsviz.pki import transparency
from tlsviz.pki.certificate import read
from tlsviz.pki.der import first
from tlsviz.pki.links import signed_by
from tlsviz.tls import views
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import plural, shorten

if TYPE_CHECKING:
    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

TLS12 = 0x0303
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
MOST_RESPONSES = 10
MOST_SINGLE = 50

_SCHEMES = {
    "1.2.840.113549.1.1.5": 0x0201,
    "1.2.840.113549.1.1.11": 0x0401,
    "1.2.840.113549.1.1.12": 0x0501,
    "1.2.840.113549.1.1.13": 0x0601,
    "1.2.840.10045.4.1": 0x0203,
    "1.2.840.10045.4.3.2": 0x0403,
    "1.2.840.10045.4.3.3": 0x0503,
    "1.2.840.10045.4.3.4": 0x0603,
    "1.3.101.112": 0x0807,
    "1.3.101.113": 0x0808,
}
"""Signature algorithms of X.509, as the schemes of TLS 1.2 that do the same."""

Verdict = tuple[ProofStatus, str]


class Stapled(NamedTuple):
    """Something that came beside a certificate: in which message, about which certificate (None: not known)."""

    message: Message
    certificate: bytes | None
    data: bytes


def certificate_proofs(connection: Connection) -> Iterator[Proof]:
    """The proofs of all staples and receipts of the server."""
    sent = [one.der for one in connection.certificates if one.sender == SERVER]
    if not sent:
        return
    issuers = _Issuers(connection, sent)
    for one in _responses(connection, sent):
        status, why = _ocsp(one, issuers)
        yield Proof("ocsp", status, why, one.message.index)
    for one, entry in _receipts(connection, sent, issuers):
        found = transparency.timestamps(one.data)
        if found:
            status, why = _sct(found, entry)
            yield Proof("sct", status, why, one.message.index)


class _Issuers:
    """Who signed a certificate: found on the trusted path, or among what was sent."""

    def __init__(self, connection: Connection, sent: list[bytes]) -> None:
        self.at = datetime.fromtimestamp(connection.start, UTC)
        self._known = list(sent)
        if connection.trust is not None:
            self.at = connection.trust.at
            for verdict in connection.trust.stores:
                self._known += [der for der in verdict.path if der not in self._known]

    def of(self, der: bytes) -> bytes | None:
        """The issuer's certificate; None if it is not here."""
        wanted = read(der).issuer_der
        for candidate in self._known:
            if candidate != der and read(candidate).subject_der == wanted and signed_by(der, candidate) == "verified":
                return candidate
        return None


# -- where they are --------------------------------------------------------------------------------------------


def _certificate_messages(connection: Connection) -> Iterator[tuple[Message, Inner]]:
    for message in connection.messages:
        if message.sender == SERVER and (sent := message.certificate) is not None:
            yield message, sent


def _responses(connection: Connection, sent: list[bytes]) -> Iterator[Stapled]:
    """Every stapled OCSP response: in TLS 1.2 a message, in TLS 1.3 an extension of its certificate."""
    for message in connection.messages_of("certificate_status", SERVER):
        if message.tree is not None and message.buffer is not None:
            for index, data in enumerate(_staples(message.tree, message.buffer.data)):
                yield Stapled(message, sent[index] if index < len(sent) else None, data)
    for message, inner in _certificate_messages(connection):
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


def _receipts(connection: Connection, sent: list[bytes], issuers: _Issuers) -> Iterator[tuple[Stapled, bytes | None]]:
    """Every list of timestamps, and the log entry that it is about."""
    for message in connection.messages_of("server_hello"):
        if message.tree is None or message.buffer is None:
            continue
        for code, data in views.server_hello(message.tree, message.buffer.data).extensions:
            if code == 18:
                yield Stapled(message, sent[0], data), transparency.certificate_entry(sent[0])
    for message, inner in _certificate_messages(connection):
        for entry in entries(inner.tree):
            node = entry.get("extensions.signed_certificate_timestamp.sct_list")
            der = content(entry.child("cert_data"), inner.buffer.data)
            if node is not None:
                data = inner.buffer.data[node.start : node.end]
                yield Stapled(message, der, data), transparency.certificate_entry(der)
    yield from _receipts_inside(connection, sent, issuers)


def _receipts_inside(
    connection: Connection, sent: list[bytes], issuers: _Issuers
) -> Iterator[tuple[Stapled, bytes | None]]:
    """Timestamps in the certificate itself and in its OCSP response."""
    message = next((message for message, _ in _certificate_messages(connection)), None)
    inside = transparency.embedded(sent[0])
    if message is not None and inside:
        issuer = issuers.of(sent[0])
        entry = transparency.precertificate_entry(sent[0], issuer) if issuer is not None else None
        yield Stapled(message, sent[0], inside), entry
    for one in _responses(connection, sent):
        response = _read(one.data)
        single = _about(response, one.certificate, issuers) if response is not None and one.certificate else None
        data = transparency.in_ocsp(_extensions(single)) if single is not None else b""
        if data and one.certificate is not None:
            yield one._replace(data=data), transparency.certificate_entry(one.certificate)


# -- OCSP (RFC 6960) -------------------------------------------------------------------------------------------


def _read(data: bytes) -> OCSPResponse | None:
    from cryptography.x509 import ocsp

    try:
        return ocsp.load_der_ocsp_response(data)
    except Exception:  # whatever a parser says of hostile bytes
        return None


def _ocsp(one: Stapled, issuers: _Issuers) -> Verdict:
    """Whether the response is the issuer's, about this certificate, and of this time."""
    response = _read(one.data)
    if response is None:
        return "not_provable", "the response is no DER that can be read"
    try:
        return _checked(response, one, issuers)
    except Exception as error:  # its parts are parsed when they are asked for
        return "failed", f"a part of the response cannot be read ({type(error).__name__})"


def _checked(response: OCSPResponse, one: Stapled, issuers: _Issuers) -> Verdict:
    if response.response_status.name != "SUCCESSFUL":
        return "not_provable", f"the responder has no answer: {response.response_status.name.lower()}"
    if one.certificate is None:
        return "not_provable", "the certificate that it is about was not sent"
    issuer = issuers.of(one.certificate)
    if issuer is None:
        return "not_provable", "the issuer's certificate, which should have signed it, is not known"
    single = _about(response, one.certificate, issuers)
    if single is None:
        return "failed", "it is about another certificate"
    status, why = _signature(response, issuer, issuers.at)
    if status != "verified":
        return status, why
    if (fault := _date_fault(single, issuers.at)) is not None:
        return "failed", f"{why}, but {fault}"
    state = single.certificate_status.name.lower()
    return "verified", f"the certificate is {state}, {why}"


def _about(response: OCSPResponse, certificate: bytes, issuers: _Issuers) -> OCSPSingleResponse | None:
    """The part of a response that is about a certificate."""
    issuer = issuers.of(certificate)
    if issuer is None or response.response_status.name != "SUCCESSFUL":
        return None
    try:
        serial = int(read(certificate).serial or "0", 16)
        for _, single in zip(range(MOST_SINGLE), response.responses, strict=False):
            algorithm = single.hash_algorithm.name
            name = hashlib.new(algorithm, read(certificate).issuer_der, usedforsecurity=False).digest()
            key = hashlib.new(algorithm, _key_bits(issuer), usedforsecurity=False).digest()
            if (single.serial_number, single.issuer_name_hash, single.issuer_key_hash) == (serial, name, key):
                return single
    except Exception:  # its parts are parsed when they are asked for
        return None
    return None


def _key_bits(certificate: bytes) -> bytes:
    """The content of the subjectPublicKey, without the count of unused bits."""
    spki = first(subject_public_key_info(certificate))
    parts = spki.children if spki is not None else []
    return parts[1].content[1:] if len(parts) > 1 else b""


def _signature(response: OCSPResponse, issuer: bytes, at: datetime) -> Verdict:
    """Signed by the issuer, or by whom the issuer has certified for it (RFC 6960 section 4.2.2.2)."""
    from cryptography.hazmat.primitives.serialization import Encoding

    scheme = _SCHEMES.get(response.signature_algorithm_oid.dotted_string)
    if scheme is None:
        return "not_provable", "its signature algorithm is not supported"
    status, why = verify_signature(scheme, issuer, response.signature, response.tbs_response_bytes, TLS12)
    if status == "verified":
        return "verified", f"signed by its issuer, {shorten(read(issuer).title, 80)}"
    for one in response.certificates[:MOST_RESPONSES]:
        der = one.public_bytes(Encoding.DER)
        delegate = read(der)
        told, _ = verify_signature(scheme, der, response.signature, response.tbs_response_bytes, TLS12)
        if told != "verified" or signed_by(der, issuer) != "verified":
            continue
        if fault := _delegate_fault(der, at):
            return "failed", f"{shorten(delegate.title, 80)}, who signed it, {fault}"
        return "verified", f"signed by {shorten(delegate.title, 80)} for its issuer, {shorten(read(issuer).title, 80)}"
    return ("failed", "the signature is not that of its issuer") if status == "failed" else ("not_provable", why)


def _delegate_fault(der: bytes, at: datetime) -> str:
    """Why somebody certified by the issuer may all the same not sign responses."""
    from cryptography import x509

    delegate = read(der)
    if delegate.not_before is None or delegate.not_after is None:
        return "has a certificate without dates"
    if not delegate.not_before <= at <= delegate.not_after:
        return (
            f"has a certificate of another time: from {delegate.not_before:%Y-%m-%d} to {delegate.not_after:%Y-%m-%d}"
        )
    usages = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    allowed = any(usage.dotted_string == OCSP_SIGNING for usage in usages)
    return "" if allowed else "may not sign such responses"


def _date_fault(single: OCSPSingleResponse, at: datetime) -> str | None:
    if single.this_update_utc > at:
        return f"it is of a later time: {single.this_update_utc:%Y-%m-%d %H:%M} UTC"
    if single.next_update_utc is not None and single.next_update_utc < at:
        return f"it was good only until {single.next_update_utc:%Y-%m-%d %H:%M} UTC"
    return None


def _extensions(single: OCSPSingleResponse) -> object:
    return getattr(single, "extensions", None)


# -- timestamps (RFC 6962) -------------------------------------------------------------------------------------


def _sct(found: tuple[transparency.Timestamp, ...], entry: bytes | None) -> Verdict:
    """Whether the logs signed: one wrong signature fails all, unknown logs prove nothing."""
    if entry is None:
        return "not_provable", "the issuer's certificate, whose key the logs sign along, is not known"
    right: list[str] = []
    other: list[str] = []
    for one in found:
        log = transparency.logs().get(one.log_id)
        if log is None:
            other.append(f"a log that is not in the list of {transparency.LIST_DATE}")
            continue
        status, why = verify_signature(one.scheme, log.key, one.signature, transparency.signed(one, entry), TLS12)
        if status == "failed":
            return "failed", f"{log.name}: {why}"
        (right if status == "verified" else other).append(log.name if status == "verified" else f"{log.name} ({why})")
    if not right:
        return "not_provable", f"{plural(len(found), 'receipt')} of {'; '.join(dict.fromkeys(other))}"
    rest = f"; {len(other)} not checked: {'; '.join(dict.fromkeys(other))}" if other else ""
    return "verified", f"signed by {', '.join(dict.fromkeys(right))}{rest}"
