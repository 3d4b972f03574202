"""The JSON contract: the schema holds for everything, and the values are where the contract says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from sample_traces import EVIL, START, certificate, full, hostile, refused, trace

from tlsviz.connection.http import Reply
from tlsviz.connection.model import Connection, Trace
from tlsviz.connection.ports import Hop, Port, Ports
from tlsviz.pki.certificate import read
from tlsviz.pki.fingerprint import ja4x
from tlsviz.report.json import schema, to_json

CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


def valid(trace: Trace, **options: bool) -> dict:
    found = to_json(trace, **options)
    jsonschema.Draft202012Validator(schema()).validate(found)
    return json.loads(json.dumps(found))


def test_the_schema_is_a_schema_and_closed():
    jsonschema.Draft202012Validator.check_schema(schema())

    def objects(part: object) -> list[dict]:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        own = [part] if isinstance(part, dict) and part.get("type") == "object" else []
        return own + [found for each in inner for found in objects(each)]

    assert len(objects(schema())) > 10
    assert all(found["additionalProperties"] is False for found in objects(schema()))


@pytest.mark.parametrize("options", [{}, {"fields": True}, {"secrets": True}, {"fields": True, "secrets": True}])
def test_everything_fulfils_the_schema(options):
    valid(trace(full(), refused(), hostile(), Connection()), **options)
    assert valid(trace(), **options)["connections"] == []


def test_the_contracts_fields_are_where_it_says():
    found = valid(trace(full()))
    assert found["source"] == {"kind": "capture", "name": "sample.pcap", "packets": 20}
    (connection,) = found["connections"]
    assert connection["start"] == START and connection["duration"] == 0.087
    assert connection["client"] == {"address": "10.0.0.1", "port": 20000}
    assert connection["version"] == {"code": "0x0304", "name": "TLS 1.3"}
    assert connection["cipher_suite"] == {"code": "0x1301", "name": "TLS_AES_128_GCM_SHA256"}
    assert connection["offered"]["cipher_suites"][0] == {"code": "0x0a0a", "name": "GREASE"}
    assert connection["offered"]["extensions"] == [{"code": "0xfe12", "name": None}]
    assert connection["messages"][0] == {
        "index": 0,
        "time": 0.0112,
        "from": "client",
        "content_type": "handshake",
        "type": "client_hello",
        "length": 6,
        "provenance": "wire",
        "packets": [4],
        "sha256": "ab" * 32,
        "alert": None,
        "fields": None,
        "inner": None,
    }
    assert connection["application_data"]["server"] == {"records": 2, "bytes": 14001}
    (sent,) = connection["certificates"]
    more = {"sha1", "spki_pin", "validation", "days", "is_ca", "must_staple", "ocsp", "crls", "ca_issuers", "limits"}
    assert [{key: value for key, value in sent.items() if key not in more}] == [
        {
            "from": "server",
            "index": 0,
            "sha256": read(certificate("www.example.test")).sha256,
            "subject": "CN=www.example.test",
            "issuer": "CN=www.example.test",
            "serial": "0102",
            "not_before": "2026-04-22T12:00:00Z",
            "not_after": "2026-05-22T12:00:00Z",
            "key": "EC P-256",
            "names": ["www.example.test"],
            "ja4x": ja4x(read(certificate("www.example.test"))),
        }
    ]
    assert (sent["days"], sent["validation"]) == (30, None)
    assert {key: connection["trust"][key] for key in ("verdict", "reasons", "at", "store")} == {
        "verdict": "untrusted",
        "reasons": ["expired", "self_signed"],
        "at": "2026-06-01T12:00:00Z",
        "store": "Mozilla",
    }
    assert connection["proofs"][1] == {"what": "server_finished", "status": "failed", "why": "the MAC differs"}
    assert connection["findings"][0]["mend"] == "Renew it." and connection["findings"][0]["diagnosis"] is False
    assert "secrets" not in connection


def test_absent_is_null():
    (connection,) = valid(trace(refused()))["connections"]
    for name in ("tcp_stream", "starttls", "server_name", "version", "cipher_suite", "alpn", "ja3", "trust"):
        assert connection[name] is None
    assert connection["client"] == {"address": None, "port": None}
    assert connection["findings"][0]["reference"] is None and connection["findings"][0]["diagnosis"] is True


def test_alerts_and_fields():
    (connection,) = valid(trace(hostile()), fields=True)["connections"]
    inferred, alert = connection["messages"]
    assert inferred["sha256"] is None and inferred["fields"] is None
    assert alert["alert"]["description"] == {"code": "0x28", "name": "handshake_failure"}
    (first,) = valid(trace(full()), fields=True)["connections"]
    suites = first["messages"][0]["fields"]["children"][3]
    assert (suites["name"], suites["start"], suites["end"], suites["note"]) == ("cipher_suites", 6, 10, "has no length")
    assert suites["children"][1] == {
        "name": "cipher_suite",
        "start": 8,
        "end": 10,
        "value": 0x1301,
        "label": "TLS_AES_128_GCM_SHA256",
        "note": None,
        "children": [],
    }
    assert alert["fields"]["children"][1]["value"] == "1b"


def test_what_a_peer_wrote_is_escaped():
    text = json.dumps(valid(trace(hostile(), name=EVIL), fields=True, secrets=True), ensure_ascii=False)
    assert "\\u001b" not in text and "\\r" not in text.replace("\\\\r", "") and "\u202e" not in text
    assert "\\\\x1b[31m[red]x[/]" in text


def test_secrets_only_when_asked():
    asked = valid(trace(full()), secrets=True)["connections"][0]["secrets"]
    assert asked["keys"] == [{"label": "CLIENT_TRAFFIC_SECRET_0", "value": "abcd"}]
    assert bytes.fromhex(asked["application_data"][0]["data"]).startswith(b"GET /secret")
    assert len(asked["application_data"]) == 1
    plain = json.dumps(valid(trace(full()), fields=True))
    assert "abcd" not in plain.replace("ab" * 32, "") and b"GET".hex() not in plain and "/secret" not in plain


@pytest.mark.tshark
@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the published captures are not here")
@pytest.mark.parametrize(
    "name", ["illustrated-tls13/capture.pcap", "suricata-verify/tls-client-auth.pcap", "nDPI/ftp-start-tls.pcap"]
)
def test_real_captures_fulfil_the_schema(name):
    sources = pytest.importorskip("tlsviz.sources.capture")
    path = CAPTURES / name
    if not path.is_file():
        pytest.skip("this capture is not here")
    keylog = path.with_name(path.name + ".keylog")
    options = sources.OpenOptions(keylogs=(keylog,) if keylog.is_file() else ())
    found = valid(sources.load_capture(path, options), fields=True, secrets=True)
    assert found["connections"][0]["messages"]


def test_ports_fulfil_the_schema_and_tell_no_header_of_an_encrypted_answer_but_those_of_the_view():
    answered = Reply("HTTP/1.1", 200, "", (("set-cookie", "secret"), ("strict-transport-security", "max-age=60")))
    secure = Hop("https://a.test/", ("GET / HTTP/1.1",), answered)
    plain = Hop("http://a.test/", ("GET / HTTP/1.1",), Reply("HTTP/1.1", 301, "", (("location", "https://a.test/"),)))
    found = Ports("a.test", (Port(443, "tls", "tls"), Port(80, "http", "http")), (plain, secure), "", secure)
    made = valid(trace(full())._replace(ports=found))["ports"]
    assert [hop["status"] for hop in made["redirects"]] == [301, 200]
    assert made["hsts"]["max_age"] == 60 and [one["code"] for one in made["findings"]] == ["short_hsts"]
    assert "secret" not in json.dumps(made)
    assert "ports" not in valid(trace(full()))
