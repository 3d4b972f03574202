"""A certificate authority made on the spot: a root, an intermediate, and whatever a scenario needs below them."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tlsviz.lab.keys import Key, KeyKind, make_key

SERVER_NAME = "www.lab.test"
"""The lab's server name: .test is reserved for this (RFC 6761 6.2)."""
NAMES = (SERVER_NAME, "lab.test", "localhost", "127.0.0.1", "::1")
CLIENT_NAME = "client.lab.test"

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, and the certificates to send along, leaf first.

    ``staple``: an OCSP response in DER that a server shows with it, b"" for none.
    """

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...]
    staple: bytes = b""

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The chain as PEM."""
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in self.chain)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def with_chain(self, *above: Issued) -> Issued:
        """The same, sent with these certificates behind it."""
        return dataclasses.replace(self, chain=(self.certificate, *(one.certificate for one in above)))

    def replaced(self, certificate: x509.Certificate) -> Issued:
        """The same with another certificate for the same key."""
        return dataclasses.replace(self, certificate=certificate, chain=(certificate, *self.chain[1:]))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a certificate is to say; ``begin`` and ``end`` are relative to the authority's now, from midnight on.

    ``common``: the subject's common name, unless there is a whole ``subject``. ``authority``: it may issue others,
    as many levels of them as ``path_length`` says. ``purposes`` are an end entity's extended key usages, ``extras``
    further extensions with their criticality.
    """

    common: str
    names: tuple[str, ...] = ()
    key: KeyKind = "ec"
    begin: dt.timedelta = -DAY
    end: dt.timedelta = 397 * DAY
    authority: bool = False
    path_length: int | None = None
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,)
    subject: x509.Name | None = None
    extras: tuple[tuple[x509.ExtensionType, bool], ...] = ()


class Authority:
    """A root and an intermediate that issue certificates as of ``now``.

    With a ``seed`` the elliptic curve keys and the signatures are the same every time: for samples that anyone can
    make again, never for anything that must stay secret. RSA keys are always new. ``root_end``: when the root ends.
    ``url``: where it publishes its certificates and lists, "" where the lab happens to serve them.
    """

    def __init__(
        self,
        now: dt.datetime | None = None,
        seed: str | None = None,
        name: str = "tlsviz lab",
        root_end: dt.timedelta = 3650 * DAY,
        url: str = "",
    ) -> None:
        self.now = now or dt.datetime.now(dt.UTC)
        self.name = name
        self.url = url
        self._seed = seed
        self._root_end = root_end
        self._others: dict[str, Authority] = {}

    @cached_property
    def root(self) -> Issued:
        recipe = Recipe(f"{self.name} root", begin=-30 * DAY, end=self._root_end, authority=True)
        if self._root_end < -30 * DAY:
            recipe = dataclasses.replace(recipe, begin=self._root_end - 365 * DAY)
        return self._make("root", recipe, None)

    @cached_property
    def intermediate(self) -> Issued:
        recipe = Recipe(f"{self.name} intermediate", begin=-20 * DAY, end=1825 * DAY, authority=True, path_length=0)
        return self._make("intermediate", recipe, self.root)

    @property
    def stranger(self) -> Authority:
        """Another authority, which nobody has heard of."""
        return self.other("Somebody Else")

    def other(self, name: str, root_end: dt.timedelta = 3650 * DAY) -> Authority:
        """Another authority of that name; the same one each time."""
        if name not in self._others:
            self._others[name] = Authority(self.now, self._seed, name, root_end, self.url)
        return self._others[name]

    def published_at(self, url: str) -> Authority:
        """The same authority, its keys included, with ``url`` in the certificates that it issues from now on."""
        assert self.root and self.intermediate  # made now, so that both have the same
        same = copy.copy(self)
        same.url = url
        return same

    def server(
        self,
        names: tuple[str, ...] = NAMES,
        kind: KeyKind = "ec",
        begin: dt.timedelta = -DAY,
        end: dt.timedelta = 397 * DAY,
        issuer: Literal["intermediate", "self"] = "intermediate",
        subject: x509.Name | None = None,
    ) -> Issued:
        """A server's certificate; ``begin`` and ``end`` are relative to now."""
        purpose = f"server {names} {kind} {begin} {end} {issuer}"
        recipe = Recipe(names[0], names, kind, begin, end, subject=subject)
        return self._make(purpose, recipe, self.intermediate if issuer == "intermediate" else None)

    def client(self, name: str = CLIENT_NAME) -> Issued:
        """A client's certificate, with its intermediate."""
        recipe = Recipe(name, (name,), purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
        return self._make(f"client {name}", recipe, self.intermediate)

    def issue(self, recipe: Recipe, issuer: Issued | None = None) -> Issued:
        """A certificate by a recipe, issued by the intermediate or by another; sent with what stands above it.

        Roots are not sent.
        """
        above = issuer or self.intermediate
        return self._make(f"{recipe} by {above.certificate.subject.rfc4514_string()}", recipe, above)

    def countersigned(self, by: Issued, end: dt.timedelta) -> Issued:
        """A cross-certificate: the root's name and key, issued by another authority."""
        recipe = Recipe(f"{self.name} root", begin=-400 * DAY, end=end, authority=True)
        return self._make("countersigned", recipe, by, self.root.key)

    def access(self, file: str) -> tuple[x509.ExtensionType, bool]:
        """The extension that says where the issuer's certificate lies (RFC 5280 4.2.2.1)."""
        place = x509.UniformResourceIdentifier(f"{self.url}/{file}")
        where = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        return x509.AuthorityInformationAccess([where]), False

    def _make(self, purpose: str, recipe: Recipe, above: Issued | None, key: Key | None = None) -> Issued:
        key = key or make_key(recipe.key, self._digest(f"key {purpose}") if self._seed is not None else None)
        subject = recipe.subject or _name(self.name, recipe.common)
        signer = above.key if above else key
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above.certificate.subject if above else subject)
            .public_key(key.public_key())
            .serial_number(self._serial(purpose))
            .not_valid_before(today + recipe.begin)
            .not_valid_after(today + recipe.end)
        )
        for extension, critical in _extensions(recipe, key, above, signer):
            builder = builder.add_extension(extension, critical=critical)
        certificate = self.sign(builder, signer)
        above_it = above.chain if above and above.certificate.subject != above.certificate.issuer else ()
        return Issued(certificate, key, (certificate, *above_it))

    def sign(self, builder: x509.CertificateBuilder, signer: Key) -> x509.Certificate:
        """Signs with SHA-256, the same each time where there is a seed."""
        if isinstance(signer, ec.EllipticCurvePrivateKey) and self._seed is not None:
            return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=True)
        return builder.sign(signer, hashes.SHA256())

    def _serial(self, purpose: str) -> int:
        return (
            int.from_bytes(self._digest(f"serial {purpose}")[:16], "big") >> 1
            if self._seed
            else x509.random_serial_number()
        )

    def _digest(self, purpose: str) -> bytes:
        return hashlib.sha256(f"tlsviz {self._seed} {self.name} {purpose}".encode()).digest()


def _extensions(recipe: Recipe, key: Key, above: Issued | None, signer: Key) -> list[tuple[x509.ExtensionType, bool]]:
    """What stands in a certificate's extensions, in this order, each with its criticality."""
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.BasicConstraints(recipe.authority, recipe.path_length), True),
    ]
    if recipe.authority:
        found.append((_key_usage(key_cert_sign=True, crl_sign=True), True))
    else:
        enciphers = recipe.key.startswith("rsa")
        found.append((_key_usage(digital_signature=True, key_encipherment=enciphers), True))
        if recipe.purposes:
            found.append((x509.ExtendedKeyUsage(recipe.purposes), False))
    if recipe.names:
        found.append((x509.SubjectAlternativeName([_general_name(name) for name in recipe.names]), False))
    if above or not recipe.authority:
        found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
    return [*found, *recipe.extras]


def _name(organization: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(**uses: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: uses.get(name, False) for name in names})
