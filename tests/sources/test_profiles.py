"""The clients that can be played: the data against the fingerprints that its source published, and the play itself."""

from __future__ import annotations

import pytest

from tlsviz.connection import fingerprint
from tlsviz.errors import UsageError
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.profiles import differences, profile, profiles
from tlsviz.sources.target import Target
from tlsviz.tls import registry
from tlsviz.tls.views import ClientHello

ALPN, POINT_FORMATS = 16, 11
_BODIES = {ALPN: b"\x00\x0c\x02h2\x08http/1.1"}


def hello(name: str) -> ClientHello:
    """What the fingerprints look at, as the profile offers it."""
    chosen = profile(name)
    formats = (0, 1, 2) if name.startswith("openssl") else (0,)
    return ClientHello(
        legacy_version=0x0303,
        random=bytes(32),
        session_id=b"",
        compression_methods=(0,),
        key_share_groups=chosen.shares,
        psk_identities=(),
        psk_modes=(1,),
        has_early_data=False,
        cipher_suites=chosen.cipher_suites,
        extensions=tuple((code, _BODIES.get(code, b"")) for code in chosen.extensions),
        server_name="testssl.sh",
        alpn=chosen.alpn,
        versions=chosen.versions,
        groups=chosen.groups,
        signature_schemes=chosen.signature_schemes,
        point_formats=formats,
    )


@pytest.mark.parametrize("name", [name for name, each in profiles().items() if each.ja4])
def test_the_lists_give_the_published_fingerprints(name: str) -> None:
    assert fingerprint.ja4(hello(name)) == profile(name).ja4
    assert fingerprint.ja3(hello(name)) == profile(name).ja3


@pytest.mark.parametrize("name", profiles())
def test_every_code_point_is_assigned(name: str) -> None:
    chosen = profile(name)
    assert chosen.title
    assert chosen.source
    for codes, names in (
        (chosen.versions, registry.versions),
        (chosen.cipher_suites, registry.cipher_suites),
        (chosen.groups, registry.groups),
        (chosen.signature_schemes, registry.signature_schemes),
        (chosen.extensions, registry.extensions),
    ):
        assert [code for code in codes if names.get(code) is None and code != 0x3374] == []
    assert set(chosen.shares) <= set(chosen.groups)


@pytest.mark.parametrize("name", profiles())
def test_playing_offers_what_openssl_has_and_says_the_rest(name: str) -> None:
    authority = Authority()
    chosen = profile(name)
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        trace = run_live(Target("127.0.0.1", server.port), LiveOptions(profile=name, stores=(), servername="lab.test"))
    (connection,) = trace.connections
    offered = connection.offered
    assert connection.complete
    assert offered.alpn == chosen.alpn
    ours = [each.code for each in offered.cipher_suites if each.code != 0x00FF]
    older = [code for code in chosen.cipher_suites if code in ours and code >> 8 != 0x13]
    assert [code for code in ours if code >> 8 != 0x13] == older
    assert {each.code for each in offered.groups} == {code for code in chosen.groups if not registry.is_grease(code)}
    (remark,) = [notice for notice in trace.notices if notice.startswith("Played")]
    for word in differences(chosen, offered):
        assert word in remark
    assert ("no GREASE" in remark) == any(registry.is_grease(code) for code in chosen.cipher_suites)
    missing = [code for code in chosen.cipher_suites if code not in ours and not registry.is_grease(code)]
    for code in missing:
        assert (registry.cipher_suites.get(code) or "?") in remark or code == 0x00FF


def test_what_a_client_does_not_send_is_left_out_where_openssl_can() -> None:
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        (connection,) = run_live(Target("127.0.0.1", server.port), LiveOptions(profile="ie-11", stores=())).connections
    sent = {each.code for each in connection.offered.extensions}
    assert not sent & {22, 35}
    assert 23 in sent


def test_what_the_user_names_stays() -> None:
    from tlsviz.sources.profiles import played

    mine = played(LiveOptions(profile="chrome", groups="X25519", max_version="1.2"))
    assert (mine.groups, mine.max_version, mine.min_version) == ("X25519", "1.2", "1.2")
    assert mine.alpn == ("h2", "http/1.1")


def test_a_client_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match="chrome, firefox"):
        LiveOptions(profile="netscape").checked()
