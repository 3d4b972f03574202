"""Bytes to the engine, and what must hold for the Connection and everything that is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

from fuzz_inputs import DTLS, QUIC, TCP, Script, parse
from soundness import assert_printable, assert_sound, strings

from tlsviz.connection import ladder
from tlsviz.connection.dtls.engine import DtlsEngine
from tlsviz.connection.engine import Engine
from tlsviz.connection.judge import judged
from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection, Endpoint, Source, Trace
from tlsviz.connection.observer import OBSERVERS, as_seen_by
from tlsviz.connection.quic.engine import QuicEngine
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto import aead, quic
from tlsviz.crypto.dtls13 import DtlsAead13
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.opening import Unopened
from tlsviz.explain import observer
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.overview import overview
from tlsviz.explain.record import contents, kept
from tlsviz.lab import quic as quic_writer
from tlsviz.pki.stores import Store, from_file
from tlsviz.report.json import to_json
from tlsviz.report.text import render_text
from tlsviz.wire.chunks import Chunk, Input

SEALS_NOTHING, SMALL_PIECES, OTHER_EYES, LIVE, WIDTH, REPORTS = 0x01, 0x06, 0x08, 0x10, 0x60, 0x80
"""The bits of an input's options; two each for the sizes of pieces and the widths of reports."""
TAG = 16
ENGINES: dict[int, type[Engine]] = {TCP: Engine, QUIC: QuicEngine, DTLS: DtlsEngine}
SIZES, WIDTHS = (1, 2, 7, 100), (60, 80, 100, 200)
ROOT = Path(__file__).resolve().parents[2]


