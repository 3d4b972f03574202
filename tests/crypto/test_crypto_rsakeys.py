"""RSA private keys: every form of file, and every way in which a padded block can be wrong."""

from __future__ import annotations

from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from tlsviz.crypto.rsakeys import KeyFileProblem, RsaKeys, read_rsa_keys, unpad

PREMASTER = b"\x03\x03" + bytes(range(46))
PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
LOCKED = BestAvailableEncryption(b"WebAS")


@cache
def private(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def pem(
    form: PrivateFormat = PKCS8, protection: KeySerializationEncryption | None = None, encoding: Encoding = Encoding.PEM
) -> bytes:
    return private(0).private_bytes(encoding, form, protection or NoEncryption())


def keys(*numbers: int) -> RsaKeys:
    found = RsaKeys()
    for number in numbers:
        data = private(number).private_bytes(Encoding.PEM, PKCS8, NoEncryption())
        found.add(read_rsa_keys(data, f"key {number}"))
    return found


def spki(number: int) -> bytes:
    return private(number).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def encrypted(block: bytes, number: int = 0) -> bytes:
    """A block as the sender wrote it, whatever is in it."""
    public = private(number).public_key().public_numbers()
    return pow(int.from_bytes(block, "big"), public.e, public.n).to_bytes(128, "big")


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (pem(PKCS1), None),
        (pem(PKCS8), None),
        (pem(PKCS8), b"of no use"),
        (pem(PKCS1, encoding=Encoding.DER), None),
        (pem(PKCS8, encoding=Encoding.DER), None),
        (pem(PKCS1, LOCKED), b"WebAS"),
        (pem(PKCS8, LOCKED), b"WebAS"),
        (pem(PKCS8, LOCKED, Encoding.DER), b"WebAS"),
        (pkcs12.serialize_key_and_certificates(b"n", private(0), None, None, LOCKED), b"WebAS"),
        (pkcs12.serialize_key_and_certificates(b"n", private(0), None, None, NoEncryption()), None),
        (b"Bag Attributes\n subject=CN = x\r\n" + pem(PKCS8).replace(b"\n", b"\r\n") + b"rest", None),
    ],
)
def test_every_form(data: bytes, password: bytes | None) -> None:
    (key,) = read_rsa_keys(data, "server.pem", password)
    assert (key.name, key.size) == ("server.pem", 128)
    assert key.modulus == private(0).private_numbers().public_numbers.n
    assert str(private(0).private_numbers().p) not in repr(key)


@pytest.mark.parametrize(
    "data",
    [
        pem(PKCS1, LOCKED),
        pem(PKCS8, LOCKED),
        pem(PKCS8, LOCKED, Encoding.DER),
        pkcs12.serialize_key_and_certificates(b"n", private(0), None, None, LOCKED),
    ],
)
def test_passwords(data: bytes) -> None:
    with pytest.raises(KeyFileProblem, match="protected by a password") as missing:
        read_rsa_keys(data, "server.pem")
    with pytest.raises(KeyFileProblem, match="the password is wrong") as wrong:
        read_rsa_keys(data, "server.pem", b"webas")
    assert missing.value.password
    assert wrong.value.password


EC = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no key",
        b"\x30",
        b"\x30\x82\xff\xff\x02\x01\x03",
        b"\x30\x03\x02\x01\x00",
        EC,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n!!!!\n-----END RSA PRIVATE KEY-----\n",
        pem(PKCS1)[:300],
    ],
)
def test_what_is_no_key(data: bytes) -> None:
    with pytest.raises(KeyFileProblem) as problem:
        read_rsa_keys(data, "server.pem")
    assert not problem.value.password or b"\x02\x01\x03" in data


def test_several_keys_in_a_file() -> None:
    both = pem() + EC + private(1).private_bytes(Encoding.PEM, PKCS1, NoEncryption())
    assert [key.size for key in read_rsa_keys(both, "all.pem")] == [128, 128]
    found = keys(0, 1, 0)
    assert len(found) == 2


def test_decrypts_with_and_without_length() -> None:
    message = private(0).public_key().encrypt(PREMASTER, padding.PKCS1v15())
    for body in (message, b"\x00\x80" + message):
        found = keys(0).decrypt(body, None)
        assert found
        assert (found.premaster, found.why, found.key) == (PREMASTER, "", "key 0")
        assert found.block[:2] == b"\x00\x02"
        assert found.block.endswith(b"\x00" + PREMASTER)


def test_the_right_key_is_found() -> None:
    message = encrypted(b"\x00\x02" + b"\x11" * 77 + b"\x00" + PREMASTER, 1)
    found = keys(0, 1).decrypt(message, None)
    assert found
    assert (found.key, found.premaster) == ("key 1", PREMASTER)


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (b"\x00\x01" + b"\x11" * 77 + b"\x00" + PREMASTER, "does not begin with 00 02"),
        (b"\x01\x02" + b"\x11" * 77 + b"\x00" + PREMASTER, "does not begin with 00 02"),
        (b"\x00\x02" + b"\x11" * 126, "no zero byte"),
        (b"\x00\x02" + b"\x11" * 7 + b"\x00" + b"\x22" * 118, "padding has 7 bytes"),
        (b"\x00\x02" + b"\x11" * 78 + b"\x00" + PREMASTER[1:], "has 47 bytes, not 48"),
        (b"\x00\x02" + b"\x11" * 76 + b"\x00" + PREMASTER + b"\x00", "has 49 bytes, not 48"),
        (b"\x00\x02" + b"\x11" * 125 + b"\x00", "has 0 bytes, not 48"),
        (bytes(128), "does not begin with 00 02"),
    ],
)
def test_bad_blocks_are_said(block: bytes, why: str) -> None:
    assert len(block) == 128
    found = keys(0).decrypt(encrypted(block), None)
    assert found
    assert found.premaster is None
    assert why in found.why
    assert found.block == block


def test_another_key() -> None:
    message = private(1).public_key().encrypt(PREMASTER, padding.PKCS1v15())
    found = keys(0).decrypt(message, spki(1))
    assert found
    assert found.why == "the RSA key is not that of the server's certificate"
    found = keys(0).decrypt(message, b"no certificate")
    assert found
    assert found.premaster is None
    found = keys(0).decrypt(bytes(256), None)
    assert found
    assert found.why == "no RSA key has the size of the encrypted premaster secret"
    assert RsaKeys().decrypt(message, None) is None
    assert keys(0).decrypt(b"", None)


def test_short_blocks_are_no_trouble() -> None:
    block = b"\x00\x02" + b"\x01" * 8 + b"\x00" + b"m"
    assert [unpad(block[:size]).message for size in range(len(block) + 1)] == [None] * 11 + [b"", b"m"]
