"""supported_versions (RFC 8446 4.2.1) and cookie (4.2.2)."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CH, HRR, SH, extension
from tlsviz.tls.fields import codes, never_empty
from tlsviz.wire.reader import Reader


@extension(43, CH)
def supported_versions(r: Reader) -> None:
    """``ProtocolVersion versions<2..254>``."""
    codes(r, "versions", 1, "version", 2, registry.versions)
    never_empty(r)


@extension(43, SH, HRR)
def selected_version(r: Reader) -> None:
    """``ProtocolVersion selected_version``."""
    r.uint("selected_version", 2, registry.versions)


@extension(44, CH, HRR)
def cookie(r: Reader) -> None:
    """``opaque cookie<1..2^16-1>``."""
    r.vector_opaque("cookie", 2)
    never_empty(r)
