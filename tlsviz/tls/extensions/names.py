"""Names of hosts and protocols: server_name (RFC 6066), ALPN (RFC 7301), application_settings, NPN."""

from __future__ import annotations

import re

from tlsviz.tls import alpn, registry
from tlsviz.tls.extensions.table import CCR, CH, EE, SH, extension
from tlsviz.tls.fields import empty, never_empty, text
from tlsviz.wire.reader import Reader


@extension(0, CH, CCR)
def server_name(r: Reader) -> None:
    """``struct { ServerName server_name_list<1..2^16-1>; } ServerNameList``."""

    seen: set[int] = set()

    def name(v: Reader) -> None:
        kind = v.uint("name_type", 1, registry.name_types)
        if kind == 0:
            _host_name(v)
        else:
            v.vector_opaque("name", 2)

    def each(v: Reader) -> None:
        kind = int.from_bytes(v.peek(1), "big")
        v.struct("server_name", name)
        if kind in seen:
            v.note("a second name of the same type (RFC 6066 3)")
        seen.add(kind)

    r.vector("server_name_list", 2, lambda v: v.each(each))
    never_empty(r)
    _label_like_only_child(r)


def _host_name(r: Reader) -> None:
    """``opaque HostName<1..2^16-1>``: a DNS name in ASCII, no address, without a dot at its end (RFC 6066 3)."""
    text(r, "host_name", 2)
    never_empty(r)
    vector = r.nodes[-1]
    raw = r.data[vector.children[0].end : vector.end] if vector.children else b""
    if raw and (fault := _host_fault(raw)):
        r.note(f"{fault} (RFC 6066 3)")


def _host_fault(raw: bytes) -> str | None:
    if _IPV4.fullmatch(raw) or b":" in raw:
        return "must not be an IP address"
    if raw.endswith(b"."):
        return "must be without a dot at its end"
    if not _HOST.fullmatch(raw) or len(raw) > 253:
        return "is not a DNS name"
    return None


_IPV4 = re.compile(rb"\d{1,3}(\.\d{1,3}){3}")
_HOST = re.compile(rb"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")


extension(0, SH, EE)(empty)


@extension(16, CH)
@extension(17513, CH)
@extension(17613, CH)
def protocol_name_list(r: Reader) -> None:
    """``ProtocolName protocol_name_list<2..2^16-1>``, each ``opaque ProtocolName<1..2^8-1>``."""
    r.vector("protocol_name_list", 2, _protocols)
    never_empty(r)
    _label_like_only_child(r)


@extension(16, SH, EE)
def chosen_protocol(r: Reader) -> None:
    """``ProtocolNameList`` of exactly one (RFC 7301 3.1)."""
    protocol_name_list(r)
    count = len(r.nodes[-1].children) - 1
    if count > 1:
        r.note(f"must contain exactly one protocol, has {count} (RFC 7301 3.1)")


def _protocols(r: Reader) -> None:
    r.each(_protocol)


def _protocol(r: Reader) -> None:
    text(r, "protocol_name", 1)
    never_empty(r)
    raw = r.data[r.nodes[-1].start + 1 : r.nodes[-1].end]
    if len(raw) == 2 and registry.is_grease(int.from_bytes(raw, "big")):
        r.label(registry.GREASE)
    elif known := alpn.title(r.nodes[-1].label or ""):
        vector = r.nodes[-1]
        data = vector.children[-1]._replace(label=f"{vector.label}: {known}")
        r.nodes[-1] = vector._replace(children=(*vector.children[:-1], data))


@extension(17513, EE)
@extension(17613, EE)
def application_settings(r: Reader) -> None:
    """The settings of one side, in the format of the application protocol."""
    r.rest("settings")


extension(13172, CH)(empty)


@extension(13172, SH)
def next_protocols(r: Reader) -> None:
    """NPN: the server's protocols, without a length around the list (draft-agl-tls-nextprotoneg-04)."""
    _protocols(r)


def _label_like_only_child(r: Reader) -> None:
    """Says a list's texts on the list."""
    labels = []
    for child in r.nodes[-1].children[1:]:
        label = child.label or (child.children[-1].label if child.children else None)
        if label:
            labels.append(label)
        if len(labels) == 8:
            labels.append("…")
            break
    if labels:
        r.label(", ".join(labels))
