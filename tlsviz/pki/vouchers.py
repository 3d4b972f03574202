"""What others say of a certificate: OCSP and CRLs, transparency receipts, OpenSSL. Data only."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

CheckStatus = Literal["verified", "failed", "not_provable"]
RevocationStatus = Literal["good", "revoked", "unknown", "unusable"]
LONGEST_ANSWER = timedelta(days=10)
"""As long as a public authority's OCSP response or CRL may be good (CA/Browser Forum Baseline Requirements 4.9.7,
4.9.10): so old one may be that does not say until when it is."""


class Revocation(NamedTuple):
    """One answer to "has this certificate been revoked?": a stapled OCSP response or a CRL that was given.

    ``status``: what it says of the certificate; "unusable" when nothing it says counts (``check`` is not "verified").
    ``check``: whether it is its issuer's, about this certificate and of the time in question, ``why`` in words.
    ``certificate``: which one sent, counted from 0. ``signer``: who signed, ``delegated`` when that is a responder of
    the issuer's (OCSP). ``reason``: RFC 5280 5.3.1's name (``keyCompromise``). ``message``: the index of the message
    that carried it, None for a CRL; ``file``: the CRL's file. Times are in UTC, None where not said.
    """

    source: Literal["ocsp", "crl"]
    status: RevocationStatus
    check: CheckStatus
    why: str
    certificate: int | None = None
    signer: str = ""
    delegated: bool = False
    produced_at: datetime | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    reason: str | None = None
    serial: str = ""
    message: int | None = None
    file: str = ""


LogState = Literal["pending", "qualified", "usable", "readonly", "retired", "rejected", "unknown"]


class Receipt(NamedTuple):
    """One signed certificate timestamp (RFC 6962 3.2) with what the log list knows of its log.

    ``source``: how it came. ``log_id`` is lower-case hex; ``log`` and ``operator`` are "" for a log that is not in the
    list. ``state`` is the log's at the time judged at, ``since`` when it got into it (None: not said). ``time``: what
    it promises to have seen the certificate at. ``counts``: valid, and of a log that clients count.
    ``certificate``: which one sent, from 0; ``message``: the index of the message that carried it.
    """

    source: Literal["certificate", "tls", "ocsp"]
    log_id: str
    log: str
    operator: str
    state: LogState
    since: datetime | None
    time: datetime | None
    check: CheckStatus
    why: str
    counts: bool
    certificate: int = 0
    message: int | None = None


class Transparency(NamedTuple):
    """Whether the receipts are enough for browsers (Chrome's and Apple's policies ask the same number).

    ``enough`` is None where nobody asks for any: a store of one's own, a certificate from before 2018-05-01.
    """

    enough: bool | None
    needed: int
    counted: int
    operators: int
    why: str
    list_date: str = ""


class SecondOpinion(NamedTuple):
    """OpenSSL's own verdict on a live handshake, by the store ``store``: its X509_V_ERR_* number and text.

    ``code`` 0 is "ok". ``depth``: the place in the chain that OpenSSL built, 0 is the server's own; ``subject`` of the
    certificate there. ``errors``: every number it gave in turn, the first is the one that curl would stop with.
    ``agrees``: whether it and our own verdict by the same store are both yes or both no.
    """

    store: str
    code: int
    name: str
    text: str
    depth: int
    subject: str
    errors: tuple[int, ...] = ()
    agrees: bool = True
    version: str = ""
