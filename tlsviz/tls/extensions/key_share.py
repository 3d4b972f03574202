"""key_share (RFC 8446 4.2.8), hybrid shares taken apart (draft-ietf-tls-ecdhe-mlkem)."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CH, HRR, SH, extension
from tlsviz.tls.fields import never_empty
from tlsviz.wire.reader import Reader


class Part(NamedTuple):
    """One of the keys in a share: its field name and size in bytes as the client and as the server sends it."""

    client: str
    client_size: int
    server: str
    server_size: int


def _same(name: str, size: int) -> Part:
    return Part(name, size, name, size)


def _kem(name: str, key: int, ciphertext: int) -> Part:
    return Part(f"{name}_encapsulation_key", key, f"{name}_ciphertext", ciphertext)


_X25519 = _same("x25519_public_key", 32)
_P256 = _same("secp256r1_point", 65)
_P384 = _same("secp384r1_point", 97)
_P521 = _same("secp521r1_point", 133)
_SM2 = _same("curveSM2_point", 65)
_ML_KEM_512 = _kem("ml_kem_512", 800, 768)
_ML_KEM_768 = _kem("ml_kem_768", 1184, 1088)
_ML_KEM_1024 = _kem("ml_kem_1024", 1568, 1568)
_KYBER_512 = _kem("kyber_512", 800, 768)
_KYBER_768 = _kem("kyber_768", 1184, 1088)
_HRSS = _kem("ntru_hrss", 1138, 1138)

PARTS: dict[int, tuple[Part, ...]] = {
    23: (_P256,),
    24: (_P384,),
    25: (_P521,),
    29: (_X25519,),
    30: (_same("x448_public_key", 56),),
    41: (_SM2,),
    512: (_ML_KEM_512,),
    513: (_ML_KEM_768,),
    514: (_ML_KEM_1024,),
    4587: (_P256, _ML_KEM_768),
    4588: (_ML_KEM_768, _X25519),
    4589: (_P384, _ML_KEM_1024),
    4590: (_SM2, _ML_KEM_768),
    16696: (_X25519, _HRSS),
    25497: (_X25519, _KYBER_768),
    25498: (_P256, _KYBER_768),
    65072: (_X25519, _KYBER_512),
    65073: (_X25519, _KYBER_768),
    65074: (_P256, _KYBER_768),
}
"""What a share of each group consists of, in wire order."""


def share(r: Reader, group: int, server: bool) -> None:
    """The bytes of one side's share of a group, taken apart where the group is known and the size is right."""
    parts = [(p.server, p.server_size) if server else (p.client, p.client_size) for p in PARTS.get(group, ())]
    wanted = sum(size for _, size in parts)
    if not parts or r.remaining != wanted:
        r.rest("data")
        if parts:
            r.note(f"a share of this group has {wanted} bytes")
        return
    for name, size in parts:
        if name.endswith("_point"):
            r.struct(name, partial(_point, size=size // 2))
        else:
            r.opaque(name if len(parts) > 1 else "data", size, None if len(parts) > 1 else name.replace("_", " "))


def _point(r: Reader, size: int) -> None:
    """``UncompressedPointRepresentation`` (RFC 8446 4.2.8.2)."""
    if r.uint("legacy_form", 1) != 4:
        r.note("must be 4, for uncompressed")
    r.opaque("X", size)
    r.opaque("Y", size)


def key_share_entry(r: Reader, server: bool) -> None:
    """``KeyShareEntry``."""
    group = r.uint("group", 2, registry.groups)
    r.vector("key_exchange", 2, partial(share, group=group, server=server))
    never_empty(r)


@extension(51, CH)
def client_shares(r: Reader) -> None:
    """``KeyShareEntry client_shares<0..2^16-1>``."""
    seen: set[int] = set()

    def entry(v: Reader) -> None:
        group = int.from_bytes(v.peek(2), "big")
        v.struct("key_share_entry", partial(key_share_entry, server=False))
        if group in seen:
            v.note("a second share of the same group (RFC 8446 4.2.8)")
        seen.add(group)

    r.vector("client_shares", 2, lambda v: v.each(entry))


@extension(51, SH)
def server_share(r: Reader) -> None:
    """``KeyShareEntry server_share``."""
    r.struct("server_share", partial(key_share_entry, server=True))


@extension(51, HRR)
def selected_group(r: Reader) -> None:
    """``NamedGroup selected_group``."""
    r.uint("selected_group", 2, registry.groups)
