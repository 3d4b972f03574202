"""Whether somebody between reads along: a box that ends TLS, and makes a certificate of its own for every name.

Nothing proves it from one end; clues do, each with where it stands. The verdict says which way they point, or that
they do not tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from tlsviz.connection.model import CERTIFICATES, CodePoint, Connection
from tlsviz.connection.observations import mozilla
from tlsviz.connection.observed import Observation
from tlsviz.pki.certificate import Certificate, read
from tlsviz.tls import registry
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import plural, shorten

Verdict = Literal["likely", "not seen", "cannot tell"]
Points = Literal["for", "against", "neither"]
LIKELY = 3
"""So much weight of clues makes it likely: a product's name alone does, an unknown authority alone does not."""


class Product(NamedTuple):
    """A product that inspects, by lower-case ``words`` in the names that its certificates have."""

    name: str
    kind: str
    words: tuple[str, ...]
    source: str


class Clue(NamedTuple):
    """One observation: which way it points, how much it weighs, and the message that shows it."""

    code: str
    points: Points
    text: str
    weight: int = 0
    message: int | None = None


class Inspection(NamedTuple):
    """The verdict with its clues. ``why``: the verdict in a sentence; ``product``: whose certificate it looks like."""

    verdict: Verdict
    why: str
    clues: tuple[Clue, ...] = ()
    product: str | None = None


@cache
def products() -> tuple[Product, ...]:
    """The products that are known, from ``data/inspectors.tsv``."""
    text = (Path(__file__).parent / "data" / "inspectors.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(Product(name, kind, tuple(words.split("|")), source) for name, kind, words, source in rows)


@lru_cache(maxsize=512)
def _product(der: bytes) -> Product | None:
    return known_product(read(der))


def known_product(cert: Certificate) -> Product | None:
    """The product that issued a certificate, or that it is the authority of."""
    # Not the leaf's own subject: the vendors have websites, too.
    names = [cert.issuer_cn, cert.issuer_organization, cert.issuer]
    said = " ".join(filter(None, names)).lower()
    return next((product for product in products() if any(word in said for word in product.words)), None)


def inspection(connection: Connection) -> Inspection:
    """What the server's certificates, and earlier handshakes with it, say about somebody between."""
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    if not ders:
        why = "no certificate can be seen here" + (": the session was resumed" if connection.resumed else "")
        return Inspection("cannot tell", why, tuple(_changes(connection)))
    where = next((m.index for m in connection.messages if m.type in CERTIFICATES and m.sender == SERVER), None)
    product = next(filter(None, map(_product, ders[:10])), None)
    clues = [*_names(product, ders, connection), *_provenance(connection), *_changes(connection)]
    clues = [clue if clue.message is not None else clue._replace(message=where) for clue in clues]
    weight = sum(clue.weight for clue in clues if clue.points == "for")
    called = product.name if product is not None else None
    if weight >= LIKELY:
        return Inspection("likely", "clues point to somebody between who makes certificates", tuple(clues), called)
    if any(clue.points == "against" for clue in clues):
        why = "the chain is of a public authority; whoever inspects has one of its own"
        return Inspection("not seen", why, tuple(clues), called)
    why = "the authority is not a public one, but private servers have such, too"
    if mozilla(connection) is None:
        why = "the chain was not judged by a public store"
    return Inspection("cannot tell", why, tuple(clues), called)


def _names(product: Product | None, ders: list[bytes], connection: Connection) -> Iterator[Clue]:
    if product is None:
        return
    public = mozilla(connection)
    issuer = next((read(der).issuer for der in ders if _product(der) is product), "")
    text = f"the issuer {shorten(issuer, 120)} is that of {product.name} ({product.kind})"
    if public:
        yield Clue("known_product", "neither", f"{text}, but the chain ends in Mozilla's store")
    else:
        yield Clue("known_product", "for", text, LIKELY)


def _provenance(connection: Connection) -> Iterator[Clue]:
    """Which stores know the top of the chain, and whether the certificate was ever logged."""
    trust, public = connection.trust, mozilla(connection)
    if trust is None or public is None:
        return
    if public:
        yield Clue("public_authority", "against", "the chain ends in a root of Mozilla's store")
        return
    others = [one.store for one in trust.stores if one.store != "Mozilla" and any(way.anchored for way in one.ways)]
    if others:
        text = f"the chain ends in a root that only the {' and '.join(others)} store has: somebody added it here"
        yield Clue("local_root", "for", text, 2)
    else:
        yield Clue("unknown_root", "neither", "no store knows the root of the chain")
    if not trust.receipts:
        text = "no transparency receipt (SCT) came: public authorities log every certificate"
        yield Clue("no_scts", "for" if others else "neither", text, 1 if others else 0)


def _changes(connection: Connection) -> Iterator[Clue]:
    """What is other than in earlier handshakes with the same server by the same hello."""
    alike = [one for one in connection.earlier if one.complete and one.ja4 == connection.ja4 and one.ja4s]
    if connection.certificates:
        yield from _authority_changed(connection)
    if not alike or connection.ja4s is None or connection.resumed:
        return
    last = alike[-1]
    hello = next((m.index for m in connection.messages if m.type == "server_hello"), None)
    if connection.ja4s not in {one.ja4s for one in alike}:
        text = (
            f"the server's fingerprint (JA4S) is {connection.ja4s}, and was {last.ja4s} in "
            f"{plural(len(alike), 'earlier handshake')} with the same hello"
        )
        yield Clue("server_fingerprint_changed", "for", text, 1, hello)
    else:
        yield Clue(
            "server_fingerprint_same", "neither", "the server's fingerprint (JA4S) is that of earlier handshakes"
        )
    yield from _weaker(connection, last, hello)


def _authority_changed(connection: Connection) -> Iterator[Clue]:
    """A public authority before, and none now: the clearest change that a path can make."""
    before = [one for one in connection.earlier if one.public]
    if before and mozilla(connection) is False:
        text = (
            f"a public authority vouched for it in {plural(len(before), 'earlier handshake')}"
            f" ({shorten(before[-1].issuer or '', 120)}), and none does now"
        )
        yield Clue("authority_changed", "for", text, 2)


def _weaker(connection: Connection, last: Observation, hello: int | None) -> Iterator[Clue]:
    """An older version, or another suite, than the same hello got before."""
    version, suite = last.chosen[0], last.chosen[1]
    if connection.version is not None and isinstance(version, int) and connection.version.code < version < 0xFE00:
        name = CodePoint(version, 2, registry.versions.get(version))
        yield Clue("older_version", "for", f"{connection.version} was chosen, and {name} before", 1, hello)
    elif connection.cipher_suite is not None and isinstance(suite, int) and connection.cipher_suite.code != suite:
        name = CodePoint(suite, 2, registry.cipher_suites.get(suite))
        yield Clue("other_suite", "neither", f"{connection.cipher_suite} was chosen, and {name} before", 0, hello)
