"""Nodes whose bytes are DER: their inner tree is made when it is asked for.

A certificate has about a thousand nodes, which few look at, and which a connection should neither hold nor send to
another process. So its node is a leaf that knows how to open: `children` and `label` decode the value, and the trees
decoded last are kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from tlsviz.tls.der.algorithms import sig_value, subject_public_key_info
from tlsviz.tls.der.certificate import certificate_or_key
from tlsviz.tls.der.extensions import extensions
from tlsviz.tls.der.names import name
from tlsviz.tls.der.ocsp import ocsp_response, responder_id
from tlsviz.tls.der.reader import OID, SEQUENCE, Body, Der, contents
from tlsviz.tls.der.values import object_identifier
from tlsviz.wire.nodes import Deferred, Node
from tlsviz.wire.reader import Reader
from tlsviz.wire.text import plural

KEPT = 32
"""Trees kept; one has at most `reader.MAX_ELEMENTS` elements."""


class DerNode(Deferred):
    """A node over one element of DER; the kinds below say which identifier octet it has and what reads its contents.

    Its children are the element's, and last the bytes behind it if there are any.
    """

    __slots__ = ()
    tag: ClassVar[int | None] = SEQUENCE
    body: ClassVar[staticmethod[[Der], str | None]]

    @property
    def children(self) -> tuple[Node, ...]:
        return self._tree().children

    @property
    def label(self) -> str | None:
        """The element in words: a certificate's subject, a name, a status."""
        return self._tree().label

    def _tree(self) -> Node:
        value = self.value
        return _decode(value, self.start, self.tag, self.body) if isinstance(value, bytes) else self


class CertificateNode(DerNode):
    """``Certificate``, or the ``SubjectPublicKeyInfo`` of a raw public key."""

    __slots__ = ()
    body = staticmethod(certificate_or_key)


class NameNode(DerNode):
    """``Name``."""

    __slots__ = ()
    body = staticmethod(name)


class PublicKeyNode(DerNode):
    """``SubjectPublicKeyInfo``."""

    __slots__ = ()
    body = staticmethod(subject_public_key_info)


class SignatureNode(DerNode):
    """``ECDSA-Sig-Value`` or ``Dss-Sig-Value``."""

    __slots__ = ()
    body = staticmethod(sig_value)


class OcspResponseNode(DerNode):
    """``OCSPResponse``."""

    __slots__ = ()
    body = staticmethod(ocsp_response)


class ResponderIdNode(DerNode):
    """``ResponderID``: a CHOICE told by its tag."""

    __slots__ = ()
    tag = None
    body = staticmethod(responder_id)


class ExtensionsNode(DerNode):
    """``Extensions``."""

    __slots__ = ()
    body = staticmethod(extensions)


class ObjectIdentifierNode(DerNode):
    """``OBJECT IDENTIFIER``."""

    __slots__ = ()
    tag = OID
    body = staticmethod(contents(object_identifier))


@lru_cache(maxsize=KEPT)
def _decode(der: bytes, start: int, tag: int | None, body: Body) -> Node:
    """The element's tree. What is wrong with the element itself is noted on its length."""
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
