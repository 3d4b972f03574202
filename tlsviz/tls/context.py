"""What a decoder must know beyond the bytes: who sent them, and what was negotiated before."""

from typing import NamedTuple

from tlsviz.wire.chunks import Sender

SSL_3_0 = 0x0300
TLS_1_0 = 0x0301
TLS_1_1 = 0x0302
TLS_1_2 = 0x0303
TLS_1_3 = 0x0304
TLCP = 0x0101

_LIKE = {
    0x0100: TLS_1_1,  # DTLS 1.0 as OpenSSL before 0.9.8f wrote it
    TLCP: TLS_1_1,
    0xFEFF: TLS_1_1,  # DTLS 1.0
    0xFEFD: TLS_1_2,  # DTLS 1.2
    0xFEFC: TLS_1_3,  # DTLS 1.3
    0xFB17: TLS_1_3,  # Facebook's drafts of TLS 1.3
    0xFB1A: TLS_1_3,
}


def layout(version: int | None) -> int | None:
    """The TLS version (0x0300 to 0x0304) whose message structures a version uses: for drafts, DTLS and TLCP too."""
    if version is None:
        return None
    if 0x7F00 <= version <= 0x7FFF:
        return TLS_1_3
    return _LIKE.get(version, version)


def as_tls(version: int) -> int:
    """The version whose cryptography a version uses: for DTLS before 1.3 the TLS version that it is made from.

    DTLS 1.3 stays, as do drafts: they have labels of their own.
    """
    return _LIKE[version] if version in (0x0100, 0xFEFF, 0xFEFD) else version


class Context(NamedTuple):
    """``version`` and ``cipher_suite`` are those negotiated; None before the ServerHello, or when it was not seen.

    ``dtls``: handshake messages have DTLS's header of 12 bytes.
    """

    sender: Sender
    version: int | None = None
    cipher_suite: int | None = None
    dtls: bool = False

    @property
    def layout(self) -> int | None:
        """As `layout` of the negotiated version."""
        return layout(self.version)
