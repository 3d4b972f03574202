"""Compares our verdicts with cryptography's own on x509-limbo: ``python tests/oracle/limbo.py LIMBO.JSON``.

https://github.com/C2SP/x509-limbo. Prints how many cases there are, how many can be posed, on how many our accept or
reject is cryptography's own, and on how many rejections our reasons name the defect that the description names.
Exit status 1 if a verdict differs.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, VerificationError
from cryptography.x509.verification import Store as AnchorStore

from tlsviz.pki import stores
from tlsviz.pki.trust import Trust
from tlsviz.pki.verify import judge, judge_client

USUAL = datetime(2026, 6, 1, tzinfo=UTC)
Case = dict[str, Any]

DEFECTS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (pattern, frozenset(reasons.split()))
    for pattern, reasons in (
        (r"\bexpired?s? at|is expired|expires? at", "expired"),
        (r"becomes valid", "not_yet_valid"),
        (r"cycle|none of which chain up|neither chains up", "unknown_issuer path_length"),
        (r"without its intermediates", "missing_intermediate"),
        (r"pathlen:0` constraint", "path_length"),
        (r"does not have the cA bit", "not_a_ca"),
        (r"KeyUsage\.keyCertSign=FALSE|KeyUsage extension with keyCertSign", "key_usage missing_intermediate"),
        (
            r"Name ?Constraints|name constraints|\bNC\b|email name constraint|constraint `",
            "name_constraints unsupported",
        ),
        (r"constraints, which are checked", "name_constraints"),
        (r"extKeyUsage|Extended Key Usage", "extended_key_usage unsupported"),
        (r"Authority Information Access|AKI|authorityKeyIdentifier|SKI extension", "unsupported"),
        (r"signatureAlgorithm", "unsupported"),
        (r"Subject ?Alternative ?Name|\bSAN\b", "name_mismatch unsupported"),
        (r"DSA|P-192", "unsupported weak_key"),
        (r"Per RFC 5280 5.2|CRL", "revoked"),
    )
)
"""Words of the descriptions, the first that fits counts, with the reasons that name such a defect."""


class Outcome(NamedTuple):
    """One case: our verdict, whether cryptography accepts, and whether our reason fits the description (None: n/a)."""

    case: str
    trust: Trust
    accepted: bool
    fits: bool | None

    @property
    def same(self) -> bool:
        return (self.trust.verdict == "trusted") == self.accepted


def cases(path: Path) -> list[Case]:
    found: list[Case] = json.loads(path.read_text("utf-8"))["testcases"]
    return found


def posed(every: list[Case]) -> Iterator[Case]:
    """The cases that can be asked of us: we have no option for the depth of a chain."""
    return (case for case in every if case["max_chain_depth"] is None)


def outcome(case: Case) -> Outcome:
    chain = _ders([case["peer_certificate"], *case["untrusted_intermediates"]])
    roots = _ders(case["trusted_certs"])
    at = datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else USUAL
    peer = case["expected_peer_name"]
    store = stores.from_ders("limbo", roots, profile="web")
    server = case["validation_kind"] == "SERVER"
    trust = judge(chain, peer["value"], at, [store]) if server else judge_client(chain, at, [store])
    return Outcome(case["id"], trust, _accepts(chain, roots, at, peer if server else None), _fits(case, trust))


def _fits(case: Case, trust: Trust) -> bool | None:
    if trust.verdict == "trusted" or case["expected_result"] == "SUCCESS":
        return None
    words = " ".join(case["description"].split())
    wanted = next(
        (reasons for pattern, reasons in DEFECTS if re.search(pattern, words, re.IGNORECASE)), frozenset[str]()
    )
    return bool(wanted.intersection(trust.reasons))


def _ders(texts: list[str]) -> list[bytes]:
    return [der for text in texts for der in stores.pem_blocks(text.encode())]


def _accepts(chain: list[bytes], roots: list[bytes], at: datetime, peer: dict[str, str] | None) -> bool:
    """What cryptography says by itself."""
    try:
        leaf, *helpers = map(x509.load_der_x509_certificate, chain)
        builder = PolicyBuilder().store(AnchorStore([x509.load_der_x509_certificate(root) for root in roots])).time(at)
        if peer is None:
            entity = ExtensionPolicy.webpki_defaults_ee()
            entity = entity.may_be_present(x509.SubjectAlternativeName, x509.verification.Criticality.AGNOSTIC, None)
            builder = builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=entity)
            builder.build_client_verifier().verify(leaf, helpers)
        else:
            value = peer["value"]
            subject = x509.IPAddress(ip_address(value)) if peer["kind"] == "IP" else x509.DNSName(value)
            builder.build_server_verifier(subject).verify(leaf, helpers)
    except (ValueError, VerificationError):
        return False
    return True


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    every = cases(Path(arguments[0]))
    found = [outcome(case) for case in posed(every)]
    told = [one for one in found if one.fits is not None]
    print(f"{len(every)} cases, {len(found)} posed (the others ask for a chain's depth)")
    print(f"{sum(one.same for one in found)} verdicts are cryptography's own")
    print(f"{len(told)} rejected as expected; in {sum(bool(one.fits) for one in told)} our reasons name the defect")
    for one in found:
        if not one.same:
            theirs = "accepts" if one.accepted else "rejects"
            print(f"differs: {one.case}: ours {one.trust.verdict}, cryptography {theirs}")
        if one.fits is False:
            print(f"reason: {one.case}: {', '.join(one.trust.reasons)}")
    return 0 if all(one.same for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
