"""Single bits changed in connections of every version and kind: does the proof that covers them fail?

    python tests/support/mutations.py            some bits of each region, as the test does
    python tests/support/mutations.py --all      every bit (an hour)

Messages are changed behind their protection, so that the claim itself is tried and not only its envelope; ciphertexts
and tags are changed on the wire.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import flows  # noqa: E402
import made13  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402
from dialogue import START, Dialogue, make_client, pump, run  # noqa: E402
from dtls_flow import associate  # noqa: E402
from OpenSSL import SSL  # noqa: E402
from quic_flow import PING, QuicFlow, tls13  # noqa: E402

from tlsviz.connection.dtls.engine import DtlsEngine  # noqa: E402
from tlsviz.connection.engine import Engine  # noqa: E402
from tlsviz.connection.handshakes import handshakes  # noqa: E402
from tlsviz.connection.judge import judged  # noqa: E402
from tlsviz.connection.model import Connection, Message  # noqa: E402
from tlsviz.connection.proofs import beside  # noqa: E402
from tlsviz.connection.quic.engine import QuicEngine  # noqa: E402
from tlsviz.crypto.keylog import KeyLog  # noqa: E402
from tlsviz.pki.der import first  # noqa: E402
from tlsviz.pki.stores import Store, from_ders  # noqa: E402
from tlsviz.tls import views  # noqa: E402
from tlsviz.tls.context import Context  # noqa: E402
from tlsviz.tls.handshake import decode_handshake, decode_ssl2  # noqa: E402
from tlsviz.wire.buffers import Buffer  # noqa: E402
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk  # noqa: E402

PSK = b"\x55" * 32
Key = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)


# -- connections of every kind -------------------------------------------------------------------------------


@dataclass
class Case:
    """A connection as its bytes, with the key log that opens it; ``engine``: what follows its carrier."""

    name: str
    chunks: list[Chunk]
    lines: list[str]
    store: Store | None = None
    engine: type[Engine] = Engine

    def keylog(self) -> KeyLog:
        log = KeyLog()
        log.add_text("\n".join(self.lines))
        return log

    def connection(self, chunks: list[Chunk] | None = None) -> Connection:
        engine = self.engine(keylog=self.keylog())
        for chunk in chunks or self.chunks:
            engine.receive(chunk)
        engine.finish()
        return engine.connection()

    def judged(self, connection: Connection) -> Connection:
        stores = (self.store,) if self.store else ()
        return judged(connection, stores, datetime.fromtimestamp(START, UTC), "server.test")


@cache
def key(kind: str) -> Any:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    if kind.startswith("ed"):
        return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ed448.Ed448PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


@cache
def chain(kind: str) -> tuple[x509.Certificate, x509.Certificate]:
    """A leaf with this kind of key, and the authority that issued it."""
    authority = key("authority")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    def builder(subject: x509.Name, public: Any) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(begin)
        made = made.not_valid_after(begin + timedelta(days=300))
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
        return made.add_extension(identifier, False)

    root = builder(name, authority.public_key()).add_extension(x509.BasicConstraints(True, None), True)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = root.add_extension(usage, True)
    root = root.add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), False)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server.test")])
    leaf = builder(subject, key(kind).public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName("server.test")]), False)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return leaf.sign(authority, hashes.SHA256()), root.sign(authority, hashes.SHA256())


def talk(
    name: str, version: str, ciphers: str | None, kind: str, *, client: bool = False, options: int = 0, resume: int = 0
) -> Case:
    """A handshake between two OpenSSL ends, a request and an answer; the last of ``resume`` + 1 of them."""
    leaf, root = chain(kind)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(leaf)
    context.use_privatekey(key(kind))
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_options(options)
    context.set_session_id(b"tests")
    if client:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    groups = None if str(ciphers).startswith("DHE") else b"X25519:P-256:P-384"
    said = Dialogue(server_context=context, context=make_client(version, ciphers, client, groups))
    assert said.context
    said.context.set_keylog_callback(lambda _, line: said.keylog.append(line))
    for _ in range(resume + 1):
        said.chunks.clear()
        one, other = flows.ends(said)
        run(said, one, other)
        one.send(b"GET / HTTP/1.1\r\n\r\n")
        flows.listen(said, one, other)
        other.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        flows.listen(said, one, other)
        said.session = one.get_session()
        one.shutdown()
        pump(said, one, other)
    lines = [line.decode() for line in said.keylog]
    return Case(name, said.chunks, lines, from_ders("tests", [root.public_bytes(Encoding.DER)]))


NO_ENCRYPT_THEN_MAC = 1 << 19


def cases() -> Iterator[Callable[[], Case]]:
    """One of each version and kind."""
    for name, version, ciphers, kind, more in (
        ("1.0 RSA, CBC", "1.0", "AES128-SHA", "rsa", {"options": NO_ENCRYPT_THEN_MAC}),
        ("1.0 ECDHE-RSA, encrypt-then-MAC", "1.0", "ECDHE-RSA-AES128-SHA", "rsa", {}),
        ("1.0 ECDHE-ECDSA, client certificate", "1.0", "ECDHE-ECDSA-AES128-SHA", "ec", {"client": True}),
        ("1.1 DHE-RSA, CBC, client certificate", "1.1", "DHE-RSA-AES256-SHA", "rsa", {"client": True}),
        ("1.2 RSA, GCM", "1.2", "AES128-GCM-SHA256", "rsa", {}),
        ("1.2 ECDHE-ECDSA, GCM, client certificate", "1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", "ec", {"client": True}),
        ("1.2 ECDHE-RSA, ChaCha20", "1.2", "ECDHE-RSA-CHACHA20-POLY1305", "rsa", {}),
        ("1.2 ECDHE-RSA, CBC-SHA256", "1.2", "ECDHE-RSA-AES128-SHA256", "rsa", {"options": NO_ENCRYPT_THEN_MAC}),
        ("1.2 ECDHE-ECDSA, CCM-8, P-384", "1.2", "ECDHE-ECDSA-AES128-CCM8", "p384", {}),
        ("1.2 Ed25519", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "ed25519", {}),
        ("1.2 DHE-DSS", "1.2", "DHE-DSS-AES128-GCM-SHA256", "dsa", {}),
        ("1.2 resumed", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "ec", {"resume": 1}),
        ("1.3 ECDSA, AES-128", "1.3", "TLS_AES_128_GCM_SHA256", "ec", {}),
        ("1.3 RSA-PSS, ChaCha20, client certificate", "1.3", "TLS_CHACHA20_POLY1305_SHA256", "rsa", {"client": True}),
        ("1.3 Ed448, AES-256", "1.3", "TLS_AES_256_GCM_SHA384", "ed448", {}),
        ("1.3 resumed", "1.3", "TLS_AES_128_GCM_SHA256", "ec", {"resume": 1}),
    ):
        yield lambda name=name, v=version, c=ciphers, k=kind, more=more: talk(name, v, c, k, **more)  # type: ignore[misc]
    for name, file in OLD:
        if (CAPTURES / file).exists():
            yield lambda name=name, file=file: captured(name, file)  # type: ignore[misc]
    yield lambda: spoken("1.2 renegotiated", flows.renegotiated())
    yield lambda: spoken("1.3 client certificate later", flows.authenticated_later())
    yield associated
    yield carried
    yield lambda: made("1.3 PSK from outside", made13.resumed(PSK, external=True))
    yield lambda: made("1.3 PSK, HelloRetryRequest, 0-RTT refused", made13.resumed(PSK, retry=True, early="refused"))
    yield lambda: made("1.3 PSK, 0-RTT", made13.resumed(PSK, early="accepted"))


CAPTURES = HERE.parents[2] / "shared" / "captures"


def captured(name: str, file: str) -> Case:
    """A connection of a capture, its records as chunks, because no library here speaks it any more."""
    from tlsviz.sources.capture import load_capture
    from tlsviz.sources.opening import OpenOptions

    path = CAPTURES / file
    lines = Path(f"{path}.keylog").read_text()
    connection = load_capture(path, OpenOptions(keylogs=(Path(f"{path}.keylog"),))).connections[0]
    chunks = [Chunk(record.sender, record.time, record.buffer.data, record.packets) for record in connection.records]
    return Case(name, chunks, lines.splitlines())


OLD = (
    ("3.0 AES-CBC", "snet/ssl3_0.pcap"),
    ("3.0 RC2 for export", "fq/dump-broken.pcapng"),
    ("1.0 RC4 for export", "fq/TLS_RSA_EXPORT_WITH_RC4_40_MD5.pcap"),
    ("1.0 DES for export", "fq/TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA.pcap"),
)


def spoken(name: str, said: Dialogue) -> Case:
    return Case(name, said.chunks, [line.decode() for line in said.keylog])


def associated() -> Case:
    """DTLS 1.2, both sides with certificates, messages in fragments."""
    said = associate(client_certificate=True)
    return Case("DTLS 1.2", said.chunks, [line.decode() for line in said.keylog], engine=DtlsEngine)


def carried() -> Case:
    """QUIC, with updated keys at the end."""
    flow, log = QuicFlow(), tls13()[1]
    flow.conversation()
    flow.send(CLIENT, flow.one_rtt(CLIENT, PING, updates=1))
    lines = [
        f"{label} {of.hex()} {value.hex()}" for of in log.client_randoms() for label, value in log.labels(of).items()
    ]
    return Case("QUIC", flow.datagrams, lines, engine=QuicEngine)


def made(name: str, one: made13.Made) -> Case:
    return Case(name, one.chunks, [*one.lines, f"PSK {made13.CLIENT_RANDOM.hex()} {PSK.hex()}"])


# -- what is changed -----------------------------------------------------------------------------------------


class Region(NamedTuple):
    """Bytes of a message, and the claims that must fail when one of their bits is another."""

    name: str
    message: int
    start: int
    end: int
    covers: frozenset[tuple[str, int | None]]


def regions(connection: Connection) -> Iterator[Region]:
    """Everything whose bits are to be changed behind the protection."""
    right = {(proof.what, proof.message) for proof in connection.proofs if proof.status == "verified"}
    cookies = connection.messages_of("hello_verify_request")
    first = cookies[-1].index + 1 if cookies else 0  # what comes before the cookie is not hashed (RFC 6347 4.2.1)
    for message in connection.messages[first:]:
        if message.buffer is None or message.tree is None or message.content_type != "handshake":
            continue
        behind = _behind(connection, message) & right
        own = {claim for claim in right if claim[1] == message.index}
        for name, start, end in _parts(message):
            covers = behind | own if name in ("Finished", "signature", "binder") else behind
            yield Region(name, message.index, start, end, frozenset(covers))


def _parts(message: Message) -> Iterator[tuple[str, int, int]]:
    assert message.buffer
    assert message.tree
    data = message.buffer.data
    if message.type == "finished":
        yield "Finished", message.header, len(data)
    elif message.type == "ssl2_client_hello":
        node = message.tree.child("challenge")
        assert node
        yield "client random", node.start, node.end
    elif message.type in ("client_hello", "server_hello"):
        yield f"{message.sender} random", message.header + 2, message.header + 34
        binders = message.tree.get("extensions.pre_shared_key.binders")
        if binders is not None:
            yield "binder", binders.start + 3, binders.end
    elif message.type in ("certificate_verify", "server_key_exchange"):
        node = message.tree.child("signature")
        if node is not None:
            yield "signature", node.start + 2, node.end
    elif message.type == "certificate":
        for der, path in views.certificates(message.tree, data):
            node = message.tree
            for index in path:
                node = node.children[index]
            whole = first(der)
            assert whole
            tbs = whole.children[0]
            yield "certificate's signed part", node.start + tbs.start, node.start + tbs.end


def _behind(connection: Connection, message: Message) -> set[tuple[str, int | None]]:
    """The Finished messages and TLS 1.3's signatures that hash this message."""
    found: set[tuple[str, int | None]] = set()
    for shake in handshakes(connection):
        every = [*shake.messages, *shake.later]
        if message not in every:
            continue
        for other in every:
            if other.index <= message.index:
                continue
            if other.type == "finished" and (message in shake.messages or _answers(every, message, other)):
                found.add((f"{other.sender}_finished", other.index))
            if other.type == "certificate_verify" and shake.tls13:
                found |= {("certificate_verify", other.index), ("client_certificate_verify", other.index)}
            if other.type == "server_key_exchange" and message.type.endswith("_hello"):
                found.add(("server_key_exchange", other.index))
            if other.type == "certificate_verify" and not shake.tls13:
                found.add(("client_certificate_verify", other.index))
    return found


