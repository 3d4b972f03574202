"""The Certificate inside of a CompressedCertificate (RFC 8879)."""

from __future__ import annotations

from tlsviz.connection.model import Inner
from tlsviz.tls import views
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_certificate
from tlsviz.wire.buffers import Buffer, Piece
from tlsviz.wire.nodes import Node

_PACKED = "compressed_certificate_message"


def unpacked(tree: Node, buffer: Buffer, context: Context) -> tuple[Node, Inner | None]:
    """The message's tree, with what is wrong with its compression noted, and the message that it holds.

    Nothing is unpacked of other messages, nor where nothing can be decompressed.
    """
    packed = views.compressed_certificate(tree, buffer.data)
    if packed is None:
        return tree, None
    from tlsviz.tls.decompress import decompress

    data, fault = decompress(packed.algorithm, packed.packed, packed.size)
    if fault is not None:
        children = tuple(_noted(child, fault) if child.name == _PACKED else child for child in tree.children)
        tree = tree._replace(children=children)
    if not data:
        return tree, None
    end = packed.start + len(packed.packed)
    plain = Buffer("decompressed", data, (Piece(0, len(data), buffer, packed.start, end, exact=False),))
    return tree, Inner(plain, decode_certificate(data, context))


def _noted(node: Node, text: str) -> Node:
    return node._replace(note=f"{node.note}; {text}" if node.note else text)
