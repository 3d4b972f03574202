"""Other eyes on a QUIC connection, and its packets under the lens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from quic_flow import QuicFlow, follow

from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection
from tlsviz.connection.observer import NO_KEY, as_seen_by
from tlsviz.crypto.schedule import xor
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.record import kept


@pytest.fixture(params=[1, 0x6B3343CF], ids=["v1", "v2"])
def flow(request: pytest.FixtureRequest) -> QuicFlow:
    made = QuicFlow(version=request.param)
    made.conversation()
    return made


def _plain(connection: Connection) -> Connection:
    """Without the words for why packets stay closed, which differ."""
    records = tuple(
        replace(r, protection=r.protection._replace(why="") if r.protection else None) for r in connection.records
    )
    return replace(connection, records=records, proofs=(), findings=(), trust=None)


def test_an_eavesdropper_sees_what_the_engine_makes_without_keys(flow: QuicFlow) -> None:
    seen = as_seen_by(judged(follow(flow.datagrams)), "eavesdropper")
    assert _plain(seen) == _plain(follow(flow.datagrams, keys=False))
    sealed = {r.protection.why for r in seen.records if r.protection and r.protection.status == "not_provable"}
    assert sealed == {NO_KEY}
    assert seen.server_name == "server.test" and not seen.certificates and seen.secrets == ()


def test_the_ends_see_everything(flow: QuicFlow) -> None:
    connection = judged(follow(flow.datagrams))
    assert as_seen_by(connection, "endpoints") is connection


@pytest.mark.parametrize("keys", [True, False])
def test_packets_are_tiled_on_the_wire_and_inside(flow: QuicFlow, keys: bool) -> None:
    connection = follow(flow.datagrams, keys)
    for record in connection.records:
        taken = anatomy(connection, record)
        assert b"".join(part.data or b"" for part in taken.wire) == record.buffer.data
        assert [part.kind for part in taken.wire] == ["header", "ciphertext", "tag"]
        if record.plaintext is not None:
            assert b"".join(part.data or b"" for part in taken.inside) == record.plaintext.data
            assert taken.inside[-1].end == taken.wire[1].length


def test_nonce_and_header_mask_are_shown_as_they_were_made(flow: QuicFlow) -> None:
    connection = follow(flow.datagrams)
    for record in connection.records:
        taken = anatomy(connection, record)
        assert taken.recipe is not None and taken.header_mask is not None and record.protection is not None
        iv, number = taken.recipe.ingredients
        assert xor(iv.data, number.data) == record.protection.nonce
        assert iv.secret == (record.packet_type != "Initial")
        mask = taken.header_mask
        assert xor(mask.wire, mask.mask) == mask.clear and len(mask.sample) == 16
        assert b"".join(piece.data for piece in taken.covered) == record.protection.additional_data


def test_words_for_initial_packets_say_that_everybody_reads_them(flow: QuicFlow) -> None:
    connection = judged(follow(flow.datagrams))
    first, last = connection.records[0], connection.records[-1]
    assert kept(connection, first, anatomy(connection, first)).hidden == ()
    assert kept(connection, last, anatomy(connection, last)).hidden
    stories = [narrate_step(connection, step) for step in steps(connection)]
    assert any("sealed, but not secret" in sentence.text for sentence in stories[0].sentences)
    assert not any("sealed, but not secret" in sentence.text for sentence in stories[3].sentences)
    assert any("CRYPTO frame" in sentence.text for sentence in stories[3].sentences)


def test_the_ladder_has_packet_types_instead_of_records(flow: QuicFlow) -> None:
    found = [step.detail.rpartition(" · ")[2] for step in steps(follow(flow.datagrams)) if step.kind == "message"]
    assert found == ["Initial"] * 2 + ["Handshake"] * 5
    sealed = [step.title for step in steps(follow(flow.datagrams, keys=False)) if step.kind == "data"]
    assert set(sealed) == {"encrypted Handshake packets", "encrypted 1-RTT packets"}
