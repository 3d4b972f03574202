"""The kinds of DER that stand in messages of TLS."""

from __future__ import annotations

from tlsviz.tls.der.algorithms import subject_public_key_info
from tlsviz.tls.der.certificate import certificate_or_key
from tlsviz.tls.der.extensions import extensions
from tlsviz.tls.der.names import name
from tlsviz.tls.der.node import DerNode
from tlsviz.tls.der.ocsp import ocsp_response, responder_id
from tlsviz.tls.der.reader import OID, contents
from tlsviz.tls.der.values import object_identifier


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
