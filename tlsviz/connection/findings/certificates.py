"""Findings about trust: each fault of the chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tlsviz.connection.model import CERTIFICATES, Connection, Finding
from tlsviz.pki.certificate import read
from tlsviz.pki.place import place
from tlsviz.pki.trust import Fault, Reason
from tlsviz.pki.words import weak_key
from tlsviz.wire.chunks import SERVER, Sender

# reason: title, how to mend it, where it is required
_WORDS: dict[Reason, tuple[str, str, str]] = {
    "expired": (
        "The certificate has expired",
        "Renew the certificate on the server.",
        "RFC 5280 6.1.3",
    ),
    "not_yet_valid": (
        "The certificate is not valid yet",
        "Check the clocks of both sides, or wait until it becomes valid.",
        "RFC 5280 6.1.3",
    ),
    "name_mismatch": (
        "The certificate is for another name",
        "Use a certificate whose subjectAltName has the name that was asked for.",
        "RFC 9525 6.3",
    ),
    "unknown_issuer": (
        "Nobody in the trust store vouches for this certificate",
        "Use a certificate of a public authority, or give the private authority's root with --ca.",
        "RFC 5280 6.1",
    ),
    "self_signed": (
        "The certificate vouches only for itself",
        "Use a certificate signed by an authority that the clients trust.",
        "RFC 5280 3.2",
    ),
    "missing_intermediate": (
        "The server does not send an intermediate certificate",
        "Configure the server to send the full chain, without the root.",
        "RFC 8446 4.4.2",
    ),
    "wrong_order": (
        "The certificates are sent in the wrong order",
        "Send the server's own certificate first, then each one's issuer.",
        "RFC 5246 7.4.2",
    ),
    "bad_signature": (
        "A signature in the chain is wrong",
        "Install the certificate anew: its bytes are damaged.",
        "RFC 5280 6.1.3",
    ),
    "weak_key": ("A key in the chain is too weak", "Issue the certificate for a stronger key.", "RFC 9325 4.5"),
    "weak_signature": (
        "A signature in the chain uses a broken hash",
        "Have it signed with SHA-256 or better.",
        "RFC 9155 2",
    ),
    "not_a_ca": (
        "A certificate in the chain may not sign others",
        "Use a chain of real authorities.",
        "RFC 5280 4.2.1.9",
    ),
    "path_length": (
        "The chain is longer than an authority in it allows",
        "Use a chain within the limit.",
        "RFC 5280 4.2.1.9",
    ),
    "key_usage": (
        "A key is used for what its certificate does not allow",
        "Issue it with the right key usage.",
        "RFC 5280 4.2.1.3",
    ),
    "extended_key_usage": (
        "The certificate is not meant for a TLS server",
        "Issue it for server authentication.",
        "RFC 5280 4.2.1.12",
    ),
    "name_constraints": ("An authority may not vouch for this name", "Use an authority that may.", "RFC 5280 4.2.1.10"),
    "revoked": ("The certificate has been revoked", "Replace it: its key may be known to others.", "RFC 6960 2.2"),
    "unsupported": (
        "The chain is outside the judge's rules",
        "See the evidence: it has a form that is not understood, or that the rules for public websites forbid.",
        "RFC 5280 6.1",
    ),
    "no_certificate": ("The server sent no certificate", "Configure a certificate on the server.", "RFC 8446 4.4.2"),
}

_ABOVE: dict[Reason, tuple[str, str]] = {
    "expired": (
        "An intermediate certificate has expired",
        "Send the authority's present intermediate; the server's own certificate need not be renewed for that.",
    ),
}
"""Titles and ways to mend where the fault is in a certificate above the server's own."""
_ROOT: dict[Reason, tuple[str, str]] = {
    "expired": (
        "The trust store's root has expired",
        "Update the clients' trust stores, or send a chain that leads to a root that they have and that is valid.",
    ),
}
"""The same where it is in the root that the trust store has."""


def _words(fault: Fault, path: Sequence[bytes]) -> tuple[str, str, str]:
    """Title, how to mend it and where it is required: who must act depends on whose certificate on the path it is."""
    title, mend, reference = _WORDS[fault.reason]
    elsewhere = {"own": {}, "above": _ABOVE, "root": _ROOT}[place(fault, path)]
    return *elsewhere.get(fault.reason, (title, mend)), reference


def faults(connection: Connection) -> Iterator[Finding]:
    """A finding for each reason not to trust the chain."""
    trust = connection.trust
    if trust is None or trust.verdict == "trusted":
        return
    told = {fault.reason: fault for fault in reversed(trust.faults)}
    path = next((verdict.path for verdict in trust.stores if verdict.store == trust.store), ())
    for reason in trust.reasons:
        fault = told.get(reason) or Fault(reason, None, f"not accepted by the {trust.store} store")
        title, mend, reference = _words(fault, path)
        where = certificate_message(connection, SERVER)
        yield Finding(f"certificate_{reason}", "error", title, numbered(fault), mend, reference, message=where)


def small_keys(connection: Connection) -> Iterator[Finding]:
    """Keys of the server's certificates that are too short, where the verdict on the chain does not say so."""
    if connection.trust is not None and "weak_key" in connection.trust.reasons:
        return
    for sent in connection.certificates:
        weak = weak_key(read(sent.der)) if sent.sender == SERVER else ""
        if weak:
            yield Finding(
                "small_key",
                "error",
                "A certificate's key is too small",
                f"certificate {sent.index + 1} ({read(sent.der).title}): {weak}",
                "Issue it for at least RSA 2048 or EC P-256.",
                "RFC 9325 4.5",
                message=sent.message,
            )


def numbered(fault: Fault) -> str:
    """A fault in a sentence that says which of several certificates it is about, where that is not the first."""
    return f"certificate {fault.certificate + 1}: {fault.detail}" if fault.certificate else fault.detail


def certificate_message(connection: Connection, sender: Sender) -> int | None:
    """The index of the message that brought one side's certificates."""
    return next((m.index for m in connection.messages if m.type in CERTIFICATES and m.sender == sender), None)


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (faults, small_keys)
