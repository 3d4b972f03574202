"""What the lab's authority publishes over HTTP and staples, and the server that plays from a script."""

from __future__ import annotations

import datetime as dt
import socket
import urllib.error
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from cryptography.x509 import ocsp

from tlsviz.lab.authority import DAY, Authority
from tlsviz.lab.revocation import responder, revocation_list, staple
from tlsviz.lab.run import scenario
from tlsviz.lab.scripted import ScriptedServer, empty_certificate
from tlsviz.lab.shelf import Shelf
from tlsviz.lab.stage import staged

AUTHORITY = Authority()


def fetch(url: str) -> tuple[str | None, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as response:
        return response.headers["Content-Type"], response.read()


def test_shelf_gives_what_it_has_and_nothing_else() -> None:
    with Shelf({"/a.crl": b"list"}) as shelf:
        assert fetch(f"{shelf.url}/a.crl") == ("application/pkix-crl", b"list")
        with pytest.raises(urllib.error.HTTPError) as missing:
            fetch(f"{shelf.url}/b.crl")
        missing.value.close()
        assert missing.value.code == 404
        with socket.create_connection((shelf.host, shelf.port)) as sock:
            sock.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
            assert sock.recv(1) == b""
        assert fetch(f"{shelf.url}/a.crl")[1] == b"list"


@pytest.mark.parametrize("name", ["missing-intermediate-aia", "missing-intermediate-p7c"])
def test_missing_intermediate_lies_where_the_certificate_says(name: str) -> None:
    with staged(scenario(name)) as stage:
        assert len(stage.shown.chain) == 1
        leaf = stage.shown.certificate
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        kind, content = fetch(access[0].access_location.value)
    if name.endswith("p7c"):
        assert kind == "application/pkcs7-mime"
        found = load_der_pkcs7_certificates(content)
    else:
        assert kind == "application/pkix-cert"
        found = [x509.load_der_x509_certificate(content)]
    assert [one for one in found if one.subject == leaf.issuer]
    leaf.verify_directly_issued_by(next(one for one in found if one.subject == leaf.issuer))


def test_list_names_the_revoked_and_lies_where_the_certificate_says() -> None:
    with staged(scenario("revoked-list")) as stage:
        leaf = stage.shown.certificate
        points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert points[0].full_name
        published = x509.load_der_x509_crl(fetch(points[0].full_name[0].value)[1])
    assert published.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None


def test_list_and_staple_are_signed_and_dated() -> None:
    leaf = AUTHORITY.server()
    issuer = AUTHORITY.intermediate.certificate
    key = issuer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    published = x509.load_der_x509_crl(revocation_list(AUTHORITY, leaf))
    assert published.is_signature_valid(key)
    assert published.next_update_utc is not None
    assert published.last_update_utc < AUTHORITY.now < published.next_update_utc
    for revoked, age, fresh in ((False, dt.timedelta(hours=6), True), (True, 30 * DAY, False)):
        answer = ocsp.load_der_ocsp_response(staple(AUTHORITY, leaf, revoked, age))
        one = next(iter(answer.responses))
        assert one.serial_number == leaf.certificate.serial_number
        assert (one.certificate_status == ocsp.OCSPCertStatus.REVOKED) == revoked
        assert one.next_update_utc is not None
        assert (one.this_update_utc < AUTHORITY.now < one.next_update_utc) == fresh
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(answer.signature_hash_algorithm))


def test_responder_comes_along_and_may_sign() -> None:
    signer = responder(AUTHORITY)
    answer = ocsp.load_der_ocsp_response(staple(AUTHORITY, AUTHORITY.server(), responder=signer))
    assert answer.certificates == [signer.certificate]
    purposes = signer.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING]


def test_captures_have_a_place_of_their_own() -> None:
    fixed = Authority(dt.datetime(2026, 1, 15, tzinfo=dt.UTC), "seed", url="http://pki.lab.test")
    chosen = scenario("missing-intermediate-aia")
    with staged(chosen, fixed) as one, staged(chosen, fixed) as two:
        assert one.shown.der == two.shown.der
        assert b"http://pki.lab.test/intermediate.cer" in one.shown.certificate.public_bytes(Encoding.DER)


def test_script_answers_a_hello_and_outlives_nonsense() -> None:
    hello = b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"
    with ScriptedServer(empty_certificate, AUTHORITY.server()) as server:
        for said in (b"", b"\x16\x03", b"GET / HTTP/1.0\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port)) as sock:
                sock.sendall(said)
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(hello)
            answer = b""
            while len(answer) < len(empty_certificate(hello, AUTHORITY.server())):
                answer += sock.recv(4096)
    assert answer == empty_certificate(hello, AUTHORITY.server())
    assert b"\x0b\x00\x00\x03\x00\x00\x00" in answer
