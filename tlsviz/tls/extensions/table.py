"""Which function decodes which extension in which message."""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.wire.reader import Body

CH = "client_hello"
SH = "server_hello"
HRR = "hello_retry_request"
EE = "encrypted_extensions"
CT = "certificate"
CR = "certificate_request"
NST = "new_session_ticket"
CCR = "client_certificate_request"
MESSAGES = (CH, SH, HRR, EE, CT, CR, NST, CCR)

DECODERS: dict[tuple[int, str], Body] = {}


def extension(code: int, *messages: str) -> Callable[[Body], Body]:
    """Registers the decoder of an extension's body for these messages."""

    def register(body: Body) -> Body:
        for message in messages:
            if message not in MESSAGES or (code, message) in DECODERS:
                raise ValueError(f"extension {code} in {message}: no such message, or registered twice")
            DECODERS[code, message] = body
        return body

    return register
