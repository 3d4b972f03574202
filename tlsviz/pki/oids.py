"""Object identifiers with their names: what certificates speak of. The names are data of `tlsviz.tls.oids`."""

from __future__ import annotations

from typing import Final

from tlsviz.tls.oids import family


def _shorts(name: str) -> dict[str, str]:
    return {dotted: row.short for dotted, row in family(name).items()}


ATTRIBUTES: Final = _shorts("attribute")
"""RFC 4514 section 3's short names and other usual ones."""

RSA, RSA_PSS, DSA, EC = (
    "1.2.840.113549.1.1.1",
    "1.2.840.113549.1.1.10",
    "1.2.840.10040.4.1",
    "1.2.840.10045.2.1",
)

KEYS: Final = _shorts("key")
CURVES: Final = {dotted: (row.short, row.bits) for dotted, row in family("curve").items()}
"""Named curves: name and bits."""

SIGNATURES: Final = _shorts("signature")
HASHES: Final = _shorts("hash")
PURPOSES: Final = _shorts("purpose")
EXTENSIONS: Final = _shorts("extension")

SUBJECT_KEY_ID, KEY_USAGE, SUBJECT_ALT_NAME = "2.5.29.14", "2.5.29.15", "2.5.29.17"
BASIC_CONSTRAINTS, NAME_CONSTRAINTS, CRL_POINTS = "2.5.29.19", "2.5.29.30", "2.5.29.31"
POLICIES, AUTHORITY_KEY_ID, EXTENDED_KEY_USAGE = "2.5.29.32", "2.5.29.35", "2.5.29.37"
AUTHORITY_ACCESS, TLS_FEATURE = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.24"
AD_OCSP, AD_CA_ISSUERS = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"
