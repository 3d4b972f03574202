"""Elements of DER byte by byte, certificates from the vectors, and what stands in a tree."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tls_build import VECTORS

from tlsviz.tls.der.kinds import CertificateNode
from tlsviz.tls.der.node import DerNode
from tlsviz.wire.nodes import Node, leaves, walk

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element, its length as short as DER wants it."""
    data = b"".join(parts)
    size = len(data)
    if size < 0x80:
        return bytes([tag, size]) + data
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + data


def opened(der: bytes, kind: type[DerNode] = CertificateNode, start: int = 0) -> DerNode:
    return kind("x", start, start + len(der), der)


def content(node: Node | None) -> bytes:
    """The contents of an element without inner ones."""
    assert node is not None
    value = node.children[-1].value if node.children else None
    return value if node.children and node.children[-1].name == "data" and isinstance(value, bytes) else b""


def assert_der_tiles(node: Node, der: bytes, start: int = 0) -> None:
    """Leaves tile the bytes, children their parents, and values are what stands there."""
    position = start
    for leaf in leaves(node):
        assert leaf.start == position, leaf
        position = leaf.end
        if isinstance(leaf.value, bytes):
            assert leaf.value == der[leaf.start - start : leaf.end - start], leaf
    assert position == start + len(der)
    for _, inner in walk(node):
        if inner.children:
            assert (inner.children[0].start, inner.children[-1].end) == (inner.start, inner.end), inner.name


def der_faults(node: Node) -> list[tuple[str, str]]:
    """Every noted node's name and note, inside of deferred ones too."""
    return [(inner.name, inner.note) for _, inner in walk(node) if inner.note]


@cache
def vectors() -> dict[str, bytes]:
    """Every certificate of the vectors by its file's name; {} where they are not at hand."""
    found: dict[str, bytes] = {}
    for path in sorted((VECTORS / "certificates").glob("*/*")):
        for index, der in enumerate(_ders(path)):
            found[f"{path.parent.name}/{path.name}" + f"#{index}" * (index > 0)] = der
    limbo = VECTORS / "x509-limbo" / "limbo-part.json"
    if limbo.is_file():
        for index, pem in enumerate(sorted(set(_PEM.findall(limbo.read_text().replace("\\n", "\n"))))):
            found[f"limbo#{index}"] = base64.b64decode(pem)
    return found


def _ders(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    if b"-----BEGIN" in data:
        for pem in _PEM.findall(data.decode("latin-1")):
            yield base64.b64decode(pem)
    elif path.suffix == ".der":
        yield data
