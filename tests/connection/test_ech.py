"""Encrypted ClientHello: opened with what a key log holds, its acceptance proven, and the connection read by it."""

from __future__ import annotations

import hashlib

import made13
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from made13 import CLIENT_HELLO, Made, extension, message, share, vector

from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto import ech, schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT

INNER_RANDOM, OUTER_RANDOM = bytes(range(50, 82)), bytes(range(150, 182))
SESSION = bytes(range(7, 39))
SHARED = bytes.fromhex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc")
CONFIG = b"\xfe\x0d" + vector(2, b"\x07\x00\x20" + vector(2, b"k" * 32) + vector(2, b"\0\1\0\1") + b"\0\0\0\0")
AEADS = {1: (AESGCM, 16), 3: (ChaCha20Poly1305, 32)}


def test_hpke_of_rfc_9180() -> None:
    """Appendix A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode."""
    suite_id, info = b"HPKE" + bytes.fromhex("002000010001"), bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    key, nonce = ech._hpke("sha256", suite_id, SHARED, info, 16)
    assert (key.hex(), nonce.hex()) == ("4531685d41d65f03dc48f6b8302c05b0", "56d890e5accaaf011cff4b7d")


def name(text: bytes) -> bytes:
    return extension(0, vector(2, b"\0" + vector(2, text)))


def hello(random: bytes, session: bytes, *extensions: bytes) -> bytes:
    return b"\x03\x03" + random + vector(1, session) + b"\0\2\x13\1\1\0" + vector(2, b"".join(extensions))


VERSIONS, SCHEMES = extension(43, b"\x02\x03\x04"), extension(13, b"\0\2\4\3")
GROUPS, SHARES = extension(10, b"\0\2\0\x1d"), extension(51, vector(2, share()))
INNER_MARK = extension(65037, b"\1")


def hellos(aead: int, number: int = 0, cookie: bytes = b"") -> tuple[bytes, bytes]:
    """The inner hello as it is hashed, and the outer one that is sent; with compressed extensions and padding."""
    inner = hello(INNER_RANDOM, SESSION, name(b"secret.test"), GROUPS, SHARES, SCHEMES, VERSIONS, INNER_MARK, cookie)
    taken = extension(0xFD00, b"\x06" + b"\0\x0a" + b"\0\x33" + b"\0\x0d")
    encoded = hello(INNER_RANDOM, b"", name(b"secret.test"), taken, VERSIONS, INNER_MARK, cookie) + bytes(9)
    kind, size = AEADS[aead]
    suite_id = b"HPKE\0\x20\0\1" + aead.to_bytes(2, "big")
    key, nonce = ech._hpke("sha256", suite_id, SHARED, b"tls ech\0" + CONFIG, size)
    nonce = bytes([*nonce[:-1], nonce[-1] ^ number])

    def outer(payload: bytes) -> bytes:
        head = b"\0\0\1" + aead.to_bytes(2, "big") + b"\x07" + vector(2, b"" if number else b"e" * 32)
        mark = extension(65037, head + vector(2, payload))
        return hello(OUTER_RANDOM, SESSION, GROUPS, name(b"public.test"), SHARES, SCHEMES, mark, VERSIONS, cookie)

    payload = kind(key).encrypt(nonce, encoded, outer(bytes(len(encoded) + 16)))
    return message(CLIENT_HELLO, inner), message(CLIENT_HELLO, outer(payload))


def signal(said: bytes) -> bytes:
    """RFC 9849 section 7.2, spelled out."""
    secret = schedule.hkdf_extract("sha256", bytes(32), INNER_RANDOM)
    covered = hashlib.sha256(said).digest()
    return schedule.hkdf_expand_label("sha256", secret, "ech accept confirmation", covered, 8)


def made(monkeypatch: pytest.MonkeyPatch, aead: int = 1, *, accepted: bool = True, retry: bool = False) -> Made:
    one = Made()
    inner, outer = hellos(aead)
    monkeypatch.setattr(made13, "CLIENT_RANDOM", INNER_RANDOM if accepted else OUTER_RANDOM)
    counted = inner if accepted else outer
    one.say(CLIENT, outer)
    one.said = [counted]
    if retry:
        one.retry(counted)
        inner, outer = hellos(aead, 1, extension(44, vector(2, b"cookie")))
        one.say(CLIENT, outer)
        one.said[-1] = inner if accepted else outer
    blank = made13.SERVER_RANDOM[:24] + bytes(8)
    monkeypatch.setattr(made13, "SERVER_RANDOM", blank)
    trial = Made(said=list(one.said))
    trial.server_hello(psk=False)
    if accepted:
        monkeypatch.setattr(made13, "SERVER_RANDOM", blank[:24] + signal(b"".join(trial.said)))
    one.server_hello(psk=False)
    one.server_flight()
    one.client_flight()
    one.data(CLIENT, b"hush")
    return one


