"""Whom to trust: cryptography's path validation is the judge; a rejection is explained by `faults`.

Trusted means that `cryptography.x509.verification` accepts the chain as it was sent, with its first
certificate as the end entity's and the rest, in whatever order, as helpers (RFC 8446 4.4.2 allows any order
behind the first). So ``wrong_order`` is a reason only when the end entity's certificate does not come
first; any other disorder is a mark in the `graph`. The store's profile (`policy`) says which rules a
chain is held to. Weak keys of the end entity are accepted by the judge: they are a reason only beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tlsviz.pki.certificate import read
from tlsviz.pki.ends import seen_issuer
from tlsviz.pki.faults import (
    Question,
    explain,
    for_no_host,
    judged_ways,
    name_mismatch,
    time_faults,
    weak_leaf,
)
from tlsviz.pki.fields import field_of
from tlsviz.pki.links import MAX_CONSIDERED, Path, Pool, parse
from tlsviz.pki.names import as_address, ascii_name
from tlsviz.pki.policy import with_policies
from tlsviz.pki.stores import Store
from tlsviz.pki.strict import STRICT, in_our_words
from tlsviz.pki.trust import Borrowed, Fault, Helped, Now, StoreVerdict, Trust, Way

if TYPE_CHECKING:
    from cryptography import x509

MAX_ANCHORS = 100
MAX_BORROWED = 6
SAME_TIME = timedelta(hours=1)
"""Two judgements that lie no farther apart are one."""
Judged = tuple[StoreVerdict, tuple[Borrowed, ...]]


def judge(
    ders: Sequence[bytes],
    name: str | None,
    at: datetime,
    stores: Sequence[Store],
    known: Sequence[bytes] = (),
    cut: bool = False,
    fetched: Sequence[Borrowed] = (),
    now: datetime | None = None,
) -> Trust:
    """Judges a server's certificates as sent, for a host name or address, at a time, by each store.

    Without a name no name is compared, and the verdict's detail says so. Without a store the verdict is "unknown";
    without a certificate it is "untrusted". ``known``: certificates seen elsewhere, which are never trusted but tell
    a missing certificate from an unknown root, and may fill a gap beside the verdict (`StoreVerdict.helped`), as
    ``fetched`` ones may. ``cut``: more certificates were sent than are here; then a way up that ends early is
    "unknown". ``now``: also judge at this time. Never raises; at most 32 certificates are considered.
    """
    return _judge(ders, Question(name, aware(at), "server", tuple(known), cut, tuple(fetched)), stores, now)


def judge_client(
    ders: Sequence[bytes],
    at: datetime,
    stores: Sequence[Store],
    known: Sequence[bytes] = (),
    cut: bool = False,
    now: datetime | None = None,
) -> Trust:
    """Judges a client's certificates (mutual TLS): purpose clientAuth, any name or none."""
    return _judge(ders, Question(None, aware(at), "client", tuple(known), cut), stores, now)


def aware(at: datetime) -> datetime:
    """The time with its zone: UTC where it has none."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _judge(ders: Sequence[bytes], question: Question, stores: Sequence[Store], now: datetime | None) -> Trust:
    name, at, purpose = question.name, question.at, question.purpose
    if not stores:
        return Trust("unknown", (), at, "", name, purpose=purpose)
    if not ders:
        fault = Fault("no_certificate", None, f"the {purpose} sent an empty list of certificates")
        refused = tuple(
            StoreVerdict(store.name, "untrusted", (fault.reason,), fault.detail, (), (fault,)) for store in stores
        )
        return Trust("untrusted", (fault.reason,), at, stores[0].name, name, refused, (fault,), purpose)
    pool = Pool(ders)
    judged = [_ask_with_help(pool, question, store) for store in stores]
    verdicts = tuple(each[0] for each in judged)
    chosen = deciding(verdicts)
    borrowed = tuple(dict.fromkeys(one for _, found in judged for one in found))
    again = _now(pool, question, stores, verdicts, aware(now)) if now else None
    return Trust(
        chosen.verdict, chosen.reasons, at, chosen.store, name, verdicts, chosen.faults, purpose, again, borrowed
    )


def deciding(verdicts: Sequence[StoreVerdict]) -> StoreVerdict:
    """The verdict that counts: of the first store that trusts, else of the first asked."""
    return next((each for each in verdicts if each.verdict == "trusted"), verdicts[0])


def _now(
    pool: Pool, question: Question, stores: Sequence[Store], then: Sequence[StoreVerdict], now: datetime
) -> Now | None:
    """The verdicts at the present time; None when that is the time judged at."""
    if abs(now - question.at) <= SAME_TIME:
        return None
    later = question._replace(at=now, known=(), fetched=())
    found = tuple(
        verdict if _holds(verdict, now) else _ask(pool, later, store)[0]
        for verdict, store in zip(then, stores, strict=True)
    )
    chosen = deciding(found)
    return Now(now, chosen.verdict, chosen.reasons, tuple((each.store, each.verdict) for each in found))


def _holds(verdict: StoreVerdict, now: datetime) -> bool:
    """Whether a verdict of yes is one now too: the way up is the same, and its dates fit."""
    return verdict.verdict == "trusted" and not any(time_faults(read(der), now) for der in verdict.path)


def _ask_with_help(pool: Pool, question: Question, store: Store) -> Judged:
    """One store's verdict; and the one it would give to the chain without its gaps."""
    verdict, way = _ask(pool, question, store)
    if verdict.verdict == "trusted" or way is None or way.anchored:
        return verdict, ()
    found = _borrow(way.ders[-1], question, store)
    if not found:
        return verdict, ()
    wider = Pool((*pool.ders[: MAX_CONSIDERED - MAX_BORROWED], *(one.der for one in found)))
    helped, _ = _ask(wider, question._replace(known=(), fetched=()), store)
    used = tuple(one for one in found if one.der in helped.path)
    if not used:
        return verdict, ()
    ways = tuple(way._replace(helped=True, taken=False) for way in helped.ways if way.ders == helped.path)
    outcome = Helped(helped.verdict, helped.reasons, helped.detail, helped.path)
    return verdict._replace(helped=outcome, ways=(*verdict.ways, *ways)), used


