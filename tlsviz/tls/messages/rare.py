"""Handshake messages that hardly anybody sends."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.context import Context
from tlsviz.tls.extensions import extension_block, node_name
from tlsviz.tls.extensions.table import CCR
from tlsviz.tls.fields import opaques, within
from tlsviz.wire.reader import Reader

CHANNEL_IDS = (30031, 30032)


def request_connection_id(r: Reader, _: Context) -> None:
    """RFC 9147 9."""
    r.uint("num_cids", 1)


def new_connection_id(r: Reader, _: Context) -> None:
    """RFC 9147 9."""
    opaques(r, "cids", 2, "cid", 1)
    r.uint("usage", 1, {0: "cid_immediate", 1: "cid_spare"})


def client_certificate_request(r: Reader, _: Context) -> None:
    """RFC 9261 4: outside of a handshake, as a CertificateRequest."""
    r.vector_opaque("certificate_request_context", 1)
    extension_block(r, CCR)


def ekt_key(r: Reader, _: Context) -> None:
    """RFC 8870 5.2.2."""
    r.vector_opaque("ekt_key_value", 2)
    r.vector_opaque("srtp_master_salt", 2)
    r.uint("ekt_spi", 2)
    r.uint("ekt_ttl", 3)


def channel_id(r: Reader, _: Context) -> None:
    """draft-balfanz-tls-channelid-01 4: an extension that is encrypted, as a message."""
    while r.remaining:
        r.struct(node_name(int.from_bytes(r.peek(2), "big")), _extension)


def _extension(r: Reader) -> None:
    code = r.uint("extension_type", 2, registry.extensions)
    within(r, r.uint("length", 2), _channel_id if code in CHANNEL_IDS else _data)


def _channel_id(r: Reader) -> None:
    """A P-256 key and a signature with it."""
    r.opaque("x", 32)
    r.opaque("y", 32)
    r.opaque("r", 32)
    r.opaque("s", 32)


def _data(r: Reader) -> None:
    r.rest("extension_data")
