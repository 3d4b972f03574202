"""Sessions of live connections: taken from one, offered in the next, with early data right behind the hello."""

from __future__ import annotations

from typing import NamedTuple

from OpenSSL import SSL

_lib = SSL._lib  # type: ignore[attr-defined]  # pyOpenSSL has no call for early data, nor for a session's secret
_ffi = SSL._ffi  # type: ignore[attr-defined]

TLS13 = 0x0304
LONGEST_SECRET = 64
LONGEST_WRITE = 16384


class LiveSession(NamedTuple):
    """What OpenSSL keeps of a connection to resume it.

    ``psk``: the pre-shared key of its newest ticket, b"" before TLS 1.3. ``early_data``: how many bytes of 0-RTT data
    its ticket allows.
    """

    session: SSL.Session
    psk: bytes
    early_data: int

    def __repr__(self) -> str:
        return f"LiveSession(early_data={self.early_data})"


def taken(ssl: SSL.Connection) -> LiveSession | None:
    """The session of a connection that is up, to be resumed; in TLS 1.3 that of the newest ticket."""
    session = ssl.get_session()
    if session is None:
        return None
    pointer = session._session
    psk = _secret(pointer) if ssl.get_protocol_version() == TLS13 else b""
    return LiveSession(session, psk, _lib.SSL_SESSION_get_max_early_data(pointer))


def _secret(pointer: object) -> bytes:
    """What OpenSSL calls the master key of a session: since TLS 1.3 that is the ticket's pre-shared key."""
    room = _ffi.new("unsigned char[]", LONGEST_SECRET)
    size = _lib.SSL_SESSION_get_master_key(pointer, room, LONGEST_SECRET)
    return bytes(_ffi.buffer(room, size))


def offer(ssl: SSL.Connection, session: LiveSession) -> None:
    """Has a new connection resume the session. Raises SSL.Error when OpenSSL refuses."""
    # pyOpenSSL insists on the same context; each of our connections has its own, with its own key log.
    pointer = session.session._session
    if not _lib.SSL_set_session(ssl._ssl, pointer):
        ssl._raise_ssl_error(ssl._ssl, 0)


def write_early(ssl: SSL.Connection, data: bytes) -> None:
    """Writes the ClientHello and 0-RTT data behind it. Raises SSL.Error when OpenSSL refuses."""
    written = _ffi.new("size_t *")
    for start in range(0, len(data), LONGEST_WRITE):
        part = data[start : start + LONGEST_WRITE]
        while part:
            result = _lib.SSL_write_early_data(ssl._ssl, part, len(part), written)
            if result != 1:
                ssl._raise_ssl_error(ssl._ssl, result)
            part = part[written[0] :]
