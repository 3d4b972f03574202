"""Which function reads the body of which handshake message."""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.tls.context import Context
from tlsviz.tls.messages import certificates, finish, hello, key_exchange, rare
from tlsviz.wire.reader import Reader

BODIES: dict[int, tuple[str, Callable[[Reader, Context], None]]] = {
    0: ("hello_request", finish.nothing),
    1: ("client_hello", hello.client_hello),
    2: ("server_hello", hello.server_hello),
    3: ("hello_verify_request", hello.hello_verify_request),
    4: ("new_session_ticket", finish.new_session_ticket),
    5: ("end_of_early_data", finish.nothing),
    6: ("hello_retry_request", hello.hello_retry_request),
    8: ("encrypted_extensions", hello.encrypted_extensions),
    9: ("handshake_0x09", rare.request_connection_id),
    10: ("handshake_0x0a", rare.new_connection_id),
    11: ("certificate", certificates.certificate),
    12: ("server_key_exchange", key_exchange.server_key_exchange),
    13: ("certificate_request", certificates.certificate_request),
    14: ("server_hello_done", finish.nothing),
    15: ("certificate_verify", certificates.certificate_verify),
    16: ("client_key_exchange", key_exchange.client_key_exchange),
    17: ("handshake_0x11", rare.client_certificate_request),
    20: ("finished", finish.finished),
    21: ("certificate_url", certificates.certificate_url),
    22: ("certificate_status", certificates.certificate_status),
    23: ("supplemental_data", certificates.supplemental_data),
    24: ("key_update", finish.key_update),
    25: ("compressed_certificate", certificates.compressed_certificate),
    26: ("handshake_0x1a", rare.ekt_key),
    67: ("next_protocol", finish.next_protocol),
    203: ("handshake_0xcb", rare.channel_id),
}
"""Message type to the contract's name and the reader of its body; others are ``handshake_0xNN``."""
