"""JA3, JA3S and JA4: what kind of client or server speaks this way.

JA3 and JA3S: https://github.com/salesforce/ja3 (MD5 of the decimal lists, GREASE left out).
JA4: https://github.com/FoxIO-LLC/ja4, technical details (sorted lists, SHA-256 cut to 12 digits).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tlsviz.tls.registry import is_grease
from tlsviz.tls.views import ClientHello, ServerHello

_SERVER_NAME, _ALPN = 0x0000, 0x0010
_EMPTY = "000000000000"
_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}


def ja3_text(hello: ClientHello) -> str:
    """The JA3 string before hashing."""
    parts = (
        hello.cipher_suites,
        [code for code, _ in hello.extensions],
        hello.groups,
        hello.point_formats,
    )
    return ",".join([str(hello.legacy_version), *("-".join(map(str, _plain(part))) for part in parts)])


def ja3(hello: ClientHello) -> str:
    """The JA3 fingerprint of a ClientHello, 32 hex digits."""
    return _md5(ja3_text(hello))


def ja3s(hello: ServerHello) -> str:
    """The JA3S fingerprint of a ServerHello, 32 hex digits."""
    extensions = "-".join(str(code) for code, _ in hello.extensions)
    return _md5(f"{hello.legacy_version},{hello.cipher_suite},{extensions}")


def ja4(hello: ClientHello, transport: str = "tcp") -> str:
    """The JA4 fingerprint of a ClientHello."""
    ciphers = _plain(hello.cipher_suites)
    extensions = _plain(code for code, _ in hello.extensions)
    versions = _plain(hello.versions) or [hello.legacy_version]
    first = "".join(
        (
            {"tcp": "t", "quic": "q", "dtls": "d"}.get(transport, "t"),
            _VERSIONS.get(max(versions), "00"),
            "d" if _SERVER_NAME in extensions else "i",
            f"{min(len(ciphers), 99):02}",
            f"{min(len(extensions), 99):02}",
            _ja4_alpn(hello),
        )
    )
    hashed = sorted(f"{code:04x}" for code in extensions if code not in (_SERVER_NAME, _ALPN))
    third = ",".join(hashed)
    schemes = ",".join(f"{code:04x}" for code in _plain(hello.signature_schemes))
    if schemes:
        third = f"{third}_{schemes}"
    return "_".join(
        (
            first,
            _sha(",".join(sorted(f"{code:04x}" for code in ciphers))) if ciphers else _EMPTY,
            _sha(third) if hashed else _EMPTY,
        )
    )


def _ja4_alpn(hello: ClientHello) -> str:
    body = dict(hello.extensions).get(_ALPN)
    value = body[3 : 3 + body[2]] if body and len(body) > 3 else b""
    if not value:
        return "00"
    first, last = chr(value[0]), chr(value[-1])
    if all(char.isascii() and char.isalnum() for char in (first, last)):
        return first + last
    digits = value.hex()
    return digits[0] + digits[-1]


def _plain(codes: Iterable[int]) -> list[int]:
    return [code for code in codes if not is_grease(code)]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
