"""Names of hosts and protocols: server_name (RFC 6066), ALPN (RFC 7301), application_settings, NPN."""

from __future__ import annotations

from tlsviz.tls import alpn, registry
from tlsviz.tls.extensions.table import CCR, CH, EE, SH, extension
from tlsviz.tls.fields import empty, structs, text
from tlsviz.wire.reader import Reader


@extension(0, CH, CCR)
def server_name(r: Reader) -> None:
    """``struct { ServerName server_name_list<1..2^16-1>; } ServerNameList``."""

    def name(v: Reader) -> None:
        kind = v.uint("name_type", 1, registry.name_types)
        if kind == 0:
            text(v, "host_name", 2)
        else:
            v.vector_opaque("name", 2)

    structs(r, "server_name_list", 2, "server_name", name)
    _label_like_only_child(r)


extension(0, SH, EE)(empty)


@extension(16, CH, SH, EE)
@extension(17513, CH)
@extension(17613, CH)
def protocol_name_list(r: Reader) -> None:
    """``ProtocolName protocol_name_list<2..2^16-1>``, each ``opaque ProtocolName<1..2^8-1>``."""
    r.vector("protocol_name_list", 2, _protocols)
    _label_like_only_child(r)


def _protocols(r: Reader) -> None:
    r.each(_protocol)


def _protocol(r: Reader) -> None:
    text(r, "protocol_name", 1)
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
