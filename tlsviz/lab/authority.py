"""A certificate authority made on the spot: a root, an intermediate, and whatever a scenario needs below them."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KeyKind = Literal["ec", "rsa"]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

SERVER_NAME = "www.lab.test"
"""The lab's server name: .test is reserved for this (RFC 6761 6.2)."""
NAMES = (SERVER_NAME, "lab.test", "localhost", "127.0.0.1", "::1")
CLIENT_NAME = "client.lab.test"

DAY = dt.timedelta(days=1)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, and the certificates to send along, leaf first."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...]

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


class Authority:
    """A root and an intermediate that issue certificates as of ``now``.

    With a ``seed`` the elliptic curve keys and the signatures are the same every time: for samples that anyone can
    make again, never for anything that must stay secret. RSA keys are always new.
    """

    def __init__(self, now: dt.datetime | None = None, seed: str | None = None, name: str = "tlsviz lab") -> None:
        self.now = now or dt.datetime.now(dt.UTC)
        self.name = name
        self._seed = seed

    @cached_property
    def root(self) -> Issued:
        key = self._key("root", "ec")
        name = _name(self.name, f"{self.name} root")
        builder = self._builder(name, name, key, "root", 30 * DAY, 3650 * DAY)
        builder = _as_authority(builder, None)
        certificate = self._sign(builder, key)
        return Issued(certificate, key, (certificate,))

    @cached_property
    def intermediate(self) -> Issued:
        key = self._key("intermediate", "ec")
        name = _name(self.name, f"{self.name} intermediate")
        builder = self._builder(name, self.root.certificate.subject, key, "intermediate", 20 * DAY, 1825 * DAY)
        builder = _as_authority(builder, 0).add_extension(_issued_by(self.root.key), critical=False)
        certificate = self._sign(builder, self.root.key)
        return Issued(certificate, key, (certificate,))

    @cached_property
    def stranger(self) -> Authority:
        """Another authority, which nobody has heard of."""
        return Authority(self.now, self._seed, "Somebody Else")

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
        return self._leaf(purpose, subject or _name(self.name, names[0]), names, kind, begin, end, issuer)

    def client(self, name: str = CLIENT_NAME) -> Issued:
        """A client's certificate, with its intermediate."""
        return self._leaf(
            f"client {name}", _name(self.name, name), (name,), "ec", -DAY, 397 * DAY, "intermediate", client=True
        )

    def _leaf(
        self,
        purpose: str,
        subject: x509.Name,
        names: tuple[str, ...],
        kind: KeyKind,
        begin: dt.timedelta,
        end: dt.timedelta,
        issuer: Literal["intermediate", "self"],
        client: bool = False,
    ) -> Issued:
        key = self._key(purpose, kind)
        above = self.intermediate if issuer == "intermediate" else None
        above_name = above.certificate.subject if above else subject
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            self._builder(subject, above_name, key, purpose, -begin, end)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(_key_usage(digital_signature=True, key_encipherment=kind == "rsa"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        )
        signer = above.key if above else key
        builder = builder.add_extension(_issued_by(signer), critical=False)
        certificate = self._sign(builder, signer)
        return Issued(certificate, key, (certificate, above.certificate) if above else (certificate,))

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: Key, purpose: str, age: dt.timedelta, end: dt.timedelta
    ) -> x509.CertificateBuilder:
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(self._serial(purpose))
            .not_valid_before(today - age)
            .not_valid_after(today + end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder, signer: Key) -> x509.Certificate:
        if isinstance(signer, ec.EllipticCurvePrivateKey) and self._seed is not None:
            return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=True)
        return builder.sign(signer, hashes.SHA256())

    def _serial(self, purpose: str) -> int:
        return (
            int.from_bytes(self._digest(f"serial {purpose}")[:16], "big") >> 1
            if self._seed
            else x509.random_serial_number()
        )

    def _key(self, purpose: str, kind: KeyKind) -> Key:
        if kind == "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if self._seed is None:
            return ec.generate_private_key(ec.SECP256R1())
        value = int.from_bytes(self._digest(f"key {purpose}"), "big") % (P256_ORDER - 1) + 1
        return ec.derive_private_key(value, ec.SECP256R1())

    def _digest(self, purpose: str) -> bytes:
        return hashlib.sha256(f"tlsviz {self._seed} {self.name} {purpose}".encode()).digest()


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


def _as_authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(True, path_length), critical=True).add_extension(
        _key_usage(key_cert_sign=True, crl_sign=True), critical=True
    )


def _issued_by(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


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
