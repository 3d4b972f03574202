"""TLS 1.3 connections made message by message, for flows that no library at hand speaks on demand.

The key schedule is the package's, which is held against RFC 8448; sealing and message building are written here.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from dialogue import START, identity

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.crypto import schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

CLIENT_HELLO, SERVER_HELLO, TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 1, 2, 4, 5, 8
CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, FINISHED, KEY_UPDATE = 11, 13, 15, 20, 24
HANDSHAKE, DATA = 22, 23
P256_SHA256 = 0x0403
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CLIENT_RANDOM, SERVER_RANDOM, SHARED = bytes(range(32)), bytes(range(100, 132)), b"shared secret of the two halves."


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def extension(code: int, body: bytes) -> bytes:
    return code.to_bytes(2, "big") + vector(2, body)


def share(group: int = 29) -> bytes:
    return group.to_bytes(2, "big") + vector(2, b"\x2a" * 32)


def leaf() -> bytes:
    return identity("ec")[0].public_bytes(Encoding.DER)


def certificate(der: bytes, context: bytes = b"", extensions: bytes = b"") -> bytes:
    entry = vector(3, der) + vector(2, extensions)
    return message(CERTIFICATE, vector(1, context) + vector(3, entry))


@dataclass
class Made:
    """A connection in the making. ``say`` sends messages under the sender's current key, and hashes them."""

    chosen: Suite = field(default_factory=lambda: suite(0x1301))  # type: ignore[assignment,return-value]
    psk: bytes = b""
    external: bool = False
    chunks: list[Chunk] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    keys: dict[Sender, tuple[bytes, bytes]] = field(default_factory=dict)
    sequence: dict[Sender, int] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    resumption: bytes = b""

    @property
    def hash(self) -> str:
        return self.chosen.prf_hash

    def hashed(self) -> bytes:
        return hashlib.new(self.hash, b"".join(self.said)).digest()

    # -- records -------------------------------------------------------------------------------------------

    def record(self, sender: Sender, content_type: int, content: bytes, padding: int = 0) -> None:
        outer, fragment = content_type, content
        if sender in self.keys:
            outer = DATA
            key, iv = self.keys[sender]
            number = self.sequence[sender].to_bytes(12, "big")
            self.sequence[sender] += 1
            inner = content + bytes([content_type]) + bytes(padding)
            header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
            nonce = bytes(a ^ b for a, b in zip(iv, number, strict=True))
            fragment = AESGCM(key).encrypt(nonce, inner, header)
        data = bytes([outer]) + b"\x03\x03" + vector(2, fragment)
        self.chunks.append(Chunk(sender, START + len(self.chunks) / 100, data, (len(self.chunks) + 1,)))

    def say(self, sender: Sender, *messages: bytes, hashed: bool = True) -> None:
        self.record(sender, HANDSHAKE, b"".join(messages))
        if hashed:
            self.said += messages

    def data(self, sender: Sender, content: bytes, padding: int = 0) -> None:
        self.record(sender, DATA, content, padding)

    def use(self, sender: Sender, secret: bytes) -> None:
        self.keys[sender], self.sequence[sender] = schedule.traffic_keys(self.chosen, secret), 0

    def log(self, label: str, secret: bytes) -> bytes:
        self.secrets[label] = secret
        self.lines.append(f"{label} {CLIENT_RANDOM.hex()} {secret.hex()}")
        return secret

    def derive(self, secret: bytes, label: str) -> bytes:
        return schedule.derive_secret(self.hash, secret, label, self.hashed())

    # -- the handshake -------------------------------------------------------------------------------------

    def hello(self, *extensions: bytes, early: bool = False) -> bytes:
        """The ClientHello; with a PSK its binder is made here, over everything said before."""
        parts = [extension(43, b"\x02\x03\x04"), extension(13, b"\x00\x02\x04\x03"), extension(10, b"\x00\x02\x00\x1d")]
        parts += [extension(51, vector(2, share())), *extensions]
        if early:
            parts.append(extension(42, b""))
        if self.psk:
            parts.append(extension(45, b"\x01\x01"))
            size = hashlib.new(self.hash).digest_size
            identities = vector(2, vector(2, b"the ticket") + bytes(4))
            parts.append(extension(41, identities + vector(2, vector(1, bytes(size)))))
        suites = self.chosen.code.to_bytes(2, "big")
        body = b"\x03\x03" + CLIENT_RANDOM + b"\0" + vector(2, suites) + b"\x01\x00" + vector(2, b"".join(parts))
        made = message(CLIENT_HELLO, body)
        if not self.psk:
            return made
        cut = made[: -size - 3]
        covered = hashlib.new(self.hash, b"".join(self.said) + cut).digest()
        early_secret = schedule.early_secret(self.hash, self.psk)
        binder_key = schedule.binder_key(self.hash, early_secret, external=self.external)
        return cut + vector(2, vector(1, self.mac(binder_key, covered)))

    def mac(self, secret: bytes, covered: bytes) -> bytes:
        return hmac.digest(schedule.finished_key(self.hash, secret), covered, self.hash)

    def retry(self, first: bytes) -> None:
        """A HelloRetryRequest: the first hello is hashed by itself."""
        inner = hashlib.new(self.hash, first).digest()
        self.said = [bytes([254]) + vector(3, inner)]
        extensions = extension(43, b"\x03\x04") + extension(44, vector(2, b"cookie"))
        body = b"\x03\x03" + RETRY + b"\0" + self.chosen.code.to_bytes(2, "big") + b"\0" + vector(2, extensions)
        self.say(SERVER, message(SERVER_HELLO, body))

    def server_hello(self, psk: bool) -> None:
        extensions = extension(43, b"\x03\x04") + extension(51, share())
        if psk:
            extensions += extension(41, b"\0\0")
        body = b"\x03\x03" + SERVER_RANDOM + b"\0" + self.chosen.code.to_bytes(2, "big") + b"\0"
        self.say(SERVER, message(SERVER_HELLO, body + vector(2, extensions)))
        early = schedule.early_secret(self.hash, self.psk if psk else b"")
        handshake = schedule.next_stage(self.hash, early, SHARED)
        self.use(SERVER, self.log("SERVER_HANDSHAKE_TRAFFIC_SECRET", self.derive(handshake, "s hs traffic")))
        self.log("CLIENT_HANDSHAKE_TRAFFIC_SECRET", self.derive(handshake, "c hs traffic"))
        self.secrets["main"] = schedule.next_stage(self.hash, handshake)

    def early_data(self, *content: bytes) -> None:
        """0-RTT: behind the first hello, under the client's early key."""
        secret = self.derive(schedule.early_secret(self.hash, self.psk), "c e traffic")
        self.use(CLIENT, self.log("CLIENT_EARLY_TRAFFIC_SECRET", secret))
        for part in content:
            self.data(CLIENT, part)

    def finished(self, sender: Sender) -> bytes:
        secret = self.secrets[f"{sender.upper()}_HANDSHAKE_TRAFFIC_SECRET"]
        return message(FINISHED, self.mac(secret, self.hashed()))

    def signed(self, sender: Sender, key: ec.EllipticCurvePrivateKey) -> bytes:
        content = b" " * 64 + f"TLS 1.3, {sender} CertificateVerify".encode() + b"\0" + self.hashed()
        signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
        return message(CERTIFICATE_VERIFY, P256_SHA256.to_bytes(2, "big") + vector(2, signature))

    def server_flight(self, *, early: bool = False, extensions: bytes | None = b"", key: object = None) -> None:
        """EncryptedExtensions to Finished; ``extensions`` of the certificate, None to send no certificate."""
        self.say(SERVER, message(ENCRYPTED_EXTENSIONS, vector(2, extension(42, b"") if early else b"")))
        if extensions is not None:
            self.say(SERVER, certificate(leaf(), extensions=extensions))
            signer = key or identity("ec")[1]
            assert isinstance(signer, ec.EllipticCurvePrivateKey)
            self.say(SERVER, self.signed(SERVER, signer))
        self.say(SERVER, self.finished(SERVER))
        for side, letter in (("CLIENT", "c"), ("SERVER", "s")):
            self.log(f"{side}_TRAFFIC_SECRET_0", self.derive(self.secrets["main"], f"{letter} ap traffic"))
        self.use(SERVER, self.secrets["SERVER_TRAFFIC_SECRET_0"])

    def client_flight(self, *, early: bool = False) -> None:
        if early:
            self.say(CLIENT, message(END_OF_EARLY_DATA, b""))
        self.use(CLIENT, self.secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"])
        self.say(CLIENT, self.finished(CLIENT))
        self.resumption = self.derive(self.secrets["main"], "res master")
        self.use(CLIENT, self.secrets["CLIENT_TRAFFIC_SECRET_0"])

    def update(self, sender: Sender) -> None:
        """A KeyUpdate, and the next key."""
        self.say(sender, message(KEY_UPDATE, b"\0"), hashed=False)
        label = f"{sender.upper()}_TRAFFIC_SECRET"
        current = self.secrets.get(label, self.secrets[f"{label}_0"])
        self.secrets[label] = schedule.next_traffic_secret(self.hash, current)
        self.use(sender, self.secrets[label])

    def authenticate_later(self, context: bytes) -> None:
        """The server asks for the client's certificate, the client answers."""
        request = message(CERTIFICATE_REQUEST, vector(1, context) + vector(2, extension(13, b"\x00\x02\x04\x03")))
        before = list(self.said)
        self.say(SERVER, request)
        self.say(CLIENT, certificate(leaf(), context))
        key = identity("ec")[1]
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.say(CLIENT, self.signed(CLIENT, key))
        secret = self.secrets.get("CLIENT_TRAFFIC_SECRET", self.secrets["CLIENT_TRAFFIC_SECRET_0"])
        self.say(CLIENT, message(FINISHED, self.mac(secret, self.hashed())))
        self.said = before

    # -- what comes of it ----------------------------------------------------------------------------------

    def keylog(self, *without: str) -> KeyLog:
        log = KeyLog()
        log.add_text("\n".join(line for line in self.lines if line.split()[0] not in without))
        return log

    def connection(self, *without: str, log: KeyLog | None = None) -> Connection:
        """The engine's model; ``without``: labels that the key log lacks."""
        engine = Engine(keylog=log or self.keylog(*without))
        for chunk in self.chunks:
            engine.receive(chunk)
        engine.finish()
        return engine.connection()


def full(*extensions: bytes) -> Made:
    """A full handshake, with a request and an answer."""
    made = Made()
    made.say(CLIENT, made.hello(*extensions))
    made.server_hello(psk=False)
    made.server_flight()
    made.client_flight()
    made.data(CLIENT, b"a question")
    made.data(SERVER, b"an answer", padding=7)
    return made


def resumed(psk: bytes = b"\x77" * 32, *, external: bool = False, retry: bool = False, early: str = "") -> Made:
    """A handshake with a pre-shared key; ``early``: "accepted" or "refused" 0-RTT data."""
    made = Made(psk=psk, external=external)
    first = made.hello(early=bool(early))
    made.say(CLIENT, first)
    if early:
        made.early_data(b"early one", b"early two")
    if retry:
        early_keys = made.keys.pop(CLIENT, None)
        assert early_keys is None or early == "refused"
        made.retry(first)
        made.say(CLIENT, made.hello(extension(44, vector(2, b"cookie"))))
    made.server_hello(psk=True)
    made.server_flight(early=early == "accepted", extensions=None)
    made.client_flight(early=early == "accepted")
    made.data(CLIENT, b"late")
    made.data(SERVER, b"an answer")
    return made
