"""What tshark makes of a capture: per TCP stream, the facts that tlsviz is compared on.

Read from PDML, the one output in which several messages of a packet stay apart.
"""

from __future__ import annotations

import hashlib
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HANDSHAKE_TYPES = {
    0: "hello_request",
    1: "client_hello",
    2: "server_hello",
    3: "hello_verify_request",
    4: "new_session_ticket",
    5: "end_of_early_data",
    6: "hello_retry_request",
    8: "encrypted_extensions",
    11: "certificate",
    12: "server_key_exchange",
    13: "certificate_request",
    14: "server_hello_done",
    15: "certificate_verify",
    16: "client_key_exchange",
    20: "finished",
    21: "certificate_url",
    22: "certificate_status",
    23: "supplemental_data",
    24: "key_update",
    25: "compressed_certificate",
    67: "next_protocol",
}
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").hexdigest()

OPTIONS = (
    "tcp.reassemble_out_of_order:TRUE",
    "tls.desegment_ssl_records:TRUE",
    "tls.desegment_ssl_application_data:TRUE",
)


@dataclass
class View:
    """One connection as one of the two programs sees it. ``messages``: types by the sender's ``address:port``."""

    version: str | None = None
    cipher_suite: str | None = None
    server_name: str | None = None
    certificates: list[str] = field(default_factory=list)
    messages: dict[str, list[str]] = field(default_factory=dict)
    records: int = 0
    named: bool = False


def tshark_views(path: Path, options: Sequence[str] = (), program: str = "tshark") -> dict[int, View]:
    """tshark's view of every TCP stream in which it found TLS records."""
    command = [program, "-n", "-r", str(path), "-Y", "tls and tcp", "-T", "pdml", "-J", "frame ip ipv6 tcp tls"]
    for option in (*OPTIONS, *options):
        command += ["-o", option]
    views: dict[int, View] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        parser = ET.iterparse(process.stdout, ("end",))
        try:
            for _, element in parser:
                if element.tag == "packet":
                    _packet(element, views)
                    element.clear()
        except ET.ParseError:
            process.kill()
            raise
    return {stream: view for stream, view in views.items() if view.records}


def _packet(packet: ET.Element, views: dict[int, View]) -> None:
    sender, stream = "", None
    address = ""
    for proto in packet.iter("proto"):
        name = proto.get("name")
        if name in ("ip", "ipv6"):
            address = _show(proto, f"{name}.src") or address
        elif name == "tcp":
            stream = int(_show(proto, "tcp.stream") or -1)
            sender = f"{address}:{_show(proto, 'tcp.srcport')}"
        elif name == "tls" and stream is not None:
            view = views.setdefault(stream, View())
            said = view.messages.setdefault(sender, [])
            for record in proto:
                _record(record, view, said)


def _record(record: ET.Element, view: View, said: list[str]) -> None:
    """A record (or, in SSL 2, the message itself) among a tls layer's fields."""
    view.records += record.get("name") == "tls.record" and _find(record, "tls.record.content_type") is not None
    for inner in record:
        name = inner.get("name")
        if name == "tls.handshake":
            _handshake(inner, view, said)
        elif name == "tls.change_cipher_spec":
            said.append("change_cipher_spec")
        elif name == "tls.alert_message":
            said.append("alert")
        elif name == "tls.heartbeat_message":
            said.append("heartbeat")
    if (
        record.find("field[@name='tls.handshake.type']") is not None
        and record.find("field[@name='tls.handshake']") is None
    ):
        kind = _show(record, "tls.handshake.type")
        said.append({"1": "ssl2_client_hello", "4": "ssl2_server_hello"}.get(kind or "", f"ssl2_{kind}"))


def _handshake(message: ET.Element, view: View, said: list[str]) -> None:
    kind = _show(message, "tls.handshake.type")
    shown = message.get("showname") or ""
    if kind is None:
        if "ragment" not in shown:
            said.append("encrypted_handshake")
        return
    if "fragment" in shown:
        return
    name = HANDSHAKE_TYPES.get(int(kind), f"handshake_0x{int(kind):02x}")
    if name == "server_hello" and _value(message, "tls.handshake.random") == RETRY_RANDOM:
        name = "hello_retry_request"
    said.append(name)
    for inner in message.iter("field"):
        if inner.get("name") == "tls.handshake.certificate":
            digest = hashlib.sha256(bytes.fromhex(inner.get("value") or "")).hexdigest()
            if digest not in view.certificates:
                view.certificates.append(digest)
    if name == "server_hello" and view.cipher_suite is None:  # not those of renegotiations
        supported = _show(message, "tls.handshake.extensions.supported_version")
        view.version = supported or _show(message, "tls.handshake.version")
        view.cipher_suite = _show(message, "tls.handshake.ciphersuite")
    if name == "client_hello" and not view.named:
        view.named = True
        view.server_name = _show(message, "tls.handshake.extensions_server_name") or None


def _find(element: ET.Element, name: str) -> ET.Element | None:
    return next((field for field in element.iter("field") if field.get("name") == name), None)


def _show(element: ET.Element, name: str) -> str | None:
    found = _find(element, name)
    return None if found is None else found.get("show")


def _value(element: ET.Element, name: str) -> str | None:
    found = _find(element, name)
    return None if found is None else found.get("value")
