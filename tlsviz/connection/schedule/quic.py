"""What QUIC adds to the key schedule: Initial secrets that everybody can compute, and key updates (RFC 9001 5.2, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from tlsviz.connection.model import Connection, Record
from tlsviz.connection.schedule.build import NOTHING, Builder
from tlsviz.connection.schedule.model import Kind
from tlsviz.crypto import quic
from tlsviz.crypto import schedule as crypto
from tlsviz.crypto.hashing import hash_length
from tlsviz.tls.quic.versions import INITIAL, ONE_RTT, RETRY
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

HASH, KEY, IV = "sha256", 16, 12
"""Of AEAD_AES_128_GCM, which seals Initial packets whatever is agreed later."""
KINDS: dict[str, Kind] = {"key": "key", "iv": "iv", "hp": "key"}
KEY_PHASE = 0x04
"""The bit of a short header's first byte (RFC 9000 17.3.1)."""


class Carrier(NamedTuple):
    """What the packets of a connection say of its keys.

    ``version``: whose labels make the keys of packets; ``first``: the version of the packet whose Destination
    Connection ID ``dcid`` the Initial keys are made of, ``why`` it is not known; ``updates``: of the 1-RTT keys, by
    side.
    """

    version: int
    first: int
    dcid: bytes | None
    why: str
    updates: Mapping[Sender, int]


def carrier(connection: Connection) -> Carrier | None:
    """What a QUIC connection's packets say of its keys; None where there are records."""
    if connection.transport != "quic":
        return None
    version = next((record.version for record in reversed(connection.records) if record.version), None)
    if version is None:
        return None
    updates = {sender: _updates(connection, sender) for sender in (CLIENT, SERVER)}
    first = _first_initial(connection)
    if first is None:
        return Carrier(version, version, None, "the client's first packet is not in the capture", updates)
    if first.protection is None or first.protection.status != "verified":
        why = first.protection.why if first.protection is not None else ""
        return Carrier(version, first.version, None, why or "the client's first packet does not open", updates)
    dcid = first.header.child("destination_connection_id")
    start = 0 if dcid is None else next((c.end for c in dcid.children if c.name == "length"), dcid.start)
    value = first.buffer.data[start : dcid.end] if dcid is not None else b""
    return Carrier(version, first.version, value, "", updates)


def _first_initial(connection: Connection) -> Record | None:
    """The client's first Initial packet; behind a Retry keys are made anew."""
    found: Record | None = None
    for record in connection.records:
        if record.packet_type == RETRY:
            found = None
        elif found is None and record.packet_type == INITIAL and record.sender == CLIENT:
            found = record
    return found


def _updates(connection: Connection, sender: Sender) -> int:
    """How often a side's key phase changes, in the order of packet numbers."""
    phases = sorted(
        (one.sequence, one.additional_data[0] & KEY_PHASE)
        for one in (record.protection for record in connection.records if _is_one_rtt(record, sender))
        if one is not None and one.sequence is not None and one.additional_data
    )
    bits = [0, *(phase for _, phase in phases)]
    return sum(a != b for a, b in pairwise(bits))


def _is_one_rtt(record: Record, sender: Sender) -> bool:
    return record.packet_type == ONE_RTT and record.sender == sender


def draw_initial(builder: Builder, found: Carrier) -> None:
    """Salt and connection ID, the initial_secret, and both sides' Initial secrets with their keys."""
    salt = quic.initial_salt(found.first)
    if salt is None:
        return
    purpose = "a constant of this version of QUIC, printed in its specification: everybody has it"
    builder.constant("initial_salt", "initial_salt", purpose, "early", salt)
    builder.observed(
        "initial_dcid",
        "first Destination Connection ID",
        "random bytes by which the client's first packet calls the server; they stand in the header, for all to read",
        "early",
        found.dcid,
        found.why,
    )
    builder.derive(
        "initial_secret",
        "initial_secret",
        "no secret at all: whoever sees the first packet computes it, and both sides' Initial keys from it",
        "secret",
        "early",
        function="HKDF-Extract",
        inputs=("initial_salt", "initial_dcid"),
        compute=partial(crypto.hkdf_extract, HASH),
        length=hash_length(HASH),
    )
    for sender in (CLIENT, SERVER):
        _side(builder, found.first, sender)


def _side(builder: Builder, version: int, sender: Sender) -> None:
    id = f"{sender}_initial_secret"
    purpose = f"seals the {sender}'s Initial packets against accidents and strangers off the path, not against readers"
    _expand(builder, id, id, purpose, "traffic_secret", "initial_secret", f"{sender} in", hash_length(HASH), sender)
    for part, size, purpose in (
        ("key", KEY, f"the AES-128-GCM key of the {sender}'s Initial packets; no secret"),
        ("iv", IV, "each packet's number is added to it: that is the nonce"),
        ("hp", KEY, "masks the packet number and bits of the first byte"),
    ):
        name, kind = f"{sender}_initial_{part}", KINDS[part]
        _expand(builder, f"{id}.{part}", name, purpose, kind, id, quic.label(version, part), size, sender)


def _expand(
    builder: Builder, id: str, name: str, purpose: str, kind: Kind, source: str, label: str, size: int, sender: Sender
) -> None:
    builder.derive(
        id,
        name,
        purpose,
        kind,
        "early",
        function="HKDF-Expand-Label",
        inputs=(source,),
        compute=lambda secret, _: crypto.hkdf_expand_label(HASH, secret, label, b"", size),
        label=label,
        context=NOTHING,
        length=size,
        sender=sender,
    )
