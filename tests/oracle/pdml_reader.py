"""What tshark says of every field of TLS and DTLS in a capture, with its place: read from PDML as it streams by.

DTLS's fields get the names that TLS's have.
"""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from second_opinion import OPTIONS

Kind = Literal["record", "handshake", "content", "ssl2"]
_BITS = re.compile(r"[01. ]+ = ")
_IN_PARTS = re.compile(r"\(?(fragment|Fragment|Reassembled)\)?$")
"""Parts of messages, and messages of DTLS put together: PDML has no places for these that hold together."""
Span = tuple[int, int]
NONE, DTLS = -1, -2
"""In the place of a TCP stream's number."""
_CONTENTS = ("tls.alert_message", "tls.change_cipher_spec", "tls.heartbeat_message")


class Field(NamedTuple):
    """One field of tshark's: bytes ``[start, end)`` of the record or message that it stands in.

    ``show`` is what tshark takes them for, ``shown`` the same in words, ``value`` the bytes, None where PDML has none.
    ``group``: it has fields inside. ``bit``: it is about some bits of a byte only. ``outside``: it stands outside of
    the field that it is a part of, for tshark read on beyond that field's end.
    """

    name: str
    start: int
    end: int
    show: str
    shown: str
    value: bytes | None
    group: bool = False
    bit: bool = False
    outside: bool = False


class Said(NamedTuple):
    """A record (its header) or message with its fields; ``size`` is what tshark says that it takes.

    ``stream`` is tshark's number of the TCP stream, `DTLS` for datagrams.
    """

    frame: int
    stream: int
    sender: str
    kind: Kind
    size: int
    fields: tuple[Field, ...]

    def fits(self, data: bytes) -> bool:
        """Whether these are the bytes that tshark read the fields from."""
        return all(
            field.value is None or field.outside or data[field.start : field.end] in (field.value, b"")
            for field in self.fields
        )


def tshark_fields(path: Path, options: Sequence[str] = (), program: str = "tshark") -> Iterator[Said]:
    """Every record and message of TLS over TCP and of DTLS that tshark finds in a capture, in its order."""
    command = [program, "-n", "-r", str(path), "-Y", "(tls and tcp) or dtls", "-T", "pdml"]
    command += ["-J", "frame ip ipv6 tcp tls udp dtls"]
    for option in (*OPTIONS, *options):
        command += ["-o", option]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        root = None
        try:
            for event, element in ET.iterparse(process.stdout, ("start", "end")):
                if root is None:
                    root = element
                if event == "end" and element.tag == "packet":
                    yield from _packet(element)
                    root.clear()
        finally:
            process.kill()


def _packet(packet: ET.Element) -> Iterator[Said]:
    frame, stream, sender, address = 0, -1, "", ""
    for proto in packet.iter("proto"):
        name = proto.get("name")
        if name == "frame":
            frame = int(_show(proto, "frame.number") or 0)
        elif name in ("ip", "ipv6"):
            address = _show(proto, f"{name}.src") or address
        elif name == "tcp":
            stream = int(_show(proto, "tcp.stream") or NONE)
            sender = f"{address}:{_show(proto, 'tcp.srcport')}"
        elif name == "udp":
            stream, sender = NONE, f"{address}:{_show(proto, 'udp.srcport')}"
        elif name == "dtls" or (name == "tls" and stream >= 0):
            if name == "dtls":
                stream = DTLS
                _rename(proto)
            for record in proto:
                for kind, size, fields in _record(record):
                    yield Said(frame, stream, sender, kind, size, fields)


def _rename(proto: ET.Element) -> None:
    for element in proto.iter("field"):
        name = element.get("name") or ""
        if name.startswith("dtls."):
            element.set("name", name[1:])


Part = tuple[Kind, int, tuple[Field, ...]]


def _record(record: ET.Element) -> Iterator[Part]:
    """A record's header and what it carries."""
    if record.get("name") != "tls.record":
        return
    heads = [inner for inner in record if (inner.get("name") or "").startswith(("tls.record.", "tls.app_data"))]
    if heads and not any(inner.get("name") == "tls.handshake.type" for inner in record):
        yield "record", int(record.get("size") or 0), _fields(heads, int(record.get("pos") or 0))
    for inner in record:
        name = inner.get("name") or ""
        first, size = inner.find("field"), int(inner.get("size") or 0)
        if name == "tls.handshake" and inner.find("field[@name='tls.handshake.type']") is not None:
            if not _IN_PARTS.search(inner.get("showname") or ""):
                yield "handshake", size, _fields(inner, _place(inner, "tls.handshake.type"), (0, size))
        elif name in _CONTENTS and first is not None and first.get("size") != "0":
            yield "content", size, _fields(inner, int(first.get("pos") or 0), (0, size))
    if record.find("field[@name='tls.handshake.type']") is not None:
        base = _place(record, "tls.handshake.type")
        end = int(record.get("pos") or 0) + int(record.get("size") or 0)
        body = [inner for inner in record if not (inner.get("name") or "").startswith("tls.record.")]
        yield "ssl2", end - base, tuple(field for field in _fields(body, base) if field.start >= 0)


def _fields(parents: Iterable[ET.Element], base: int, span: Span | None = None) -> tuple[Field, ...]:
    """Every field inside that stands on bytes, within ``span``; those that tshark worked out have no size."""
    return tuple(field for parent in parents for field in _inside(parent, base, span, False))


def _inside(element: ET.Element, base: int, parent: Span | None, outside: bool) -> Iterator[Field]:
    """A field and all inside of it, given the span of the field that it is a part of."""
    size, start = int(element.get("size") or 0), int(element.get("pos") or 0) - base
    end = start + size
    if size:
        outside = outside or (parent is not None and not parent[0] <= start <= end <= parent[1])
        if element.get("hide") != "yes":
            yield _field(element, start, end, outside)
        parent = start, end
    for inner in element:
        yield from _inside(inner, base, parent, outside)


def _field(element: ET.Element, start: int, end: int, outside: bool) -> Field:
    name, show, shown = (element.get(key) or "" for key in ("name", "show", "showname"))
    masked = element.get("unmaskedvalue")
    raw = masked or element.get("value") or ""
    value = bytes.fromhex(raw) if len(raw) == 2 * (end - start) else None
    bit = masked is not None or _BITS.match(shown) is not None
    return Field(name, start, end, show, shown, value, element.find("field") is not None, bit, outside)


def _place(element: ET.Element, name: str) -> int:
    found = element.find(f"field[@name='{name}']")
    assert found is not None
    return int(found.get("pos") or 0)


def _show(element: ET.Element, name: str) -> str | None:
    found = element.find(f"field[@name='{name}']")
    return None if found is None else found.get("show")
