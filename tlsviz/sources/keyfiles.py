"""Files with private keys: read, and if they are protected, a password asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tlsviz.crypto.rsakeys import KeyFileProblem, RsaKey, read_rsa_keys
from tlsviz.errors import TargetError, UsageError
from tlsviz.wire.text import shorten

SIZE_LIMIT = 1 << 20
TRIES = 3


class PasswordError(UsageError):
    """A key file takes a password: none was given, or a wrong one."""


def load_rsa_keys(paths: Sequence[Path], password: bytes | None = None) -> list[RsaKey]:
    """The RSA private keys of all files. ``password`` opens those that are protected.

    Raises `TargetError` for what cannot be read or holds no such key, `PasswordError` if the password is missing or
    wrong.
    """
    found: list[RsaKey] = []
    for path in paths:
        shown = shorten(path.name, 80)
        try:
            with path.open("rb") as file:
                data = file.read(SIZE_LIMIT)
        except OSError as error:
            why = error.strerror or str(error)
            raise TargetError(f"Cannot read the RSA key {shown}", why, "Check its name and permissions.") from None
        try:
            found += read_rsa_keys(data, shown, password)
        except KeyFileProblem as problem:
            title = f"Cannot use the RSA key {shown}"
            if problem.password:
                hint = "Run tlsviz in a terminal to be asked for it, or decrypt it with `openssl pkey`."
                raise PasswordError(title, problem.why, hint) from None
            raise TargetError(title, problem.why, "Give a PEM, DER or PKCS #12 file with an RSA private key.") from None
    return found


def unlock(paths: Sequence[Path], ask: Callable[[str], str] | None) -> bytes | None:
    """The password that opens the files, None if they take none. ``ask`` asks for one, with a prompt; None: cannot ask.

    Raises what `load_rsa_keys` raises, `PasswordError` after three wrong words.
    """
    password: bytes | None = None
    for left in range(TRIES, -1, -1):
        try:
            load_rsa_keys(paths, password)
        except PasswordError as problem:
            if ask is None or not left:
                raise
            password = ask(f"{problem.title.removeprefix('Cannot use the ')}: password: ").encode()
        else:
            break
    return password
