"""What differs between the versions of QUIC: the numbers of the long header's packet types, and the drafts' Retry."""

from __future__ import annotations

from tlsviz.tls import registry

V1, V2, V2_DRAFT = 0x00000001, 0x6B3343CF, 0x709A50C4
NEGOTIATION = 0
FIRST_DRAFT = 22
"""Before draft 22 the long header had another form."""
FIRST_TAGGED_RETRY = 25
_DRAFT_LIKE = {0xFACEB001: 22, 0xFACEB002: 27, 0xFACEB00E: 27}

INITIAL, ZERO_RTT, HANDSHAKE, RETRY = "Initial", "0-RTT", "Handshake", "Retry"
ONE_RTT, VERSION_NEGOTIATION, UNKNOWN = "1-RTT", "Version Negotiation", "unknown version"
_TYPES = (INITIAL, ZERO_RTT, HANDSHAKE, RETRY)
_TYPES_V2 = (RETRY, INITIAL, ZERO_RTT, HANDSHAKE)


class VersionNames:
    """Names of versions, with those reserved to force negotiation (RFC 9000 15)."""

    @staticmethod
    def get(code: int) -> str | None:
        """The name of a version; None where nobody has registered it."""
        if is_grease(code):
            return registry.GREASE
        return registry.quic_versions.get(code)


def is_grease(version: int) -> bool:
    """Whether a version is one of the pattern 0x?a?a?a?a, which no endpoint speaks (RFC 9000 15)."""
    return version & 0x0F0F0F0F == 0x0A0A0A0A


def is_v2(version: int) -> bool:
    """Whether a version has QUIC v2's packet types and labels (RFC 9369)."""
    return version in (V2, V2_DRAFT)


def draft_of(version: int) -> int | None:
    """The IETF draft that a version is, or is like; None for a version that is none."""
    if version >> 8 == 0xFF0000:
        return version & 0xFF
    return _DRAFT_LIKE.get(version)


def known(version: int) -> bool:
    """Whether packets of a version can be taken apart: v1, v2, the drafts from 22 on, and Meta's of them."""
    draft = draft_of(version)
    return version == V1 or is_v2(version) or (draft is not None and FIRST_DRAFT <= draft <= 34)


def packet_type(version: int, first: int) -> str:
    """The type of a packet with a long header, from its first byte."""
    if version == NEGOTIATION:
        return VERSION_NEGOTIATION
    if not known(version):
        return UNKNOWN
    return (_TYPES_V2 if is_v2(version) else _TYPES)[first >> 4 & 3]
