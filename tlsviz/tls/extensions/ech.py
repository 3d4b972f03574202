"""Encrypted Client Hello (RFC 9849 4 and 5)."""

from __future__ import annotations

from functools import partial

from tlsviz.tls import registry
from tlsviz.tls.extensions.key_share import key_share_entry
from tlsviz.tls.extensions.table import CH, EE, HRR, extension
from tlsviz.tls.fields import codes, structs, text, within
from tlsviz.wire.reader import Reader

OUTER = 0
ECH_VERSION = 0xFE0D


@extension(65037, CH)
def encrypted_client_hello(r: Reader) -> None:
    """``ECHClientHello``: the outer one carries the encrypted inner ClientHello, or random bytes (GREASE)."""
    if r.uint("type", 1, registry.ech_client_hello_types) != OUTER:
        return
    r.struct("cipher_suite", _cipher_suite)
    r.uint("config_id", 1)
    r.vector_opaque("enc", 2)
    r.vector_opaque("payload", 2)


@extension(65037, HRR)
def confirmation(r: Reader) -> None:
    """``ECHHelloRetryRequest``."""
    r.opaque("confirmation", 8)


@extension(65037, EE)
def retry_configs(r: Reader) -> None:
    """``ECHConfigList retry_configs``."""
    structs(r, "retry_configs", 2, "ech_config", _config)


@extension(65486, CH)
def encrypted_server_name(r: Reader) -> None:
    """``ClientEncryptedSNI`` of ESNI, ECH's forerunner (draft-ietf-tls-esni-02 4.2)."""
    r.uint("suite", 2, registry.cipher_suites)
    r.struct("key_share", partial(key_share_entry, server=False))
    r.vector_opaque("record_digest", 2)
    r.vector_opaque("encrypted_sni", 2)


@extension(64768, CH)
def ech_outer_extensions(r: Reader) -> None:
    """``ExtensionType OuterExtensions<2..254>``: only inside the inner ClientHello."""
    codes(r, "outer_extensions", 1, "extension_type", 2, registry.extensions)


def _cipher_suite(r: Reader) -> None:
    r.uint("kdf_id", 2, registry.hpke_kdfs)
    r.uint("aead_id", 2, registry.hpke_aeads)


def _config(r: Reader) -> None:
    version = r.uint("version", 2)
    within(r, r.uint("length", 2), _contents if version == ECH_VERSION else _unknown)


def _unknown(r: Reader) -> None:
    r.rest("contents")


def _contents(r: Reader) -> None:
    def key_config(v: Reader) -> None:
        v.uint("config_id", 1)
        v.uint("kem_id", 2, registry.hpke_kems)
        v.vector_opaque("public_key", 2)
        structs(v, "cipher_suites", 2, "cipher_suite", _cipher_suite)

    r.struct("key_config", key_config)
    r.uint("maximum_name_length", 1)
    text(r, "public_name", 1)
    structs(r, "extensions", 2, "ech_config_extension", _config_extension)


def _config_extension(r: Reader) -> None:
    r.uint("type", 2)
    r.vector_opaque("data", 2)
