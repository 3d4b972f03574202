"""Each dialogue as a generator, without sockets: agreed, refused, byte by byte, garbage, without end."""

from __future__ import annotations

import re

import pytest
from starttls_scripts import HTTP_PROXY, SCRIPTS, SOCKS_PROXY, Script, Turn

from tlsviz.connection.upgrades import UPGRADES
from tlsviz.sources.proxy import Proxy
from tlsviz.sources.starttls import DIALOGUES
from tlsviz.sources.starttls.speech import LIMIT, Dialogue, GarbledError, RefusedError, Speech

ALL: dict[str, Script] = SCRIPTS | {"http-connect": HTTP_PROXY, "socks": SOCKS_PROXY}


def begin(name: str) -> Dialogue:
    if name in DIALOGUES:
        return DIALOGUES[name](Speech("host.test", 443))
    return Proxy("http" if name == "http-connect" else "socks5", "127.0.0.1", 1).dialogue(Speech("host.test", 443))


def talk(dialogue: Dialogue, turns: tuple[Turn, ...], piece: int) -> bool:
    """Plays the server's turns in pieces of that many bytes; whether the dialogue came to its end."""
    said = b""
    try:
        said += next(dialogue).wire
        for turn in turns:
            if isinstance(turn, str):
                assert re.fullmatch(turn, said.decode("latin-1"), re.DOTALL), (turn, said)
                said = b""
                continue
            for at in range(0, len(turn), piece):
                said += dialogue.send(turn[at : at + piece]).wire
    except StopIteration as end:
        said += end.value.wire
        if isinstance(turns[-1], str):
            assert re.fullmatch(turns[-1], said.decode("latin-1"), re.DOTALL)
        return True
    return False


def test_every_name_has_its_dialogue_and_its_script() -> None:
    assert list(DIALOGUES) == list(UPGRADES)
    assert set(DIALOGUES) == set(SCRIPTS)


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize("name", ALL)
def test_server_that_agrees(name: str, piece: int) -> None:
    assert talk(begin(name), ALL[name].agreed, piece)


@pytest.mark.parametrize("piece", [1, 10_000])
@pytest.mark.parametrize("name", ALL)
def test_server_that_refuses(name: str, piece: int) -> None:
    with pytest.raises(RefusedError) as refusal:
        talk(begin(name), ALL[name].refused, piece)
    if piece > 1 or name != "telnet":
        assert ALL[name].words in str(refusal.value)


GARBAGE = {
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n" * 4,
    "zeros": bytes(200),
    "high": b"\xff\x00\x80\x90" * 50,
    "tls": b"\x15\x03\x01\x00\x02\x02\x46\r\n" * 4,
    "styled": b"\x1b[31mred\x1b]0;t\x07\r\n" * 10,
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ALL)
def test_garbage_is_told_from_the_protocol(name: str, garbage: str) -> None:
    dialogue = begin(name)
    next(dialogue)
    with pytest.raises((GarbledError, RefusedError)) as error:
        dialogue.send(GARBAGE[garbage])
        while True:
            dialogue.send(GARBAGE[garbage] * 30)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "endless", [b"x", b"220-more\r\n", b"* more\r\n", b'"more"\r\n', b"<a>", b"abc :d\r\n", b"+OK\r"]
)
@pytest.mark.parametrize("name", ALL)
def test_no_server_is_listened_to_without_end(name: str, endless: bytes) -> None:
    dialogue = begin(name)
    next(dialogue)
    with pytest.raises((GarbledError, RefusedError, StopIteration)):
        for _ in range(LIMIT // 1000 + 2):
            dialogue.send(endless * (1000 // len(endless)))


def test_the_log_in_of_a_proxy_is_struck_out() -> None:
    wire, shown = b"", b""
    for kind, answers in (("http", ()), ("socks5", (b"\x05\x02", b"\x01\x00"))):
        dialogue = Proxy(kind, "127.0.0.1", 1, "alice", "s3cret").dialogue(Speech("host.test", 443))  # type: ignore[arg-type]
        said = [next(dialogue), *(dialogue.send(answer) for answer in answers)]
        wire += b"".join(one.wire for one in said)
        shown += b"".join(one.shown for one in said)
    assert b"alice\x06s3cret" in wire
    assert b"YWxpY2U6czNjcmV0" in wire
    assert len(shown) == len(wire)
    for secret in (b"alice", b"s3cret", b"YWxp"):
        assert secret not in shown


def test_a_ping_of_irc_is_answered() -> None:
    dialogue = begin("irc")
    next(dialogue)
    assert dialogue.send(b"PING :tok\r\n").wire == b"PONG :tok\r\n"


@pytest.mark.parametrize("junk", [b"\xff\x00junk\r\n", b"\r\n", b"\x00" * 9, b"999 \xc3\x28\r\n"])
@pytest.mark.parametrize("name", ALL)
def test_garbage_after_any_byte_only_ends_the_dialogue(name: str, junk: bytes) -> None:
    for turns in (ALL[name].agreed, ALL[name].refused):
        heard = b"".join(turn for turn in turns if isinstance(turn, bytes))
        for cut in range(len(heard) + 1):
            dialogue = begin(name)
            next(dialogue)
            with pytest.raises((GarbledError, RefusedError, StopIteration)) as ended:
                dialogue.send(heard[:cut] + junk)
                for _ in range(LIMIT // 1000 + 2):
                    dialogue.send(junk * (1000 // len(junk)))
            assert ended.type is StopIteration or str(ended.value).isprintable()
