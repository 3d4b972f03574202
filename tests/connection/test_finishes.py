"""When a handshake is over, with keys and without them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples import FOLDER

from tlsviz.connection.compare import handshake_time
from tlsviz.connection.finishes import finish
from tlsviz.connection.model import Connection, Volume
from tlsviz.connection.observer import as_seen_by
from tlsviz.connection.rows import handshake, row
from tlsviz.sources.capture import load_capture
from tlsviz.wire.chunks import CLIENT, SERVER


def only(name: str) -> Connection:
    (connection,) = load_capture(FOLDER / name, strict=True).connections
    return connection


def test_the_same_bytes_take_the_same_time_with_and_without_keys() -> None:
    known, sealed = only("tls12.pcapng"), only("tls12-no-keys.pcapng")
    assert row(sealed).handshake == row(known).handshake
    assert row(sealed).handshake < sealed.duration / 2  # type: ignore[operator]
    assert handshake_time(sealed) == handshake_time(known)


@pytest.mark.parametrize("name", ["tls12-cbc.pcapng", "tls12-rsa.pcapng", "tls10.pcapng", "dtls12.pcapng"])
def test_it_ends_with_what_is_encrypted_behind_both_change_cipher_specs(name: str) -> None:
    for connection in load_capture(FOLDER / name, strict=True).connections:
        if connection.complete:
            assert handshake(connection) == pytest.approx(handshake(as_seen_by(connection, "eavesdropper")))


def test_a_handshake_inside_the_connection_does_not_prolong_the_first() -> None:
    sealed = only("tls12-no-keys.pcapng")
    last = sealed.messages[-1]
    later = replace(last, index=len(sealed.messages), order=last.order + 1, time=last.time + 60, type="client_hello")
    again = replace(later, index=later.index + 1, order=later.order + 1, type="encrypted_handshake")
    assert handshake(replace(sealed, messages=(*sealed.messages, later, again))) == handshake(sealed)


def test_an_end_that_was_not_seen_is_not_the_connection_s() -> None:
    sealed = only("tls12-no-keys.pcapng")
    cut = tuple(m for m in sealed.messages if m.type not in ("change_cipher_spec", "encrypted_handshake"))
    assert finish(cut, CLIENT) is None and finish(cut, SERVER) is None
    unseen = replace(sealed, messages=cut, complete=False)
    assert unseen.server_data.records and handshake(unseen) is None
    hung = replace(unseen, server_data=Volume(0, 0))
    assert handshake(hung) == hung.duration  # nobody knows that it ever ended
    assert handshake(replace(hung, messages=cut[1:])) is None  # nor, of this, when it began
