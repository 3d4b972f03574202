"""Extensions: one small file a family. A decoder registers under (code, message): ``key_share`` is three structs.

The messages are ``client_hello``, ``server_hello``, ``hello_retry_request``, ``encrypted_extensions``, ``certificate``,
``certificate_request``, ``new_session_ticket`` and ``client_certificate_request``.
"""

from __future__ import annotations

from tlsviz.tls.extensions import (  # noqa: F401 - importing a family registers its decoders
    certificates,
    ech,
    experimental,
    hello,
    key_share,
    names,
    psk,
    quic,
    rare,
    renegotiation,
    versions,
)
from tlsviz.tls.extensions.block import extension_block, node_name

__all__ = ["extension_block", "node_name"]
