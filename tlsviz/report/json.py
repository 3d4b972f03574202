"""The JSON contract: one object a trace. `schema()` describes it; every change is a change of the public interface."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from tlsviz import __version__
from tlsviz.connection.model import (
    Alert,
    Cause,
    CodePoint,
    Connection,
    Endpoint,
    Finding,
    Inner,
    Message,
    Probe,
    Proof,
    Redirect,
    SentCertificate,
    Trace,
)
from tlsviz.connection.way import way
from tlsviz.pki.certificate import read
from tlsviz.pki.fingerprint import ja4x
from tlsviz.report.negotiation_json import inspection_json, negotiation_json
from tlsviz.report.trust_json import certificate_json, moment, trust_json
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import safe

Json = dict[str, Any]

SPREAD_OUT = 20
"""So many connections are written with a line for every value."""


def to_json(
    trace: Trace, fields: bool = False, secrets: bool = False, summary: bool = False, segments: bool = False
) -> Json:
    """The trace as the contract has it, of plain dicts, lists, strings and numbers.

    ``fields``: every message with its tree of fields. ``secrets``: each connection with its keys and decrypted
    application data under ``secrets``, which is otherwise not there at all. ``summary``: with counts over all of them.
    ``segments``: with TCP's, of captures.
    """
    found = source_json(trace)
    found["connections"] = [_connection(connection, fields, secrets, segments) for connection in trace.connections]
    return found | _rest(trace, summary)


def json_text(
    trace: Trace,
    fields: bool = False,
    secrets: bool = False,
    summary: bool = False,
    segments: bool = False,
    ascii: bool = False,
) -> Iterator[str]:
    """The same as text, a part at a time, so that a long trace is never there as a whole.

    Of many connections each is a line; of few, every value has one.
    """
    if len(trace.connections) <= SPREAD_OUT:
        yield json.dumps(to_json(trace, fields, secrets, summary, segments), indent=2, ensure_ascii=ascii) + "\n"
        return
    head = json.dumps(source_json(trace), indent=2, ensure_ascii=ascii)
    yield head.removesuffix("\n}") + ',\n  "connections": ['
    separator = "\n"
    for connection in trace.connections:
        yield separator + json.dumps(_connection(connection, fields, secrets, segments), ensure_ascii=ascii)
        separator = ",\n"
    yield "\n  ]"
    for key, value in _rest(trace, summary).items():
        yield f",\n  {json.dumps(key)}: " + json.dumps(value, ensure_ascii=ascii)
    yield "\n}\n"


def source_json(trace: Trace) -> Json:
    """What every answer begins with."""
    source = trace.source
    return {
        "tlsviz": __version__,
        "source": {"kind": source.kind, "name": safe(source.name), "packets": source.packets},
    }


def _rest(trace: Trace, summary: bool) -> Json:
    """What stands behind the connections."""
    found: Json = {}
    if trace.ports is not None:
        from tlsviz.report.ports import ports_json

        found["ports"] = ports_json(trace.ports)
    if summary:
        from tlsviz.report.summary import summary_json

        found["summary"] = summary_json(trace)
    return found


@cache
def schema() -> Json:
    """The JSON Schema (2020-12) that every output of `to_json` fulfils."""
    from importlib import resources

    text = resources.files(__package__).joinpath("schema.json").read_text("utf-8")
    found: Json = json.loads(text)
    return found


def _connection(connection: Connection, fields: bool, secrets: bool, segments: bool) -> Json:
    found: Json = {
        "id": connection.id,
        "tcp_stream": connection.tcp_stream,
        "transport": connection.transport,
        "client": endpoint(connection.client),
        "server": endpoint(connection.server),
        "start": round(connection.start, 6),
        "duration": round(connection.duration, 6),
        "starttls": connection.starttls,
        "plain": connection.plain,
        "carrier": _text(connection.carrier),
        "server_name": _text(connection.server_name),
        "version": code_point(connection.version),
        "cipher_suite": code_point(connection.cipher_suite),
        "group": code_point(connection.group),
        "signature_scheme": code_point(connection.signature_scheme),
        "alpn": _text(connection.alpn),
        "resumed": connection.resumed,
        "hello_retry": connection.hello_retry,
        "early_data": connection.early_data,
        "client_auth": connection.client_auth,
        "complete": connection.complete,
        "ja3": connection.ja3,
        "ja3s": connection.ja3s,
        "ja4": _text(connection.ja4),
        "ja4s": _text(connection.ja4s),
        "history": connection.history,
        "offered": _offered(connection),
        "messages": [_message(message, connection.start, fields) for message in connection.messages],
        "application_data": {
            "client": connection.client_data._asdict(),
            "server": connection.server_data._asdict(),
        },
        "certificates": [_certificate(sent) for sent in connection.certificates],
        "trust": trust_json(connection.trust, _ders(connection, SERVER)),
        "client_trust": trust_json(connection.client_trust, _ders(connection, CLIENT)),
        "proofs": [_proof(proof) for proof in connection.proofs],
        "findings": [_finding(finding) for finding in connection.findings],
        "negotiation": negotiation_json(connection),
        "inspection": inspection_json(connection),
        "probes": _probes(connection.probes),
        "way": _way(connection),
        "tcp": _tcp(connection, segments),
        "redirects": [_redirect(redirect) for redirect in connection.redirects],
        "redirected_by": connection.redirected_by,
    }
    if secrets:
        found["secrets"] = _secrets(connection)
    return found


def _tcp(connection: Connection, segments: bool) -> Json | None:
    if connection.tcp is None:
        return None
    from tlsviz.report.tcp import tcp_json

    return tcp_json(connection, segments)


def _text(text: str | None) -> str | None:
    """Text that may come from a peer, harmless; None for nothing."""
    return safe(text) if text else None


def code_point(found: CodePoint | None) -> Json | None:
    """A number of a registry, as the contract has it."""
    return None if found is None else {"code": found.hex, "name": found.name}


def endpoint(end: Endpoint) -> Json:
    """An address and port, as the contract has them."""
    return {"address": _text(end.address), "port": end.port or None}


def _offered(connection: Connection) -> Json:
    offered = connection.offered
    return {
        "versions": [code_point(point) for point in offered.versions],
        "cipher_suites": [code_point(point) for point in offered.cipher_suites],
        "groups": [code_point(point) for point in offered.groups],
        "signature_schemes": [code_point(point) for point in offered.signature_schemes],
        "alpn": [safe(name) for name in offered.alpn],
        "extensions": [code_point(point) for point in offered.extensions],
    }


def _message(message: Message, start: float, fields: bool) -> Json:
    return {
        "index": message.index,
        "time": round(message.time - start, 6),
        "from": message.sender,
        "content_type": message.content_type,
        "type": message.type,
        "length": message.length,
        "provenance": message.provenance,
        "packets": list(message.packets),
        "sha256": message.sha256,
        "alert": _alert(message.alert),
        "fields": _node(message.tree) if fields and message.tree else None,
        "inner": _inner(message.inner) if fields and message.inner else None,
    }


def _inner(inner: Inner) -> Json:
    """The message that a compressed one holds: its bytes, into which its fields point, and the fields."""
    data = inner.buffer.data
    return {
        "type": inner.tree.name,
        "length": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "fields": _node(inner.tree),
    }


def _alert(alert: Alert | None) -> Json | None:
    return None if alert is None else {"level": code_point(alert.level), "description": code_point(alert.description)}


def _node(node: Node) -> Json:
    value = node.value.hex() if isinstance(node.value, bytes) else node.value
    return {
        "name": node.name,
        "start": node.start,
        "end": node.end,
        "value": value,
        "label": None if node.label is None else safe(node.label),
        "note": None if node.note is None else safe(node.note),
        "children": [_node(child) for child in node.children],
    }


def _certificate(sent: SentCertificate) -> Json:
    cert = read(sent.der)
    return {
        "from": sent.sender,
        "index": sent.index,
        "sha256": cert.sha256,
        "subject": cert.subject,
        "issuer": cert.issuer,
        "serial": _text(cert.serial),
        "not_before": moment(cert.not_before),
        "not_after": moment(cert.not_after),
        "key": _text(cert.key),
        "names": list(cert.names),
        "ja4x": ja4x(cert),
        **certificate_json(sent.der),
    }


def _ders(connection: Connection, sender: Sender) -> list[bytes]:
    return [sent.der for sent in connection.certificates if sent.sender == sender]


def _proof(proof: Proof) -> Json:
    return {"what": proof.what, "status": proof.status, "why": safe(proof.why)}


def _probes(probes: tuple[Probe, ...]) -> list[Json]:
    if not probes:
        return []
    from tlsviz.report.reprobes import probe_json

    return [probe_json(probe) for probe in probes]


def _causes(causes: tuple[Cause, ...]) -> list[Json]:
    if not causes:
        return []
    from tlsviz.report.reprobes import cause_json

    return [cause_json(cause) for cause in causes]


def _finding(finding: Finding) -> Json:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "diagnosis": finding.diagnosis,
        "title": safe(finding.title),
        "evidence": safe(finding.evidence),
        "mend": _text(finding.mend),
        "reference": _text(finding.reference),
        "message": finding.message,
        "field": finding.field or None,
        "causes": _causes(finding.causes),
    }


def _redirect(redirect: Redirect) -> Json:
    return {
        "message": redirect.message,
        "status": redirect.status,
        "target": safe(redirect.target),
        "connection": redirect.connection,
    }


def _way(connection: Connection) -> Json | None:
    found = way(connection)
    if not found.spans:
        return None
    return {
        "round_trips": found.round_trips,
        "round_trip_time": _seconds(found.round_trip_time),
        "measured": _text(found.measured),
        "first_byte": _seconds(found.first_byte),
        "spans": [
            {
                "kind": span.kind,
                "start": _seconds(span.start),
                "duration": _seconds(span.duration),
                "title": safe(span.title),
                "detail": _text(span.detail),
                "round_trips": span.round_trips,
                "fault": _text(span.fault),
            }
            for span in found.spans
        ],
        "choices": [
            {
                "name": choice.name,
                "round_trips": choice.round_trips,
                "time": _seconds(choice.time),
                "saved": choice.saved,
                "here": choice.here,
            }
            for choice in found.choices
        ],
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _secrets(connection: Connection) -> Json:
    return {
        "keys": [{"label": safe(label), "value": value.hex()} for label, value in connection.every_secret],
        "application_data": [
            {
                "from": run.sender,
                "time": round(run.time - connection.start, 6),
                "data": run.plaintext.data.hex(),
                "complete": run.complete,
            }
            for run in connection.application
            if run.plaintext is not None
        ],
    }
