"""The judgement of a certificate chain, as data."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from tlsviz.pki.vouchers import Receipt, Revocation, SecondOpinion, Transparency

Verdict = Literal["trusted", "untrusted", "unknown"]
Reason = Literal[
    "expired",
    "not_yet_valid",
    "name_mismatch",
    "unknown_issuer",
    "self_signed",
    "missing_intermediate",
    "wrong_order",
    "bad_signature",
    "weak_key",
    "weak_signature",
    "not_a_ca",
    "path_length",
    "key_usage",
    "extended_key_usage",
    "name_constraints",
    "revoked",
    "unsupported",
    "no_certificate",
]


class Way(NamedTuple):
    """One way up from the leaf that exists for a store: ``ders`` from leaf to its end, whatever it is worth.

    ``anchored``: it ends in an anchor of the store. ``taken``: the judge accepted exactly this one. ``reasons``: why
    it is refused, () when nothing is wrong with it. ``helped``: it needs certificates that were not sent (`Borrowed`).
    """

    ders: tuple[bytes, ...]
    anchored: bool
    taken: bool = False
    reasons: tuple[Reason, ...] = ()
    helped: bool = False


class Borrowed(NamedTuple):
    """A certificate that was not sent and can fill a gap: seen in another connection, or fetched from ``where``."""

    der: bytes
    source: Literal["connection", "fetched"]
    where: str = ""


class Helped(NamedTuple):
    """The verdict if the borrowed certificates had been sent: what a browser that has or fetches them comes to."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    detail: str = ""
    path: tuple[bytes, ...] = ()


class Fault(NamedTuple):
    """Why a certificate is not trusted: the reason, which sent certificate (None: none), and words.

    ``field``: the dotted path of the field at fault in the certificate's tree of DER, below its root
    (``tbsCertificate.validity.notAfter``), "" where no field is. ``sha256``: the certificate at fault, also when it
    was not sent; None where it is not about one.
    """

    reason: Reason
    certificate: int | None
    detail: str
    field: str = ""
    sha256: str | None = None


class StoreVerdict(NamedTuple):
    """What one store says. ``detail``: the first fault, or how it was accepted; ``path``: DERs from leaf to anchor.

    ``faults``: what is wrong with the best way up. ``ways``: every way up there is, the taken or best one first.
    ``helped``: the verdict with borrowed certificates, None where none would help. ``strict``: refused only by rules
    for public websites, which OpenSSL and curl do not keep.
    """

    store: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    detail: str = ""
    path: tuple[bytes, ...] = ()
    faults: tuple[Fault, ...] = ()
    ways: tuple[Way, ...] = ()
    helped: Helped | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """The same question at another time: now. Equal to any other with the same answers, whatever the time.

    ``stores``: each store's name and verdict.
    """

    at: datetime = field(compare=False)
    verdict: Verdict
    reasons: tuple[Reason, ...]
    stores: tuple[tuple[str, Verdict], ...]


class Trust(NamedTuple):
    """The verdict on a chain at one time.

    ``store`` names the store that ``verdict``, ``reasons`` and ``faults`` are of: the first that trusts,
    else the first asked. ``stores`` has every store's verdict. ``name`` is the server name that was
    required, None if none was known. ``purpose``: whose certificates they are. ``now``: the verdict now, None if it is
    the same question. ``borrowed``: certificates that were not sent and fill a gap. ``revocations`` and ``receipts``:
    what OCSP, CRLs and logs say; ``transparency``: whether the receipts suffice; ``openssl``: live, its own verdict.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    at: datetime
    store: str
    name: str | None = None
    stores: tuple[StoreVerdict, ...] = ()
    faults: tuple[Fault, ...] = ()
    purpose: Literal["server", "client"] = "server"
    now: Now | None = None
    borrowed: tuple[Borrowed, ...] = ()
    revocations: tuple[Revocation, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    transparency: Transparency | None = None
    openssl: SecondOpinion | None = None
