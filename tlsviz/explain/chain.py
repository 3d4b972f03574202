"""What the drawing of a chain says beside its certificates: parts, places, checks, and why the stores differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tlsviz.pki.certificate import read
from tlsviz.pki.graph import MARKS, Edge, Graph, Vertex
from tlsviz.pki.linkchecks import Check, CheckName
from tlsviz.pki.trust import Fault, StoreVerdict, Trust
from tlsviz.pki.words import moment
from tlsviz.wire.text import plural, safe, shorten

CHECKS: dict[CheckName, str] = {
    "signature": "signature",
    "names": "names",
    "key_identifiers": "key identifiers",
    "validity": "dates",
    "basic_constraints": "CA",
    "path_length": "path length",
    "key_usage": "key usage",
    "name_constraints": "name constraints",
    "extended_key_usage": "purpose",
    "server_name": "name asked for",
    "key_strength": "key strength",
    "signature_strength": "hash",
}
"""The short name of each check."""

_ROLES = {"intermediate": "intermediate", "root": "root", "ghost": "missing", "stray": "not part of the chain"}
_ORIGINS = {
    "store": "not sent, from the store",
    "connection": "not sent, borrowed from another connection",
    "fetched": "not sent, fetched",
    "missing": "not sent",
}
_ORDINALS = ("1st", "2nd", "3rd")
_WHO = {
    "Mozilla": "as browsers",
    "system": "as curl and other programs here",
}


def ordinal(index: int) -> str:
    """The place of the certificate that was sent as number ``index``, counted from 0: ``1st``."""
    return _ORDINALS[index] if index < len(_ORDINALS) else f"{index + 1}th"


def part(vertex: Vertex, purpose: str = "server") -> str:
    """What part a certificate plays: ``the server's own``, ``intermediate``, ``root``, ``missing``."""
    return f"the {purpose}'s own" if vertex.role == "leaf" else _ROLES[vertex.role]


def place(vertex: Vertex) -> str:
    """Where it comes from: ``sent 2nd``, ``not sent, from the store``; who trusts it."""
    if vertex.index is not None:
        again = [ordinal(copy) for copy in vertex.copies]
        return f"sent {', '.join([ordinal(vertex.index), *again])}"
    if vertex.origin == "store" and vertex.stores:
        named = " and ".join(safe(store) for store in vertex.stores[:4])
        return f"not sent, in the {named} {'store' if len(vertex.stores) == 1 else 'stores'}"
    return _ORIGINS[vertex.origin]


def anchored(vertex: Vertex) -> str:
    """Which stores trust a certificate that was sent by itself, "" if none does."""
    if vertex.origin == "store":
        return ""
    return f"trusted by {' and '.join(safe(store) for store in vertex.stores[:4])}" if vertex.stores else ""


def marks(vertex: Vertex, beside: bool = False) -> list[str]:
    """What is odd about its being here; ``beside``: it is drawn on a way of its own, which says that already."""
    found = [MARKS[mark] for mark in vertex.marks if mark != "cross_signed" and not (beside and mark == "alternative")]
    cert = vertex.certificate
    if "cross_signed" in vertex.marks and cert is not None:
        by = "itself" if cert.self_issued else shorten(cert.issuer_cn or cert.issuer, 80)
        found.append(f"cross-signed: this one is signed by {by}; others have the same name and key")
    return found


def other_way(graph: Graph, edge: Edge) -> str:
    """What a branch is: another way up, and what the stores make of it."""
    mine = [route for route in graph.routes if (edge.child, edge.issuer) in pairwise(route.vertices)]
    if not mine:
        return "another way up"
    if mine[0].helped:
        return "the way with what was not sent"
    reasons = dict.fromkeys(reason for route in mine for one in route.verdicts for reason in one.reasons)
    if reasons and not any(route.accepted_by for route in mine):
        return f"another way up, refused: {', '.join(reason.replace('_', ' ') for reason in reasons)}"
    return "another way up, not needed"


class Checked(NamedTuple):
    """The checks of a link or certificate by their result; each list in the order of checking."""

    passed: tuple[Check, ...]
    absent: tuple[Check, ...]
    unknown: tuple[Check, ...]
    failed: tuple[Check, ...]


def sorted_checks(checks: Sequence[Check]) -> Checked:
    """Checks by their verdict."""
    by = {verdict: tuple(each for each in checks if each.verdict == verdict) for verdict in Checked._fields}
    return Checked(**by)


def titles(checks: Sequence[Check]) -> str:
    """The short names of checks, in one line."""
    return ", ".join(CHECKS[check.name] for check in checks)


def link(edge: Edge) -> str:
    """Whether a link holds, in two words."""
    return {"passed": "link holds", "failed": "link fails", "unknown": "link unknown"}[edge.verdict]


