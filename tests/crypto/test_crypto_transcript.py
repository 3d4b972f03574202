"""The transcript, and Finished over it."""

from __future__ import annotations

import hashlib

import pytest

from tlsviz.crypto.finished import handshake_hash_12, session_hash, verify_data_12
from tlsviz.crypto.opening import Unopened
from tlsviz.crypto.transcript import Transcript

HELLO = b"\x01\x00\x00\x03abc"
REPLY = b"\x02\x00\x00\x01d"


def test_any_hash_at_any_time() -> None:
    transcript = Transcript()
    assert transcript.hash("sha256") == hashlib.sha256().digest()
    transcript.add(HELLO)
    assert transcript.hash("sha384") == hashlib.sha384(HELLO).digest()
    transcript.add(REPLY)
    for name in ("sha256", "sha384", "md5", "sha1"):
        assert transcript.hash(name) == hashlib.new(name, HELLO + REPLY).digest()
    assert transcript.data() == HELLO + REPLY


def test_a_copy_goes_its_own_way() -> None:
    transcript = Transcript()
    transcript.add(HELLO)
    transcript.hash("sha256")
    twin = transcript.copy()
    twin.add(REPLY)
    assert transcript.hash("sha256") == hashlib.sha256(HELLO).digest()
    assert twin.hash("sha256") == hashlib.sha256(HELLO + REPLY).digest()


@pytest.mark.parametrize(("name", "size"), [("sha256", 32), ("sha384", 48)])
def test_message_hash_takes_the_place_of_the_first_hello(name: str, size: int) -> None:
    transcript = Transcript()
    transcript.add(HELLO)
    transcript.hash(name)
    transcript.replace_with_message_hash(name)
    transcript.add(REPLY)
    synthetic = bytes([254, 0, 0, size]) + hashlib.new(name, HELLO).digest()
    assert transcript.data() == synthetic + REPLY
    assert transcript.hash(name) == hashlib.new(name, synthetic + REPLY).digest()


def test_a_hash_that_is_not_to_be_had() -> None:
    with pytest.raises(Unopened, match="not supported"):
        Transcript().hash("gostr3411_2012_256")


def test_handshake_hash_by_version() -> None:
    transcript = Transcript()
    transcript.add(HELLO)
    both = hashlib.md5(HELLO).digest() + hashlib.sha1(HELLO).digest()
    assert handshake_hash_12(0x0301, "sha256", transcript) == both
    assert handshake_hash_12(0x0302, "sha384", transcript) == both
    assert handshake_hash_12(0x0303, "sha384", transcript) == hashlib.sha384(HELLO).digest()


def test_ssl3_finished() -> None:
    # RFC 6101 section 5.6.9, written out
    transcript = Transcript()
    transcript.add(HELLO)
    master = bytes(range(48))
    found = verify_data_12(0x0300, "sha256", master, "server", handshake_hash_12(0x0300, "sha256", transcript))
    md5 = hashlib.md5(master + b"\x5c" * 48 + hashlib.md5(HELLO + b"SRVR" + master + b"\x36" * 48).digest())
    sha = hashlib.sha1(master + b"\x5c" * 40 + hashlib.sha1(HELLO + b"SRVR" + master + b"\x36" * 40).digest())
    assert found == md5.digest() + sha.digest()


def test_session_hash() -> None:
    assert session_hash(0x0303, "sha384", HELLO) == hashlib.sha384(HELLO).digest()
    assert session_hash(0x0302, "sha384", HELLO) == hashlib.md5(HELLO).digest() + hashlib.sha1(HELLO).digest()


def test_both_sides_finish_differently() -> None:
    client = verify_data_12(0x0303, "sha256", bytes(48), "client", bytes(32))
    server = verify_data_12(0x0303, "sha256", bytes(48), "server", bytes(32))
    assert len(client) == len(server) == 12
    assert client != server
