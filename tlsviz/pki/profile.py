"""One certificate in full, for people and experts: who, what for, how strong, how vetted, within which limits."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Literal, NamedTuple

from tlsviz.pki import oids
from tlsviz.pki.baseline import Limit, allowed_days, limits
from tlsviz.pki.certificate import Certificate
from tlsviz.pki.naming import deceptive, to_unicode
from tlsviz.pki.words import describe_key, lifetime_days, strength
from tlsviz.tls.oids import get

Validation = Literal["DV", "OV", "IV", "EV"]
_KINDS: dict[str, Validation] = {
    "2.23.140.1.1": "EV",
    "2.23.140.1.2.1": "DV",
    "2.23.140.1.2.2": "OV",
    "2.23.140.1.2.3": "IV",
}
_KIND_WORDS: dict[Validation, str] = {
    "DV": "domain validated: whoever got it controls the names, nothing more is known",
    "OV": "organization validated: the organization was looked up too",
    "IV": "individual validated: the person was identified too",
    "EV": "extended validation: the organization was vetted by the strictest rules; browsers show it no differently",
}
_PURPOSE_WORDS = {
    "serverAuth": "to prove a server (TLS)",
    "clientAuth": "to prove a client (TLS)",
    "codeSigning": "to sign programs",
    "emailProtection": "to protect mail",
    "timeStamping": "to stamp times",
    "OCSPSigning": "to answer for revocations (OCSP)",
    "anyExtendedKeyUsage": "anything",
}
_USAGE_WORDS = {
    "digitalSignature": "sign handshakes",
    "nonRepudiation": "sign documents",
    "keyEncipherment": "receive keys encrypted (RSA key exchange)",
    "dataEncipherment": "receive data encrypted",
    "keyAgreement": "agree on keys (static DH)",
    "keyCertSign": "sign certificates",
    "cRLSign": "sign revocation lists",
    "encipherOnly": "only encrypt, when agreeing on keys",
    "decipherOnly": "only decrypt, when agreeing on keys",
}


class Named(NamedTuple):
    """An identifier with its name ("" when unknown)."""

    dotted: str
    name: str


class ShownExtension(NamedTuple):
    """One extension: ``field`` is its dotted path in the certificate's tree of DER."""

    dotted: str
    name: str
    critical: bool
    field: str


class ShownName(NamedTuple):
    """One of its names; ``unicode`` how an internationalised one reads, ``odd`` why that may deceive."""

    name: str
    unicode: str | None = None
    odd: str = ""


class Profile(NamedTuple):
    """All about a certificate; all text is safe to print, hashes are lower-case hex.

    ``validation`` None: its policies name none of the CA/Browser Forum's kinds. ``strength``: bits of security of its
    key. ``serial_bits``: the length of the serial number. ``days``: its lifetime, ``allowed_days`` the CA/Browser
    Forum's limit when it was issued (None: there was none). ``limits``: what the Forum's rules say of it (they bind
    public authorities only). ``pin``: base64 of the SHA-256 of its public key, as HPKP and curl's --pinnedpubkey take.
    ``may``, ``purposes``: what its key may be used for, in words; () when nothing is said, so that all is allowed.
    """

    certificate: Certificate
    title: str
    role: Literal["end entity", "authority", "self-signed root", "self-issued"]
    names: tuple[ShownName, ...]
    validation: Validation | None
    validation_words: str
    policies: tuple[Named, ...]
    days: int | None
    allowed_days: int | None
    key_words: str
    strength: int | None
    may: tuple[str, ...]
    purposes: tuple[str, ...]
    serial_bits: int
    limits: tuple[Limit, ...]
    pin: str
    sha1: str
    sha256: str
    pem: str
    extensions: tuple[ShownExtension, ...]

    @property
    def broken(self) -> tuple[Limit, ...]:
        """The limits that it does not keep."""
        return tuple(limit for limit in self.limits if not limit.kept)


@lru_cache(maxsize=128)
def profile(cert: Certificate) -> Profile:
    """Everything about a certificate. Total: what could not be read of it is left out."""
    kind = validation(cert)
    return Profile(
        cert,
        cert.title,
        _role(cert),
        tuple(_name(name) for name in cert.names),
        kind,
        _KIND_WORDS[kind] if kind else "its policies do not say how its owner was checked",
        tuple(Named(dotted, known.name if (known := get(dotted)) else "") for dotted in cert.policies),
        lifetime_days(cert),
        allowed_days(cert.not_before) if cert.not_before else None,
        describe_key(cert),
        strength(cert),
        tuple(_USAGE_WORDS.get(usage, usage) for usage in cert.key_usage),
        tuple(_PURPOSE_WORDS.get(purpose, purpose) for purpose in cert.extended_key_usage),
        serial_bits(cert),
        limits(cert),
        pin(cert),
        hashlib.sha1(cert.der, usedforsecurity=False).hexdigest(),
        cert.sha256,
        pem(cert.der),
        tuple(_extensions(cert)),
    )


def validation(cert: Certificate) -> Validation | None:
    """How the owner was checked, by the CA/Browser Forum's policy identifiers; the strictest counts."""
    found = {_KINDS[dotted] for dotted in cert.policies if dotted in _KINDS}
    order: tuple[Validation, ...] = ("EV", "OV", "IV", "DV")
    return next((kind for kind in order if kind in found), None)


def pin(cert: Certificate) -> str:
    """The base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7469 2.4); "" if the key cannot be read."""
    return base64.b64encode(bytes.fromhex(cert.spki_sha256)).decode("ascii")


def pem(der: bytes) -> str:
    """The certificate as PEM text, to copy or to export (RFC 7468 5)."""
    text = base64.b64encode(der).decode("ascii")
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def serial_bits(cert: Certificate) -> int:
    """The length of the serial number in bits."""
    return int(cert.serial.lstrip("-") or "0", 16).bit_length()


def _role(cert: Certificate) -> Literal["end entity", "authority", "self-signed root", "self-issued"]:
    if cert.is_ca:
        return "self-signed root" if cert.self_issued else "authority"
    return "self-issued" if cert.self_issued else "end entity"


def _name(name: str) -> ShownName:
    reads = to_unicode(name)
    return ShownName(name, reads, deceptive(reads) if reads else "")


def _extensions(cert: Certificate) -> list[ShownExtension]:
    found = []
    for dotted, critical in cert.extensions:
        name = oids.EXTENSIONS.get(dotted, "")
        field = f"tbsCertificate.extensions.Extensions.{name or 'Extension'}"
        found.append(ShownExtension(dotted, name, critical, field))
    return found
