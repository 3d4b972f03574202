"""Lists of transparency logs, the states of logs, and whether the receipts are enough."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from certificate_makers import HOST, MIDDLE, ec_key, make
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tlsviz.errors import TargetError
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.loglist import Log, from_file, from_json, from_tsv
from tlsviz.pki.transparency import dated, enough, needed
from tlsviz.pki.vouchers import Receipt

KEY = ec_key(0).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
ID = hashlib.sha256(KEY).digest()
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def log_list(**log: object) -> str:
    entry = {"description": "A log", "key": base64.b64encode(KEY).decode(), **log}
    operators = [{"name": "Op\x1b[31m", "logs": [], "tiled_logs": [entry, "nonsense", {"key": "!"}]}, 7]
    return json.dumps({"log_list_timestamp": "2026-09-12T13:38:59Z", "operators": operators})


def test_chromes_list_with_states_and_tiled_logs(tmp_path):
    interval = {"start_inclusive": "2026-01-01T00:00:00Z", "end_exclusive": "2027-01-01T00:00:00Z"}
    text = log_list(state={"retired": {"timestamp": "2026-01-01T00:00:00Z"}}, temporal_interval=interval)
    (tmp_path / "log_list.json").write_text(text)
    found = from_file(tmp_path / "log_list.json")
    assert found[ID] == Log("A log", "Op\\x1b[31m", KEY, "retired", DAY, DAY, datetime(2027, 1, 1, tzinfo=UTC))
    assert (found[ID].state_at(DAY), found[ID].state_at(DAY - timedelta(days=1))) == ("retired", "usable")
    assert dated(found) == "2026-09-12"


def test_lines_with_and_without_a_state():
    key = base64.b64encode(KEY).decode()
    assert from_tsv(f"# head\nUs\tOurs\t{key}\nbroken\nUs\tBad\t!!\n") == {ID: Log("Ours", "Us", KEY)}
    (log,) = from_tsv(f"Us\tOurs\t{key}\tusable\t2026-01-01\n").values()
    assert (log.state, log.since) == ("usable", DAY)
    assert log.state_at(DAY - timedelta(days=1)) == "unknown"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"operators": 5}', "[" * 5000, '{"operators": [{"logs": [[]]}]}'])
def test_lists_without_logs(tmp_path, text):
    assert from_json(text) == {}
    (tmp_path / "bad").write_text(text)
    with pytest.raises(TargetError, match="list of logs"):
        from_file(tmp_path / "bad")


def lived(days: int, begin: datetime = DAY) -> Certificate:
    end = begin + timedelta(days=days, seconds=-1)
    return read(make(HOST, ec_key(2), MIDDLE, names=(HOST,), start=begin, end=end).der)


def receipt(number: int, operator: str, source: str = "certificate", check: str = "verified") -> Receipt:
    counts = check == "verified"
    return Receipt(source, f"{number:064x}", f"Log {number}", operator, "usable", None, DAY, check, "", counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(("days", "count"), [(90, 2), (180, 2), (181, 3), (398, 3)])
def test_how_many_are_asked_for(days, count):
    assert needed(lived(days)) == count


def test_how_many_were_asked_for_before():
    begin = datetime(2019, 1, 1, tzinfo=UTC)
    assert [needed(lived(days, begin)) for days in (400, 800, 1100, 1200)] == [2, 3, 4, 5]


def test_whether_receipts_are_enough():
    cert = lived(90)
    two = [receipt(1, "A"), receipt(2, "B")]
    assert enough(cert, two, True).enough is True
    assert enough(cert, [receipt(1, "A"), receipt(2, "A")], True).enough is False
    assert enough(cert, two[:1], True).enough is False
    assert enough(cert, [two[0], two[0]], True).counted == 1
    assert enough(cert, [receipt(1, "A", "tls"), receipt(2, "B", "ocsp")], True).enough is True
    assert enough(cert, [], True).enough is False


def test_when_nobody_can_say_or_nobody_asks():
    cert = lived(90)
    unknown = [receipt(1, "A"), receipt(2, "", check="not_provable")]
    strangers = [receipt(number, "", check="not_provable") for number in (1, 2, 3)]
    assert enough(lived(398), strangers, True).enough is None
    found = enough(cert, unknown, True)
    assert found.enough is None and "1 other cannot be checked" in found.why
    assert enough(cert, [], False) is None
    assert enough(cert, [receipt(1, "A")], False).enough is None
    assert enough(lived(90, datetime(2018, 4, 1, tzinfo=UTC)), [], True) is None
