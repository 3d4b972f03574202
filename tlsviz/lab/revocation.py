"""What an authority says about its certificates afterwards: OCSP responses and lists of revoked certificates."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tlsviz.lab.authority import DAY, Authority, Issued, Recipe

REASON = x509.ReasonFlags.key_compromise


def staple(
    authority: Authority,
    about: Issued,
    revoked: bool = False,
    age: dt.timedelta = dt.timedelta(hours=6),
    life: dt.timedelta = 7 * DAY,
    responder: Issued | None = None,
) -> bytes:
    """An OCSP response (RFC 6960) in DER about a certificate of the intermediate's, made ``age`` ago.

    ``life``: from its making to its next update. ``responder`` signs in the intermediate's place, and its certificate
    goes along; whether it may is the client's to judge (RFC 6960 4.2.2.2).
    """
    made = authority.now.replace(microsecond=0) - age
    issuer = authority.intermediate
    status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        about.certificate,
        issuer.certificate,
        hashes.SHA1(),  # noqa: S303  # only to find the issuer by, and all that clients look for (RFC 5019 2.1.1)
        status,
        made,
        made + life,
        made - DAY if revoked else None,
        REASON if revoked else None,
    )
    signer = responder or issuer
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if responder is not None:
        builder = builder.certificates([responder.certificate])
    response = builder.sign(signer.key, hashes.SHA256())
    return response.public_bytes(serialization.Encoding.DER)


def responder(authority: Authority) -> Issued:
    """A certificate for signing OCSP responses in the intermediate's place."""
    purposes, extras = (ExtendedKeyUsageOID.OCSP_SIGNING,), ((x509.OCSPNoCheck(), False),)
    return authority.issue(Recipe(f"{authority.name} OCSP responder", purposes=purposes, extras=extras))


def revocation_list(authority: Authority, *revoked: Issued) -> bytes:
    """The intermediate's list of revoked certificates (RFC 5280 5) in DER, with these on it."""
    now = authority.now.replace(microsecond=0)
    issuer = authority.intermediate
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - dt.timedelta(hours=6))
        .next_update(now + 7 * DAY)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for one in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(one.certificate.serial_number)
            .revocation_date(now - DAY)
            .add_extension(x509.CRLReason(REASON), critical=False)
        )
        builder = builder.add_revoked_certificate(entry.build())
    signed = builder.sign(issuer.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def list_place(authority: Authority, file: str) -> tuple[x509.ExtensionType, bool]:
    """The extension that says where the list of revoked certificates lies (RFC 5280 4.2.1.13)."""
    place = x509.UniformResourceIdentifier(f"{authority.url}/{file}")
    return x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)]), False
