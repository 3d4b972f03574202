"""Stapled OCSP responses (RFC 6960): what they say, who signed, for when, and whether it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection, ProofStatus
from tlsviz.connection.proofs.stapled import MOST_RESPONSES, Issuers, Stapled, responses
from tlsviz.crypto.signatures import verify_lasting
from tlsviz.crypto.spki import subject_public_key_info
from tlsviz.pki.certificate import read
from tlsviz.pki.der import first
from tlsviz.pki.links import signed_by
from tlsviz.pki.vouchers import LONGEST_ANSWER, Revocation, RevocationStatus
from tlsviz.wire.text import safe, shorten

if TYPE_CHECKING:
    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

TLS12 = 0x0303
OCSP_SIGNING = "OCSPSigning"
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


class Signed(NamedTuple):
    """Whether the signature counts, why, by whom, and whether that is a delegate of the issuer's."""

    status: ProofStatus
    why: str
    signer: str = ""
    delegated: bool = False


def staples(connection: Connection, sent: list[bytes], issuers: Issuers) -> Iterator[Revocation]:
    """What each stapled response says of its certificate, in the order they came."""
    for one in responses(connection, sent):
        yield _answer(one, sent, issuers)


def _answer(one: Stapled, sent: list[bytes], issuers: Issuers) -> Revocation:
    index = sent.index(one.certificate) if one.certificate in sent else None
    start = Revocation("ocsp", "unusable", "not_provable", "", index, message=one.message.index)
    response = load(one.data)
    if response is None:
        return start._replace(why="the response is no DER that can be read")
    try:
        return _checked(response, one, issuers, start)
    except Exception as error:  # its parts are parsed when they are asked for
        return start._replace(check="failed", why=f"a part of the response cannot be read ({type(error).__name__})")


def _checked(response: OCSPResponse, one: Stapled, issuers: Issuers, start: Revocation) -> Revocation:
    if response.response_status.name != "SUCCESSFUL":
        return start._replace(why=f"the responder has no answer: {response.response_status.name.lower()}")
    if one.certificate is None:
        return start._replace(why="the certificate that it is about was not sent")
    issuer = issuers.of(one.certificate)
    if issuer is None:
        return start._replace(why="the issuer's certificate, which should have signed it, is not known")
    single = about(response, one.certificate, issuers)
    if single is None:
        return start._replace(check="failed", why="it is about another certificate")
    signed = _signature(response, issuer, issuers.at)
    told = start._replace(
        signer=signed.signer,
        delegated=signed.delegated,
        produced_at=response.produced_at_utc,
        this_update=single.this_update_utc,
        next_update=single.next_update_utc,
        revoked_at=single.revocation_time_utc,
        reason=single.revocation_reason.value if single.revocation_reason else None,
        serial=f"{single.serial_number:x}",
    )
    if signed.status != "verified":
        return told._replace(check=signed.status, why=signed.why)
    if (fault := _date_fault(single, issuers.at)) is not None:
        return told._replace(check="failed", why=f"{signed.why}, but {fault}")
    state = single.certificate_status.name
    why = f"the certificate is {state.lower()}, {signed.why}"
    status: RevocationStatus = "good" if state == "GOOD" else "revoked" if state == "REVOKED" else "unknown"
    return told._replace(status=status, check="verified", why=safe(why))


@lru_cache(maxsize=256)
def load(data: bytes) -> OCSPResponse | None:
    """The response; None if it is no DER that can be read."""
    from cryptography.x509 import ocsp

    try:
        return ocsp.load_der_ocsp_response(data)
    except Exception:  # whatever a parser says of hostile bytes
        return None


def about(response: OCSPResponse, certificate: bytes, issuers: Issuers) -> OCSPSingleResponse | None:
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


def _signature(response: OCSPResponse, issuer: bytes, at: datetime) -> Signed:
    """Signed by the issuer, or by whom the issuer has certified for it (RFC 6960 section 4.2.2.2)."""
    from cryptography.hazmat.primitives.serialization import Encoding

    scheme = _SCHEMES.get(response.signature_algorithm_oid.dotted_string)
    if scheme is None:
        return Signed("not_provable", "its signature algorithm is not supported")
    status, why = verify_lasting(scheme, issuer, response.signature, response.tbs_response_bytes, TLS12)
    if status == "verified":
        name = shorten(read(issuer).title, 80)
        return Signed("verified", f"signed by its issuer, {name}", name)
    for one in response.certificates[:MOST_RESPONSES]:
        der = one.public_bytes(Encoding.DER)
        delegate = read(der)
        told, _ = verify_lasting(scheme, der, response.signature, response.tbs_response_bytes, TLS12)
        if told != "verified" or signed_by(der, issuer) != "verified":
            continue
        name = shorten(delegate.title, 80)
        if fault := _delegate_fault(der, at):
            return Signed("failed", f"{name}, who signed it, {fault}", name, True)
        words = f"signed by {name} for its issuer, {shorten(read(issuer).title, 80)}"
        return Signed("verified", words, name, True)
    if status == "failed":
        return Signed("failed", "the signature is not that of its issuer")
    return Signed("not_provable", why)


def _delegate_fault(der: bytes, at: datetime) -> str:
    """Why somebody certified by the issuer may all the same not sign responses."""
    delegate = read(der)
    if delegate.not_before is None or delegate.not_after is None:
        return "has a certificate without dates"
    if not delegate.not_before <= at <= delegate.not_after:
        return (
            f"has a certificate of another time: from {delegate.not_before:%Y-%m-%d} to {delegate.not_after:%Y-%m-%d}"
        )
    return "" if OCSP_SIGNING in delegate.extended_key_usage else "may not sign such responses"


def _date_fault(single: OCSPSingleResponse, at: datetime) -> str | None:
    if single.this_update_utc > at:
        return f"it is of a later time: {single.this_update_utc:%Y-%m-%d %H:%M} UTC"
    if single.next_update_utc is not None and single.next_update_utc < at:
        return f"it was good only until {single.next_update_utc:%Y-%m-%d %H:%M} UTC"
    if single.next_update_utc is None and at - single.this_update_utc > LONGEST_ANSWER:
        return f"it is of {single.this_update_utc:%Y-%m-%d} and does not say until when it is good"
    return None


def extensions_of(single: OCSPSingleResponse) -> object:
    """Its own extensions, None where there is no answer about it."""
    return getattr(single, "extensions", None)
