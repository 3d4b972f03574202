"""Signed certificate timestamps (RFC 6962 3.2): in an extension of TLS, of a certificate, of an OCSP response."""

from __future__ import annotations

from datetime import UTC, datetime

from tlsviz.tls import registry
from tlsviz.tls.signatures import signature, signature_scheme
from tlsviz.wire.reader import Reader

_YEAR_9999 = 253_370_764_800_000


def milliseconds(count: int) -> str | None:
    """A timestamp of a log in words; None beyond the year 9999."""
    if count >= _YEAR_9999:
        return None
    return f"{datetime.fromtimestamp(count / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def sct_list(r: Reader) -> None:
    """``SerializedSCT sct_list<1..2^16-1>`` (RFC 6962 3.3)."""
    r.vector("sct_list", 2, lambda v: v.each(lambda w: w.vector("serialized_sct", 2, _sct)))


def _sct(r: Reader) -> None:
    """``SignedCertificateTimestamp``."""
    if r.uint("sct_version", 1, registry.sct_versions) != 0:
        r.rest("sct")
        return
    r.opaque("id", 32)
    moment = milliseconds(r.uint("timestamp", 8))
    if moment:
        r.label(moment)
    r.vector_opaque("extensions", 2)
    signature(r, signature_scheme(r))
