"""Whom to trust: cryptography's path validation is the judge; a rejection is explained by `faults`.

Trusted means that `cryptography.x509.verification` accepts the chain as it was sent, with its first
certificate as the end entity's and the rest, in whatever order, as helpers (RFC 8446 4.4.2 allows any order
behind the first). So ``wrong_order`` is a reason only when the end entity's certificate does not come
first; any other disorder is a remark of `chain.arrange`. The store's profile (`policy`) says which rules a
chain is held to. Weak keys of the end entity are accepted by the judge: they are a reason only beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tlsviz.pki.certificate import read
from tlsviz.pki.faults import Question, explain, for_no_host, name_mismatch, weak_leaf
from tlsviz.pki.links import Pool, parse
from tlsviz.pki.names import as_address, ascii_name
from tlsviz.pki.policy import with_policies
from tlsviz.pki.stores import Store
from tlsviz.pki.strict import in_our_words
from tlsviz.pki.trust import Fault, StoreVerdict, Trust

if TYPE_CHECKING:
    from cryptography import x509

MAX_ANCHORS = 100
Judged = tuple[StoreVerdict, tuple[Fault, ...]]


def judge(
    ders: Sequence[bytes],
    name: str | None,
    at: datetime,
    stores: Sequence[Store],
    known: Sequence[bytes] = (),
    cut: bool = False,
) -> Trust:
    """Judges a server's certificates as sent, for a host name or address, at a time, by each store.

    Without a name no name is compared, and the verdict's detail says so. Without a store the verdict is "unknown";
    without a certificate it is "untrusted". ``known``: certificates seen elsewhere, which are never trusted but tell
    a missing certificate from an unknown root. ``cut``: more certificates were sent than are here; then a way up that
    ends early is "unknown". Never raises; at most 32 certificates are considered.
    """
    return _judge(ders, Question(name, _aware(at), "server", tuple(known), cut), stores)


def judge_client(ders: Sequence[bytes], at: datetime, stores: Sequence[Store]) -> Trust:
    """Judges a client's certificates (mutual TLS): purpose clientAuth, any name or none."""
    return _judge(ders, Question(None, _aware(at), "client"), stores)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _judge(ders: Sequence[bytes], question: Question, stores: Sequence[Store]) -> Trust:
    name, at = question.name, question.at
    if not stores:
        return Trust("unknown", (), at, "", name)
    if not ders:
        fault = Fault("no_certificate", None, f"the {question.purpose} sent an empty list of certificates")
        refused = tuple(StoreVerdict(store.name, "untrusted", (fault.reason,), fault.detail) for store in stores)
        return Trust("untrusted", (fault.reason,), at, stores[0].name, name, refused, (fault,))
    pool = Pool(ders)
    judged = [_ask(pool, question, store) for store in stores]
    verdict, faults = next((each for each in judged if each[0].verdict == "trusted"), judged[0])
    verdicts = tuple(each[0] for each in judged)
    return Trust(verdict.verdict, verdict.reasons, at, verdict.store, name, verdicts, faults)


def _ask(pool: Pool, question: Question, store: Store) -> Judged:
    """One store's verdict, and the faults behind it when it refuses."""
    try:
        anchors = list(_anchors(pool, store))
    except OSError as error:
        return StoreVerdict(store.name, "unknown", (), f"the store cannot be read: {error.strerror}"), ()
    path, why = _verify(pool, anchors, question, store)
    if path:
        return StoreVerdict(store.name, "trusted", (), _accepted(path[0], question), path), ()
    first, misplaced = _end_entity(pool, question)
    found, faults = explain(pool, first, question, store)
    if not faults and not found.anchored and question.cut:
        words = "the list of certificates is not whole, so nobody can say where the chain leads"
        return StoreVerdict(store.name, "unknown", (), words, found.ders), ()
    if misplaced:
        detail = f"is the {question.purpose}'s own and must come first, but came as number {pool.index[first] + 1}"
        faults.insert(0, Fault("wrong_order", pool.index[first], detail))
    faults = faults or [in_our_words(why, pool.ders[0], pool.index.get(pool.ders[0]))]
    faults += weak_leaf(pool, first)
    reasons = tuple(dict.fromkeys(fault.reason for fault in faults))
    words = faults[0].detail if anchors else f"the {store.name} store is empty"
    return StoreVerdict(store.name, "untrusted", reasons, words, found.ders), tuple(faults)


def _accepted(leaf: bytes, question: Question) -> str:
    if question.name is not None or question.purpose == "client":
        return "accepted"
    nowhere = for_no_host(read(leaf))
    return f"accepted, but {nowhere}" if nowhere else "accepted; no name was asked for, so none was compared"


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


def _verify(
    pool: Pool, anchors: list[x509.Certificate], question: Question, store: Store
) -> tuple[tuple[bytes, ...], str]:
    """The judge's accepted path; or none and why it refuses, in its own words."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.verification import PolicyBuilder
    from cryptography.x509.verification import Store as AnchorStore

    leaf = parse(pool.ders[0])[0]
    if leaf is None or not anchors:
        return (), ""
    helpers = [cert for der in pool.ders[1:] if (cert := parse(der)[0]) is not None]
    try:
        builder = PolicyBuilder().store(AnchorStore(anchors)).time(question.at)
        builder = with_policies(builder, store.profile, question.purpose, named=question.name is not None)
        if question.name is not None:
            chain = builder.build_server_verifier(_subject(question.name)).verify(leaf, helpers)
        else:
            chain = builder.build_client_verifier().verify(leaf, helpers).chain
    except Exception as error:  # its refusal; or a name or an encoding that cryptography does not take
        return (), str(error)
    return tuple(cert.public_bytes(Encoding.DER) for cert in chain), ""


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    from cryptography import x509

    address = as_address(name)
    return x509.IPAddress(address) if address else x509.DNSName(ascii_name(name))
