"""How every key came to be: the key schedule of a handshake as data for drawing.

    schedule = key_schedule(connection)
    for node in schedule.nodes: ...      # values, with what they are for, and why one is not known
    for step in schedule.steps: ...      # how each follows from others

A pure function of a connection, total for any. Values that follow from what the key log holds are computed; what cannot
be known says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from tlsviz.connection.handshakes import handshakes
from tlsviz.connection.model import Connection
from tlsviz.connection.schedule.build import Builder
from tlsviz.connection.schedule.model import (
    Family,
    KeyContext,
    KeyNode,
    KeyPart,
    KeyStep,
    Kind,
    Origin,
    Schedule,
    Stage,
)
from tlsviz.connection.schedule.quic import carrier, draw_initial
from tlsviz.connection.schedule.tls12 import LABELS as LABELS_12
from tlsviz.connection.schedule.tls12 import tls12_schedule
from tlsviz.connection.schedule.tls13 import node_id, tls13_schedule
from tlsviz.crypto.hashing import supported
from tlsviz.tls.context import as_tls

__all__ = [
    "Family",
    "KeyContext",
    "KeyNode",
    "KeyPart",
    "KeyStep",
    "Kind",
    "Origin",
    "Schedule",
    "Stage",
    "key_schedule",
]


def key_schedule(connection: Connection, handshake: int = 0, given: Mapping[str, bytes] | None = None) -> Schedule:
    """The key schedule of a connection's handshake; ``handshake`` counts renegotiations from 1.

    ``given``: values by node id that are known from elsewhere than the key log, such as "psk" or "ecdhe". A handshake
    that did not come to choose a version and cipher suite has a schedule without nodes, whose note says so.
    """
    found = handshakes(connection)
    if not 0 <= handshake < len(found):
        return Schedule(None, notes=("there is no handshake here",))
    shake = found[handshake]
    if shake.version is None:
        return Schedule(None, handshake=handshake, notes=("no ServerHello has chosen a version and cipher suite",))
    if shake.suite is None or shake.suite.tls13 != shake.tls13:
        return Schedule(None, shake.version, handshake=handshake, notes=("the cipher suite is unknown",))
    if not supported(shake.suite.prf_hash):
        why = f"the hash {shake.suite.prf_hash} is not supported"
        return Schedule(None, shake.version, shake.suite.name, shake.suite.prf_hash, handshake, notes=(why,))
    secrets = connection.secrets_of(handshake)
    if shake.tls13:
        logged = {id: value for label, value in secrets.items() if (id := node_id(label)) is not None}
    else:
        logged = {LABELS_12[label]: value for label, value in secrets.items() if label in LABELS_12}
    builder = Builder(shake, shake.suite, as_tls(shake.version), logged, given or {})
    if shake.tls13:
        packets = carrier(connection)
        if packets is not None:
            builder.quic, builder.updates = packets.version, packets.updates
            draw_initial(builder, packets)
        return tls13_schedule(builder)
    exchange = shake.first("client_key_exchange")
    found_rsa = [one for one in connection.premasters if exchange is not None and one.message == exchange.index]
    return tls12_schedule(builder, found_rsa[0] if found_rsa else None)
