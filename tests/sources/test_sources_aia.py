"""Fetching missing intermediates: over plain HTTP from a server of ours, and from servers that mean harm."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from certificate_makers import HOST, MIDDLE, NOW, ROOT, Made, ec_key, make
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from effort import Stopwatch

from tlsviz.pki import stores
from tlsviz.pki.verify import judge
from tlsviz.sources.aia import MAX_SIZE, certificates_in, complete

STORE = stores.from_ders("lab", [ROOT.der])
Reply = Callable[[socket.socket, str], None]


@contextmanager
def serving(reply: Reply) -> Iterator[str]:
    """The address of a server on 127.0.0.1 that gives each connection and its request's first line to ``reply``."""
    listener = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                try:
                    line = client.recv(4096).decode("latin-1").partition("\r\n")[0]
                    reply(client, line)
                except OSError:
                    continue

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answers(body: bytes, status: str = "200 OK", head: str = "") -> Reply:
    def reply(client: socket.socket, _line: str) -> None:
        client.sendall(f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    return reply


def leaf(address: str) -> Made:
    return make(HOST, ec_key(2), MIDDLE, names=(HOST,), aia=address)


P7 = pkcs7.serialize_certificates([ROOT.cert, MIDDLE.cert], Encoding.DER)
P7_PEM = pkcs7.serialize_certificates([MIDDLE.cert], Encoding.PEM)


@pytest.mark.parametrize(
    "body", [MIDDLE.der, MIDDLE.cert.public_bytes(Encoding.PEM), P7, P7_PEM], ids=["der", "pem", "p7c", "p7c-pem"]
)
def test_the_missing_certificate_in_every_form(body: bytes) -> None:
    with serving(answers(body)) as address:
        made = leaf(f"{address}/middle")
        found = complete([made.der], [STORE])
    assert [one.der for one in found.certificates] == [MIDDLE.der]
    assert [(one.where, one.fault) for one in found.attempts] == [(f"{address}/middle", "")]
    trust = judge([made.der], HOST, NOW, [STORE], fetched=found.certificates)
    assert (trust.verdict, trust.stores[0].helped.verdict) == ("untrusted", "trusted")  # type: ignore[union-attr]
    assert trust.borrowed[0].source == "fetched"


def test_nothing_is_fetched_for_a_chain_without_a_gap() -> None:
    made = leaf("http://127.0.0.1:9/never")
    assert complete([made.der, MIDDLE.der], [STORE]).attempts == ()
    assert complete([], [STORE]).attempts == ()
    assert complete([b"garbage"], [STORE]).attempts == ()


def test_redirects_are_followed_but_not_for_ever() -> None:
    def once(client: socket.socket, line: str) -> None:
        if " /there " in line:
            answers(MIDDLE.der)(client, line)
        else:
            answers(b"", "302 Found", "Location: /there\r\n")(client, line)

    with serving(once) as address:
        assert len(complete([leaf(f"{address}/here").der], [STORE]).certificates) == 1
    with serving(answers(b"", "301 Moved", "Location: /again\r\n")) as address:
        (attempt,) = complete([leaf(f"{address}/x").der], [STORE]).attempts
        assert "redirects" in attempt.fault


@pytest.mark.parametrize(
    "place", ["https://127.0.0.1/x", "file:///etc/passwd", "ldap://ca.test/", "ftp://a/b", "http:///x"]
)
def test_only_http_is_asked(place: str) -> None:
    found = complete([leaf(place).der], [STORE])
    assert found.certificates == () and found.attempts[0].fault
    with serving(answers(b"", "302 Found", f"Location: {place}\r\n")) as address:
        (attempt,) = complete([leaf(f"{address}/x").der], [STORE]).attempts
        assert attempt.fault


def test_too_much_wrong_and_refused() -> None:
    with serving(answers(b"\x30" * (MAX_SIZE + 2))) as address:
        assert "larger than 256 kB" in complete([leaf(address).der], [STORE]).attempts[0].fault
    with serving(answers(ROOT.der)) as address:
        assert "not the issuer's" in complete([leaf(address).der], [STORE]).attempts[0].fault
    with serving(answers(b"", "404 Not Found")) as address:
        assert "HTTP 404" in complete([leaf(address).der], [STORE]).attempts[0].fault
    with serving(lambda client, _line: client.sendall(b"nonsense\r\n")) as address:
        assert "cannot be reached" in complete([leaf(address).der], [STORE]).attempts[0].fault
    (attempt,) = complete([leaf(address).der], [STORE]).attempts
    assert "cannot be reached" in attempt.fault


def test_a_server_that_drips_is_left_in_time() -> None:
    stop = threading.Event()

    def drip(client: socket.socket, _line: str) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.02):
            client.sendall(b"X: y\r\n")

    with serving(drip) as address:
        watch = Stopwatch()
        (attempt,) = complete([leaf(address).der], [STORE], timeout=0.3).attempts
        assert watch.seconds() < 3
        assert attempt.fault == "the time was up" or "cannot be reached" in attempt.fault
        stop.set()


@pytest.mark.parametrize(
    "data", [b"", b"garbage", b"\x30\x80", P7[:-10], b"-----BEGIN PKCS7-----\n!!\n-----END PKCS7-----"]
)
def test_answers_without_a_certificate(data: bytes) -> None:
    assert certificates_in(data) == ()
