"""Fixed connections for the reports: built by hand, so that every character of the output is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tlsviz.connection.model import (
    Alert,
    ApplicationRun,
    CodePoint,
    Connection,
    Endpoint,
    Finding,
    Hole,
    Message,
    Offered,
    PlacedMark,
    Prelude,
    Proof,
    SentCertificate,
    Source,
    Trace,
    Volume,
)
from tlsviz.pki.stores import from_ders
from tlsviz.pki.verify import judge
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import CLIENT, SERVER, Mark, Sender
from tlsviz.wire.nodes import Node

START = 1_780_315_200.0
NOW = datetime.fromtimestamp(START, UTC)
EVIL = "\x1b[31m[red]x[/]\r\n\u202e"

TLS13 = CodePoint(0x0304, 2, "TLS 1.3")
AES = CodePoint(0x1301, 2, "TLS_AES_128_GCM_SHA256")
HYBRID = CodePoint(0x11EC, 2, "X25519MLKEM768")
GREASE = CodePoint(0x0A0A, 2, "GREASE")
PRIVATE = CodePoint(0xFE12, 2, None)


@cache
def certificate(cn: str = "www.example.test") -> bytes:
    """A self-signed certificate; the same key and name every time within a run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x0102)
        .not_valid_before(NOW - timedelta(days=40))
        .not_valid_after(NOW - timedelta(days=10))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.test")]), False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


REQUEST = b"GET /secret HTTP/1.1\r\n\r\n"
HELLO = bytes.fromhex("0100000603030a0a1301")
HELLO_TREE = Node(
    "client_hello",
    0,
    10,
    None,
    None,
    (
        Node("msg_type", 0, 1, 1, "client_hello"),
        Node("length", 1, 4, 6),
        Node("legacy_version", 4, 6, 0x0303, "TLS 1.2"),
        Node(
            "cipher_suites",
            6,
            10,
            None,
            None,
            (Node("cipher_suite", 6, 8, 0x0A0A, "GREASE"), Node("cipher_suite", 8, 10, 0x1301, AES.name)),
            "has no length",
        ),
    ),
)


def message(index: int, at: float, sender: Sender, kind: str, **more: object) -> Message:
    fields: dict[str, object] = {
        "content_type": "handshake",
        "length": 100,
        "provenance": "decrypted",
        "encrypted": True,
        "packets": (index + 4,),
        "sha256": "ab" * 32,
        **more,
    }
    return Message(index, 10 * index + 10, START + at, sender, type=kind, **fields)  # type: ignore[arg-type]


def full(cn: str = "www.example.test") -> Connection:
    """TLS 1.3, decrypted, with an expired self-signed certificate."""
    der = certificate(cn)
    clear = {"provenance": "wire", "encrypted": False}
    hello = Buffer("reassembled", HELLO)
    messages = (
        message(0, 0.0112, CLIENT, "client_hello", length=6, buffer=hello, tree=HELLO_TREE, note="odd hello", **clear),
        message(1, 0.0229, SERVER, "server_hello", **clear),
        message(2, 0.0230, SERVER, "certificate"),
        message(3, 0.0230, SERVER, "certificate_verify"),
        message(4, 0.0231, SERVER, "finished"),
        message(5, 0.0241, CLIENT, "finished"),
    )
    trust = judge([der], "www.example.test", NOW, [from_ders("Mozilla", [certificate("Other")])])
    return Connection(
        id=0,
        tcp_stream=3,
        client=Endpoint("10.0.0.1", 20000),
        server=Endpoint("2001:db8::1", 443),
        start=START,
        duration=0.087,
        server_name="www.example.test",
        version=TLS13,
        cipher_suite=AES,
        group=HYBRID,
        signature_scheme=CodePoint(0x0403, 2, "ecdsa_secp256r1_sha256"),
        alpn="h2",
        complete=True,
        ja3="0" * 32,
        ja3s="1" * 32,
        ja4="t13d",
        offered=Offered((TLS13,), (GREASE, AES), (HYBRID,), (), ("h2", EVIL), (PRIVATE,)),
        messages=messages,
        application=(
            ApplicationRun(
                80,
                START + 0.0241,
                START + 0.0241,
                CLIENT,
                1,
                51,
                (9,),
                Buffer("decrypted", b"GET /secret HTTP/1.1\r\n\r\n"),
            ),
            ApplicationRun(90, START + 0.087, START + 0.087, SERVER, 2, 14_001, (10, 11)),
        ),
        client_data=Volume(1, 51),
        server_data=Volume(2, 14_001),
        marks=(
            PlacedMark(0, Mark("syn", CLIENT, START, (1,))),
            PlacedMark(1, Mark("syn_ack", SERVER, START + 0.011, (2,))),
        ),
        certificates=(SentCertificate(SERVER, 0, der, 2),),
        trust=trust,
        proofs=(
            Proof("certificate_verify", "verified", "made with the certificate's key", 3),
            Proof("server_finished", "failed", "the MAC differs", 4),
            Proof("client_finished", "not_provable", "no key"),
        ),
        findings=(Finding("certificate_expired", "error", "Expired", "ten days", "Renew it.", "RFC 5280 6.1.3"),),
        secrets=(("CLIENT_TRAFFIC_SECRET_0", b"\xab\xcd"),),
    )


def refused() -> Connection:
    """A target where nothing listens: one mark and a diagnosis."""
    finding = Finding("connection_refused", "error", "Nothing listens on port 444", "RST to SYN", "Start it.", "", True)
    return Connection(
        id=1,
        server=Endpoint("192.0.2.1", 444),
        start=START,
        duration=0.002,
        marks=(PlacedMark(0, Mark("refused", SERVER, START + 0.002)),),
        findings=(finding,),
    )


def hostile() -> Connection:
    """Everything that a peer can write, written badly; and a hole, plaintext, an alert, an inferred message."""
    alert = Alert(CodePoint(2, 1, "fatal"), CodePoint(40, 1, "handshake_failure"))
    tree = Node("alert", 0, 2, None, None, (Node("level", 0, 1, 2, EVIL, (), EVIL), Node("x", 1, 2, b"\x1b")), None)
    return Connection(
        id=2,
        server=Endpoint("192.0.2.1", 25),
        start=START,
        starttls="smtp",
        server_name=EVIL,
        alpn=EVIL,
        version=TLS13,
        cipher_suite=PRIVATE,
        offered=Offered(alpn=(EVIL,)),
        messages=(
            message(0, 0.2, CLIENT, "certificate", provenance="inferred", sha256=None, packets=()),
            message(
                1, 0.3, SERVER, "alert", content_type="alert", length=2, alert=alert, note=EVIL, sha256=None,
                buffer=Buffer("wire", b"\x02\x1b"), tree=tree, provenance="wire", encrypted=False,
            ),
        ),
        prelude=(Prelude(1, START, SERVER, f"220 {EVIL}".encode()),),
        holes=(Hole(2, START + 0.1, CLIENT, 99), Hole(3, START + 0.1, SERVER, 7, Buffer("wire", b"\x1b" * 7))),
        marks=(PlacedMark(99, Mark("error", CLIENT, START + 0.4, (), EVIL)),),
        certificates=(SentCertificate(SERVER, 0, certificate(EVIL)), SentCertificate(CLIENT, 0, b"\x30\x82")),
        proofs=(Proof("sct", "failed", EVIL),),
        findings=(Finding("not_tls", "critical", EVIL, EVIL, EVIL, EVIL),),
    )  # fmt: skip


def trace(*connections: Connection, name: str = "sample.pcap") -> Trace:
    return Trace(Source("capture", name, 20), connections)
