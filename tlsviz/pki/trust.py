"""The judgement of a certificate chain, as data."""

from datetime import datetime
from typing import Literal, NamedTuple

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


class StoreVerdict(NamedTuple):
    """What one store says. ``detail``: the first fault, or how it was accepted; ``path``: DERs from leaf to anchor."""

    store: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    detail: str = ""
    path: tuple[bytes, ...] = ()


class Fault(NamedTuple):
    """Why a certificate is not trusted: the reason, which sent certificate (None: none), and words."""

    reason: Reason
    certificate: int | None
    detail: str


class Trust(NamedTuple):
    """The verdict on a chain at one time.

    ``store`` names the store that ``verdict``, ``reasons`` and ``faults`` are of: the first that trusts,
    else the first asked. ``stores`` has every store's verdict. ``name`` is the server name that was
    required, None if none was known.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    at: datetime
    store: str
    name: str | None = None
    stores: tuple[StoreVerdict, ...] = ()
    faults: tuple[Fault, ...] = ()
