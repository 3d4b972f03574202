"""The decoders are total: messages of real connections, cut at every length and changed in every byte, still tile.

Some places of each in the main run; every place, and 10,000 examples, with

    HYPOTHESIS_PROFILE=deep pytest tests/tls tests/connection tests/fuzz
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import samples
from deep import DEEP, examples
from hypothesis import given
from hypothesis import strategies as st
from samples import Sample
from soundness import assert_sound
from tls_build import CLIENT_12, CLIENT_13, FROM_CLIENT, FROM_SERVER, SERVER_10, SERVER_12, SERVER_13

from tlsviz.errors import TlsvizError
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_content, decode_handshake, decode_ssl2
from tlsviz.wire.nodes import Node, notes, walk

CONTENT_TYPES = {"change_cipher_spec": 20, "alert": 21, "heartbeat": 24}
CONTEXTS = (FROM_CLIENT, FROM_SERVER, CLIENT_12, SERVER_12, CLIENT_13, SERVER_13, SERVER_10)
FOREIGN = (
    "illustrated-tls13/capture.pcap",
    "zeek/heartbleed-success.pcap",
    "zeek/tls-13draft19-early-data.pcap",
    "wireshark-4.4.18/tls-renegotiation.pcap",
)
HEADER, PLACES = 8, 16
"""In the main run: every one of the first bytes, and so many places behind them."""


def decoded(sample: Sample, data: bytes, context: Context | None = None) -> Node:
    """The tree of ``data``, read as the sample's message is; sound, and everything opened."""
    context = context or sample.context
    if sample.type.startswith("ssl2"):
        tree = decode_ssl2(data, context)
    elif sample.content_type == "handshake":
        tree = decode_handshake(data, context)
    else:
        tree = decode_content(CONTENT_TYPES.get(sample.content_type, 0), data, context)
    assert_sound(tree, data)
    return tree


def places(size: int, every: bool = DEEP) -> Iterator[int]:
    """Where a message of ``size`` bytes is cut or changed."""
    if every or size <= HEADER + PLACES:
        yield from range(size)
        return
    yield from range(HEADER)
    yield from (HEADER + (size - HEADER) * step // PLACES for step in range(PLACES))


def changes(old: int, place: int) -> tuple[int, ...]:
    """What a byte becomes: a length one longer or shorter, nothing, everything, another type."""
    every = (old ^ 0x01, old ^ 0x80, (old + 1) & 0xFF, (old - 1) & 0xFF, 0x00, 0xFF, 0x30)
    return every if DEEP else (every[place % len(every)],)


def try_all(found: list[Sample], every: bool = DEEP) -> int:
    """Cuts and changes each message, in every place or in some; returns how many inputs that were."""
    tried = 0
    for sample in found:
        data = sample.data
        decoded(sample, data)
        for place in places(len(data), every):
            cut = decoded(sample, data[:place])
            assert sample.content_type != "handshake" or any(True for _ in notes(cut)), (sample.name, place)
            for new in changes(data[place], place):
                decoded(sample, data[:place] + bytes([new]) + data[place + 1 :])
                tried += 1
            tried += 1
    return tried


@pytest.mark.tshark
def test_messages_of_the_sample_captures_cut_and_changed() -> None:
    found = list(samples.messages(samples.connections()))
    assert {"client_hello", "server_hello", "certificate", "finished"} <= {sample.type for sample in found}
    assert try_all(found) > 5000


@pytest.mark.tshark
def test_messages_of_captures_from_elsewhere_cut_and_changed() -> None:
    found = list(samples.messages(samples.foreign(*FOREIGN)))
    if not found:
        pytest.skip("the published captures are not here")
    assert try_all(found) > 1000


@pytest.mark.skipif(not DEEP, reason="only in a deep run")
def test_every_capture_from_elsewhere_cut_and_changed() -> None:
    """Of the messages that have the same fields only one, in some places."""
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    tried = 0
    for path in sorted(samples.SHARED.rglob("*.pcap*")):
        try:
            found = samples.foreign.__wrapped__(str(path.relative_to(samples.SHARED)))
        except TlsvizError:
            continue
        for sample in samples.messages(found):
            shape = (sample.type, fields(decoded(sample, sample.data)))
            if shape not in seen:
                seen.add(shape)
                tried += try_all([sample], every=False)
    if not seen:
        pytest.skip("the published captures are not here")
    print(f"{len(seen)} kinds of messages, {tried} inputs")


def fields(tree: Node) -> frozenset[tuple[str, str]]:
    """The names in a tree, each with its parent's."""
    return frozenset((node.name, child.name) for _, node in walk(tree) for child in node.children)


@pytest.mark.tshark
def test_messages_of_the_sample_captures_read_as_what_they_are_not() -> None:
    """A message of one version, taken for one of another, from the other side."""
    for sample in samples.messages(samples.connections()):
        for context in CONTEXTS:
            decoded(sample, sample.data, context)


@examples(150)
@given(st.data())
@pytest.mark.tshark
def test_pieces_of_messages_put_together_anew(data: st.DataObject) -> None:
    """The head of one message, something, and the tail of another: lengths that lie in every way."""
    found = list(samples.messages(samples.connections()))
    one, other = data.draw(st.sampled_from(found)), data.draw(st.sampled_from(found))
    head = one.data[: data.draw(st.integers(0, len(one.data)))]
    tail = other.data[data.draw(st.integers(0, len(other.data))) :]
    decoded(one, head + data.draw(st.binary(max_size=40)) + tail, data.draw(st.sampled_from(CONTEXTS)))
