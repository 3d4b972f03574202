"""The server's side of 0-RTT data: pyOpenSSL has no call for it, the library below has."""

from __future__ import annotations

from collections.abc import Callable

from OpenSSL import SSL

_lib = SSL._lib  # type: ignore[attr-defined]
_ffi = SSL._ffi  # type: ignore[attr-defined]

MOST = 16384
ERROR, SUCCESS = 0, 1
Repeat = Callable[[Callable[[], object]], None]
"""Repeats a step until OpenSSL neither wants to read nor to write."""


def read(ssl: SSL.Connection, repeat: Repeat) -> bytes:
    """The next 0-RTT data, b"" when none (more) comes. Begins the handshake."""
    room, size = _ffi.new("unsigned char[]", MOST), _ffi.new("size_t *")
    result = ERROR

    def step() -> None:
        nonlocal result
        result = _lib.SSL_read_early_data(ssl._ssl, room, MOST, size)
        if result == ERROR:
            ssl._raise_ssl_error(ssl._ssl, 0)

    repeat(step)
    return bytes(_ffi.buffer(room, size[0])) if result == SUCCESS else b""


def read_to_end(ssl: SSL.Connection, repeat: Repeat) -> None:
    """Passes over what is left of the 0-RTT data."""
    while read(ssl, repeat):
        pass


def write(ssl: SSL.Connection, data: bytes, repeat: Repeat) -> None:
    """Sends data before the client's Finished has come."""
    size = _ffi.new("size_t *")

    def step() -> None:
        if _lib.SSL_write_early_data(ssl._ssl, data, len(data), size) != 1:
            ssl._raise_ssl_error(ssl._ssl, 0)

    repeat(step)