def one_input(data: bytes) -> None:
    """Follows, judges, tells and prints what an input of the fuzzer says; raises what is wrong."""
    found = parse(data)
    with opened_without_tags(bool(found.options & SEALS_NOTHING)):
        inputs = found.inputs()
        connection = follow(found, inputs)
        if found.carrier == TCP:
            size = SIZES[(found.options & SMALL_PIECES) >> 1]
            again = follow(found, pieces(inputs, max(size, sum(len(step.data) for step in found.steps) // 1000)))
            assert again == connection, difference(connection, again)
        check_connection(connection)
        connection = judged(connection, stores(), live=bool(found.options & LIVE))
        check_told(connection)
        if found.options & REPORTS:
            check_reports(connection, WIDTHS[(found.options & WIDTH) >> 5])
        if found.options & OTHER_EYES:
            check_other_views(connection)


def follow(script: Script, inputs: list[Input]) -> Connection:
    """The engine's model of these inputs."""
    log = KeyLog()
    log.add_text(script.keylog)
    make = ENGINES[script.carrier]
    engine = make(client=Endpoint("192.0.2.1", 50000), server=Endpoint("192.0.2.2", 443), keylog=log)
    for item in inputs:
        engine.receive(item)
    engine.finish(inputs[-1].time if inputs else None)
    return engine.connection()


def pieces(inputs: list[Input], size: int) -> list[Input]:
    """The same, all chunks cut to so many bytes."""
    found: list[Input] = []
    for item in inputs:
        if isinstance(item, Chunk):
            starts = range(0, len(item.data), size)
            found += [item._replace(data=item.data[start : start + size]) for start in starts]
        else:
            found.append(item)
    return found


def difference(one: Connection, other: Connection) -> str:
    """The first field in which two models differ, for the message of a failure."""
    for name in one.__slots__:
        a, b = getattr(one, name), getattr(other, name)
        if a != b:
            if isinstance(a, tuple) and isinstance(b, tuple):
                place = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
                return f"{name}[{place}]: {a[place : place + 1]!r:.600} / {b[place : place + 1]!r:.600}"
            return f"{name}: {a!r:.300} / {b!r:.300}"
    return "nothing differs"


@cache
def stores() -> tuple[Store, ...]:
    """The samples' own authority: small, and enough to judge by."""
    return (from_file(ROOT / "captures" / "ca.pem"),)


class _Plain:
    """An AEAD that hides nothing: the plaintext, and zeros for a tag."""

    def encrypt(self, _: bytes, plain: bytes, __: bytes | None) -> bytes:
        return plain + bytes(TAG)

    def decrypt(self, _: bytes, sealed: bytes, __: bytes | None) -> bytes:
        return sealed[:-TAG]


def _decrypt(_: object, __: bytes, sealed: bytes, ___: bytes, tag_length: int) -> bytes:
    """In the place of `aead._decrypt`."""
    if len(sealed) < tag_length:
        raise Unopened("the record is too short for a tag", failed=True)
    return sealed[: len(sealed) - tag_length]


def _unmasked(_: object, __: bytes) -> bytes:
    """In the place of what masks headers of QUIC and numbers of DTLS 1.3."""
    return bytes(16)


@contextmanager
def opened_without_tags(apply: bool) -> Iterator[None]:
    """While it applies, AEADs hide nothing and every tag is right: changed plaintext reaches what is behind them."""
    with ExitStack() as stack:
        if apply:
            stack.enter_context(patch.object(aead, "_decrypt", _decrypt))
            stack.enter_context(patch.object(quic, "aead", lambda *_: _Plain()))
            stack.enter_context(patch.object(quic.PacketKeys, "mask", _unmasked))
            stack.enter_context(patch.object(DtlsAead13, "mask", _unmasked))
        yield


@contextmanager
def sealed_without_tags() -> Iterator[None]:
    """While it applies, the tests' own packets of QUIC are such as `opened_without_tags` opens."""
    with (
        opened_without_tags(True),
        patch.object(quic_writer, "AESGCM", lambda _: _Plain()),
        patch.object(quic_writer, "ChaCha20Poly1305", lambda _: _Plain()),
    ):
        yield


# -- what must hold ----------------------------------------------------------------------------------------


def check_connection(connection: Connection) -> None:
    """Every tree is sound, every index leads somewhere, every byte comes from somewhere."""
    for number, record in enumerate(connection.records):
        assert record.index == number
        data = record.buffer.data
        assert_sound(record.header, data[: record.header.end])
        assert record.missing >= 0
    for number, message in enumerate(connection.messages):
        assert message.index == number
        assert all(0 <= index < len(connection.records) for index in message.records)
        assert_printable((message.type, message.note or ""))
        if message.tree is None or message.buffer is None:
            continue
        start = message.tree.start  # a sealed message is its record's fragment
        assert_sound(message.tree, message.buffer.data[start:], start)
        for origin in message.buffer.origins(0, len(message.buffer.data)):
            assert 0 <= origin.start <= origin.end <= len(origin.buffer.data)
        inner = message.inner
        if inner is not None:
            assert_sound(inner.tree, inner.buffer.data)
    for hello in connection.inner_hellos:
        assert_sound(hello.hello.tree, hello.hello.buffer.data)
    assert all(0 <= index < len(connection.records) for run in connection.application for index in run.record_indices)
    assert_printable(filter(None, (connection.server_name, connection.alpn, *connection.offered.alpn)))


def check_told(connection: Connection) -> None:
    """The ladder, and what is said about every step of it."""
    for step in ladder.steps(connection):
        assert_printable(strings((step.title, step.detail, step.note or "")))
        assert_printable(strings(narrate_step(connection, step)))
    assert_printable(strings(overview(connection)))
    assert_printable(strings((*connection.proofs, *connection.findings)))
    assert len([finding for finding in connection.findings if finding.diagnosis]) <= 1


def check_reports(connection: Connection, width: int) -> None:
    """The text report in its width, and JSON that is JSON."""
    trace = Trace(Source("capture", "fuzz", 1), (connection,))
    text = render_text(trace, width=width, fields=True, secrets=True)
    assert_printable(text.split("\n"))
    plain = render_text(trace, width=width, ascii=True)
    assert plain.isascii(), ascii(next(char for char in plain if not char.isascii()))
    found = to_json(trace, fields=True, secrets=True)
    assert_printable(strings(found))
    json.dumps(found, allow_nan=False)


def check_other_views(connection: Connection) -> None:
    """Records taken apart, key schedules, and what others see."""
    for record in connection.records:
        taken = anatomy(connection, record)
        position = 0
        for part in taken.wire:
            assert part.start == position, (taken.scheme, part)
            position = part.end
        assert position == len(record.buffer.data), (taken.scheme, position)
        assert_printable(strings((contents(connection, record), kept(connection, record, taken))))
    for handshake in range(1 + len(connection.renegotiated)):
        assert_printable(key_schedule(connection, handshake).notes)
    for eyes in OBSERVERS:
        seen = as_seen_by(connection, eyes)
        check_connection(seen)
        assert_printable((observer.verdict(connection, eyes),))
        assert_printable(strings(observer.brief(observer.learned(connection, seen, eyes))))
