"""Short names for the ladder's steps, with the few figures that tell one from the next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from tlsviz.connection.greetings import greeting
from tlsviz.connection.model import (
    CERTIFICATES,
    ApplicationRun,
    CodePoint,
    Connection,
    Endpoint,
    Hole,
    Message,
    Prelude,
)
from tlsviz.connection.prelude import destination
from tlsviz.connection.tcp import IN_THE_MIDDLE
from tlsviz.tls import registry
from tlsviz.wire.chunks import CLIENT, Mark
from tlsviz.wire.text import plural, shorten

_SPECIAL = {
    "end_of_early_data": "EndOfEarlyData",
    "encrypted_handshake": "encrypted handshake message",
    "certificate_url": "CertificateURL",
    "heartbeat": "Heartbeat",
    "ack": "ACK",
    "http_request": "HTTP request",
    "http_response": "HTTP response",
}
_KINDS = {"dtls": "DTLS", "quic": "QUIC"}
_MARKS = {
    "name_lookup": "name lookup",
    "https_record": "HTTPS record",
    "syn": "TCP SYN",
    "syn_ack": "TCP SYN, ACK",
    "connected": "TCP connected",
    "version_negotiation": "Version Negotiation",
    "retry": "Retry",
    "fin": "TCP FIN",
    "rst": "TCP RST",
    "init": "SCTP INIT",
    "init_ack": "SCTP INIT ACK",
    "shutdown": "SCTP SHUTDOWN",
    "abort": "SCTP ABORT",
    "refused": "connection refused",
    "unreachable": "host unreachable",
    "timeout": "time-out",
    "closed": "connection closed",
    "error": "error",
    "repeated": "sent again",
    "eap": "EAP",
    "joined": "the capture begins here",
}
_TUNNELS = {"http-connect": ("an", "HTTP proxy (CONNECT)"), "socks": ("a", "SOCKS proxy")}
_FAULTS = {
    "rst": "the connection was reset",
    "abort": "the association was aborted",
    "refused": "nothing listens on this port",
    "unreachable": "no way to the host",
    "timeout": "no answer in time",
    "error": "this step failed",
}
TURNS = {_MARKS[kind] for kind in ("syn", "syn_ack", "init", "init_ack", "connected", "version_negotiation", "retry")}
_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ", b"TRACE ")
_HTTP = (*_METHODS, b"HTTP/1.", b"PRI * HTTP/2")

_VERSION = re.compile(r"^HTTP/\d\.\d (?=\d)| HTTP/\d\.\d$")

VIA = " via proxy"
"""Behind the name of what a proxy leads to."""
EMPTY_CERTIFICATE = 4
"""The longest body of a Certificate message without certificates: TLS 1.3's, with an empty context."""


def size(count: int) -> str:
    """``517 B``, ``2.8 kB``, ``1.2 MB``: decimal units, as on the wire."""
    if count < 10_000:
        return f"{count:,} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"


def bytes_of(message: Message) -> int:
    """How many bytes a message has, the 4-byte header of a handshake message included."""
    return len(message.buffer.data) if message.buffer and message.content_type == "handshake" else message.length


def message(message: Message) -> str:
    """``ClientHello``, ``Alert handshake_failure``, ``GET /``, ``301 Moved Permanently``."""
    if message.type == "alert":
        if message.alert is None:
            return "encrypted alert" if message.encrypted else "Alert"
        return f"Alert {message.alert.description}"
    if message.content_type == "http" and message.tree is not None and message.tree.children:
        return shorten(_VERSION.sub("", message.tree.children[0].label or ""), 60)
    return type_title(message.type)


def type_title(kind: str) -> str:
    """A message type as the RFCs write it: ``certificate_verify`` becomes ``CertificateVerify``."""
    if kind in _SPECIAL:
        return _SPECIAL[kind]
    if kind.startswith("ssl2_"):
        return f"SSL 2 message {kind[5:]}" if kind.startswith("ssl2_0x") else f"SSL 2 {type_title(kind[5:])}"
    if kind.startswith("handshake_0x"):
        return f"handshake message {kind[10:]}"
    return "".join(part.capitalize() for part in kind.split("_"))


def message_detail(connection: Connection, message: Message) -> str:
    """The figures beside a message's name."""
    if message.provenance == "inferred":
        return "must be here"
    parts = [size(bytes_of(message))]
    if message.content_type == "http" and message.tree is not None:
        name = message.tree.child("host" if message.type == "http_request" else "location")
        return " · ".join(([shorten(name.label or "", 50)] if name is not None else []) + parts)
    if message.type in CERTIFICATES:
        count = sum(1 for sent in connection.certificates if sent.message == message.index)
        if count:
            parts.insert(0, f"×{count}")
        elif message.length <= EMPTY_CERTIFICATE and message.note is None:
            parts.insert(0, "empty")
    if message.type == "alert" and message.alert is not None:
        parts = [str(message.alert.level)]
    return " · ".join([*parts, *packet_types(connection, message.records)])


