"""What is here and what is not, and the words for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tlsviz import doctor
from tlsviz.doctor import Check, checks, render
from tlsviz.sources import tshark


def named(found: list[Check], name: str) -> Check:
    return next(check for check in found if check.name == name)


def test_everything_is_looked_at() -> None:
    found = checks()
    assert [check.name for check in found] == [
        "Python",
        "tshark",
        "capturing",
        "OpenSSL",
        "TLS",
        "post-quantum",
        "Mozilla",
        "system",
        "terminal",
        "key log",
    ]
    assert all(check.detail for check in found)
    assert named(found, "TLS").ok
    assert "1.0, 1.1, 1.2, 1.3" in named(found, "TLS").detail
    assert named(found, "post-quantum").ok
    assert int(named(found, "Mozilla").detail.split()[0]) > 50


@pytest.mark.tshark
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
def test_tshark_is_found() -> None:
    check = named(checks(), "tshark")
    assert check.ok
    assert tshark.version(tshark.find()) in check.detail


def test_a_missing_tshark_is_a_fault_with_its_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TSHARK", raising=False)
    monkeypatch.setattr(tshark, "ELSEWHERE", ())
    found = checks()
    assert named(found, "tshark").ok is False
    assert "apt install tshark" in named(found, "tshark").mend
    assert named(found, "capturing").ok is None, "only watching needs it"


def test_an_old_tshark_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\necho 'TShark (Wireshark) 3.2.18'\n")
    program.chmod(0o755)
    monkeypatch.setenv("TSHARK", str(program))
    check = named(checks(), "tshark")
    assert check.ok is False
    assert "3.2.18" in check.detail and check.mend


def test_capturing_without_permission_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dumpcap"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    check = named(checks(), "capturing")
    assert check.ok is None
    assert "wireshark" in check.mend


def test_key_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    assert "not set" in named(checks(), "key log").detail
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys\x1b[31m.log"))
    check = named(checks(), "key log")
    assert "no program has written it" in check.detail and "\x1b" not in check.detail
    (tmp_path / "keys.log").write_text("# nothing\n")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    assert named(checks(), "key log").ok


def test_text_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Check("one", True, "well"),
        Check("two", False, "missing " + "very " * 30 + "much", "Install it."),
        Check("three", None, "so so"),
    ]
    monkeypatch.setattr(doctor, "_unicode", lambda: True)
    lines = render(found).splitlines()
    assert lines[0] == "✓ one          well"
    assert lines[1].startswith("✗ two          missing")
    assert lines[-2] == " " * 15 + "Install it."
    assert lines[-1] == "· three        so so"
    assert max(map(len, lines)) <= 100
    monkeypatch.setattr(doctor, "_unicode", lambda: False)
    assert render(found).isascii()
