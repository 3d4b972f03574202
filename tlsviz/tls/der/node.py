"""Nodes whose bytes are DER: their inner tree is made when it is asked for.

A certificate has about a thousand nodes, which few look at, and which a connection should neither hold nor send to
another process. So its node is a leaf that knows how to open: `children` and `label` decode the value, and the trees
decoded last are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from tlsviz.tls.der.tags import SEQUENCE
from tlsviz.wire.nodes import Deferred, Node
from tlsviz.wire.reader import Reader
from tlsviz.wire.text import plural

if TYPE_CHECKING:
    from tlsviz.tls.der.reader import Der

KEPT = 16
"""Trees kept; one has at most `reader.MAX_ELEMENTS` elements."""


class DerNode(Deferred):
    """A node over one element of DER; its kinds say which identifier octet it has (None: any) and read its contents.

    Its children are the element's, and last the bytes behind it if there are any.
    """

    __slots__ = ()
    tag: ClassVar[int | None] = SEQUENCE

    @property
    def children(self) -> tuple[Node, ...]:
        return self._tree().children

    @property
    def label(self) -> str | None:
        """The element in words: a certificate's subject, a name, a status."""
        return self._tree().label

    @staticmethod
    def body(r: Der) -> str | None:
        """Reads the element's contents; returns its label."""
        raise NotImplementedError

    def _tree(self) -> Node:
        value = self.value
        return _decode(value, self.start, self.tag, self.body) if isinstance(value, bytes) else self


@lru_cache(maxsize=KEPT)
def _decode(der: bytes, start: int, tag: int | None, body: Callable[[Der], str | None]) -> Node:
    """The element's tree. What is wrong with the element itself is noted on its length."""
    from tlsviz.tls.der.reader import Der

    if not der:
        return Node("", start, start)
    r = Der(der, start)
    root = r.element("", tag, body)
    parts = list(root.children)
    if root.note:
        last = min(len(parts), 2) - 1
        parts[last] = parts[last]._replace(note="; ".join(filter(None, (parts[last].note, root.note))))
    if r.position < r.end:
        note = f"{plural(r.end - r.position, 'byte')} after the end of what belongs here"
        r.leaf("unexpected_bytes", r.end - r.position, None, note)
        parts.append(r.nodes[-1])
    return root._replace(children=tuple(parts))


def der_vector(r: Reader, name: str, size: int, kind: type[DerNode], inner: str = "data") -> bytes:
    """A vector behind a length of ``size`` bytes that holds one element of DER; returns its bytes."""
    value = b""

    def body(v: Reader) -> None:
        nonlocal value
        value = der_rest(v, inner, kind)

    r.vector(name, size, body)
    return value


def der_rest(r: Reader, name: str, kind: type[DerNode]) -> bytes:
    """All remaining bytes as one element of DER; adds nothing if there are none."""
    value = r.rest(name)
    if value:
        r.nodes[-1] = kind._make(r.nodes[-1])
    return value
