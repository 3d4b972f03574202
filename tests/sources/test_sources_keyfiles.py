"""Key files on the command line: read, asked for a password, and what is said when they are of no use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from tlsviz import arguments, cli
from tlsviz.errors import TargetError
from tlsviz.sources.keyfiles import PasswordError, load_rsa_keys, unlock
from tlsviz.sources.opening import OpenOptions


@cache
def pem(password: bytes | None = None) -> bytes:
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    key = rsa.generate_private_key(65537, 1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    path.write_bytes(pem(b"WebAS"))
    return path


def test_a_password_is_asked_for(locked: Path, tmp_path: Path) -> None:
    words = iter(["wrong", "WebAS", "never asked"])
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return next(words)

    assert unlock([locked], ask) == b"WebAS"
    assert asked == ["RSA key server.pem: password: "] * 2
    assert len(load_rsa_keys([locked], b"WebAS")) == 1
    plain = tmp_path / "plain.pem"
    plain.write_bytes(pem())
    assert unlock([plain], None) is None
    assert unlock([], None) is None
    assert len(load_rsa_keys([plain, locked], b"WebAS")) == 2


def test_three_wrong_passwords_are_enough(locked: Path) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "wrong"

    with pytest.raises(PasswordError, match="the password is wrong"):
        unlock([locked], ask)
    assert len(asked) == 3


def test_nobody_to_ask(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal the command ends with status 2 and says what to do."""
    assert cli.main(["show", __file__, "--rsa-key", str(locked)]) == 2
    said = capsys.readouterr().err
    assert "Cannot use the RSA key server.pem: it is protected by a password" in said
    assert "openssl pkey" in said


@pytest.mark.parametrize("data", [None, b"", b"not a key"])
def test_what_is_no_key(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "nothing\x1b.pem"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(TargetError) as error:
        load_rsa_keys([path])
    assert "\x1b" not in str(error.value)


def test_options_keep_the_password_to_themselves(locked: Path) -> None:
    args = arguments.build("show").parse_args(["x.pcap", "--rsa-key", str(locked), "--rsa-key", str(locked)])
    options = arguments.open_options(args, lambda _: "WebAS")
    assert options == OpenOptions(rsa_keys=(locked, locked), rsa_password=b"WebAS")
    assert "WebAS" not in repr(options)
