"""Why a way up ends before an anchor: an unknown root, or a link that the server should have sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.links import MAX_CONSIDERED, MAX_DEPTH, Path, Pool, is_self_signed, signed_by
from tlsviz.pki.stores import Store, subject_of
from tlsviz.pki.trust import Borrowed, Fault
from tlsviz.wire.text import shorten

MAX_KNOWN = 20
_ROOT = re.compile(r"\b[Rr]oots?\b|\bROOT\b|[a-z]Root|Primary Certification Authority")
_BETWEEN = re.compile(r"\b(intermediate|issuing|subordinate|sub[- ]?ca)\b", re.IGNORECASE)


def ends(
    pool: Pool, path: Path, store: Store, known: Sequence[bytes] = (), fetched: Sequence[Borrowed] = ()
) -> Iterator[Fault]:
    """What is missing above the last certificate of a way up that reaches no anchor.

    ``known``: certificates that were seen elsewhere, ``fetched``: that were got from where others say they lie.
    `missing_intermediate` needs evidence: the issuer was seen or fetched, calls itself an intermediate, or an end
    entity's certificate came alone and says where its issuer's lies. A root that the store does not have looks just
    the same otherwise, because roots need not be sent.
    """
    last = path.ders[-1]
    cert, index = read(last), pool.index.get(last)
    where = f"not in the {store.name} store"
    if cert.self_issued:
        yield _itself(cert, index, where, alone=len(path.ders) == 1)
    elif not cert.issuer_der:
        yield Fault("unknown_issuer", index, "does not say who issued it, or it cannot be read")
    elif len(path.ders) >= MAX_DEPTH:
        yield Fault("path_length", index, f"the chain is longer than {MAX_DEPTH} certificates")
    elif pool.parents(last, store):
        yield Fault("unknown_issuer", index, "the authorities issued each other in a circle, under no root")
    elif store.by_subject(cert.issuer_der):
        detail = f"issued by {_issuer(cert)}, whose key is not the one in the {store.name} store"
        yield Fault("unknown_issuer", index, detail)
    elif pool.sent > MAX_CONSIDERED:
        detail = f"issued by {_issuer(cert)}; of {pool.sent:,} certificates sent only {MAX_CONSIDERED} were considered"
        yield Fault("unknown_issuer", index, detail)
    else:
        yield from _not_sent(pool, path, store, known, fetched)


def _itself(cert: Certificate, index: int | None, where: str, alone: bool) -> Fault:
    if alone:
        vouches = "vouches for itself" if is_self_signed(cert.der) else "names itself as its issuer"
        return Fault("self_signed", index, f"{vouches}, and is {where}")
    return Fault("unknown_issuer", index, f"the chain ends in this root, which is {where}")


def _not_sent(
    pool: Pool, path: Path, store: Store, known: Sequence[bytes], fetched: Sequence[Borrowed]
) -> Iterator[Fault]:
    last = path.ders[-1]
    cert, index = read(last), pool.index.get(last)
    issuer, where = _issuer(cert), f"not in the {store.name} store"
    lies = f"; it lies at {shorten(cert.ca_issuers[0], 120)}" if cert.ca_issuers else ""
    known = (*(one.der for one in fetched), *known)
    seen = seen_issuer(last, known)
    if seen is not None and not read(seen).self_issued:
        place = next((one.where for one in fetched if one.der == seen), None)
        how = "another connection here shows it" if place is None else f"it was fetched from {shorten(place, 120)}"
        detail = f"issued by {issuer}, which was not sent; {how}"
        yield Fault("missing_intermediate", index, detail)
        if not any(way.anchored for way in Pool((last, seen, *known)).paths(last, store)):
            yield Fault("unknown_issuer", index, f"its issuer {issuer} leads to no root in the {store.name} store")
    elif seen is None and _BETWEEN.search(issuer):
        detail = f"issued by {issuer}, an intermediate by its name, which was not sent{lies}"
        yield Fault("missing_intermediate", index, detail)
    elif seen is not None or _ROOT.search(cert.issuer):
        yield Fault("unknown_issuer", index, f"its root {issuer} is {where}")
    elif lies and len(path.ders) == 1 and not cert.is_ca:
        yield Fault("missing_intermediate", index, f"issued by {issuer}, which was not sent{lies}")
    else:
        both = "either that is its root, or a certificate between them is missing"
        yield Fault("unknown_issuer", index, f"issued by {issuer}, which was not sent and is {where}: {both}")


def seen_issuer(child: bytes, known: Sequence[bytes]) -> bytes | None:
    """The certificate of the child's issuer, if it was seen: the one whose key made the signature."""
    subject = read(child).issuer_der
    named = [der for der in known if subject and subject in der and subject_of(der) == subject]
    return next((der for der in named[:MAX_KNOWN] if signed_by(child, der) == "verified"), None)


def _issuer(cert: Certificate) -> str:
    return shorten(cert.issuer_cn or cert.issuer or "an authority without a name", 120)
