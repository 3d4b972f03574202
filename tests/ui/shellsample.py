"""Small hand-made connections for the tests of the shell: the list, the loading, the flow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tlsviz.connection.model import Alert, CodePoint, Connection, Endpoint, Finding, Message, Source, Trace
from tlsviz.pki.trust import Trust

TLS12, TLS13 = CodePoint(0x0303, 2, "TLS 1.2"), CodePoint(0x0304, 2, "TLS 1.3")
TLS10 = CodePoint(0x0301, 2, "TLS 1.0")
AES13 = CodePoint(0x1301, 2, "TLS_AES_128_GCM_SHA256")
ECDHE12 = CodePoint(0xC02F, 2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
X25519 = CodePoint(29, 2, "x25519")
HYBRID = CodePoint(0x11EC, 2, "X25519MLKEM768")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

_FLIGHT_13 = (
    "C:client_hello S:server_hello S:encrypted_extensions S:certificate S:certificate_verify S:finished C:finished"
)
_FLIGHT_12 = (
    "C:client_hello S:server_hello S:certificate S:server_key_exchange S:server_hello_done "
    "C:client_key_exchange C:change_cipher_spec C:finished S:change_cipher_spec S:finished"
)


def messages(flight: str, start: float = 0.0) -> tuple[Message, ...]:
    """Messages written as ``C:client_hello S:server_hello``."""
    found = []
    for index, word in enumerate(flight.split()):
        side, kind = word.split(":")
        content = kind if kind in ("alert", "change_cipher_spec") else "handshake"
        found.append(
            Message(
                index=index,
                order=index,
                time=start + index / 100,
                sender="client" if side == "C" else "server",
                content_type=content,
                type=kind,
                length=100,
                provenance="wire",
                encrypted=False,
                alert=Alert(CodePoint(2, 1, "fatal"), CodePoint(40, 1, "handshake_failure"))
                if kind == "alert"
                else None,
            )
        )
    return tuple(found)


def connection(number: int, name: str | None = "example.com", **changes: Any) -> Connection:
    """A complete, trusted TLS 1.3 connection; ``changes`` replace its fields."""
    start = 1_700_000_000.0 + number
    fields: dict[str, Any] = {
        "id": number,
        "tcp_stream": number,
        "client": Endpoint("10.0.0.2", 40000 + number),
        "server": Endpoint("192.0.2.7", 443),
        "start": start,
        "duration": 0.02 + number / 1000,
        "server_name": name,
        "version": TLS13,
        "cipher_suite": AES13,
        "group": HYBRID,
        "alpn": "h2",
        "complete": True,
        "messages": messages(_FLIGHT_13, start),
        "trust": Trust("trusted", (), NOON, "Mozilla"),
    }
    return Connection(**{**fields, **changes})


def several() -> tuple[Connection, ...]:
    """Eight connections, each with an outcome of its own."""
    refused = Finding("no_common_cipher_suite", "error", "No cipher suite in common", "alert 40", diagnosis=True)
    return (
        connection(0, "www.example.com"),
        connection(1, "mail.example.net", version=TLS12, cipher_suite=ECDHE12, group=X25519, alpn="http/1.1",
                   messages=messages(_FLIGHT_12)),
        connection(2, "expired.example.org", trust=Trust("untrusted", ("expired",), NOON, "Mozilla")),
        connection(3, None, server=Endpoint("2001:db8::7:1", 8443), trust=Trust("unknown", (), NOON, "Mozilla")),
        connection(4, "old.example.com", version=TLS10, cipher_suite=ECDHE12, group=None, alpn=None,
                   duration=2.5, trust=None),
        connection(5, "cut.example.com", complete=False, trust=None, messages=messages("C:client_hello")),
        connection(6, "picky.example.com", complete=False, trust=None, version=None, cipher_suite=None, group=None,
                   alpn=None, findings=(refused,), messages=messages("C:client_hello S:alert")),
        connection(7, "[red]markup[/].example.com", resumed=True),
    )  # fmt: skip


def trace(*connections: Connection, notices: tuple[str, ...] = (), packets: int = 120) -> Trace:
    """A capture's trace."""
    return Trace(Source("capture", "class.pcapng", packets), connections, notices)
