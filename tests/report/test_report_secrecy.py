"""Secrets are told only when asked for: every secret value of connections of each kind is looked for everywhere."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import flows
import made13
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dialogue import identity, shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.rsakeys import read_rsa_keys
from tlsviz.report.json import to_json
from tlsviz.report.text import render_text

SHORTEST = 7
"""Bytes of the shortest piece that is looked for: a shorter one may stand anywhere by chance."""


def with_rsa_key() -> Connection:
    said = shake("1.2", "AES128-SHA", "rsa")
    log = said.keys()
    pem = identity("rsa")[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    log.rsa.add(read_rsa_keys(pem, "server.pem"))
    engine = Engine(keylog=log)
    for chunk in said.chunks:
        engine.receive(chunk)
    return engine.connection()


def with_psk() -> Connection:
    made = made13.resumed(b"\x91\x7f" * 16, early="accepted")
    made.log("PSK", b"\x91\x7f" * 16)
    made.log("RESUMPTION_SECRET", made.resumption)
    return made.connection()


def updated() -> Connection:
    made = made13.full()
    made.update("client")
    made.authenticate_later(b"")
    return made.connection()


KINDS: dict[str, Callable[[], Connection]] = {
    "TLS 1.0": lambda: shake("1.0", "ECDHE-RSA-AES128-SHA", "rsa").connection(),
    "TLS 1.2": lambda: shake("1.2").connection(),
    "TLS 1.2 with the RSA key": with_rsa_key,
    "TLS 1.2 renegotiated": lambda: flows.renegotiated().connection(),
    "TLS 1.3": lambda: shake("1.3").connection(),
    "TLS 1.3 with a PSK and 0-RTT": with_psk,
    "TLS 1.3 updated": updated,
}


def secret_values(connection: Connection) -> set[bytes]:
    """Everything that the connection or its key schedules call a secret."""
    found = {value for _, value in connection.every_secret}
    for number in range(1 + len(connection.renegotiated)):
        schedule = key_schedule(connection, number)
        found |= {node.value for node in schedule.nodes if node.secret and node.value is not None}
    for decryption in connection.premasters:
        found |= {decryption.block, decryption.premaster or b""}
    return {value for value in found if len(value) >= SHORTEST}


def ivs(connection: Connection) -> set[bytes]:
    """The IVs, which the first record's nonce is: no secret to whom looks into the objects themselves."""
    return {node.value for node in key_schedule(connection).nodes if node.kind == "iv" and node.value is not None}


def pieces(secret: bytes) -> Iterator[bytes]:
    """A secret and its halves."""
    half = len(secret) // 2
    yield secret
    if half >= SHORTEST:
        yield from (secret[:half], secret[half:])


def leaks(text: str, secrets: set[bytes]) -> list[str]:
    """Pieces of secrets in a text: as hex in any spelling and spacing, base64, or Python's own way."""
    squeezed = re.sub(r"[^0-9a-f]", "", re.sub(r"0x|\\x", "", text.lower()))
    joined = re.sub(r"\s", "", text)
    found = []
    for secret in secrets:
        for piece in pieces(secret):
            base64 = b64encode(piece)[: len(piece) * 8 // 6].decode()
            if piece.hex() in squeezed or base64 in joined or repr(piece)[2:-1] in text:
                found.append(piece.hex())
    return found


def outputs(connection: Connection, secrets: bool) -> Iterator[str]:
    """Everything that can be printed of it."""
    trace = Trace(Source("capture", "test.pcap", 1), (connection,))
    for fields in (False, True):
        yield json.dumps(to_json(trace, fields=fields, secrets=secrets), ensure_ascii=False)
        for width in (60, 100, 200):
            yield render_text(trace, width=width, fields=fields, secrets=secrets)


@pytest.mark.parametrize("kind", list(KINDS))
def test_secrets_are_told_only_when_asked_for(kind: str) -> None:
    connection = judged(KINDS[kind]())
    secrets = secret_values(connection)
    assert len(secrets) >= 4
    for text in outputs(connection, secrets=False):
        assert leaks(text, secrets) == []
    assert leaks(repr(connection), secrets - ivs(connection)) == []
    for number in range(1 + len(connection.renegotiated)):
        assert leaks(repr(key_schedule(connection, number)), secrets) == []
    logged = {value for _, value in connection.every_secret}
    for text in outputs(connection, secrets=True):
        assert len(set(leaks(text, logged)) & {value.hex() for value in logged}) == len(logged)


def test_leaks_are_found() -> None:
    """The search itself: halves, capitals, colons, line breaks, base64."""
    secret = bytes(range(200, 232))
    half = secret[:16]
    for text in (
        f"key {secret.hex()}",
        half.hex().upper(),
        half.hex(":"),
        secret.hex(" ", 2).replace(" ", "\n    "),
        b64encode(secret).decode(),
        repr(half),
    ):
        assert leaks(text, {secret}), text
    assert leaks(secret[1:15].hex(), {secret}) == []


@pytest.mark.parametrize("name", ["rsasnakeoil2.pcap", "tls-renegotiation.pcap"])
def test_captures_opened_with_a_key(name: str) -> None:
    path = Path(__file__).parents[3] / "shared" / "captures" / "wireshark-4.4.18" / name
    if not path.exists():
        pytest.skip("the shared captures are not here")
    from tlsviz.sources.capture import load_capture
    from tlsviz.sources.opening import OpenOptions

    for connection in load_capture(path, OpenOptions(rsa_keys=(Path(f"{path}.rsakey.pem"),))).connections:
        secrets = secret_values(connection)
        assert secrets
        for text in outputs(connection, secrets=False):
            assert leaks(text, secrets) == []
