"""RFC 8448's traces, step by step: section 3 from the published values, the others from the shared vectors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import rfc8448_trace as trace
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tlsviz.crypto import schedule
from tlsviz.crypto.finished import verify_data_13
from tlsviz.crypto.protection import Opener, Unopened, opener_13
from tlsviz.crypto.signatures import certificate_verify_13_content, verify_signature
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls.suites import Suite, suite

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "rfc8448" / "transcripts.vec"
HASH = "sha256"


@pytest.fixture
def aes128() -> Suite:
    found = suite(0x1301)
    assert found
    return found


def messages(content: bytes) -> list[bytes]:
    """The handshake messages in a plaintext, headers included."""
    found = []
    while content:
        end = 4 + int.from_bytes(content[1:4], "big")
        found.append(content[:end])
        content = content[end:]
    return found


def opened(opener: Opener, record: bytes, content_type: int = 22) -> bytes:
    result = opener.open(record[0], int.from_bytes(record[1:3], "big"), record[5:])
    assert result.content_type == content_type
    return result.plaintext


def hellos() -> Transcript:
    transcript = Transcript()
    transcript.add(trace.CLIENT_HELLO_RECORD[5:])
    transcript.add(trace.SERVER_HELLO_RECORD[5:])
    return transcript


def test_secrets_from_the_key_exchange() -> None:
    private = X25519PrivateKey.from_private_bytes(trace.CLIENT_X25519_PRIVATE)
    ecdhe = private.exchange(X25519PublicKey.from_public_bytes(trace.SERVER_X25519_PUBLIC))
    assert ecdhe == trace.ECDHE
    early = schedule.early_secret(HASH)
    assert early == trace.EARLY_SECRET
    handshake = schedule.next_stage(HASH, early, ecdhe)
    assert handshake == trace.HANDSHAKE_SECRET
    assert schedule.next_stage(HASH, handshake) == trace.MAIN_SECRET


def test_handshake_traffic_secrets_and_keys(aes128: Suite) -> None:
    transcript_hash = hellos().hash(HASH)
    assert transcript_hash == trace.HELLOS_HASH
    client = schedule.derive_secret(HASH, trace.HANDSHAKE_SECRET, "c hs traffic", transcript_hash)
    server = schedule.derive_secret(HASH, trace.HANDSHAKE_SECRET, "s hs traffic", transcript_hash)
    assert client == trace.CLIENT_HANDSHAKE_TRAFFIC_SECRET
    assert server == trace.SERVER_HANDSHAKE_TRAFFIC_SECRET
    assert schedule.traffic_keys(aes128, server) == (trace.SERVER_HANDSHAKE_KEY, trace.SERVER_HANDSHAKE_IV)
    assert schedule.traffic_keys(aes128, client) == (trace.CLIENT_HANDSHAKE_KEY, trace.CLIENT_HANDSHAKE_IV)
    assert schedule.finished_key(HASH, server) == trace.SERVER_FINISHED_KEY
    assert schedule.finished_key(HASH, client) == trace.CLIENT_FINISHED_KEY


def test_the_whole_connection(aes128: Suite) -> None:
    transcript = hellos()
    server = opener_13(aes128, trace.SERVER_HANDSHAKE_TRAFFIC_SECRET)
    extensions, certificate, verify, finished = messages(opened(server, trace.SERVER_FLIGHT_RECORD))
    assert certificate == trace.CERTIFICATE_MESSAGE
    transcript.add(extensions)
    transcript.add(certificate)
    content = certificate_verify_13_content("server", transcript.hash(HASH))
    status, why = verify_signature(0x0804, certificate[11:-2], verify[8:], content, 0x0304)
    assert (status, why) == ("verified", "rsa_pss_rsae_sha256 with the RSA 1024 key")
    transcript.add(verify)
    expected = verify_data_13(HASH, trace.SERVER_HANDSHAKE_TRAFFIC_SECRET, transcript.hash(HASH))
    assert finished[4:] == expected == trace.SERVER_VERIFY_DATA
    transcript.add(finished)

    for label, known in (
        ("c ap traffic", trace.CLIENT_TRAFFIC_SECRET_0),
        ("s ap traffic", trace.SERVER_TRAFFIC_SECRET_0),
        ("exp master", trace.EXPORTER_SECRET),
    ):
        assert schedule.derive_secret(HASH, trace.MAIN_SECRET, label, transcript.hash(HASH)) == known

    client = opener_13(aes128, trace.CLIENT_HANDSHAKE_TRAFFIC_SECRET)
    client_finished = opened(client, trace.CLIENT_FINISHED_RECORD)
    expected = verify_data_13(HASH, trace.CLIENT_HANDSHAKE_TRAFFIC_SECRET, transcript.hash(HASH))
    assert client_finished[4:] == expected == trace.CLIENT_VERIFY_DATA
    transcript.add(client_finished)
    resumption = schedule.derive_secret(HASH, trace.MAIN_SECRET, "res master", transcript.hash(HASH))
    assert resumption == trace.RESUMPTION_SECRET
    assert schedule.resumption_psk(HASH, resumption, b"\x00\x00") == trace.RESUMPTION_PSK


def test_application_data(aes128: Suite) -> None:
    assert schedule.traffic_keys(aes128, trace.SERVER_TRAFFIC_SECRET_0) == (
        trace.SERVER_APPLICATION_KEY,
        trace.SERVER_APPLICATION_IV,
    )
    assert schedule.traffic_keys(aes128, trace.CLIENT_TRAFFIC_SECRET_0) == (
        trace.CLIENT_APPLICATION_KEY,
        trace.CLIENT_APPLICATION_IV,
    )
    client = opener_13(aes128, trace.CLIENT_TRAFFIC_SECRET_0)
    server = opener_13(aes128, trace.SERVER_TRAFFIC_SECRET_0)
    assert opened(server, trace.NEW_SESSION_TICKET_RECORD)[0] == 4
    assert opened(client, trace.CLIENT_DATA_RECORD, 23) == bytes(range(50))
    assert opened(server, trace.SERVER_DATA_RECORD, 23) == bytes(range(50))
    assert opened(client, trace.CLIENT_CLOSE_RECORD, 21) == b"\x01\x00"
    assert opened(server, trace.SERVER_CLOSE_RECORD, 21) == b"\x01\x00"
    assert (client.sequence, server.sequence) == (2, 3)


@pytest.mark.parametrize("bit", [0, 7, 8 * 300, 8 * 673 + 5])
def test_a_flipped_bit_fails(aes128: Suite, bit: int) -> None:
    fragment = bytearray(trace.SERVER_FLIGHT_RECORD[5:])
    fragment[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unopened) as caught:
        opener_13(aes128, trace.SERVER_HANDSHAKE_TRAFFIC_SECRET).open(23, 0x0303, bytes(fragment))
    assert caught.value.failed


def sections() -> dict[str, dict[str, bytes]]:
    """The shared vectors by section and field."""
    found: dict[str, dict[str, bytes]] = {}
    for part in re.split(r"^\[", VECTORS.read_text(), flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("]")
        fields = re.findall(r"^(\w+) = ([0-9a-fA-F ]+)$", body, re.MULTILINE)
        hexes = {key: value.replace(" ", "") for key, value in fields}  # some have stray spaces
        found[name] = {key: bytes.fromhex(value) for key, value in hexes.items() if len(value) % 2 == 0}
    return found


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("HelloRetryRequest_Handshake", 0x0804),
        ("Client_Authentication_Handshake", 0x0403),
        ("Middlebox_Compatibility_Mode", 0x0804),
        ("RawPublicKey_With_Client_Authentication", 0x0403),
    ],
)
def test_certificate_verify_of_the_other_traces(name: str, scheme: int) -> None:
    fields = sections()[name]
    content, signature = fields["Server_MessageToSign"], fields["Server_MessageSignature"]
    certificate, verify = fields["Message_Server_Certificate"], fields["Message_Server_CertificateVerify"]
    key = certificate[11 : 11 + int.from_bytes(certificate[8:11], "big")]  # a certificate or a raw public key
    assert int.from_bytes(verify[4:6], "big") == scheme
    assert verify[8:] == signature
    assert certificate_verify_13_content("server", content[98:]) == content
    assert verify_signature(scheme, key, signature, content, 0x0304)[0] == "verified"
    assert verify_signature(scheme, key, signature, content + b"\x00", 0x0304)[0] == "failed"


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
def test_hello_retry_request_transcript() -> None:
    fields = sections()["HelloRetryRequest_Handshake"]
    transcript = Transcript()
    transcript.add(fields["Record_ClientHello_1"][5:])
    transcript.replace_with_message_hash(HASH)
    for record in ("Record_HelloRetryRequest", "Record_ClientHello_2", "Record_ServerHello"):
        transcript.add(fields[record][5:])
    for message in ("Message_EncryptedExtensions", "Message_Server_Certificate"):
        transcript.add(fields[message])
    assert transcript.hash(HASH) == fields["Server_MessageToSign"][98:]


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
def test_resumption_binder() -> None:
    hello = sections()["Resumed_0RTT_Handshake"]["Record_ClientHello_1"][5:]
    binder = hello[-32:]
    transcript = Transcript()
    transcript.add(hello[: -32 - 3])  # without the binders and their two lengths
    early = schedule.early_secret(HASH, trace.RESUMPTION_PSK)
    key = schedule.binder_key(HASH, early, external=False)
    assert verify_data_13(HASH, key, transcript.hash(HASH)) == binder