def version(connection: Connection) -> str:
    """``TLS 1.2``; over QUIC ``TLS 1.3 over QUIC v1``; without TLS ``plain HTTP``; "" if none was agreed."""
    if connection.plain:
        return plain(connection)
    if connection.version is None or connection.transport != "quic":
        return str(connection.version or "")
    code = next((record.version for record in reversed(connection.records) if record.version), 0)
    return f"{connection.version} over {registry.quic_versions.get(code) or 'QUIC'}"


@lru_cache(4096)
def suite(point: CodePoint | None, width: int = 0) -> str:
    """A cipher suite in short: ``AES-128-GCM``, ``ECDHE-RSA AES-128-GCM``; its name when it cannot be taken apart.

    ``width``: the most characters, 0 for any: then ``ECDHE AES-128-GCM``, or at least the cipher.
    """
    from tlsviz.tls import suites

    if point is None:
        return ""
    known = suites.suite(point.code)
    if known is None:
        return str(point)
    cipher = known.cipher.replace("_", "-")
    forms = [f"{exchange} {cipher}".strip() for exchange in (known.exchange, known.key_exchange)]
    return next((words for words in forms if len(words) <= width or not width), cipher)


def whom(connection: Connection, width: int) -> str:
    """With whom it is: the server's name, else its address, and the port; those that a proxy was asked for."""
    asked = destination(connection.prelude)
    end = goal(connection.server_name or "", connection.server, asked)
    words = str(end if end.address else end._replace(address="unknown server"))
    return shorten(words, width) + VIA * (asked is not None)


def goal(name: str, server: Endpoint, asked: Endpoint | None) -> Endpoint:
    """A server by ``name``, else by address, with its port: behind a proxy those that it was ``asked`` for."""
    end = asked or server
    return Endpoint(name or end.address, end.port)


def called(name: str, server: Endpoint, asked: Endpoint | None) -> str:
    """What to call a server in a list: its ``name``, else its address; behind a proxy its `goal`."""
    if asked is None:
        return name or str(server)
    return str(goal(name, server, asked)).removesuffix(":443") + VIA


def plain(connection: Connection) -> str:
    """``plain HTTP`` for a connection that speaks that instead of TLS; "" for any other."""
    return f"plain {connection.plain.upper()}" if connection.plain else ""


def seen_in(connection: Connection, packets: tuple[int, ...]) -> str:
    """Where in the capture something was: ``packet 8``, ``packets 3 to 5``; over UDP ``datagram 8``; "" for nowhere."""
    if not packets:
        return ""
    word = "packet" if connection.transport in ("tcp", "eap", "sctp") or connection.carrier else "datagram"
    first, last = packets[0], packets[-1]
    return f"{word} {first}" if first == last else f"{word}s {first} to {last}"


def count(connections: Sequence[Connection]) -> str:
    """How many connections there are of each kind: ``2 TLS connections, 1 QUIC connection``."""
    kinds = Counter(plain(connection) or _KINDS.get(connection.transport, "TLS") for connection in connections)
    said = (plural(kinds[kind], f"{kind} connection") for kind in ("TLS", "DTLS", "QUIC", "plain HTTP") if kinds[kind])
    return ", ".join(said) or "no TLS connection"


def packet_types(connection: Connection, records: tuple[int, ...]) -> list[str]:
    """The types of the QUIC packets that carried something, each once; [] where there are records."""
    if connection.transport != "quic":
        return []
    kinds = (connection.records[index].packet_type for index in records if index < len(connection.records))
    return list(dict.fromkeys(kind for kind in kinds if kind))


def carrier(connection: Connection, run: ApplicationRun) -> str:
    """What carried application data: ``record``, over QUIC ``1-RTT packet``, in plain HTTP its ``body``."""
    if connection.plain:
        return "body"
    if connection.transport != "quic":
        return "record"
    kinds = packet_types(connection, run.record_indices[:1])
    return f"{kinds[0]} packet" if kinds else "packet"


