"""DTLS 1.2's records with a connection ID (RFC 9146): their true type is inside, and the ID is covered."""

from __future__ import annotations

from tlsviz.crypto.aead import ALL_ZERO, Aead12
from tlsviz.crypto.opening import Opened, Opener, Unopened

TLS12_CID = 25
PLACEHOLDER = b"\xff" * 8
"""Where records without an ID have their number: so none of one kind can pass for one of the other."""


def additional_data(number: int, version: int, connection_id: bytes, length: int) -> bytes:
    """What an AEAD covers beside the content (RFC 9146 5.3); ``number``: epoch and sequence number in 64 bits."""
    kind = bytes([TLS12_CID])
    head = PLACEHOLDER + kind + bytes([len(connection_id)]) + kind + version.to_bytes(2, "big")
    return head + number.to_bytes(8, "big") + connection_id + length.to_bytes(2, "big")


def open_with_id(opener: Opener, number: int, version: int, connection_id: bytes, fragment: bytes) -> Opened:
    """Opens a record and takes its content out of the DTLSInnerPlaintext (RFC 9146 4). Raises `Unopened`."""
    if not isinstance(opener, Aead12):
        raise Unopened("records with a connection ID are opened under AEADs only")
    opened = opener.unseal(
        number, TLS12_CID, fragment, lambda length: additional_data(number, version, connection_id, length)
    )
    content = opened.plaintext.rstrip(b"\0")
    if not content:
        raise Unopened(ALL_ZERO, failed=True)
    padding = len(opened.plaintext) - len(content)
    return opened._replace(content_type=content[-1], plaintext=content[:-1], padding=padding)
