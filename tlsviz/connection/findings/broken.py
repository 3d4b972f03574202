"""A proof that came out wrong: what was said does not fit what was signed, sealed or agreed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection.model import Connection, Finding
from tlsviz.wire.text import plural

TOLD = frozenset(("record_protection", "certificate_chain", "downgrade_sentinel", "sct", "ocsp"))
"""Proofs whose failure other findings tell: bad_record, certificate_*, middlebox_marks, bad_sct, staple_unusable."""

_BY_LOG = frozenset(("psk_binder", "extended_master_secret"))
"""Proofs that rest on a secret which opens nothing, so that a wrong one is noticed nowhere else."""
_CHANGED = (
    "Either the capture was altered or damaged, or somebody in between changed the handshake; an end that checks would "
    "have ended it. Capture again, close to either end, and compare."
)
_LOGGED = (
    "The key log may hold a secret of another connection; else the capture was altered or damaged, or somebody in "
    "between changed the handshake. An end that checks would have ended it."
)


def failed_proofs(connection: Connection) -> Iterator[Finding]:
    """The handshake's own proofs that failed, in one finding, which stands at the first of them."""
    failed = [proof for proof in connection.proofs if proof.status == "failed" and proof.what not in TOLD]
    if not failed:
        return
    names = [proof.what.replace("_", " ") for proof in failed]
    told = [f"{name}: {proof.why}" for name, proof in zip(names, failed, strict=True)]
    yield Finding(
        "proof_failed",
        "error",
        f"{plural(len(failed), 'proof')} of the handshake failed: {', '.join(dict.fromkeys(names))}",
        "; ".join(told) if len(failed) > 1 else failed[0].why,
        _LOGGED if _BY_LOG.issuperset(proof.what for proof in failed) else _CHANGED,
        "RFC 8446 4.4; RFC 5246 7.4.3 and 7.4.9",
        message=failed[0].message,
    )


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (failed_proofs,)
