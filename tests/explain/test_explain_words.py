"""The words: all there, well-formed, and found by path."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import get_args

import pytest

from tlsviz.explain import points
from tlsviz.explain.words import FAMILIES, entries, lookup_field, words
from tlsviz.pki.trust import Reason
from tlsviz.tls import registry
from tlsviz.tls.registry import Registry
from tlsviz.wire.chunks import MarkKind


def named(text: str) -> list[str]:
    return text.split()


MESSAGES = named(
    """
    hello_request client_hello server_hello hello_retry_request hello_verify_request new_session_ticket
    end_of_early_data encrypted_extensions certificate server_key_exchange certificate_request server_hello_done
    certificate_verify client_key_exchange finished certificate_url certificate_status supplemental_data key_update
    compressed_certificate next_protocol ssl2_client_hello encrypted_handshake change_cipher_spec alert heartbeat
    application_data handshake_0x99
    """
)

FINDINGS = named(
    """
    name_not_found name_lookup_failed host_unreachable connection_refused connection_timed_out
    connection_reset
    reset_after_client_hello closed_after_client_hello handshake_timed_out plain_http_on_tls_port not_tls
    tls_on_plain_port
    starttls_refused proxy_refused version_not_supported
    no_common_cipher_suite no_common_group no_common_signature_scheme
    unrecognized_name no_application_protocol client_certificate_required client_certificate_refused handshake_alert
    malformed_message bad_record proof_failed http_error http_redirect_to_plain no_redirect_to_https no_hsts old_version
    weak_cipher_suite no_forward_secrecy no_post_quantum_group
    small_key no_extended_master_secret insecure_renegotiation
    compression heartbeat_overread long_ticket_lifetime name_in_clear truncated_stream early_data_replayable
    inspection_likely slow_server slow_network
    """
)

PROOFS = named(
    """
    server_finished client_finished certificate_verify client_certificate_verify server_key_exchange psk_binder
    record_protection certificate_chain downgrade_sentinel sct ocsp
    extended_master_secret renegotiation_info delegated_credential ech_acceptance
    """
)

CONCEPTS = named(
    """
    port_443 port_80 handshake session_keys forward_secrecy chain_of_trust record flight round_trip
    middlebox_compatibility transcript aead key_log
    """
)

PARTS = ("title", "what", "why", "odd_if", "mend", "reference")


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("message", MESSAGES),
        ("finding", FINDINGS),
        ("finding", [f"certificate_{reason}" for reason in get_args(Reason)]),
        ("trust", list(get_args(Reason))),
        ("mark", list(get_args(MarkKind))),
        ("proof", PROOFS),
        ("provenance", ["wire", "decrypted", "computed", "inferred", "unknown"]),
        ("concept", CONCEPTS),
        ("version", ["ssl2", "ssl3", "tls10", "tls11", "tls12", "tls13"]),
    ],
)
def test_every_name_of_the_contract_has_words(family: str, names: list[str]) -> None:
    assert [name for name in names if words(f"{family}.{name}") is None] == []


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (registry.alerts, "alert"),
        (registry.extensions, "extension"),
        (registry.handshake_types, "message"),
        (registry.record_types, "message"),
    ],
)
def test_every_registered_name_has_words(names: Registry, family: str) -> None:
    assert [name for code in names if words(f"{family}.{(name := names.get(code))}") is None] == []


@pytest.mark.parametrize("code", range(122))
def test_alert_words_say_their_own_number(code: int) -> None:
    name = registry.alerts.get(code)
    if name is not None:
        entry = words(f"alert.{name}")
        assert entry is not None
        assert entry.title.startswith(f"Alert {code}: {name.removesuffix('_RESERVED')}")


def test_extension_words_say_their_own_number() -> None:
    wrong = []
    for code in registry.extensions:
        entry = words(f"extension.{registry.extensions.get(code)}")
        if entry is None or not entry.title.startswith(f"Extension {code}: "):
            wrong.append(code)
    assert wrong == []


@pytest.mark.parametrize("name", ["groups", "signature_schemes", "versions", "cipher_suites"])
def test_every_code_point_has_words_of_its_family(name: str) -> None:
    finder = {
        "groups": points.group,
        "signature_schemes": points.signature_scheme,
        "versions": points.version,
        "cipher_suites": points.cipher_suite,
    }[name]
    names: Registry = getattr(registry, name)
    assert [names.get(code) for code in names if finder(code) is None] == []


def test_every_suite_is_explained_part_by_part() -> None:
    thin = [
        registry.cipher_suites.get(code)
        for code in registry.cipher_suites
        if not points.suite_parts(code)
        or (len(points.suite_parts(code)) < 2 and not (registry.cipher_suites.get(code) or "").endswith("_SCSV"))
    ]
    assert [name for name in thin if name != "TLS_NULL_WITH_NULL_NULL"] == []


def test_no_family_names_the_same_entry_twice() -> None:
    for files in FAMILIES.values():
        seen: list[str] = []
        for file in files:
            seen += tomllib.loads(resources.files("tlsviz.explain").joinpath(file).read_text("utf-8"))
        assert len(seen) == len(set(seen))


def test_tables_hold_the_known_keys_only() -> None:
    for files in FAMILIES.values():
        for file in files:
            tables = tomllib.loads(resources.files("tlsviz.explain").joinpath(file).read_text("utf-8"))
            for name, table in tables.items():
                assert set(table) <= set(PARTS), (file, name)
                assert table["what"], (file, name)


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_plain_sentences_of_bounded_length(family: str) -> None:
    for entry in entries(family).values():
        for part in ("what", "why", "odd_if", "mend"):
            _check_text(f"{entry.key} {part}", getattr(entry, part))
        assert len(entry.title) <= 72, entry.key
        assert entry.title.isprintable() and entry.reference.isprintable(), entry.key


def _check_text(where: str, text: str) -> None:
    if not text:
        return
    assert text.isprintable() and text == " ".join(text.split()), where
    assert text[0].isupper() or not text[0].isalpha(), where
    assert text.endswith((".", ")", '"')), where
    sentences = [part for part in re.split(r"(?<=[.!?])\s", text) if part]
    assert len(sentences) <= 4, where
    assert max(map(len, sentences)) <= 240, where


def test_references_are_documents() -> None:
    kinds = (
        "RFC [0-9]+|draft-[a-z0-9-]+|IANA|FIPS [0-9]+|NIST SP|GB/T|ETSI|ITU-T|CA/Browser|CVE-|BoringSSL|Open |Google"
        "|W3C"
    )
    wrong = {
        entry.key: entry.reference
        for family in FAMILIES
        for entry in entries(family).values()
        if entry.reference and not re.match(kinds, entry.reference)
    }
    assert wrong == {}


def test_field_lookup_prefers_the_most_specific() -> None:
    path = ("client_hello", "extensions", "key_share", "client_shares", "key_share_entry", "group")
    assert _key(path) == "field.key_share_entry.group"
    assert _key(("client_hello", "random")) == "field.client_hello.random"
    assert _key(("server_hello", "random")) == "field.server_hello.random"
    assert _key(("client_hello", "legacy_version")) == "field.legacy_version"


def test_field_lookup_knows_headers_messages_and_extensions() -> None:
    assert _key(("finished",)) == "message.finished"
    assert _key(("finished", "length")) == "field.message_header.length"
    assert _key(("client_hello", "extensions")) == "field.extensions"
    assert _key(("client_hello", "extensions", "length")) == "field.extensions.length"
    assert _key(("client_hello", "extensions", "key_share")) == "extension.key_share"
    assert _key(("client_hello", "extensions", "extension_0x1234")) == "extension.unassigned"
    assert _key(("client_hello", "extensions", "key_share", "length")) == "field.extension_header.length"
    assert _key(("record_header",)) == "field.record_header"
    assert _key(("handshake_0x38", "body")) == "field.body"


def test_data_is_what_its_parent_is() -> None:
    assert _key(("client_key_exchange", "encrypted_premaster_secret", "data")) == "field.encrypted_premaster_secret"


def test_unknown_names_have_no_words() -> None:
    assert lookup_field(()) is None
    assert lookup_field(("client_hello", "no_such_field")) is None
    assert words("") is None
    assert words("message") is None
    assert words("nonsense.client_hello") is None


def test_retired_names_are_found_as_iana_writes_them() -> None:
    assert words("alert.no_renegotiation_RESERVED") == words("alert.no_renegotiation")


def test_value_words_explain_code_points() -> None:
    suite = points.value_words(("server_hello", "cipher_suite"), 0x1301)
    assert suite is not None and suite.key == "suite.TLS_AES_128_GCM_SHA256"
    alert = points.value_words(("alert", "description"), 40)
    assert alert is not None and alert.key == "alert.handshake_failure"
    group = points.value_words(("client_hello", "x", "named_group"), 0x11EC)
    assert group is not None and group.key == "group.x25519mlkem768"
    assert points.value_words(("client_hello", "random"), b"\0" * 32) is None
    assert points.value_words(("client_hello", "extensions", "length"), 40) is None
    assert points.value_words(("compress_certificate", "algorithms", "algorithm"), 2) is None


def _key(path: tuple[str, ...]) -> str | None:
    entry = lookup_field(path)
    return entry.key if entry else None
