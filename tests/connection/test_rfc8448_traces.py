"""RFC 8448, sections 3 to 7: from the client's private key and the records to every value that the RFC prints.

Nothing but the private key (and the pre-shared key) is given. What the key schedule makes of it opens the next records,
whose messages are what the next secrets are made of: the whole way of this program, against published values.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from dialogue import followed

from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.connection.schedule import Schedule, key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import Chunk, Sender

VECTORS = Path(__file__).parents[1] / "vectors" / "rfc8448.txt"
TRAFFIC = {
    "client_early_traffic_secret": "CLIENT_EARLY_TRAFFIC_SECRET",
    "client_handshake_traffic_secret": "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "server_handshake_traffic_secret": "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "client_application_traffic_secret_0": "CLIENT_TRAFFIC_SECRET_0",
    "server_application_traffic_secret_0": "SERVER_TRAFFIC_SECRET_0",
}
PHASES = 3
"""Hellos, handshake, application: what one opens is what the keys of the next are made of."""


class Trace(NamedTuple):
    private: tuple[str, bytes]
    psk: bytes | None
    records: list[tuple[Sender, bytes]]
    values: dict[str, bytes]


@cache
def traces() -> dict[int, Trace]:
    found: dict[int, Trace] = {}
    for part in VECTORS.read_text().split("[")[1:]:
        title, *lines = part.strip().splitlines()
        private, psk, values = ("", b""), None, {}
        records: list[tuple[Sender, bytes]] = []
        for line in lines:
            word, *rest = line.split()
            data = bytes.fromhex(rest[-1])
            if word == "=":
                values[rest[0]] = data
            elif word in ("client", "server"):
                records.append(("client" if word == "client" else "server", data))
            elif word == "psk":
                psk = data
            else:
                private = (word, data)
        found[int(title.split()[0])] = Trace(private, psk, records, values)
    return found


def shared_secret(trace: Trace, connection: Connection) -> bytes:
    message = connection.messages_of("server_hello")[0]
    assert message.tree is not None
    assert message.buffer is not None
    share = message.tree.get("extensions.key_share")
    assert share is not None
    data = message.buffer.data[: share.end]
    group, private = trace.private
    if group == "x25519":
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(data[-32:]))
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), data[-65:])
    return derive_private_key(int.from_bytes(private, "big"), SECP256R1()).exchange(ECDH(), public)


@cache
def worked_out(section: int) -> tuple[Connection, Schedule]:
    """The connection with all that the private key opens, phase by phase, and its key schedule."""
    trace, keylog = traces()[section], KeyLog()
    sent = [Chunk(sender, float(time), record) for time, (sender, record) in enumerate(trace.records)]
    connection = followed(sent, keylog)
    given = {"ecdhe": shared_secret(trace, connection)}
    random = trace.records[0][1][11:43].hex()
    if trace.psk is not None:
        given["psk"] = trace.psk
        keylog.add_line(f"PSK {random} {trace.psk.hex()}")
    for _ in range(PHASES):
        for node in key_schedule(connection, given=given).nodes:
            if node.id in TRAFFIC and node.value is not None:
                keylog.add_line(f"{TRAFFIC[node.id]} {random} {node.value.hex()}")
        connection = followed(sent, keylog)
    return connection, key_schedule(connection, given=given)


@pytest.mark.parametrize(
    ("section", "name"), [(section, name) for section, trace in traces().items() for name in trace.values]
)
def test_every_published_value_is_reproduced(section: int, name: str) -> None:
    _, schedule = worked_out(section)
    node = next(node for node in schedule.nodes if node.id == name)
    assert node.value == traces()[section].values[name]
    assert node.why == ""
    assert node.origin in ("computed", "given")


@pytest.mark.parametrize("section", sorted(traces()))
def test_every_record_opens_and_every_proof_holds(section: int) -> None:
    connection, _ = worked_out(section)
    assert {record.protection.status for record in connection.records if record.protection} == {"verified"}
    assert all(message.provenance != "inferred" for message in connection.messages)
    proofs = prove(connection)
    assert [proof for proof in proofs if proof.status != "verified"] == []
    named = {proof.what for proof in proofs}
    assert {"server_finished", "client_finished", "record_protection"} <= named
    assert ("certificate_verify" in named) == (section != 4)
    assert ("client_certificate_verify" in named) == (section == 6)
    assert ("psk_binder" in named) == (section == 4)


def test_what_each_section_shows() -> None:
    connections = {section: worked_out(section)[0] for section in traces()}
    assert sorted(connections) == [3, 4, 5, 6, 7]
    assert connections[4].early_data
    assert connections[4].resumed
    early = connections[4].application[0]
    assert early.plaintext is not None
    assert (early.early, early.plaintext.data) == (True, b"ABCDEF")
    assert connections[5].hello_retry
    assert str(connections[5].group) == "secp256r1"
    assert connections[6].client_auth
    assert len(connections[7].messages_of("change_cipher_spec")) == 2


def test_the_resumed_handshake_uses_the_ticket_of_the_first() -> None:
    assert traces()[3].values["resumption_psk_0"] == traces()[4].psk