def _borrow(last: bytes, question: Question, store: Store) -> tuple[Borrowed, ...]:
    """Certificates from elsewhere that lead on from the last of a way, as far as they go."""
    lent = {one.der: one for one in question.fetched}
    for der in question.known:
        lent.setdefault(der, Borrowed(der, "connection"))
    found: list[Borrowed] = []
    while len(found) < MAX_BORROWED and not store.by_subject(read(last).issuer_der):
        above = seen_issuer(last, tuple(lent))
        if above is None or read(above).self_issued or any(one.der == above for one in found):
            break
        found.append(lent[above])
        last = above
    return tuple(found)


def _ask(pool: Pool, question: Question, store: Store) -> tuple[StoreVerdict, Path | None]:
    """One store's verdict with the reasons behind it, and the way up that it rests on."""
    try:
        anchors = list(_anchors(pool, store))
    except OSError as error:
        return StoreVerdict(store.name, "unknown", (), f"the store cannot be read: {error.strerror}"), None
    path, why = _verify(pool, anchors, question, store)
    if path:
        ways = _ways(judged_ways(pool, pool.ders[0], question, store), path)
        return StoreVerdict(store.name, "trusted", (), _accepted(path[0], question), path, (), ways), None
    first, misplaced = _end_entity(pool, question)
    explained = explain(pool, first, question, store)
    found, faults = explained[0]
    if not faults and not found.anchored and question.cut:
        words = "the list of certificates is not whole, so nobody can say where the chain leads"
        return StoreVerdict(store.name, "unknown", (), words, found.ders, (), _ways(explained)), found
    if misplaced:
        detail = f"is the {question.purpose}'s own and must come first, but came as number {pool.index[first] + 1}"
        faults.insert(0, Fault("wrong_order", pool.index[first], detail))
    if not faults:
        faults.append(in_our_words(why, pool.ders[0], pool.index.get(pool.ders[0])))
    faults += weak_leaf(pool, first)
    told = tuple(_located(fault, pool) for fault in faults)
    reasons = tuple(dict.fromkeys(fault.reason for fault in told))
    words = told[0].detail if anchors else f"the {store.name} store is empty"
    strict = all(STRICT in fault.detail for fault in told)
    verdict = StoreVerdict(store.name, "untrusted", reasons, words, found.ders, told, _ways(explained), strict=strict)
    return verdict, found


def _ways(judged: Sequence[tuple[Path, list[Fault]]], taken: tuple[bytes, ...] = ()) -> tuple[Way, ...]:
    """The ways up as data; the judge's own first, which is whole even where our search found another."""
    found = [
        Way(
            path.ders,
            path.anchored,
            path.ders == taken,
            () if path.ders == taken else tuple(dict.fromkeys(fault.reason for fault in faults)),
        )
        for path, faults in judged
    ]
    if taken and not any(way.taken for way in found):
        found.insert(0, Way(taken, True, True))
    return tuple(sorted(found, key=lambda way: not way.taken))


def _located(fault: Fault, pool: Pool) -> Fault:
    """The fault with the certificate and the field that it is about."""
    if fault.certificate is None or fault.sha256 is not None:
        return fault
    der = next((der for der, index in pool.index.items() if index == fault.certificate), None)
    if der is None:
        return fault
    cert = read(der)
    return fault._replace(field=fault.field or field_of(fault.reason, cert), sha256=cert.sha256)


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
