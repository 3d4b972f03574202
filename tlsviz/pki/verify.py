"""Whom to trust: cryptography's path validation is the judge; a rejection is explained by `faults`.

Trusted means that `cryptography.x509.verification` accepts the chain as it was sent, with its first
certificate as the end entity's and the rest, in whatever order, as helpers (RFC 8446 4.4.2 allows any order
behind the first). So ``wrong_order`` is a reason only when the end entity's certificate does not come
first; any other disorder is a remark of `chain.arrange`. Weak keys of the end entity are accepted by the
judge and so no reason either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from tlsviz.pki import oids
from tlsviz.pki.certificate import read
from tlsviz.pki.faults import Purpose, Question, explain, name_mismatch
from tlsviz.pki.links import Pool, parse
from tlsviz.pki.names import as_address, ascii_name
from tlsviz.pki.stores import Store
from tlsviz.pki.trust import Fault, Reason, StoreVerdict, Trust
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.verification import PolicyBuilder

MAX_ANCHORS = 100
NOBODY = "no-name.invalid"
Judged = tuple[StoreVerdict, tuple[Fault, ...]]


def judge(ders: Sequence[bytes], name: str | None, at: datetime, stores: Sequence[Store]) -> Trust:
    """Judges a server's certificates as sent, for a host name or address, at a time, by each store.

    Without a name the chain is judged for a name of its own, and the verdict's detail says so. Without a
    store the verdict is "unknown"; without a certificate it is "untrusted". Never raises; at most 32
    certificates are considered.
    """
    return _judge(ders, name, at, stores, "server")


def judge_client(ders: Sequence[bytes], at: datetime, stores: Sequence[Store]) -> Trust:
    """Judges a client's certificates (mutual TLS): purpose clientAuth, any name or none."""
    return _judge(ders, None, at, stores, "client")


def _judge(ders: Sequence[bytes], name: str | None, at: datetime, stores: Sequence[Store], purpose: Purpose) -> Trust:
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not stores:
        return Trust("unknown", (), at, "", name)
    if not ders:
        refused = tuple(StoreVerdict(store.name, "untrusted", ("no_certificate",)) for store in stores)
        fault = Fault("no_certificate", None, f"the {purpose} sent an empty list of certificates")
        return Trust("untrusted", ("no_certificate",), at, stores[0].name, name, refused, (fault,))
    pool = Pool(ders)
    judged = [_ask(pool, Question(name, at, purpose, store)) for store in stores]
    verdict, faults = next((each for each in judged if each[0].verdict == "trusted"), judged[0])
    return Trust(
        verdict.verdict,
        verdict.reasons,
        at,
        verdict.store,
        name,
        tuple(each[0] for each in judged),
        faults,
    )


def _ask(pool: Pool, question: Question) -> Judged:
    """One store's verdict, and the faults behind it when it refuses."""
    store, leaf = question.store, pool.ders[0]
    try:
        anchors = list(_anchors(pool, store))
    except OSError as error:
        return StoreVerdict(store.name, "unknown", (), f"the store cannot be read: {error.strerror}"), ()
    path, words = _verify(pool, anchors, question)
    if path:
        return StoreVerdict(store.name, "trusted", (), words, path), ()
    first, misplaced = _end_entity(pool, question)
    found, faults = explain(pool, first, question)
    if misplaced:
        detail = f"is the {question.purpose}'s own and must come first, but came as number {pool.index[first] + 1}"
        faults.insert(0, Fault("wrong_order", pool.index[first], detail))
    if not faults:
        faults = [_in_the_judges_words(words, pool.index.get(leaf))]
    reasons = tuple(dict.fromkeys(fault.reason for fault in faults))
    return StoreVerdict(store.name, "untrusted", reasons, words, found.ders), tuple(faults)


def _anchors(pool: Pool, store: Store) -> Iterator[x509.Certificate]:
    """The anchors that can end a way up from what was sent: the others cannot change the verdict."""
    wanted = [der for der in pool.ders if der in store]
    for subject in dict.fromkeys(read(der).issuer_der for der in pool.ders):
        wanted += store.by_subject(subject)
    # cryptography takes no empty store; an anchor that fits nothing keeps the verdict its own.
    for der in dict.fromkeys((*wanted[:MAX_ANCHORS], *store.ders[:3])):
        anchor = parse(der)[0]
        if anchor is not None:
            yield anchor


