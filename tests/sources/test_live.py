"""Live handshakes against the lab in this process, and against OpenSSL's own server."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from effort import Stopwatch

from tlsviz.connection.ladder import connected
from tlsviz.connection.model import Connection
from tlsviz.errors import CancelledError, TlsvizError, UsageError
from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.run import store
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target

AUTHORITY = Authority()
TARGET = Target(SERVER_NAME)


def unproven(connection: Connection) -> set[str]:
    """What is not verified; the premaster secret that the extended master secret is made from is in no key log."""
    return {proof.what for proof in connection.proofs if proof.status != "verified"}


def shake(port: int, **options: object) -> Connection:
    defaults = LiveOptions(resolve=f"127.0.0.1:{port}", stores=(store(AUTHORITY),), timeout=5)
    trace = run_live(TARGET, dataclasses.replace(defaults, **options))  # type: ignore[arg-type]
    assert trace.source.kind == "live"
    assert trace.source.packets is None
    (connection,) = trace.connections
    return connection


@contextlib.contextmanager
def lab(**settings: object) -> Iterator[int]:
    with LabServer(ServerSettings(**settings), AUTHORITY.server(), AUTHORITY) as server:  # type: ignore[arg-type]
        yield server.port


def kinds(connection: Connection) -> list[str]:
    return [message.type for message in connection.messages if message.sender == "server"]


def test_tls13_is_whole_decrypted_proven_and_trusted() -> None:
    with lab() as port:
        connection = shake(port)
    assert connection.version is not None
    assert connection.version.name == "TLS 1.3"
    assert str(connection.group) == "X25519MLKEM768"
    assert connection.alpn == "http/1.1"
    assert connection.complete
    assert connection.server_name == SERVER_NAME
    assert {message.provenance for message in connection.messages} == {"wire", "decrypted"}
    assert unproven(connection) <= {"extended_master_secret"}
    assert connection.trust is not None
    assert connection.trust.verdict == "trusted"
    assert connection.diagnosis is None
    assert connection.client.address == "127.0.0.1"
    assert connection.server.port == port
    assert "new_session_ticket" in kinds(connection)


def test_times_rise_and_marks_frame_the_handshake() -> None:
    before = time.time()
    with lab() as port:
        connection = shake(port)
    things = [(m.order, m.time) for m in connection.messages] + [(m.order, m.mark.time) for m in connection.marks]
    times = [at for _, at in sorted(things)]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= time.time()
    marks = [(m.mark.kind, m.mark.sender) for m in connection.marks]
    assert marks == [("syn", "client"), ("connected", "server"), ("fin", "server"), ("fin", "client")]
    assert connected(connection)


def test_http_request_and_response_are_seen_in_plaintext() -> None:
    with lab(page="a page of this test") as port:
        connection = shake(port)
    said = {run.sender: run.plaintext.data for run in connection.application if run.plaintext}
    assert said["client"].startswith(b"GET / HTTP/1.1\r\nHost: www.lab.test\r\nUser-Agent: tlsviz/")
    assert said["server"].startswith(b"HTTP/1.1 200 OK")
    assert b"a page of this test" in said["server"]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_every_version_is_complete_and_proven(version: str) -> None:
    with lab(max_version=version) as port:
        connection = shake(port)
    assert connection.version is not None
    assert connection.version.name == f"TLS {version}"
    assert connection.complete
    assert unproven(connection) <= {"extended_master_secret"}


def test_no_name_is_sent_to_an_address() -> None:
    with lab() as port:
        connection = run_live(Target("127.0.0.1", port), LiveOptions(stores=(store(AUTHORITY),))).connections[0]
        silent = shake(port, servername="")
        other = shake(port, servername="lab.test")
    assert 0 not in {code.code for code in connection.offered.extensions}
    assert connection.server_name is None
    assert connection.trust is not None
    assert connection.trust.verdict == "trusted"
    assert 0 not in {code.code for code in silent.offered.extensions}
    assert other.server_name == "lab.test"


@pytest.mark.parametrize(
    ("resolve", "place"),
    [
        (None, (SERVER_NAME, 8443)),
        ("192.0.2.1", ("192.0.2.1", 8443)),
        ("192.0.2.1:443", ("192.0.2.1", 443)),
        ("2001:db8::1", ("2001:db8::1", 8443)),
        ("[2001:db8::1]", ("2001:db8::1", 8443)),
        ("[2001:db8::1]:5", ("2001:db8::1", 5)),
    ],
)
def test_resolve_takes_an_address_with_or_without_port(resolve: str | None, place: tuple[str, int]) -> None:
    assert LiveOptions(resolve=resolve).place(Target(SERVER_NAME, 8443)) == place


def test_options_shape_the_hello() -> None:
    with lab() as port:
        connection = shake(
            port,
            groups="x25519,P-256",
            sigalgs="ecdsa_secp256r1_sha256",
            ciphers="TLS_CHACHA20_POLY1305_SHA256",
            min_version="1.3",
            alpn=("h2", "http/1.1"),
        )
    assert [str(group) for group in connection.offered.groups] == ["x25519", "secp256r1"]
    assert [str(scheme) for scheme in connection.offered.signature_schemes] == ["ecdsa_secp256r1_sha256"]
    assert str(connection.cipher_suite) == "TLS_CHACHA20_POLY1305_SHA256"
    assert [str(version) for version in connection.offered.versions] == ["TLS 1.3"]
    assert connection.offered.alpn == ("h2", "http/1.1")


def test_another_protocol_gets_no_http_request() -> None:
    with lab(alpn=("imap",)) as port:
        connection = shake(port, alpn=("imap",))
    assert connection.alpn == "imap"
    assert connection.client_data.records == 0
    assert connection.complete
    assert connection.diagnosis is None


def test_old_suites_go_by_either_name() -> None:
    with lab(max_version="1.2") as port:
        iana = shake(port, ciphers="TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA")
        openssl = shake(port, ciphers="ECDHE-ECDSA-AES256-SHA")
    assert str(iana.cipher_suite) == str(openssl.cipher_suite) == "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"


def test_client_certificate_from_files(tmp_path: Path) -> None:
    client = AUTHORITY.client()
    (tmp_path / "cert.pem").write_bytes(client.pem)
    (tmp_path / "key.pem").write_bytes(client.key_pem)
    with lab(client_certificate=True) as port:
        connection = shake(port, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem")
        stranger = AUTHORITY.stranger.client()
        (tmp_path / "both.pem").write_bytes(stranger.pem + stranger.key_pem)
        refused = shake(port, cert=tmp_path / "both.pem")
        missing = shake(port)
    assert connection.client_auth
    assert connection.diagnosis is None
    assert connection.server_data.bytes
    assert refused.diagnosis is not None
    assert refused.diagnosis.code == "client_certificate_refused"
    assert missing.diagnosis is not None
    assert missing.diagnosis.code == "client_certificate_required"


@pytest.mark.parametrize(
    ("cert", "key", "why"),
    [
        (b"no PEM at all", None, "it holds no certificate in PEM form"),
        (AUTHORITY.client().pem, None, "there is no private key in PEM form with it"),
        (AUTHORITY.client().pem, b"-----BEGIN ENCRYPTED PRIVATE KEY-----", "its key is locked with a passphrase"),
        (AUTHORITY.client().pem, b"-----BEGIN PRIVATE KEY-----", "damaged"),
    ],
)
def test_a_wrong_client_certificate_is_named_in_our_words(
    tmp_path: Path, cert: bytes, key: bytes | None, why: str
) -> None:
    (tmp_path / "cert.pem").write_bytes(cert)
    (tmp_path / "key.pem").write_bytes(key or b"")
    with lab() as port, pytest.raises(UsageError) as refused:
        shake(port, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem" if key else None)
    assert why in str(refused.value)
    assert "http" not in str(refused.value)


def test_client_certificate_missing_in_tls12() -> None:
    with lab(client_certificate=True, max_version="1.2") as port:
        connection = shake(port)
    assert not connection.complete
    assert connection.diagnosis is not None
    assert connection.diagnosis.code == "client_certificate_required"


def test_ca_file_replaces_the_stores(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(AUTHORITY.root.pem)
    with lab() as port:
        trusted = shake(port, stores=None, ca=ca)
        unknown = shake(port, stores=None)
    assert trusted.trust is not None
    assert trusted.trust.store == "ca.pem"
    assert trusted.trust.verdict == "trusted"
    assert unknown.diagnosis is not None
    assert unknown.diagnosis.code == "certificate_unknown_issuer"


def test_snapshots_come_while_the_server_is_slow() -> None:
    """A silent server: what has happened so far is shown long before the time is over."""
    seen: list[Connection] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = LiveOptions(resolve=f"127.0.0.1:{listener.getsockname()[1]}", timeout=0.2)
        final = run_live(TARGET, options, update=seen.append).connections[0]
    assert seen
    assert [message.type for message in seen[0].messages] == ["client_hello"]
    assert seen[0].client == final.client
    assert final.diagnosis is not None


def test_cancel_is_heard_within_a_fifth_of_a_second() -> None:
    start = time.monotonic()
    watch = Stopwatch()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(CancelledError),
    ):
        options = LiveOptions(resolve=f"127.0.0.1:{listener.getsockname()[1]}")
        run_live(TARGET, options, cancelled=lambda: time.monotonic() - start > 0.1)
    assert watch.seconds() < 1.5


@pytest.mark.parametrize(
    "options",
    [
        LiveOptions(ciphers="nonsense"),
        LiveOptions(ciphers=""),
        LiveOptions(groups="nonsense"),
        LiveOptions(ciphers="AES128-SHA256", max_version="1.0"),
        LiveOptions(ciphers="PSK-AES128-CBC-SHA", max_version="1.2"),
        LiveOptions(sigalgs="nonsense"),
        LiveOptions(ciphers="é"),
        LiveOptions(min_version="1.3", max_version="1.2"),
        LiveOptions(min_version="1.4"),
        LiveOptions(timeout=0),
        LiveOptions(timeout=float("nan")),
        LiveOptions(resolve="example.com"),
        LiveOptions(resolve="127.0.0.1:0"),
        LiveOptions(servername="exa mple"),
        LiveOptions(alpn=("x" * 256,)),
        LiveOptions(key=Path("key.pem")),
        LiveOptions(cert=Path("not/there.pem")),
        LiveOptions(cert=Path(__file__)),
        LiveOptions(starttls="gopher"),
        LiveOptions(resume=-1),
    ],
)
def test_what_cannot_be_followed_is_said_before_anything_happens(options: LiveOptions) -> None:
    with pytest.raises(UsageError) as caught:
        run_live(Target("127.0.0.1", 1), options)
    assert caught.value.exit_status == 2
    assert caught.value.hint


def test_ca_file_that_is_not_there() -> None:
    with pytest.raises(TlsvizError):
        run_live(Target("127.0.0.1", 1), LiveOptions(ca=Path("not/there.pem")))


def test_locked_key_is_not_asked_for(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    client = AUTHORITY.client()
    locked = client.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    file = tmp_path / "locked.pem"
    file.write_bytes(client.pem + locked)
    with pytest.raises(UsageError, match="passphrase"):
        run_live(Target("127.0.0.1", 1), LiveOptions(cert=file))


@pytest.fixture(scope="module")
def s_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """OpenSSL's own server, with everything back to TLS 1.0."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    folder = tmp_path_factory.mktemp("s_server")
    identity = AUTHORITY.server()
    (folder / "all.pem").write_bytes(identity.pem + identity.key_pem)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "all.pem", "-cert_chain", "all.pem"]
    command += ["-www", "-quiet", "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            time.sleep(0.02)
        yield port
        process.terminate()


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_openssl_server(s_server: int, version: str) -> None:
    connection = shake(s_server, max_version=version)
    assert connection.version is not None
    assert connection.version.name == f"TLS {version}"
    assert connection.complete
    assert connection.diagnosis is None
    assert unproven(connection) <= {"extended_master_secret"}
    assert any(run.sender == "server" and run.plaintext for run in connection.application)
    assert connection.trust is not None
    assert connection.trust.verdict == "trusted"
