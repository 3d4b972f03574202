"""renegotiation_info (RFC 5746 3.2)."""

from __future__ import annotations

from tlsviz.tls.extensions.table import CH, SH, extension
from tlsviz.wire.reader import Reader


@extension(65281, CH, SH)
def renegotiation_info(r: Reader) -> None:
    """``opaque renegotiated_connection<0..255>``: empty at first, then the Finished before it."""
    r.vector_opaque("renegotiated_connection", 1)
