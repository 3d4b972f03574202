"""Trust in the JSON contract: the verdict, each store's, the ways up, and what others say of the certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tlsviz.pki.certificate import read
from tlsviz.pki.clients import clients_say
from tlsviz.pki.graph import Edge, Graph, Route, Vertex, graph
from tlsviz.pki.profile import profile
from tlsviz.pki.trust import Fault, Helped, Now, StoreVerdict, Trust
from tlsviz.pki.vouchers import Receipt, Revocation
from tlsviz.wire.text import safe

Json = dict[str, Any]


def moment(time: datetime | None) -> str | None:
    """RFC 3339 in UTC, with a fraction only where there is one."""
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def trust_json(trust: Trust | None, ders: Sequence[bytes]) -> Json | None:
    """One side's verdict; ``ders``: its certificates as sent."""
    if trust is None:
        return None
    drawn = graph(ders, trust) if trust.stores else Graph()
    return {
        "verdict": trust.verdict,
        "reasons": list(trust.reasons),
        "at": moment(trust.at),
        "store": _text(trust.store),
        "name": _text(trust.name),
        "faults": [_fault(fault, trust.name) for fault in trust.faults],
        "stores": [_store(verdict, trust.name) for verdict in trust.stores],
        "now": _now(trust.now),
        "paths": [_route(route, drawn) for route in drawn.routes],
        "links": [_edge(edge, drawn) for edge in drawn.edges],
        "revocations": [_revocation(one) for one in trust.revocations],
        "receipts": [_receipt(one) for one in trust.receipts],
        "transparency": _transparency(trust),
        "openssl": _openssl(trust),
    }


def certificate_json(der: bytes) -> Json:
    """What a certificate's profile adds to its entry."""
    cert = read(der)
    shown = profile(cert)
    return {
        "sha1": shown.sha1,
        "spki_pin": shown.pin,
        "validation": shown.validation,
        "days": shown.days,
        "is_ca": cert.is_ca,
        "must_staple": cert.must_staple,
        "ocsp": list(cert.ocsp),
        "crls": list(cert.crls),
        "ca_issuers": list(cert.ca_issuers),
        "limits": [
            {"code": limit.code, "kept": limit.kept, "words": safe(limit.words), "rule": limit.rule}
            for limit in shown.limits
        ],
    }


def _text(text: str | None) -> str | None:
    return safe(text) if text else None


def _fault(fault: Fault, name: str | None) -> Json:
    said = clients_say(fault.reason, name, issuer=fault.certificate != 0)
    return {
        "reason": fault.reason,
        "certificate": fault.certificate,
        "sha256": fault.sha256,
        "detail": safe(fault.detail),
        "field": fault.field or None,
        "clients": {words.client.lower(): _text(words.says) for words in said},
    }


def _store(verdict: StoreVerdict, name: str | None) -> Json:
    return {
        "store": safe(verdict.store),
        "verdict": verdict.verdict,
        "reasons": list(verdict.reasons),
        "detail": _text(verdict.detail),
        "strict": verdict.strict,
        "faults": [_fault(fault, name) for fault in verdict.faults],
        "helped": _helped(verdict.helped),
    }


def _helped(helped: Helped | None) -> Json | None:
    if helped is None:
        return None
    return {"verdict": helped.verdict, "reasons": list(helped.reasons), "detail": _text(helped.detail)}


def _now(now: Now | None) -> Json | None:
    if now is None:
        return None
    stores = [{"store": safe(store), "verdict": verdict} for store, verdict in now.stores]
    return {"at": moment(now.at), "verdict": now.verdict, "reasons": list(now.reasons), "stores": stores}


def _route(route: Route, drawn: Graph) -> Json:
    return {
        "certificates": [_vertex(drawn.vertices[number]) for number in route.vertices],
        "helped": route.helped,
        "stores": [
            {"store": safe(one.store), "accepted": one.accepted, "taken": one.taken, "reasons": list(one.reasons)}
            for one in route.verdicts
        ],
    }


def _vertex(vertex: Vertex) -> Json:
    return {
        "sha256": vertex.certificate.sha256 if vertex.certificate else None,
        "index": vertex.index,
        "name": safe(vertex.name),
        "from": vertex.origin,
        "role": vertex.role,
        "marks": list(vertex.marks),
        "where": [safe(place) for place in vertex.where],
        "anchor_of": [safe(store) for store in vertex.stores],
    }


def _edge(edge: Edge, drawn: Graph) -> Json:
    child, issuer = drawn.vertices[edge.child].certificate, drawn.vertices[edge.issuer].certificate
    return {
        "child": child.sha256 if child else None,
        "issuer": issuer.sha256 if issuer else None,
        "verdict": edge.verdict,
        "checks": [
            {"check": one.name, "verdict": one.verdict, "why": safe(one.why), "of": one.of, "field": one.field or None}
            for one in edge.checks
        ],
    }


def _revocation(one: Revocation) -> Json:
    return {
        "source": one.source,
        "status": one.status,
        "check": one.check,
        "why": safe(one.why),
        "certificate": one.certificate,
        "signer": _text(one.signer),
        "delegated": one.delegated,
        "produced_at": moment(one.produced_at),
        "this_update": moment(one.this_update),
        "next_update": moment(one.next_update),
        "revoked_at": moment(one.revoked_at),
        "reason": _text(one.reason),
        "file": _text(one.file),
    }


def _receipt(one: Receipt) -> Json:
    return {
        "source": one.source,
        "log_id": one.log_id,
        "log": _text(one.log),
        "operator": _text(one.operator),
        "state": one.state,
        "time": moment(one.time),
        "check": one.check,
        "why": safe(one.why),
        "counts": one.counts,
        "certificate": one.certificate,
    }


def _transparency(trust: Trust) -> Json | None:
    found = trust.transparency
    if found is None:
        return None
    return {**found._asdict(), "why": safe(found.why), "list_date": _text(found.list_date)}


def _openssl(trust: Trust) -> Json | None:
    found = trust.openssl
    if found is None:
        return None
    return {
        "store": safe(found.store),
        "code": found.code,
        "name": found.name,
        "text": safe(found.text),
        "depth": found.depth,
        "subject": _text(found.subject),
        "errors": list(found.errors),
        "agrees": found.agrees,
        "version": safe(found.version),
    }