def opened(one: Made, secret: bytes = SHARED, config: bytes = CONFIG) -> Connection:
    log = KeyLog()
    log.add_text("\n".join(one.lines))
    log.add_line(f"ECH_SECRET {OUTER_RANDOM.hex()} {secret.hex()}")
    log.add_line(f"ECH_CONFIG {OUTER_RANDOM.hex()} {config.hex()}")
    return one.connection(log=log)


def statuses(connection: Connection) -> dict[str, str]:
    return {proof.what: proof.status for proof in prove(connection)}


@pytest.mark.parametrize("aead", [1, 3])
@pytest.mark.parametrize("retry", [False, True])
def test_accepted(monkeypatch: pytest.MonkeyPatch, aead: int, retry: bool) -> None:
    one = made(monkeypatch, aead, retry=retry)
    connection = opened(one)
    assert connection.ech_accepted is True
    assert len(connection.inner_hellos) == 1 + retry
    for held in connection.inner_hellos:
        assert held.hello.buffer.data[6:38] == INNER_RANDOM
        assert held.hello.tree.get("extensions.server_name")
        origin = held.hello.buffer.origins(0, 1)[0]
        outer = connection.messages[held.message]
        assert outer.buffer
        assert (origin.buffer, outer.type) == (outer.buffer, "client_hello")
    found = statuses(connection)
    assert found["ech_acceptance"] == "verified"
    assert found["server_finished"] == found["client_finished"] == found["certificate_verify"] == "verified"
    assert connection.application[0].plaintext
    assert connection.application[0].plaintext.data == b"hush"
    nodes = key_schedule(connection).nodes
    assert all(node.why == "" for node in nodes if node.kind == "verify_data")
    assert {node.message for node in nodes if node.id == "client_share"} == {None}


def test_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outer hello counts: it is what both sides hash."""
    connection = opened(made(monkeypatch, accepted=False))
    assert connection.ech_accepted is False
    assert len(connection.inner_hellos) == 1
    found = statuses(connection)
    assert found["ech_acceptance"] == "not_provable"
    assert found["server_finished"] == found["client_finished"] == "verified"


def test_with_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """GREASE, or somebody else's secrets: nothing is opened, and nothing claimed."""
    one = made(monkeypatch)
    for connection in (
        opened(one, secret=b"?" * 32),
        opened(one, config=CONFIG[:-1] + b"\1"),
        opened(one, config=b"\1"),
        one.connection(),
    ):
        assert connection.ech_accepted is None
        assert connection.inner_hellos == ()
        assert statuses(connection)["ech_acceptance"] == "not_provable"
        assert "failed" not in statuses(connection).values()


def test_hostile_inner_hellos() -> None:
    """What decrypts rightly may still be nonsense: never an exception, never a hello of it."""
    kind, size = AEADS[1]
    _, outer = hellos(1)
    at = outer.index(b"e" * 32) + 34
    where = ech.Outer(1, 1, slice(at, at + int.from_bytes(outer[at - 2 : at], "big")))
    good = ech.inner_hello(outer, where, SHARED, CONFIG, 0)
    assert good == hellos(1)[0]
    key, nonce = ech._hpke("sha256", b"HPKE\0\x20\0\1\0\1", SHARED, b"tls ech\0" + CONFIG, size)
    length = where.payload.stop - at - 16
    missing = hello(INNER_RANDOM, b"", extension(0xFD00, b"\x02\x77\x77"))
    twice = hello(INNER_RANDOM, b"", extension(0xFD00, b"\x04\0\x0a\0\x0a"))
    long = hello(INNER_RANDOM, b"", b"\0\0\xff\xff")
    for bad in (b"\xff" * length, missing, twice, long, b"\x03\x03" + INNER_RANDOM + b"\xff"):
        aad = outer[4:at] + bytes(length + 16) + outer[where.payload.stop :]
        payload = kind(key).encrypt(nonce, bad.ljust(length, b"\0")[:length], aad)
        spoiled = outer[:at] + payload + outer[where.payload.stop :]
        assert ech.inner_hello(spoiled, where, SHARED, CONFIG, 0) is None
    assert ech.inner_hello(outer, where._replace(kdf=9), SHARED, CONFIG, 0) is None
