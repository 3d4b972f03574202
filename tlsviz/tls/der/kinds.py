"""The kinds of DER that stand in messages of TLS. What reads them is imported when the first one is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsviz.tls.der.node import DerNode

if TYPE_CHECKING:
    from tlsviz.tls.der.reader import Der


class CertificateNode(DerNode):
    """``Certificate``, or the ``SubjectPublicKeyInfo`` of a raw public key."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.certificate import certificate_or_key

        return certificate_or_key(r)


class NameNode(DerNode):
    """``Name``."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.names import name

        return name(r)


class PublicKeyNode(DerNode):
    """``SubjectPublicKeyInfo``."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.algorithms import subject_public_key_info

        return subject_public_key_info(r)


class SignatureNode(DerNode):
    """``ECDSA-Sig-Value`` (RFC 5480 A) or ``Dss-Sig-Value`` (RFC 3279 2.2.2)."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.algorithms import sig_value

        return sig_value(r)


class OcspResponseNode(DerNode):
    """``OCSPResponse``."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.ocsp import ocsp_response

        return ocsp_response(r)


class GostKeyTransportNode(DerNode):
    """``PSKeyTransport`` or ``TLSGostKeyTransportBlob``."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.gost import key_transport

        return key_transport(r)


class ResponderIdNode(DerNode):
    """``ResponderID``: a CHOICE told by its tag."""

    __slots__ = ()
    tag = None

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.ocsp import responder_id

        return responder_id(r)


class ExtensionsNode(DerNode):
    """``Extensions``."""

    __slots__ = ()

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.extensions import extensions

        return extensions(r)


class AnyNode(DerNode):
    """Any element: an object identifier, a value whose type is not known."""

    __slots__ = ()
    tag = None

    @staticmethod
    def body(r: Der) -> str | None:
        from tlsviz.tls.der.reader import anything

        return anything(r)