def _answers(every: list[Message], message: Message, finished: Message) -> bool:
    """After the handshake: whether a message belongs to the answer that this Finished ends."""
    between = [m for m in every if message.index <= m.index < finished.index]
    return not any(m.type in ("finished", "new_session_ticket") for m in between)


def changed(connection: Connection, region: Region, bit: int) -> Connection:
    """The connection with one bit of a message changed; ``bit`` counts from the region's start."""
    message = connection.messages[region.message]
    assert message.buffer
    data = bytearray(message.buffer.data)
    data[region.start + bit // 8] ^= 1 << bit % 8
    version = connection.version.code if connection.version else None
    suite = connection.cipher_suite.code if connection.cipher_suite else None
    decode = decode_ssl2 if message.type.startswith("ssl2") else decode_handshake
    tree = decode(bytes(data), Context(message.sender, version, suite, connection.transport == "dtls"))
    other = replace(message, buffer=Buffer("wire", bytes(data)), tree=tree)
    messages = tuple(other if m is message else m for m in connection.messages)
    certificates = connection.certificates
    if message.type == "certificate":
        ders = iter(der for der, _ in views.certificates(tree, bytes(data)))
        certificates = tuple(
            replace(sent, der=next(ders, sent.der)) if sent.message == message.index else sent for sent in certificates
        )
    return replace(connection, messages=messages, certificates=certificates)


def sealed(case: Case, connection: Connection) -> Iterator[tuple[str, int, int, int]]:
    """Each protected record on the wire: what of it, in which chunk, from which byte to which."""
    places = _places(case.chunks)
    for record in connection.records:
        protection = record.protection
        if protection is None or protection.status != "verified" or record.packet_type == "Initial":
            continue
        if case.engine is Engine:
            chunk, start = places[record.sender, record.buffer.data]
        else:
            chunk = next(n for n, one in enumerate(case.chunks) if record.buffer.data in one.data)
            start = case.chunks[chunk].data.index(record.buffer.data)
        end = start + len(record.buffer.data)
        tag = len(protection.tag or b"")
        visible = bool(tag) and record.buffer.data.endswith(protection.tag or b"?")
        if visible:
            yield "tag or MAC", chunk, end - tag, end
        yield "ciphertext", chunk, start + record.header.end, end - tag if visible else end


def _places(chunks: list[Chunk]) -> dict[tuple[str, bytes], tuple[int, int]]:
    """Where each record is; records of these connections do not cross chunks."""
    found = {}
    for number, chunk in enumerate(chunks):
        start = 0
        while start + 5 <= len(chunk.data):
            end = start + 5 + int.from_bytes(chunk.data[start + 3 : start + 5], "big")
            if end > len(chunk.data):
                break  # cut off by the end of the capture
            found[chunk.sender, chunk.data[start:end]] = (number, start)
            start = end
    return found


# -- trying --------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """``void``: bits of SSL 3.0's padding, which no MAC covers (POODLE): what is read stays the same without them."""

    tried: int = 0
    caught: int = 0
    void: int = 0
    missed: list[str] = field(default_factory=list)

    def count(self, good: bool, what: str) -> None:
        self.tried += 1
        self.caught += good
        if not good:
            self.missed.append(what)


def try_case(case: Case, bits: int | None, wire_bits: int | None) -> dict[str, Tally]:
    """Changes ``bits`` bits of each region and ``wire_bits`` of each record (None: all), and counts what is caught."""
    plain = case.connection()
    connection = case.judged(plain)
    assert not [proof for proof in connection.proofs if proof.status == "failed"]
    tallies: dict[str, Tally] = {}
    for region in regions(connection):
        tally = tallies.setdefault(region.name, Tally())
        assert region.covers, (case.name, region)
        for bit in _some((region.end - region.start) * 8, bits):
            after = case.judged(changed(plain, region, bit))
            tally.count(_noticed(region, connection, after), f"{case.name}: {region} bit {bit}")
    for name, chunk, start, end in sealed(case, connection):
        tally = tallies.setdefault(name, Tally())
        for bit in _some((end - start) * 8, wire_bits):
            data = bytearray(case.chunks[chunk].data)
            data[start + bit // 8] ^= 1 << bit % 8
            spoiled = [*case.chunks[:chunk], case.chunks[chunk]._replace(data=bytes(data))]
            failed = _record_fails(case.connection(spoiled))
            if not failed:  # SSL 3.0's padding shows only in the next record, whose IV it is
                after = case.connection([*spoiled, *case.chunks[chunk + 1 :]])
                failed = _record_fails(after)
                if not failed and case.name.startswith("3.0") and _reads(after) == _reads(plain):
                    tally.void += 1
                    continue
            tally.count(failed, f"{case.name}: {name} in chunk {chunk} at {start} bit {bit}")
    return tallies


def _record_fails(connection: Connection) -> bool:
    return [proof.status for proof in beside.records(connection)] == ["failed"]


def _reads(connection: Connection) -> list[bytes | None]:
    """What is read of each record."""
    return [record.plaintext.data if record.plaintext is not None else None for record in connection.records]


def _noticed(region: Region, before: Connection, after: Connection) -> bool:
    """Whether no claim that covers the region is still verified, and those that can still be made failed.

    A certificate with another bit may have a key that cannot be read: then its signature is not provable.
    """
    verified = {(proof.what, proof.message) for proof in after.proofs if proof.status == "verified"}
    failed = {(proof.what, proof.message) for proof in after.proofs if proof.status == "failed"}
    if region.name.startswith("certificate"):
        chained = before.messages[region.message].sender == SERVER and ("certificate_chain", None) in verified
        hashed = {claim for claim in region.covers if claim[0].endswith("finished")}
        return not chained and not region.covers & verified and hashed <= failed
    return region.covers <= failed


def _some(size: int, wanted: int | None) -> range:
    """All bits, or so many spread evenly, with an odd stride that meets each place in a byte."""
    if wanted is None or size <= wanted:
        return range(size)
    return range(wanted % 7, size, max(size // wanted, 1) | 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every bit")
    parser.add_argument("--wire", type=int, metavar="N", help="of each record only N bits, with --all")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the connections with this in their name")
    args = parser.parse_args()
    total = Tally()
    for make in cases():
        begun = time.monotonic()
        case = make()
        if args.only not in case.name:
            continue
        tallies = try_case(case, None if args.all else 16, (args.wire if args.all else 4))
        told = ", ".join(f"{name} {tally.caught}/{tally.tried}" for name, tally in tallies.items())
        print(f"{case.name}: {told} ({time.monotonic() - begun:.0f} s)", flush=True)
        for tally in tallies.values():
            total.tried += tally.tried
            total.caught += tally.caught
            total.void += tally.void
            total.missed += tally.missed
    print(f"{total.caught} of {total.tried} changed bits were caught")
    if total.void:
        print(f"{total.void} more are of SSL 3.0's padding, which nothing covers: what is read is the same")
    for missed in total.missed[:50]:
        print("MISSED", missed)
    return 1 if total.missed else 0


if __name__ == "__main__":
    sys.exit(main())
