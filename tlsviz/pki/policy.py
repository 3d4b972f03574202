"""What the judge demands of a chain's extensions: the web's rules for the web's roots, RFC 5280 for everybody else's.

The ``web`` profile is cryptography's own: the CA/Browser Forum's Baseline Requirements, which public authorities have
promised to keep. A root of one's own has promised nothing, and OpenSSL, curl and most programs ask no more of it than
RFC 5280 does: that is the ``pkix`` profile. It takes an authority's certificate as a server's, and chains without
keyUsage or key identifiers. In both cryptography itself checks signatures, dates, names, name constraints, path
lengths, cA, unknown critical extensions, and that keys and signatures are of the web's kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from tlsviz.pki.certificate import read
from tlsviz.pki.keys import EXPLICIT_CURVE

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.verification import ExtensionPolicy, Policy, PolicyBuilder

    UsageCheck = Callable[[Policy, x509.Certificate, x509.KeyUsage | None], None]
    PurposeCheck = Callable[[Policy, x509.Certificate, x509.ExtendedKeyUsage | None], None]

Profile = Literal["web", "pkix"]
Purpose = Literal["server", "client"]

HANDSHAKE_USAGES = ("digitalSignature", "keyEncipherment", "keyAgreement")
"""The key of a handshake must be allowed one of these, where anything is said (RFC 5280 4.2.1.12)."""


def with_policies(builder: PolicyBuilder, profile: Profile, purpose: Purpose, named: bool) -> PolicyBuilder:
    """The builder with the profile's extension policies; ``named``: the subject will be asked for its name."""
    if profile == "web" and purpose == "server" and named:
        return builder
    authority, entity = _web(purpose, named) if profile == "web" else _pkix(purpose, named)
    return builder.extension_policies(ca_policy=authority, ee_policy=entity)


def _web(purpose: Purpose, named: bool) -> tuple[ExtensionPolicy, ExtensionPolicy]:
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    authority, entity = ExtensionPolicy.webpki_defaults_ca(), ExtensionPolicy.webpki_defaults_ee()
    if not named:
        # Only the verifier for clients asks for no name, but it asks for clientAuth: so the purpose is checked here.
        entity = entity.may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
        entity = entity.may_be_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, _purpose_check(purpose, False))
        authority = authority.may_be_present(
            x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, _purpose_check(purpose, True)
        )
    return authority, entity


def _pkix(purpose: Purpose, named: bool) -> tuple[ExtensionPolicy, ExtensionPolicy]:
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    either = Criticality.AGNOSTIC
    authority = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, either, None)
        .may_be_present(x509.KeyUsage, either, _may_sign_certificates)
        .may_be_present(x509.ExtendedKeyUsage, either, _purpose_check(purpose, True))
    )
    entity = (
        ExtensionPolicy.permit_all()
        .may_be_present(x509.KeyUsage, either, _may_shake_hands)
        .may_be_present(x509.ExtendedKeyUsage, either, _purpose_check(purpose, False))
    )
    if named:
        entity = entity.require_present(x509.SubjectAlternativeName, either, None)
    return authority, entity


def _may_sign_certificates(policy: Policy, cert: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("keyUsage of an authority without keyCertSign")


def _may_shake_hands(policy: Policy, cert: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    if usage is not None and not (usage.digital_signature or usage.key_encipherment or usage.key_agreement):
        raise ValueError("keyUsage allows no handshake")
    # cryptography looks at the keys of authorities only; OpenSSL and curl refuse such a key anywhere.
    if read(cert.public_bytes(Encoding.DER)).key == EXPLICIT_CURVE:
        raise ValueError("Forbidden public key: a curve that is spelt out")


def _purpose_check(purpose: Purpose, any_will_do: bool) -> PurposeCheck:
    from cryptography.x509.oid import ExtendedKeyUsageOID

    wanted = {ExtendedKeyUsageOID.SERVER_AUTH if purpose == "server" else ExtendedKeyUsageOID.CLIENT_AUTH}
    if any_will_do:
        wanted.add(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)

    def check(policy: Policy, cert: x509.Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
        if purposes is not None and wanted.isdisjoint(purposes):
            raise ValueError("EKU does not allow this purpose")

    return check
