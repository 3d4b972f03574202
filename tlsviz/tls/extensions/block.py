"""The list of extensions, and what may not be in it (RFC 8446 4.2)."""

from __future__ import annotations

from functools import cache

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CCR, CH, CR, CT, DECODERS, EE, HRR, NST, SH
from tlsviz.tls.fields import remembered, within
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Body, Reader

PRE_SHARED_KEY = 41
SUPPORTED_VERSIONS = 43

_SHORT = {CH: "CH", SH: "SH", HRR: "HRR", EE: "EE", CT: "CT", CR: "CR", NST: "NST", CCR: "CCR"}
_WORDS = {
    CH: "a ClientHello",
    SH: "a ServerHello",
    HRR: "a HelloRetryRequest",
    EE: "EncryptedExtensions",
    CT: "a Certificate",
    CR: "a CertificateRequest",
    NST: "a NewSessionTicket",
    CCR: "a ClientCertificateRequest",
}

_UNIQUE = {35, PRE_SHARED_KEY, 44, 51, 0xFE0D}
"""Extensions that are new in every connection: tickets, cookies, keys."""


def extension_block(r: Reader, message: str, draft: bool = False) -> None:
    """``Extension extensions<0..2^16-1>`` of a message: a node ``extensions`` with a node for each.

    ``draft``: of an early draft of TLS 1.3, where extensions had other places than they have now.
    """

    def body(v: Reader) -> None:
        while v.remaining:
            _extension(v, message)

    r.vector("extensions", 2, body)
    block = r.nodes[-1]
    faults = _faults(block, message, draft)
    if faults:
        r.nodes[-1] = block._replace(
            children=tuple(
                _noted(child, faults[index]) if index in faults else child for index, child in enumerate(block.children)
            )
        )


@cache
def node_name(code: int) -> str:
    """The node name of an extension: its name in snake case, ``grease``, or ``extension_0x1234``."""
    name = registry.extensions.get(code)
    return name.lower() if name else f"extension_0x{code:04x}"


def _extension(r: Reader, message: str) -> None:
    head = r.peek(4)
    code = int.from_bytes(head[:2], "big")

    def body(v: Reader) -> None:
        v.uint("extension_type", 2, registry.extensions)
        within(v, v.uint("length", 2), decoder(code, message))

    def whole(v: Reader) -> None:
        v.struct(node_name(code) if len(head) >= 2 else "extension", body)

    if code in _UNIQUE:
        whole(r)
    else:
        remembered(r, message, 4 + int.from_bytes(head[2:], "big"), whole)


def decoder(code: int, message: str) -> Body:
    """What reads an extension's body in a message; a ClientCertificateRequest is much like a CertificateRequest."""
    found = DECODERS.get((code, message))
    if found is None and message == CCR:
        found = DECODERS.get((code, CR))
    return found or _opaque


def _opaque(r: Reader) -> None:
    r.rest("extension_data")


def _noted(node: Node, text: str) -> Node:
    return node._replace(note=f"{node.note}; {text}" if node.note else text)


def _faults(block: Node, message: str, draft: bool) -> dict[int, str]:
    """By child index: duplicates, extensions where they must not be, and a pre_shared_key that is not the last."""
    present: list[tuple[int, int]] = []
    for index, child in enumerate(block.children):
        if child.children and isinstance(code := child.children[0].value, int):
            present.append((index, code))
    seen: set[int] = set()
    faults: dict[int, str] = {}
    place = "SH12" if message == SH and all(code != SUPPORTED_VERSIONS for _, code in present) else _SHORT[message]
    for index, code in present:
        if code in seen:
            faults[index] = "a second extension of the same type"
        elif not draft and not _allowed(code, place):
            faults[index] = f"must not be in {_WORDS[message]}{' of TLS 1.2 or before' * (place == 'SH12')}"
        elif code == PRE_SHARED_KEY and message == CH and index != present[-1][0]:
            faults[index] = "must be the last extension (RFC 8446 4.2.11)"
        seen.add(code)
    return faults


@cache
def _allowed(code: int, place: str) -> bool:
    """Whether an extension may stand in a message; what is not known to be wrong may."""
    row = registry.extensions.row(code)
    if not row:
        return not (registry.is_grease(code) and place in ("SH", "SH12", "HRR", "EE"))
    places = row[2].split()
    return row[2] == "-" or place in places or (place == "CCR" and "CR" in places)
