"""What a record stream takes for TLS, and what not."""

from __future__ import annotations

import random

from tlsviz.connection.stream import RecordStream

HELLO = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + bytes(32) + b"\x00\x00\x02\x13\x01\x01\x00"
DATA = b"\x17\x03\x03\x00\x20" + bytes(range(32))


def records(stream: RecordStream, data: bytes) -> list[bytes]:
    stream.feed(data, 1.0, (1,))
    found = []
    while (raw := stream.take()) is not None:
        if not raw.stray:
            found.append(raw.data)
    return found


def test_one_header_by_chance_in_a_damaged_plain_stream_is_no_tls() -> None:
    stream = RecordStream()
    records(stream, b"HTTP/1.1 200 OK\r\n\r\n")
    stream.lose(1000)
    noise = random.Random(1).randbytes(3000)
    assert records(stream, noise + DATA[:5] + noise) == []
    assert stream.sync == "lost"


def test_two_records_in_a_row_after_a_lost_beginning_are_tls() -> None:
    stream = RecordStream()
    stream.lose(1000)
    assert records(stream, b"the end of something" + DATA) == []
    assert records(stream, DATA) == [DATA, DATA]
    assert stream.sync == "tls"


def test_a_hello_after_a_lost_beginning_is_tls_at_once() -> None:
    stream = RecordStream()
    stream.lose(10)
    assert records(stream, HELLO) == [HELLO]


def test_after_a_hole_in_known_tls_one_header_is_enough() -> None:
    stream = RecordStream()
    assert records(stream, HELLO) == [HELLO]
    stream.lose(100)
    assert records(stream, b"\xff\xff" + DATA) == [DATA]


def test_tls_inside_openvpn_is_not_taken_for_tls_over_tcp() -> None:
    reset = b"\x00\x0e\x38" + bytes(13)
    stream = RecordStream()
    assert records(stream, reset + b"\x00\x60\x20" + bytes(9) + HELLO) == []
    assert stream.sync == "not_tls"
