"""JA3, JA3S, JA4 and JA4S: what kind of client or server speaks this way; and the history, a letter a message.

JA3 and JA3S: https://github.com/salesforce/ja3 (MD5 of the decimal lists, GREASE left out).
JA4 and JA4S: https://github.com/FoxIO-LLC/ja4, technical details (SHA-256 cut to 12 digits; JA4's lists are sorted).
The history: as ``ssl_history`` in Zeek's ssl.log (scripts/base/protocols/ssl/main.zeek).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tlsviz.connection.model import Message
from tlsviz.tls.registry import is_grease
from tlsviz.tls.views import ClientHello, ServerHello
from tlsviz.wire.chunks import CLIENT
from tlsviz.wire.memo import remembering

_SERVER_NAME, _ALPN = 0x0000, 0x0010
_EMPTY = "000000000000"
_TRANSPORTS = {"quic": "q", "dtls": "d"}
_VERSIONS = {
    0x0304: "13",
    0x0303: "12",
    0x0302: "11",
    0x0301: "10",
    0x0300: "s3",
    0x0002: "s2",
    0xFEFF: "d1",
    0xFEFD: "d2",
    0xFEFC: "d3",
}


def ja3_text(hello: ClientHello) -> str:
    """The JA3 string before hashing."""
    parts = (hello.cipher_suites, _codes(hello.extensions), hello.groups, hello.point_formats)
    return ",".join([str(hello.legacy_version), *map(_decimals, parts)])


def ja3(hello: ClientHello) -> str:
    """The JA3 fingerprint of a ClientHello, 32 hex digits."""
    return _md5(ja3_text(hello))


@remembering
def _decimals(codes: tuple[int, ...]) -> str:
    return "-".join(map(str, _plain(codes)))


def ja3s(hello: ServerHello) -> str:
    """The JA3S fingerprint of a ServerHello, 32 hex digits."""
    extensions = "-".join([str(code) for code, _ in hello.extensions])
    return _md5(f"{hello.legacy_version},{hello.cipher_suite},{extensions}")


def ja4(hello: ClientHello, transport: str = "tcp") -> str:
    """The JA4 fingerprint of a ClientHello; ``transport``: as `Connection.transport`."""
    versions = tuple(_plain(hello.versions)) or (hello.legacy_version,)
    alpn = _ja4_alpn(hello.extensions)
    codes = _codes(hello.extensions)
    return _TRANSPORTS.get(transport, "t") + _ja4(versions, hello.cipher_suites, codes, hello.signature_schemes, alpn)


@remembering
def _ja4(
    versions: tuple[int, ...], suites: tuple[int, ...], codes: tuple[int, ...], schemes: tuple[int, ...], alpn: str
) -> str:
    """All but its first letter."""
    ciphers, extensions = _plain(suites), _plain(codes)
    version = _VERSIONS.get(max(versions, key=_age), "00")
    named = "d" if _SERVER_NAME in extensions else "i"
    first = f"{version}{named}{min(len(ciphers), 99):02}{min(len(extensions), 99):02}{alpn}"
    hashed = sorted(f"{code:04x}" for code in extensions if code not in (_SERVER_NAME, _ALPN))
    third = ",".join(hashed)
    signed = ",".join(f"{code:04x}" for code in _plain(schemes))
    if signed:
        third = f"{third}_{signed}"
    return "_".join(
        (
            first,
            _sha(",".join(sorted(f"{code:04x}" for code in ciphers))) if ciphers else _EMPTY,
            _sha(third) if hashed else _EMPTY,
        )
    )


def ja4s(hello: ServerHello, transport: str = "tcp") -> str:
    """The JA4S fingerprint of a ServerHello.

    TLS 1.3 tells the chosen protocol elsewhere (EncryptedExtensions), so there the ALPN digits are always 00.
    """
    extensions = [f"{code:04x}" for code, _ in hello.extensions]
    first = "".join(
        (
            _TRANSPORTS.get(transport, "t"),
            _VERSIONS.get(hello.version, "00"),
            f"{min(len(extensions), 99):02}",
            _ja4_alpn(hello.extensions),
        )
    )
    return f"{first}_{hello.cipher_suite:04x}_{_sha(','.join(extensions)) if extensions else _EMPTY}"


MAX_HISTORY = 100
"""Letters that Zeek keeps, too."""
_LETTERS = {
    "hello_request": "h",
    "client_hello": "c",
    "ssl2_client_hello": "c",
    "server_hello": "s",
    "ssl2_server_hello": "s",
    "hello_verify_request": "v",
    "new_session_ticket": "t",
    "end_of_early_data": "e",
    "hello_retry_request": "j",
    "encrypted_extensions": "o",
    "certificate": "x",
    "server_key_exchange": "k",
    "certificate_request": "r",
    "server_hello_done": "n",
    "certificate_verify": "y",
    "client_key_exchange": "g",
    "finished": "f",
    "certificate_url": "w",
    "certificate_status": "u",
    "supplemental_data": "a",
    "key_update": "p",
    "change_cipher_spec": "i",
    "heartbeat": "b",
    "alert": "l",
}
_OTHER = "z"


def history(messages: Iterable[Message]) -> str | None:
    """A letter for each message that can be read, in order: the client's upper case, the server's lower; None if none.

    Like Zeek's it leaves out application data and what is encrypted, so without keys it is equal to Zeek's of the same
    bytes, and with keys it goes on. Handshake messages without a letter are ``z``.
    """
    letters = ""
    for message in messages:
        if message.tree is None or (message.encrypted and message.provenance != "decrypted"):
            continue
        letter = _LETTERS.get(message.type, _OTHER)
        letters += letter.upper() if message.sender == CLIENT else letter
        if len(letters) == MAX_HISTORY:
            break
    return letters or None


def _age(version: int) -> int:
    """Grows with newer versions: those of DTLS count downwards."""
    return 0x10000 - version if version >> 8 == 0xFE else version


def _ja4_alpn(extensions: Iterable[tuple[int, bytes]]) -> str:
    """First and last character of the first protocol (or of its hex digits), ``00`` without one."""
    body = dict(extensions).get(_ALPN)
    value = body[3 : 3 + body[2]] if body and len(body) > 3 else b""
    if not value:
        return "00"
    first, last = chr(value[0]), chr(value[-1])
    if all(char.isascii() and char.isalnum() for char in (first, last)):
        return first + last
    digits = value.hex()
    return digits[0] + digits[-1]


def _codes(extensions: Iterable[tuple[int, bytes]]) -> tuple[int, ...]:
    return tuple([code for code, _ in extensions])


def _plain(codes: Iterable[int]) -> list[int]:
    return [code for code in codes if not is_grease(code)]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
