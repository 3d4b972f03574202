"""JA4X: which program made a certificate, told by what it puts in and in which order, not by the contents.

https://github.com/FoxIO-LLC/ja4, technical details: the object identifiers of the issuer's and the subject's
attributes and of the extensions, in hex without tag and length, as they stand; of each of the three lists 12 digits of
a SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tlsviz.pki.certificate import Certificate
from tlsviz.pki.der import EXPLICIT_EXTENSIONS, OID, Element, first

_EMPTY = "000000000000"
MAX_IDENTIFIERS = 1_000
"""Of each list; no honest certificate comes near it."""


def ja4x(certificate: Certificate) -> str:
    """The JA4X fingerprint of a certificate; total, a list that cannot be read counts as empty."""
    lists = (_attributes(certificate.issuer_der), _attributes(certificate.subject_der), _extensions(certificate.der))
    return "_".join(_digest(list(found)) for found in lists)


def _digest(identifiers: list[str]) -> str:
    if not identifiers:
        return _EMPTY
    return hashlib.sha256(",".join(identifiers[:MAX_IDENTIFIERS]).encode()).hexdigest()[:12]


def _attributes(name: bytes) -> Iterator[str]:
    """Of a Name, a sequence of sets of attributes, each of which begins with its type (RFC 5280 4.1.2.4)."""
    whole = first(name)
    for relative in whole.children if whole else ():
        for attribute in relative.children:
            yield from _identifier(attribute)


def _extensions(der: bytes) -> Iterator[str]:
    """Of a certificate's extensions, each of which begins with its identifier (RFC 5280 4.1)."""
    whole = first(der)
    tbs = next(iter(whole.children), None) if whole else None
    for part in tbs.children if tbs else ():
        if part.tag == EXPLICIT_EXTENSIONS:
            for sequence in part.children[:1]:
                for extension in sequence.children:
                    yield from _identifier(extension)


def _identifier(element: Element) -> Iterator[str]:
    head = next(iter(element.children), None)
    if head is not None and head.tag == OID:
        yield head.content.hex()
