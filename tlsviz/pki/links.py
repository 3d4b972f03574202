"""Whether one certificate signed another, and cryptography's view of a certificate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from tlsviz.pki.certificate import read
from tlsviz.pki.words import weak_signature
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from cryptography import x509

    from tlsviz.pki.stores import Store

Link = Literal["verified", "failed", "unknown"]
"""Signed by the parent: the signature is right, is wrong, or could not be checked."""

MAX_CONSIDERED = 32
MAX_SIGNATURES = 200
MAX_DEPTH = 10
MAX_PATHS = 24


@cache
def _quiet() -> None:
    """cryptography warns, on standard error, of oddities that we report ourselves."""
    from cryptography.utils import CryptographyDeprecationWarning

    warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)
    warnings.filterwarnings("ignore", message="Attribute's length must be")


@lru_cache(maxsize=512)
def parse(der: bytes) -> tuple[x509.Certificate | None, str]:
    """The certificate as cryptography sees it; or None and why it refuses it (safe text)."""
    from cryptography import x509

    _quiet()
    try:
        return x509.load_der_x509_certificate(der), ""
    except Exception as error:  # whatever a parser says of hostile bytes
        return None, shorten(str(error) or type(error).__name__, 200)


@lru_cache(maxsize=2048)
def signed_by(child: bytes, parent: bytes) -> Link:
    """Checks the child's signature with the parent's public key; the names are not compared with each other."""
    from cryptography.exceptions import InvalidSignature

    below, above = parse(child)[0], parse(parent)[0]
    if below is None or above is None:
        return "unknown"
    try:
        if weak_signature(read(child)):
            _verify_old(below, above)
        else:
            below.verify_directly_issued_by(above)
    except InvalidSignature:
        return "failed"
    except Exception:  # an algorithm or key that cryptography does not do
        return "unknown"
    return "verified"


def _verify_old(below: x509.Certificate, above: x509.Certificate) -> None:
    """A signature over MD5 or SHA-1: cryptography checks none on certificates any more, old captures are full of them.

    Raises InvalidSignature, or ValueError or UnsupportedAlgorithm for what cannot be checked.
    """
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
    from cryptography.x509.oid import SignatureAlgorithmOID

    key, digest = above.public_key(), below.signature_hash_algorithm
    signature, signed = below.signature, below.tbs_certificate_bytes
    if digest is None or below.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
        raise ValueError("unsupported signature algorithm")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(digest))
    elif isinstance(key, dsa.DSAPublicKey):
        key.verify(signature, signed, digest)
    else:
        raise ValueError("unsupported key")


def same_key(child: bytes, parent: bytes) -> bool | None:
    """Whether the child names the parent's key as its issuer's; None when either says nothing."""
    wanted, has = read(child).authority_key_id, read(parent).subject_key_id
    return None if wanted is None or has is None else wanted == has


class Parent(NamedTuple):
    """A certificate that may have issued another."""

    der: bytes
    link: Link


class Path(NamedTuple):
    """Certificates from the leaf upwards; ``links[i]``: ``ders[i]`` was signed by ``ders[i + 1]``.

    ``anchored``: the last one is in the store.
    """

    ders: tuple[bytes, ...]
    links: tuple[Link, ...]
    anchored: bool


class Pool:
    """The certificates that were sent, and the ways up from them. All work is bounded."""

    def __init__(self, ders: Sequence[bytes]) -> None:
        self.sent = len(ders)
        self.ders = tuple(dict.fromkeys(ders[:MAX_CONSIDERED]))
        self.index = {der: index for index, der in reversed(list(enumerate(ders[:MAX_CONSIDERED])))}
        self._signatures = 0
        self._links: dict[tuple[bytes, bytes], Link] = {}

    def link(self, child: bytes, parent: bytes) -> Link:
        """`signed_by`, until the budget of signatures is spent."""
        pair = (child, parent)
        if pair not in self._links:
            self._signatures += 1
            self._links[pair] = "unknown" if self._signatures > MAX_SIGNATURES else signed_by(child, parent)
        return self._links[pair]

    def parents(self, der: bytes, store: Store | None = None) -> list[Parent]:
        """What may have issued a certificate, best first: right signatures before others, the store's before sent.

        A certificate of the right name whose key is not the one that the child names, and did not sign it,
        is none.
        """
        issuer = read(der).issuer_der
        if not issuer:
            return []
        named = list(store.by_subject(issuer)[:MAX_CONSIDERED]) if store else []
        named += [other for other in self.ders if other not in named and read(other).subject_der == issuer]
        found = [Parent(other, self.link(der, other)) for other in named if other != der]
        right = [parent for parent in found if parent.link == "verified"]
        return right or [parent for parent in found if same_key(der, parent.der) is not False]

    def paths(self, leaf: bytes, store: Store | None = None) -> list[Path]:
        """The ways up from a certificate, as far as each goes; at least one, and not more than `MAX_PATHS`."""
        done: list[Path] = []
        self._climb((leaf,), (), store, done)
        return done

    def _climb(self, ders: tuple[bytes, ...], links: tuple[Link, ...], store: Store | None, done: list[Path]) -> None:
        if len(done) >= MAX_PATHS:
            return
        if store and ders[-1] in store:
            done.append(Path(ders, links, True))
            return
        above = [parent for parent in self.parents(ders[-1], store) if parent.der not in ders]
        if not above or len(ders) >= MAX_DEPTH:
            done.append(Path(ders, links, False))
        for parent in above if len(ders) < MAX_DEPTH else ():
            self._climb((*ders, parent.der), (*links, parent.link), store, done)


def is_self_signed(der: bytes) -> bool:
    """Issued to itself and signed with its own key."""
    return read(der).self_issued and signed_by(der, der) == "verified"