def borrowed(vertex: Vertex, trust: Trust | None) -> str:
    """Where a certificate that was not sent was got from, "" for others."""
    if vertex.certificate is None or vertex.origin not in ("connection", "fetched") or trust is None:
        return ""
    where = next((one.where for one in trust.borrowed if one.der == vertex.certificate.der), "")
    if vertex.origin == "fetched":
        return f"fetched from {shorten(where, 160)}" if where else "fetched from the address below it"
    return "another connection here showed it"


def ghost(vertex: Vertex) -> str:
    """What would fill the gap."""
    if vertex.where:
        return f"it lies at {vertex.where[0]}"
    return "the certificate below does not say where it lies"


def fault(each: Fault) -> str:
    """A fault with its reason in words, the reason once."""
    said = each.reason.replace("_", " ")
    detail = safe(each.detail)
    return detail if detail.startswith((said, f"was {said}")) else f"{said}: {detail}"


def who(store: str) -> str:
    """Who asks this store: ``as browsers``; "" for others."""
    return _WHO.get(store, "")


def said_by(verdict: StoreVerdict) -> str:
    """Why a store decides as it does, in words."""
    if verdict.verdict == "trusted":
        end = verdict.path[-1:] and _title(verdict.path[-1])
        return f"leads to {end}" if end else safe(verdict.detail)
    if verdict.faults:
        return "; ".join(dict.fromkeys(f"{_whose(verdict, each)}{fault(each)}" for each in verdict.faults[:3]))
    reasons = ", ".join(reason.replace("_", " ") for reason in verdict.reasons)
    return safe(f"{reasons}: {verdict.detail}" if reasons and verdict.detail else reasons or verdict.detail)


def helped(verdict: StoreVerdict) -> str:
    """What changes for a client that has or fetches what was not sent; "" if nothing does."""
    if verdict.helped is None or verdict.helped.verdict == verdict.verdict:
        return ""
    if verdict.helped.verdict == "trusted":
        return "a browser that has or fetches the missing certificate trusts it; curl does not look for it"
    return f"with the missing certificate: {safe(verdict.helped.detail)}"


def contrast(trust: Trust) -> str:
    """Why the stores do not say the same; "" when they do."""
    yes = [each for each in trust.stores if each.verdict == "trusted"]
    no = [each for each in trust.stores if each.verdict == "untrusted"]
    if not yes or not no:
        return ""
    return f"Trusted by {_named(yes)}, not by {_named(no)}: {_difference(yes[0], no[0])}."


def _difference(yes: StoreVerdict, no: StoreVerdict) -> str:
    """What it lies in that one store trusts and the other does not."""
    if no.strict:
        return f"{safe(no.store)} is held to rules for public websites, which curl and OpenSSL do not keep"
    if yes.path and {"unknown_issuer", "self_signed", "missing_intermediate"}.intersection(no.reasons):
        return f"{_title(yes.path[-1])} is in the {safe(yes.store)} store and not in the {safe(no.store)} store"
    return said_by(no)


def judged(trust: Trust) -> str:
    """What was asked, and of what time."""
    if trust.purpose == "client":
        name = "as a client's"
    else:
        name = f"for {shorten(trust.name, 80)}" if trust.name else "without a name to look for"
    return f"judged {name}, as of {moment(trust.at)}"


def now(trust: Trust) -> str:
    """Whether the verdict is another one by now; "" where that was not asked or the time is the same."""
    if trust.now is None:
        return ""
    if (trust.now.verdict, set(trust.now.reasons)) == (trust.verdict, set(trust.reasons)):
        return f"now ({trust.now.at:%Y-%m-%d}) the same"
    reasons = ", ".join(reason.replace("_", " ") for reason in trust.now.reasons)
    word = {"trusted": "trusted", "untrusted": "not trusted", "unknown": "unknown"}[trust.now.verdict]
    return f"now ({trust.now.at:%Y-%m-%d}) {word}" + (f": {reasons}" if reasons else "")


def more(untold: int, ignored: int) -> list[str]:
    """What is not drawn."""
    found = []
    if untold:
        found.append(f"{plural(untold, 'more certificate')} not drawn")
    if ignored:
        found.append(f"{ignored:,} more certificates were sent and not considered")
    return found


def _whose(verdict: StoreVerdict, each: Fault) -> str:
    """Which certificate a fault lies in, where it is not the leaf's."""
    ways = [verdict.path, *(way.ders for way in verdict.ways)]
    found = next((der for way in ways for der in way[1:] if read(der).sha256 == each.sha256), None)
    return f"{_title(found)}: " if found is not None else ""


def _named(stores: Sequence[StoreVerdict]) -> str:
    return " and ".join(safe(each.store) for each in stores[:4])


def _title(der: bytes) -> str:
    return shorten(read(der).title, 100)
