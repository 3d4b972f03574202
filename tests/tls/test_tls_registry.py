from __future__ import annotations

import pytest

from tlsviz.tls import registry
from tlsviz.tls.registry import Registry, is_grease

ALL = [value for value in vars(registry).values() if isinstance(value, Registry)]
GREASE = {0x0A0A, 0x1A1A, 0x2A2A, 0x3A3A, 0x4A4A, 0x5A5A, 0x6A6A, 0x7A7A}
GREASE |= {0x8A8A, 0x9A9A, 0xAAAA, 0xBABA, 0xCACA, 0xDADA, 0xEAEA, 0xFAFA}


@pytest.mark.parametrize("names", ALL, ids=lambda names: names.name)
def test_every_registry_loads_and_its_codes_fit(names: Registry) -> None:
    codes = list(names)
    assert codes == sorted(set(codes)) and len(codes) == len(names) > 0
    for code in codes:
        assert 0 <= code < 1 << 8 * names.width
        name = names.get(code)
        assert name and name == name.strip() and name.isprintable() and code in names
        assert len(names.row(code)) >= 2


def test_grease_is_the_sixteen_values() -> None:
    assert {code for code in range(0x10000) if is_grease(code)} == GREASE
    for names in (registry.cipher_suites, registry.groups, registry.extensions, registry.versions):
        assert {code for code in range(0x10000) if names.get(code) == "GREASE"} == GREASE
        assert names.reference(0x0A0A) == "RFC 8701"
        assert 0x0A0A in names and 0x0A0A not in list(names)
    assert registry.psk_modes.get(0x0B) == "GREASE"
    assert registry.point_formats.get(0x0A) is None


@pytest.mark.parametrize(
    ("names", "code", "name"),
    [
        (registry.cipher_suites, 0x1301, "TLS_AES_128_GCM_SHA256"),
        (registry.cipher_suites, 0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        (registry.cipher_suites, 0x00C6, "TLS_SM4_GCM_SM3"),
        (registry.cipher_suites, 0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
        (registry.cipher_suites, 0x5600, "TLS_FALLBACK_SCSV"),
        (registry.groups, 29, "x25519"),
        (registry.groups, 512, "MLKEM512"),
        (registry.groups, 4588, "X25519MLKEM768"),
        (registry.signature_schemes, 0x0804, "rsa_pss_rsae_sha256"),
        (registry.signature_schemes, 0x0905, "mldsa65"),
        (registry.signature_schemes, 0x0402, "dsa_sha256"),
        (registry.extensions, 65037, "encrypted_client_hello"),
        (registry.extensions, 16, "application_layer_protocol_negotiation"),
        (registry.alerts, 40, "handshake_failure"),
        (registry.alerts, 121, "ech_required"),
        (registry.handshake_types, 8, "encrypted_extensions"),
        (registry.versions, 0x0304, "TLS 1.3"),
        (registry.versions, 0x7F1C, "TLS 1.3 (draft 28)"),
        (registry.versions, 0x0002, "SSL 2.0"),
        (registry.record_types, 23, "application_data"),
    ],
)
def test_known_names(names: Registry, code: int, name: str) -> None:
    assert names.get(code) == name
    assert names.reference(code)


def test_what_is_unassigned_has_no_name() -> None:
    assert registry.cipher_suites.get(0x1234) is None
    assert registry.cipher_suites.row(0x1234) == ()
    assert registry.cipher_suites.reference(0x1234) == ""
    assert 0x1234 not in registry.cipher_suites
    assert registry.alerts.get(-1) is None


def test_extension_names_are_field_names() -> None:
    for code in registry.extensions:
        name = registry.extensions.get(code) or ""
        assert name.lower().isidentifier(), name


def test_extension_places_are_known_words() -> None:
    words = {"CH", "SH", "SH12", "HRR", "EE", "CT", "CR", "NST", "CCR"}
    for code in registry.extensions:
        places = registry.extensions.row(code)[2].split()
        assert places == ["-"] or (places and set(places) <= words)
