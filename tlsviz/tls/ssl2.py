"""SSL 2 messages, of which the hello was long used to offer SSL 3 and TLS too (RFC 5246 E.2; RFC 6176)."""

from __future__ import annotations

from functools import cache

from tlsviz.tls import registry
from tlsviz.tls.context import Context
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Body, Reader, decode


class _CipherSpecs:
    """Three-byte cipher kinds: SSL 2's own, or a TLS cipher suite behind a zero."""

    @staticmethod
    @cache
    def get(code: int) -> str | None:
        return registry.cipher_suites.get(code) if code <= 0xFFFF else registry.ssl2_cipher_kinds.get(code)


def ssl2_message_type(data: bytes) -> str:
    """``ssl2_client_hello`` and so on, else ``ssl2_0xNN``, from a message's first byte."""
    name = registry.ssl2_message_types.get(data[0]) if data else None
    return f"ssl2_{name}" if name else f"ssl2_0x{data[:1].hex() or '00'}"


def decode_ssl2(data: bytes, context: Context) -> Node:
    """An SSL 2 message without its record header."""

    def message(r: Reader) -> None:
        _BODIES.get(r.uint("msg_type", 1, registry.ssl2_message_types), _unknown)(r)

    return decode(ssl2_message_type(data), data, message)


def _unknown(r: Reader) -> None:
    r.rest("body")


def _error(r: Reader) -> None:
    names = {1: "NO-CIPHER-ERROR", 2: "NO-CERTIFICATE-ERROR", 4: "BAD-CERTIFICATE-ERROR"}
    r.uint("error_code", 2, names | {6: "UNSUPPORTED-CERTIFICATE-TYPE-ERROR"})


def _cipher_specs(r: Reader, size: int) -> None:
    def specs(v: Reader) -> None:
        while v.remaining:
            v.uint("cipher_spec", 3, _CipherSpecs)

    r.struct("cipher_specs", specs, size)


def _client_hello(r: Reader) -> None:
    r.uint("version", 2, registry.versions)
    specs = r.uint("cipher_spec_length", 2)
    session = r.uint("session_id_length", 2)
    challenge = r.uint("challenge_length", 2)
    _cipher_specs(r, specs)
    r.opaque("session_id", session)
    r.opaque("challenge", challenge)


def _server_hello(r: Reader) -> None:
    r.uint("session_id_hit", 1)
    r.uint("certificate_type", 1, {1: "X509_CERTIFICATE"})
    r.uint("server_version", 2, registry.versions)
    certificate = r.uint("certificate_length", 2)
    specs = r.uint("cipher_specs_length", 2)
    connection = r.uint("connection_id_length", 2)
    r.opaque("certificate", certificate)
    _cipher_specs(r, specs)
    r.opaque("connection_id", connection)


def _client_master_key(r: Reader) -> None:
    r.uint("cipher_kind", 3, _CipherSpecs)
    clear = r.uint("clear_key_length", 2)
    encrypted = r.uint("encrypted_key_length", 2)
    argument = r.uint("key_arg_length", 2)
    r.opaque("clear_key_data", clear)
    r.opaque("encrypted_key_data", encrypted)
    r.opaque("key_arg_data", argument)


def _request_certificate(r: Reader) -> None:
    r.uint("authentication_type", 1, {1: "MD5_WITH_RSA_ENCRYPTION"})
    r.rest("certificate_challenge_data")


def _client_certificate(r: Reader) -> None:
    r.uint("certificate_type", 1, {1: "X509_CERTIFICATE"})
    certificate = r.uint("certificate_length", 2)
    response = r.uint("response_length", 2)
    r.opaque("certificate", certificate)
    r.opaque("response_data", response)


def _rest_as(name: str) -> Body:
    def body(r: Reader) -> None:
        r.rest(name)

    return body


_BODIES: dict[int, Body] = {
    0: _error,
    1: _client_hello,
    2: _client_master_key,
    3: _rest_as("connection_id"),
    4: _server_hello,
    5: _rest_as("challenge_data"),
    6: _rest_as("session_id_data"),
    7: _request_certificate,
    8: _client_certificate,
}
