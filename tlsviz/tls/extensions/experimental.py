"""Extensions of drafts and trials that are seen before there is an RFC, and of such that were given up."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.extensions.key_share import key_share_entry
from tlsviz.tls.extensions.table import CH, CR, CT, EE, HRR, SH, extension
from tlsviz.tls.fields import empty, opaques, structs
from tlsviz.wire.reader import Reader

extension(13175, CH, SH)(empty)  # origin_bound_certificates
extension(13180, CH, SH)(empty)  # encrypted_client_certificates
extension(26, CH, SH)(empty)  # tls_lts
extension(51764, CT)(empty)  # trust_anchors: the chain is one that was asked for


@extension(51764, CH, CR, EE)
def trust_anchors(r: Reader) -> None:
    """``TrustAnchorIdentifier TrustAnchorIdentifierList<0..2^16-1>`` (draft-ietf-tls-trust-anchor-ids)."""
    opaques(r, "trust_anchor_identifiers", 2, "trust_anchor_identifier", 1)


@extension(35387, CH)
def pake_client(r: Reader) -> None:
    """``PAKEClientHello`` (draft-ietf-tls-pake)."""
    r.vector_opaque("client_identity", 2)
    r.vector_opaque("server_identity", 2)
    structs(r, "client_shares", 2, "pake_share", _pake_share)


@extension(35387, SH)
def pake_server(r: Reader) -> None:
    """``PAKEServerHello``: the one share that the server chose to answer."""
    r.struct("pake_share", _pake_share)


def _pake_share(r: Reader) -> None:
    r.uint("pake_scheme", 2)
    r.vector_opaque("pake_message", 2)


@extension(40, CH)
def extended_random_or_shares(r: Reader) -> None:
    """``opaque extended_random_value<0..2^16-1>``, or key_share as TLS 1.3's drafts numbered it until 22.

    The bytes tell: a list of shares is one to its end.
    """
    if _are_shares(r.peek(r.remaining)):
        structs(r, "client_shares", 2, "key_share_entry", lambda v: key_share_entry(v, server=False))
    else:
        r.vector_opaque("extended_random_value", 2)


@extension(40, SH)
def extended_random_or_share(r: Reader) -> None:
    """As in the ClientHello; a single share has its length behind the group."""
    if int.from_bytes(r.peek(4)[2:], "big") == r.remaining - 4:
        r.struct("server_share", lambda v: key_share_entry(v, server=True))
    else:
        r.vector_opaque("extended_random_value", 2)


@extension(40, HRR)
def selected_group(r: Reader) -> None:
    """``NamedGroup selected_group``."""
    r.uint("selected_group", 2, registry.groups)


def _are_shares(body: bytes) -> bool:
    """Whether a body is a list of groups, each of which is followed by a key behind its length."""
    position = 2
    while position + 4 <= len(body):
        position += 4 + int.from_bytes(body[position + 2 : position + 4], "big")
    return position == len(body) and int.from_bytes(body[:2], "big") == len(body) - 2


@extension(36, CH)
def tlmsp(r: Reader) -> None:
    """Middleboxes that both ends know of, and what each may read (ETSI TS 103 523-2, as ETSI's own software has it)."""
    if not _is_tlmsp(r.peek(r.remaining)):
        r.rest("extension_data")
        r.note("is not what ETSI's software sends: a version, two addresses and a list of middleboxes")
        return
    r.uint("version_major", 1)
    r.uint("version_minor", 1)
    r.struct("client_address", _tlmsp_address)
    r.struct("server_address", _tlmsp_address)
    structs(r, "middlebox_list", 2, "middlebox_info", _middlebox)


def _is_tlmsp(body: bytes) -> bool:
    """Whether two addresses and a list follow the version, to the end."""
    position = 2
    for head in (1, 1, 0):
        if position + head + 2 > len(body):
            return False
        position += head + 2 + int.from_bytes(body[position + head : position + head + 2], "big")
    return position == len(body)


def _tlmsp_address(r: Reader) -> None:
    r.uint("address_type", 1)
    r.vector_opaque("address", 2)


def _middlebox(r: Reader) -> None:
    r.uint("middlebox_id", 1)
    r.struct("middlebox_address", _tlmsp_address)
    r.uint("inserted", 1, {0: "static", 1: "dynamic", 2: "forbidden"})
    r.uint("transparent", 1, {0: "no", 1: "yes"})
    r.vector_opaque("middlebox_ticket", 2)
    count = r.uint("context_count", 1)
    for _ in range(count):
        r.struct("context_access", _context_access)


def _context_access(r: Reader) -> None:
    r.uint("context_id", 1)
    r.uint("access", 1, {0: "read", 1: "write"})
