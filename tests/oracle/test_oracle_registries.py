"""The maintainer's comparison with IANA's lists on small made-up ones; and tshark's names as a second opinion."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import registries

from tlsviz.tls import registry
from tlsviz.tls.registry import Registry

SUITES = """\
Value,Description,DTLS-OK,Recommended,Reference
"0x13,0x01",TLS_AES_128_GCM_SHA256,Y,Y,[RFC9846]
"0x13,0x02",TLS_AES_256_GCM_SHA384_NEW,Y,N,[RFC9846]
"0x13,0xF0",TLS_NEW_SUITE,N,N,[RFC9999]
"0x13,0xF1-FF",Unassigned,,,
"0x0A,0x0A",Reserved,Y,N,[RFC8701]
"""
EXTENSIONS = """<?xml version='1.0'?>
<registry xmlns="http://www.iana.org/assignments" id="tls-extensiontype-values">
 <registry id="tls-extensiontype-values-1">
  <record><value>0</value><description>server_name</description><tls13>CH, EE, CR</tls13><rec>Y</rec></record>
  <record><value>21</value><description>padding</description><tls13>CH</tls13><rec>Y</rec></record>
  <record><value>4</value><description>truncated_hmac</description><tls13>-</tls13><rec>D</rec></record>
  <record><value>63-255</value><description>Unassigned</description></record>
  <record><value>70</value><description>brand_new (TEMPORARY - expires 2030)</description><tls13>CH</tls13></record>
 </registry>
 <registry id="unheard-of"><record><value>1</value><description>x</description></record></registry>
</registry>
"""


def differences(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str) -> list[str]:
    file = tmp_path / name
    file.write_text(text)
    assert registries.main([str(file)]) == 1
    return capsys.readouterr().out.splitlines()


def test_a_list_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = differences(tmp_path, capsys, "tls-parameters-4.csv", SUITES)
    assert "cipher_suites: new 0x13f0 TLS_NEW_SUITE" in lines
    assert "cipher_suites: renamed 0x1302 TLS_AES_256_GCM_SHA384 -> TLS_AES_256_GCM_SHA384_NEW" in lines
    assert "cipher_suites: recommended 0x1302 TLS_AES_256_GCM_SHA384 Y -> N" in lines
    assert "cipher_suites: gone 0x1303 TLS_CHACHA20_POLY1305_SHA256" in lines
    assert not any("0x1301" in line or "0x0a0a" in line for line in lines)
    assert lines[-1].startswith("1 lists compared, ")


def test_a_group_as_xml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = differences(tmp_path, capsys, "tls-extensiontype-values.xml", EXTENSIONS)
    assert "extensions: new 0x0046 brand_new" in lines
    assert "extensions: tls 1.3 0x0000 server_name CH, EE -> CH, EE, CR" in lines
    assert "extensions: gone 0x0033 key_share" in lines
    assert not any("0x0015" in line or "0x0004" in line or "trust_anchors" in line for line in lines)


def test_nothing_recognised_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.csv"
    file.write_text("Value,Description\n1,x\n")
    assert registries.main([str(file)]) == 2
    assert capsys.readouterr().out == "0 lists compared, 0 differences\n"


def test_every_list_that_is_compared_is_there() -> None:
    for name in registries.LISTS.values():
        assert registries.ours(name), name


SECOND = {
    "tls.handshake.ciphersuite": registry.cipher_suites,
    "tls.handshake.extension.type": registry.extensions,
    "tls.handshake.extensions_supported_group": registry.groups,
    "tls.handshake.sig_hash_alg": registry.signature_schemes,
    "tls.handshake.type": registry.handshake_types,
    "tls.alert_message.desc": registry.alerts,
    "tls.record.content_type": registry.record_types,
    "tls.extension.psk_ke_mode": registry.psk_modes,
    "tls.compress_certificate.algorithm": registry.certificate_compression_algorithms,
    "tls.handshake.cert_type": registry.client_certificate_types,
}
"""Fields of tshark with the registry of the same code points."""


@cache
def tshark_names() -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    listing = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        columns = line.split("\t")
        if len(columns) == 4 and columns[0] == "V" and columns[1] in SECOND:
            found.setdefault(columns[1], {})[int(columns[2], 0)] = columns[3]
    return found


def plain(name: str) -> str:
    """Letters and digits only; tshark writes ``Client Hello`` and ``x25519``, we the IANA name."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*\)|_RESERVED|Reserved", "", name).lower())


DIFFERENT = {
    ("tls.handshake.extension.type", 0x22): "tshark has the draft's plural",
    ("tls.handshake.extension.type", 0x28): "both uses of the number: key_share of drafts, and extended_random",
    ("tls.handshake.extension.type", 0x2E): "tshark has the name in brackets, as reserved",
    ("tls.handshake.extension.type", 0x35): "two extensions have the name connection_id; ours tells them apart",
    ("tls.handshake.extension.type", 0x4469): "application_settings has another number since",
    ("tls.handshake.extension.type", 0xFFA5): "two extensions have the name; ours tells them apart",
    ("tls.handshake.extensions_supported_group", 0x0200): "frodo of Open Quantum Safe; IANA's MLKEM512 since",
    ("tls.handshake.extensions_supported_group", 0x0201): "frodo of Open Quantum Safe; IANA's MLKEM768 since",
    ("tls.handshake.extensions_supported_group", 0x0202): "frodo of Open Quantum Safe; IANA's MLKEM1024 since",
    ("tls.handshake.type", 0x15): "tshark's own words for certificate_url",
    ("tls.handshake.type", 0x43): "NPN's message was called EncryptedExtensions, a name that TLS 1.3 took",
    ("tls.record.content_type", 0x19): "tshark's own words for tls12_cid",
    ("tls.handshake.cert_type", 0x15): "tshark's own words for gost_sign94",
    ("tls.handshake.cert_type", 0x16): "tshark's own words for gost_sign01",
}
MODES = ("tls.extension.psk_ke_mode", {0: "psk_ke", 1: "psk_dhe_ke"})
"""tshark has a sentence, with the name in brackets."""
NOT_OURS = {
    "tls.handshake.extensions_supported_group": "experiments of Open Quantum Safe",
    "tls.handshake.sig_hash_alg": "experiments of Open Quantum Safe",
    "tls.handshake.type": "SSL 2's request_certificate under its SSL 2 number",
    "tls.handshake.cert_type": "a nought for none",
}
"""Fields of which tshark knows code points that ours does not, and what those are."""


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark")
@pytest.mark.parametrize("field", SECOND)
def test_tshark_has_the_same_names(field: str) -> None:
    names: Registry = SECOND[field]
    theirs = tshark_names()[field]
    both = {code: name for code, name in theirs.items() if (names.get(code) or registry.GREASE) != registry.GREASE}
    if field == MODES[0]:
        assert {code: re.findall(r"\((psk\w+)\)", name)[0] for code, name in both.items()} == MODES[1]
        return
    differ = {code for code, name in both.items() if plain(name) != plain(names.get(code) or "")}
    assert differ == {code for where, code in DIFFERENT if where == field}
    unknown = {code for code in theirs if names.get(code) is None}
    assert bool(unknown) == (field in NOT_OURS)
    if field == "tls.handshake.ciphersuite":
        assert len(both) > 400