def data(run: ApplicationRun, carrier: str = "record") -> tuple[str, str]:
    """Title and figures of application data; the first line of HTTP when it can be read.

    ``carrier``: what it came in, as the function of that name says.
    """
    if carrier == "body":
        return f"body of the {'request' if run.sender == CLIENT else 'answer'}", size(run.bytes)
    title = f"encrypted {carrier}s" if run.opaque else "application data"
    if run.plaintext is not None and run.plaintext.data.startswith(_HTTP):
        line = run.plaintext.data.split(b"\r\n", 1)[0][:200]
        title = shorten(line.decode("latin-1"), 60)
    if run.early:
        title = f"0-RTT: {title.replace('0-RTT ', '')}"
    records = plural(run.records, carrier.rpartition(" ")[2])
    return title, f"{records} · {size(run.bytes)}"


def mark(mark: Mark) -> tuple[str, str | None]:
    """Title of a transport mark, and what is wrong if something is."""
    if mark.kind == "eap":  # what it says is what it is
        return shorten(f"EAP {mark.detail}", 60), None
    if mark.detail == IN_THE_MIDDLE:
        return _MARKS[mark.kind], "what came before is not in it: start capturing before the connection is made"
    return _MARKS[mark.kind], _FAULTS.get(mark.kind)


def hole(hole: Hole, transport: str = "tcp") -> tuple[str, str]:
    """Title of a break in the stream, and what it means."""
    if hole.stray is not None and transport == "quic":
        return f"{plural(hole.length, 'byte')} that are no QUIC packet", "not a QUIC packet"
    if hole.stray is not None:
        return f"{plural(hole.length, 'byte')} that are no TLS record", "not a TLS record"
    unknown = "bytes missing" if transport == "sctp" else "records missing"
    what = f"{plural(hole.length, 'byte')} missing" if hole.length else unknown
    if hole.cut:
        return what, "cut off when its packet was captured (a snap length)"
    return what, "not in the capture: lost, or never captured"


def extent(hole: Hole) -> str:
    """Whose bytes a hole lacks, and which, counted from 0: ``1,448 to 2,895 of the server``."""
    if hole.stray is not None:
        return ""
    if hole.offset is None or not hole.length:
        return f"of the {hole.sender}"
    return f"{hole.offset:,} to {hole.offset + hole.length - 1:,} of the {hole.sender}"


def prelude(part: Prelude, protocol: str | None = None) -> tuple[str, str]:
    """Title and size of plaintext before TLS; ``protocol`` by the name that `connection.prelude.protocol` gives."""
    return said(part, protocol) or "plaintext", size(len(part.data))


def said(part: Prelude, protocol: str | None = None, width: int = 60) -> str:
    """What plaintext says: its name where the protocol is binary, its first line where it is text; "" if empty."""
    text = greeting(part.data, part.sender, protocol)
    if text is None:
        line = part.data.split(b"\n", 1)[0].strip(b"\r\0 ")[:200]
        text = f"binary data {line[:12].hex(' ')} …" if _is_binary(line) else line.decode("utf-8", "backslashreplace")
    return shorten(text, width)


def _is_binary(line: bytes) -> bool:
    """Whether hardly anything of it is text, in whatever script."""
    text = line.decode("utf-8", "replace")
    unprintable = [character for character in text if character == "\ufffd" or not character.isprintable()]
    return len(unprintable) * 3 > len(line)


SHARED_KEY = "pre-shared key"


def shares_key(connection: Connection) -> bool:
    """Whether a pre-shared key proves who both are, in place of certificates, by the suite (RFC 4279, RFC 5489)."""
    from tlsviz.tls import suites

    chosen = suites.suite(connection.cipher_suite.code) if connection.cipher_suite is not None else None
    return chosen is not None and chosen.authentication == "PSK"


def unproven(connection: Connection, brief: bool = False) -> str:
    """Why there is no certificate where none is called for; else "".

    Where a session was resumed, of which connection if that is known; ``brief``: without the connection.
    """
    trust = connection.trust
    if trust is None or trust.verdict != "unknown" or connection.certificates:
        return ""
    if not connection.resumed:
        return f"no certificate: {SHARED_KEY}" if shares_key(connection) else ""
    of = next((found.connection for found in connection.resumptions), None)
    return "no certificate: resumed" + ("" if of is None or brief else f", as in connection {of}")


def tunnel(connection: Connection) -> str:
    """The kind of proxy that TLS goes through, ``HTTP proxy (CONNECT)``; "" where it is none."""
    return _TUNNELS.get(connection.starttls or "", ("", ""))[1]


def before_tls(connection: Connection) -> str:
    """What was spoken before TLS: ``STARTTLS smtp``, ``through an HTTP proxy (CONNECT)``; "" where nothing was."""
    spoken = connection.starttls
    if not spoken:
        return ""
    return f"through {' '.join(_TUNNELS[spoken])}" if spoken in _TUNNELS else f"STARTTLS {spoken}"
