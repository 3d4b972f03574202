"""What a server said to the question for TLS: a no is a refusal, a yes and anything else is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dialogue import shake
from effort import growth
from starttls_scripts import SCRIPTS, SOCKS_PROXY

from tlsviz.connection.declined import declined
from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Prelude
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

ASK, NO = b"STARTTLS\r\n", b"454 4.7.0 TLS not available\r\n"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
HELLO = b"250-x\r\n250 STARTTLS\r\n"
OFFERED = (("s", b"220 x\r\n"), ("c", b"EHLO a\r\n"), ("s", HELLO), ("c", ASK), ("s", NO))
PRELOGIN = bytes.fromhex("1201002f00000100") + bytes(39)


def turns(*said: tuple[str, bytes]) -> tuple[Prelude, ...]:
    return tuple(Prelude(at, 0.0, CLIENT if who == "c" else SERVER, data, ()) for at, (who, data) in enumerate(said))


def test_a_tls_that_is_agreed_on_is_not_declined() -> None:
    for script in SCRIPTS.values():
        for answer in (turn for turn in script.agreed if isinstance(turn, bytes)):
            for ask in (ASK, b"STLS\r\n", b"AUTH TLS\r\n", b"a2 STARTTLS\r\n", b"<starttls/>", PRELOGIN):
                assert declined(turns(("c", ask), ("s", answer))) is None


@pytest.mark.parametrize(
    ("said", "protocol", "words"),
    [
        (OFFERED, "smtp", "454 4.7.0 TLS not available"),
        ((("c", b"STLS\r\n"), ("s", b"-ERR \x1b[31mno\r\n")), "pop3", "-ERR \\x1b[31mno"),
        ((("c", b"AUTH SSL\r\n"), ("s", b"504 unknown\r\n")), "ftp", "504 unknown"),
        ((("c", b"A007 STARTTLS\r\n"), ("s", b"* 3 EXISTS\r\nA007 NO later\r\n")), "imap", "A007 NO later"),
        ((("c", SSL_REQUEST), ("s", b"E\0\0\0\x2bSFATAL\0C0A000\0Mtoo old\0\0")), "postgres", "too old"),
        ((("c", b"\xff\xfb\x2e"), ("s", b"\xff\xfe\x2e")), "telnet", "DONT START_TLS"),
    ],
)
def test_refusals(said: tuple[tuple[str, bytes], ...], protocol: str, words: str) -> None:
    found = declined(turns(*said))
    assert found == (protocol, words)


@pytest.mark.parametrize(
    "said",
    [
        (("c", ASK), ("s", b"220 go ahead\r\n")),
        (("c", b"MAIL FROM:<a@b>\r\n"), ("s", b"530 5.7.0 Must issue a STARTTLS command first\r\n")),
        (("s", NO), ("c", ASK)),
        (("c", b"Subject: STARTTLS\r\n"), ("s", NO)),
        (("c", SOCKS_PROXY.agreed[1] if isinstance(SOCKS_PROXY.agreed[1], bytes) else b""), ("s", b"N")),
    ],
)
def test_what_is_no_refusal(said: tuple[tuple[str, bytes], ...]) -> None:
    assert declined(turns(*said)) is None


def test_the_engine_keeps_what_was_declined_however_it_is_cut_and_goes_on_to_tls() -> None:
    said = ((SERVER, b"220 x\r\n"), (CLIENT, ASK), (SERVER, NO), (CLIENT, b"MAIL FROM:<a@b>\r\n"))
    for size in (1, 100):
        engine = Engine()
        for sender, data in said:
            for at in range(0, len(data), size):
                engine.receive(Chunk(sender, 1.0, data[at : at + size], (1,)))
        assert engine.is_tls
        assert declined(engine.connection().prelude) == ("smtp", "454 4.7.0 TLS not available")
    engine.receive(Chunk(CLIENT, 2.0, shake().chunks[0].data, (2,)))
    engine.finish()
    assert engine.connection().records


def test_hostile_dialogues_cost_what_they_are_long() -> None:
    def work(size: int) -> Callable[[], object]:
        parts = [(b"\x03\x00\r\nSTARTTLS\r\n", b"* \r\n* 4")[at % 2] for at in range(size)]

        def run() -> None:
            engine = Engine()
            for at, part in enumerate(parts):
                engine.receive(Chunk(CLIENT if at % 2 == 0 else SERVER, 1.0, part, ()))
            engine.finish()

        return run

    assert growth(work, 200, 8) < 1.6
