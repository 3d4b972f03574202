"""What rules out an offered value: the version that was agreed on, and the kind of the server's key."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection.model import CodePoint, Connection
from tlsviz.pki.certificate import read
from tlsviz.tls import suites
from tlsviz.wire.chunks import SERVER

TLS13 = 0x0304
_TLS12 = 0x0303
_KEYS = (("RSA", "RSA"), ("EC ", "ECDSA"), ("DSA", "DSS"))
_SCHEMES = (("ecdsa", "ECDSA"), ("rsa", "RSA"), ("dsa", "DSS"))
"""How the words for a key, and the names of signature schemes, begin; and what cipher suites call such keys."""
_CURVES = {0x0403: "P-256", 0x0503: "P-384", 0x0603: "P-521"}
"""In TLS 1.3 a scheme of ECDSA names the curve, too (RFC 8446 4.2.3)."""


class Agreed(NamedTuple):
    """What else must fit. ``version``: None where none was agreed on; ``key``: the server's in words, "" if unknown.

    Each method says why a value could not be chosen, "" if it could.
    """

    version: CodePoint | None
    key: str

    @property
    def tls13(self) -> bool:
        return self.version is not None and self.version.code >= TLS13

    @property
    def kind(self) -> str:
        """The kind of the server's key as suites call it: RSA, ECDSA, DSS; "" when unknown or another."""
        return next((kind for lead, kind in _KEYS if self.key.upper().startswith(lead)), "")

    def suite(self, point: CodePoint) -> str:
        suite = suites.suite(point.code)
        if suite is None or self.version is None:
            return ""
        if suite.tls13 != self.tls13:
            return f"a suite of {'TLS 1.3' if suite.tls13 else 'TLS 1.2 and older'}: {self.version} has others"
        if self.version.code < _TLS12 and suite.mac is None and suite.key_bits:
            return "an AEAD: only TLS 1.2 and newer have them"
        key, wanted = self.kind, suite.authentication
        if key and not suite.tls13 and wanted in ("RSA", "ECDSA", "DSS") and wanted != key:
            return f"wants a certificate with a key for {wanted}; this server's is for {key}"
        return ""

    def group(self, point: CodePoint) -> str:
        if self.version is not None and not self.tls13 and "MLKEM" in str(point).upper():
            return "only TLS 1.3 has it"
        if self.tls13 and (point.code in (0xFF01, 0xFF02) or 0x0001 <= point.code <= 0x0016):
            return "TLS 1.3 has no such curve (RFC 8446 4.2.7)"
        return ""

    def scheme(self, point: CodePoint) -> str:
        name, key = str(point).lower(), self.kind
        if self.tls13 and name.startswith(("rsa_pkcs1", "dsa_", "ecdsa_sha1")):
            return "only for certificates in TLS 1.3, not for the handshake (RFC 8446 4.2.3)"
        if not key or self.version is None:
            return ""
        if next((kind for lead, kind in _SCHEMES if name.startswith(lead)), "") != key:
            return f"for a key of another kind: the certificate's is for {key}"
        curve = _CURVES.get(point.code)
        if self.tls13 and curve and key == "ECDSA" and curve not in self.key:
            return f"in TLS 1.3 for the curve {curve} alone; the certificate's key is {self.key}"
        if "pss_pss" in name and key == "RSA" and "PSS" not in self.key.upper():
            return "for a certificate whose key is for PSS alone"
        return ""


def agreed(connection: Connection) -> Agreed:
    """What the version and the server's certificate leave."""
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    return Agreed(connection.version, read(ders[0]).key if ders else "")
