"""Real handshakes of every version: opened, compared with what was sent, and every proof redone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loopback import ANSWER, NO_ENCRYPT_THEN_MAC, NO_EXTENDED_MASTER_SECRET, REQUEST, Recording, shake_hands

from tlsviz.crypto.finished import handshake_hash_12, verify_data_12, verify_data_13
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.protection import Opener, Unopened, opener_12, opener_13
from tlsviz.crypto.schedule import extended_master_secret, master_secret
from tlsviz.crypto.signatures import certificate_verify_13_content, verify_signature
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.chunks import Sender

CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE = 1, 2, 11, 12
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED = 15, 16, 20


class Follower:
    """A small engine: opens each record and checks each Finished and signature as it comes."""

    def __init__(self, recording: Recording, version: int) -> None:
        self.recording = recording
        self.version = version
        self.log = KeyLog()
        assert self.log.add_text("\n".join(recording.keylog)) > 0
        assert not self.log.problems
        self.transcript = Transcript()
        self.openers: dict[str, Opener] = {}
        self.data = {"client": b"", "server": b""}
        self.alerts: list[bytes] = []
        self.proofs: list[str] = []
        self.certificates: dict[str, bytes] = {}
        self.master = self.client_random = self.server_random = b""
        self.extended = self.encrypt_then_mac = False
        self.suite: Suite
        self.pending: dict[str, bytes] = {"client": b"", "server": b""}

    def follow(self) -> None:
        for sender, record in self.recording.records:
            self.record("client" if sender == "client" else "server", record)

    def record(self, sender: Sender, record: bytes) -> None:
        content_type, content = record[0], record[5:]
        if content_type == 20:
            if self.version < 0x0304:
                self.change_keys(sender)
            return
        if sender in self.openers:
            opened = self.openers[sender].open(content_type, int.from_bytes(record[1:3], "big"), content)
            content_type, content = opened.content_type, opened.plaintext
            if opened.offset is not None:
                assert 5 + opened.offset + len(content) <= len(record)
        if content_type == 23:
            self.data[sender] += content
        elif content_type == 21:
            self.alerts.append(content)
        else:
            self.pending[sender] += content
            for message in self.messages(sender):
                self.message(sender, message)

    def messages(self, sender: Sender) -> Iterator[bytes]:
        while len(self.pending[sender]) >= 4:
            end = 4 + int.from_bytes(self.pending[sender][1:4], "big")
            if len(self.pending[sender]) < end:
                return
            message, self.pending[sender] = self.pending[sender][:end], self.pending[sender][end:]
            yield message

    def message(self, sender: Sender, message: bytes) -> None:
        kind = message[0]
        if kind == CLIENT_HELLO:
            self.client_random = message[6:38]
        elif kind == SERVER_HELLO:
            self.server_hello(message)
        elif kind == CERTIFICATE:
            start = 11 if self.version >= 0x0304 else 10
            size = int.from_bytes(message[start - 3 : start], "big")
            self.certificates[sender] = message[start : start + size]
        elif kind == SERVER_KEY_EXCHANGE:
            self.server_key_exchange(message[4:])
        elif kind == CERTIFICATE_VERIFY:
            self.certificate_verify(sender, message[4:])
        elif kind == FINISHED:
            self.finished(sender, message[4:])
        if kind != 4 or self.version < 0x0304:  # a ticket is part of the transcript up to TLS 1.2 only
            self.transcript.add(message)
        if self.version >= 0x0304:
            self.change_keys_13(sender, kind)

    def server_hello(self, message: bytes) -> None:
        self.server_random = message[6:38]
        end = 39 + message[38]
        found = suite(int.from_bytes(message[end : end + 2], "big"))
        assert found
        self.suite = found
        rest = message[end + 5 :]
        while rest:
            self.extended |= rest[:2] == b"\x00\x17"
            self.encrypt_then_mac |= rest[:2] == b"\x00\x16"
            rest = rest[4 + int.from_bytes(rest[2:4], "big") :]

    def change_keys(self, sender: Sender) -> None:
        master = self.log.get("CLIENT_RANDOM", self.client_random)
        self.master = master or self.master_from_premaster()
        self.openers[sender] = opener_12(
            self.suite,
            self.version,
            self.master,
            self.client_random,
            self.server_random,
            sender,
            self.encrypt_then_mac,
        )

    def master_from_premaster(self) -> bytes:
        encrypted = next(m for m in self.sent if m[0] == CLIENT_KEY_EXCHANGE)[6:]
        premaster = self.log.rsa_premaster(encrypted[:8])
        assert premaster
        if self.extended:
            until = Transcript()
            for message in self.sent[: [m[0] for m in self.sent].index(CLIENT_KEY_EXCHANGE) + 1]:
                until.add(message)
            session_hash = handshake_hash_12(self.version, self.suite.prf_hash, until)
            return extended_master_secret(self.version, self.suite.prf_hash, premaster, session_hash)
        return master_secret(self.version, self.suite.prf_hash, premaster, self.client_random, self.server_random)

    @property
    def sent(self) -> list[bytes]:
        data, found = self.transcript.data(), []
        while data:
            end = 4 + int.from_bytes(data[1:4], "big")
            found.append(data[:end])
            data = data[end:]
        return found

    def secret(self, label: str) -> bytes:
        found = self.log.get(label, self.client_random)
        assert found, label
        return found

    def change_keys_13(self, sender: Sender, kind: int) -> None:
        if kind == SERVER_HELLO:
            self.openers["server"] = opener_13(self.suite, self.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET"))
            self.openers["client"] = opener_13(self.suite, self.secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET"))
        elif kind == FINISHED:
            label = f"{sender.upper()}_TRAFFIC_SECRET_0"
            self.openers[sender] = opener_13(self.suite, self.secret(label))

    def finished(self, sender: Sender, verify_data: bytes) -> None:
        if self.version >= 0x0304:
            secret = self.secret(f"{sender.upper()}_HANDSHAKE_TRAFFIC_SECRET")
            so_far = self.transcript.hash(self.suite.prf_hash)
            expected = verify_data_13(self.suite.prf_hash, secret, so_far)
        else:
            so_far = handshake_hash_12(self.version, self.suite.prf_hash, self.transcript)
            expected = verify_data_12(self.version, self.suite.prf_hash, self.master, sender, so_far)
        assert verify_data == expected
        self.proofs.append(f"{sender} finished")

    def server_key_exchange(self, body: bytes) -> None:
        assert body[0] == 3  # a named curve
        end = 4 + body[3]
        content = self.client_random + self.server_random + body[:end]
        self.signature("server", body[end:], content)
        self.proofs.append("server key exchange")

    def certificate_verify(self, sender: Sender, body: bytes) -> None:
        if self.version >= 0x0304:
            so_far = self.transcript.hash(self.suite.prf_hash)
            self.signature(sender, body, certificate_verify_13_content(sender, so_far))
        else:
            self.signature(sender, body, self.transcript.data())
        self.proofs.append(f"{sender} certificate verify")

    def signature(self, sender: Sender, body: bytes, content: bytes) -> None:
        scheme = None
        if self.version >= 0x0303:
            scheme, body = int.from_bytes(body[:2], "big"), body[2:]
        signature, key = body[2:], self.certificates[sender]
        status, why = verify_signature(scheme, key, signature, content, self.version)
        assert status == "verified", why
        for spoilt_signature, spoilt_content in (
            (signature, content[:-1] + bytes([content[-1] ^ 1])),
            (signature[:-1] + bytes([signature[-1] ^ 1]), content),
        ):
            assert verify_signature(scheme, key, spoilt_signature, spoilt_content, self.version)[0] == "failed"


def checked(recording: Recording, version: int) -> Follower:
    follower = Follower(recording, version)
    follower.follow()
    assert follower.data == {"client": REQUEST, "server": ANSWER}
    assert {"client finished", "server finished"} <= set(follower.proofs)
    assert b"\x01\x00" in follower.alerts
    return follower


@pytest.mark.parametrize(
    "name",
    [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    ],
)
def test_tls13(name: str) -> None:
    follower = checked(shake_hands(0x0304, name), 0x0304)
    assert follower.suite.name == name
    assert "server certificate verify" in follower.proofs


@pytest.mark.parametrize("key", ["p256", "p384", "ed25519", "ed448"])
def test_tls13_signatures(key: str) -> None:
    recording = shake_hands(0x0304, "TLS_AES_128_GCM_SHA256", key=key, client_key=key)
    assert "client certificate verify" in checked(recording, 0x0304).proofs


@pytest.mark.parametrize("key", ["rsa", "p256", "p384", "ed25519", "ed448"])
def test_tls12_signatures(key: str) -> None:
    recording = shake_hands(0x0303, "ECDHE+AESGCM", key=key, client_key=key)
    proofs = checked(recording, 0x0303).proofs
    assert {"server key exchange", "client certificate verify"} <= set(proofs)


@pytest.mark.parametrize("version", [0x0301, 0x0302])
@pytest.mark.parametrize("key", ["rsa", "p256"])
def test_older_signatures(version: int, key: str) -> None:
    recording = shake_hands(version, "ECDHE+AES", key=key, client_key=key)
    proofs = checked(recording, version).proofs
    assert {"server key exchange", "client certificate verify"} <= set(proofs)


@pytest.mark.parametrize(
    ("openssl_name", "name"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("AES256-CCM", "TLS_RSA_WITH_AES_256_CCM"),
        ("AES128-CCM8", "TLS_RSA_WITH_AES_128_CCM_8"),
        ("ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
        ("AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
        ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
        ("CAMELLIA256-SHA256", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256"),
        ("NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256"),
    ],
)
@pytest.mark.parametrize("options", [0, NO_ENCRYPT_THEN_MAC])
def test_tls12(openssl_name: str, name: str, options: int) -> None:
    follower = checked(shake_hands(0x0303, openssl_name, options=options), 0x0303)
    assert follower.suite.name == name
    assert follower.encrypt_then_mac == (follower.suite.mode in ("CBC", "NULL") and not options)


@pytest.mark.parametrize("version", [0x0301, 0x0302])
@pytest.mark.parametrize("name", ["ECDHE-RSA-AES128-SHA", "CAMELLIA128-SHA", "ECDHE-RSA-NULL-SHA"])
@pytest.mark.parametrize("options", [0, NO_ENCRYPT_THEN_MAC])
def test_older_versions(version: int, name: str, options: int) -> None:
    checked(shake_hands(version, name, options=options), version)


@pytest.mark.parametrize("version", [0x0301, 0x0302, 0x0303])
@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET])
def test_master_secret_from_the_premaster(version: int, options: int) -> None:
    recording = shake_hands(version, "AES128-SHA", options=options)
    recording.keylog = [line for line in recording.keylog if line.startswith("RSA ")]
    assert recording.keylog
    follower = checked(recording, version)
    assert follower.extended == (not options)


def test_aria_is_named_as_unsupported() -> None:
    with pytest.raises(Unopened, match="ARIA_128_GCM of TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256 is not supported"):
        Follower(shake_hands(0x0303, "ECDHE-ARIA128-GCM-SHA256"), 0x0303).follow()


def test_the_wrong_key_log_fails_every_record() -> None:
    recording = shake_hands(0x0304, "TLS_AES_128_GCM_SHA256")
    recording.keylog = [line[:-2] + ("00" if line[-2:] != "00" else "01") for line in recording.keylog]
    with pytest.raises(Unopened, match="tag is wrong"):
        Follower(recording, 0x0304).follow()