def _end_entity(pool: Pool, question: Question) -> tuple[bytes, bool]:
    """The certificate that should have come first, and whether it did not."""
    first = pool.ders[0]
    if not read(first).is_ca:
        return first, False
    others = [der for der in pool.ders[1:] if not read(der).is_ca]
    named = [der for der in others if not name_mismatch(read(der), question.name)]
    found = next(iter(named or others), None)
    return (found, True) if found else (first, False)


def _verify(pool: Pool, anchors: list[x509.Certificate], question: Question) -> tuple[tuple[bytes, ...], str]:
    """The judge's accepted path and a remark; or no path and why it refuses (safe text)."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.verification import PolicyBuilder, VerificationError
    from cryptography.x509.verification import Store as AnchorStore

    leaf, why = parse(pool.ders[0])
    if leaf is None:
        return (), f"the certificate cannot be read: {why}"
    if not anchors:
        return (), f"the {question.store.name} store is empty"
    helpers = [cert for der in pool.ders[1:] if (cert := parse(der)[0]) is not None]
    try:
        builder = PolicyBuilder().store(AnchorStore(anchors)).time(question.at)
        if question.purpose == "client":
            chain, remark = _client_chain(builder, leaf, helpers), "accepted"
        else:
            subject, remark = _subject(question.name, pool.ders[0])
            chain = builder.build_server_verifier(subject).verify(leaf, helpers)
    except VerificationError as error:
        return (), _clean(str(error))
    except Exception as error:  # a name or an encoding that cryptography does not take
        return (), _clean(f"{type(error).__name__}: {error}")
    return tuple(cert.public_bytes(Encoding.DER) for cert in chain), remark


def _client_chain(
    builder: PolicyBuilder, leaf: x509.Certificate, helpers: list[x509.Certificate]
) -> list[x509.Certificate]:
    """A client need not have a subjectAltName, which cryptography's own policy demands."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    entity = ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    policies = builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=entity)
    return policies.build_client_verifier().verify(leaf, helpers).chain


def _subject(name: str | None, leaf: bytes) -> tuple[x509.DNSName | x509.IPAddress, str]:
    """Whom the judge is asked about: the name that was wanted, else one of the certificate's own."""
    from cryptography import x509

    remark = "accepted"
    if name is None:
        # A wildcard is no host name; any one label under it stands for all.
        name = next((own.replace("*.", "any.", 1) for own in read(leaf).names), NOBODY)
        remark = f"accepted; no name was asked for, so judged for its own name {shorten(name, 80)}"
    address = as_address(name)
    return (x509.IPAddress(address) if address else x509.DNSName(ascii_name(name))), remark


_JUDGE_WORDS: tuple[tuple[str, Reason], ...] = (
    ("subjectAltName", "name_mismatch"),
    ("invalid domain name", "name_mismatch"),
    ("name constraint", "name_constraints"),
    ("nameConstraints", "name_constraints"),
    (oids.NAME_CONSTRAINTS, "name_constraints"),
    ("max depth", "path_length"),
    ("path length", "path_length"),
    ("validation time", "expired"),
    (oids.KEY_USAGE, "key_usage"),
    ("keyUsage", "key_usage"),
    (oids.EXTENDED_KEY_USAGE, "extended_key_usage"),
    ("EKU", "extended_key_usage"),
    ("too weak", "weak_key"),
    ("Forbidden signature algorithm", "weak_signature"),
    ("basicConstraints", "not_a_ca"),
)


def _in_the_judges_words(words: str, index: int | None) -> Fault:
    """The reason of a rejection that our own reading does not see, from the judge's sentence."""
    reason: Reason = next((reason for part, reason in _JUDGE_WORDS if part in words), "unsupported")
    return Fault(reason, index, words)


@lru_cache(maxsize=64)
def _clean(message: str) -> str:
    """The judge's sentence without Rust's debug output, extensions by name, safe to print."""
    message = message.removeprefix("validation failed: ").removeprefix("candidates exhausted: ")
    message = re.sub(r" \(encountered processing .*", "", message, flags=re.DOTALL)
    message = re.sub(r"AlgorithmIdentifier \{.*", "not one of the web's", message, flags=re.DOTALL)
    message = message.replace("all candidates exhausted with no interior errors", "no way up to an anchor")
    for dotted, name in oids.EXTENSIONS.items():
        message = message.replace(f"extension: {dotted}:", f"extension {name} ({dotted}):")
    return shorten(message, 300)
