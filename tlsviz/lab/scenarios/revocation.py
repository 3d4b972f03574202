"""Certificates that their authority has taken back, and what the server shows about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tlsviz.lab.authority import DAY, NAMES, SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.revocation import list_place, responder, revocation_list, staple
from tlsviz.lab.scenarios.scenario import Group, Scenario

LIST_FILE = "intermediate.crl"


def _good_staple(authority: Authority) -> Issued:
    leaf = authority.server()
    return dataclasses.replace(leaf, staple=staple(authority, leaf, responder=responder(authority)))


def _revoked(authority: Authority) -> Issued:
    leaf = authority.server()
    return dataclasses.replace(leaf, staple=staple(authority, leaf, revoked=True))


def _stale(authority: Authority) -> Issued:
    leaf = authority.server()
    return dataclasses.replace(leaf, staple=staple(authority, leaf, age=30 * DAY))


def _unauthorised(authority: Authority) -> Issued:
    """Another certificate of the same authority signs the answer, but not one for OCSP."""
    leaf = authority.server()
    other = authority.issue(Recipe("shop.lab.test", ("shop.lab.test",), purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)))
    return dataclasses.replace(leaf, staple=staple(authority, leaf, responder=other))


def _must_staple(authority: Authority) -> Issued:
    must = x509.TLSFeature([x509.TLSFeatureType.status_request])
    return authority.issue(Recipe(SERVER_NAME, NAMES, extras=((must, False),)))


def _listed(authority: Authority) -> Issued:
    return authority.issue(Recipe(SERVER_NAME, NAMES, extras=(list_place(authority, LIST_FILE),)))


def _list(authority: Authority, shown: Issued) -> Mapping[str, bytes]:
    return {f"/{LIST_FILE}": revocation_list(authority, shown)}


GROUP = Group(
    "Revocation",
    (
        Scenario(
            "stapled",
            "A stapled answer about the certificate: good",
            "The server brings the authority's answer along (OCSP stapling), signed by a responder of its own.",
            certificate=_good_staple,
        ),
        Scenario(
            "revoked-staple",
            "Revoked, and the server's own staple says so",
            "The certificate is within its time, but the authority has taken it back: the key was stolen.",
            verdict="untrusted",
            reasons=("revoked",),
            at_fault=0,
            diagnosis="certificate_revoked",
            certificate=_revoked,
        ),
        Scenario(
            "revoked-list",
            "Revoked, and only the authority's list says so",
            "Nothing in the handshake tells; the list lies at the address that the certificate gives.",
            verdict="untrusted",
            reasons=("revoked",),
            at_fault=0,
            diagnosis="certificate_revoked",
            certificate=_listed,
            published=_list,
        ),
        Scenario(
            "stale-staple",
            "A staple that is too old",
            "The answer was good for a week, three weeks ago: it says nothing about today.",
            findings=("staple_unusable",),
            failing=("ocsp",),
            certificate=_stale,
        ),
        Scenario(
            "unauthorised-staple",
            "A staple that the wrong one signed",
            "A server's certificate of the same authority signed it, without the right to (id-kp-OCSPSigning).",
            findings=("staple_unusable",),
            failing=("ocsp",),
            certificate=_unauthorised,
        ),
        Scenario(
            "must-staple",
            "A certificate that demands a staple, and there is none",
            "Its TLS feature extension (RFC 7633) promises a staple: Firefox insists on it, others do not look.",
            findings=("must_staple_missing",),
            certificate=_must_staple,
        ),
    ),
)
