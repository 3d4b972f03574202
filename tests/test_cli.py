"""The command: exit statuses, what goes where, and short answers to wrong words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tlsviz.cli import main

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "captures" / "tls13.pcapng"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of one command."""
    try:
        status = main(list(words))
    except SystemExit as done:
        status = int(done.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (("show",), 2, "TARGET"),
        (("show", "--format", "xml", "127.0.0.1"), 2, "no such format"),
        (("watch", "lo", "--secrets"), 2, "--secrets has nothing to go to"),
        (("compare", "--format", "mermaid", "127.0.0.1", "127.0.0.1"), 2, "no such format"),
        (("compare", str(SAMPLE)), 2, "only one connection"),
        (("compare", str(SAMPLE), str(SAMPLE), "--with", "7"), 2, "no connection 7"),
        (("compare", str(SAMPLE), "lab:tls13", "--servername", "x"), 2, "--servername is for live targets"),
        (("compare", "127.0.0.1", "127.0.0.2", "--save", "x"), 2, "--save takes one live target"),
        (("show", "no/such.pcap"), 4, "No such file"),
        (("show", "."), 4, "directory"),
        (("open", "no-such-file"), 4, "No such file"),
        (("show", str(ROOT / "README.md")), 4, "not a capture"),
        (("show", "http://example.test"), 2, "plain HTTP"),
        (("show", "host:port"), 2, "port"),
        (("lab", "nonsense"), 2, "No lab scenario"),
        (("lab", "tls13", "tls12"), 2, "Too many words"),
        (("show", "lab:tls13", "--keylog", "x"), 2, "--keylog is for captures"),
        (("show", "127.0.0.1", "--keylog", "x"), 2, "--keylog is for captures"),
        (("show", str(SAMPLE), "--servername", "x"), 2, "--servername is for live targets"),
        (("explain", "no such thing at all"), 2, "Nothing is known"),
        (("show", "127.0.0.1", "--at", "soon"), 2, "not a time"),
        (("show", str(SAMPLE), "--aia"), 2, "--aia is for live targets"),
        (("show", str(SAMPLE), "--crl", "missing.crl"), 4, "cannot read the revocation list missing.crl"),
        (("check", str(SAMPLE), "--ct-logs", str(SAMPLE)), 4, "it holds no log"),
        (("show", "lab:tls13", "--crl", "x"), 2, "--crl is for other targets"),
        (("show", "--bogus", "x"), 2, "tlsviz: Unrecognized arguments: --bogus. See `tlsviz show --help`."),
        (("show", "x", "--timeout", "q"), 2, "tlsviz: Argument --timeout: invalid float value: 'q'."),
        ((), 2, "No target"),
    ],
)
def test_wrong_words_get_one_short_paragraph(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, why: str
) -> None:
    found, out, err = run(capsys, *words)
    assert found == status
    assert not out
    assert why in err
    assert err.startswith("tlsviz: ") and not err.startswith("tlsviz: tlsviz")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_the_lab_is_shown_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "lab", "tls13")
    assert status == 0
    assert "ClientHello" in out
    assert "trusted" in out
    status, out, _ = run(capsys, "show", "lab:tls12", "--format", "json")
    assert status == 0
    (connection,) = json.loads(out)["connections"]
    assert connection["version"] == {"code": "0x0303", "name": "TLS 1.2"}
    assert connection["complete"] is True


def test_the_lab_lists_its_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "lab", "list")
    assert status == 0
    names = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert "Revocation\n  stapled " in out
    assert {"tls13", "tls12", "tls12-rsa", "hello-retry", "client-auth", "expired"} <= names


def test_check_fails_on_errors_and_can_be_told_on_what(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", "lab:expired")
    assert status == 1
    assert "certificate_expired" in out
    assert run(capsys, "check", "lab:expired", "--fail-on", "critical")[0] == 0
    assert run(capsys, "check", "lab:tls13")[0] == 0


def test_a_refused_port_is_drawn_and_is_status_4(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "show", "127.0.0.1:1", "--format", "json")
    assert status == 4
    (connection,) = json.loads(out)["connections"]
    assert [finding["code"] for finding in connection["findings"] if finding["diagnosis"]] == ["connection_refused"]


def test_output_goes_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    status, out, _ = run(capsys, "show", "lab:tls13", "--format", "json", "-o", str(path))
    assert (status, out) == (0, "")
    assert json.loads(path.read_text())["source"]["kind"] == "lab"
    assert run(capsys, "show", "lab:tls13", "-o", str(tmp_path / "no" / "where"))[0] == 4


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("wb") as out:
        command = [sys.executable, "-m", "tlsviz", "explain", "key_share"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 4
    assert done.stderr.startswith("tlsviz: Cannot write the output")


@pytest.mark.tshark
def test_a_capture_is_shown_and_one_connection_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    several = str(ROOT / "captures" / "several.pcapng")
    status, out, err = run(capsys, "show", several, "--connection", "1", "--format", "json")
    assert status == 0
    assert [connection["id"] for connection in json.loads(out)["connections"]] == [1]
    assert "ca.pem" in err
    assert run(capsys, "show", several, "--connection", "9")[0] == 2


def test_explain_and_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert "TLS_AES_128_GCM_SHA256" in run(capsys, "explain", "0x1301")[1]
    assert "handshake_failure" in run(capsys, "explain", "alert", "40")[1]
    status, out, _ = run(capsys, "doctor")
    assert status in (0, 3)
    assert "OpenSSL" in out


def test_starting_up_imports_neither_screens_nor_pyshark() -> None:
    code = "import sys, tlsviz.cli; print([n for n in ('textual', 'pyshark', 'OpenSSL', 'lxml') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.tshark
def test_a_filter_picks_connections_and_counts_are_summed_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = str(ROOT / "captures" / "tls12.pcapng")
    status, out, _ = run(capsys, "show", sample, "--filter", "version:1.2", "--summary", "--format", "json")
    assert status == 0 and json.loads(out)["summary"]["counts"]["version"] == [{"value": "TLS 1.2", "connections": 1}]
    assert run(capsys, "check", sample, "--filter", "version:1.3")[:2] == (0, "")
    monkeypatch.delenv("COLUMNS", raising=False)
    assert "took" in run(capsys, "show", sample, "--list")[1]  # a pipe has no width
    monkeypatch.setenv("COLUMNS", "80")
    assert "took" not in run(capsys, "show", sample, "--list")[1]
    status, out, err = run(capsys, "show", sample, "--filter", "finding:nosuch", "--list")
    assert (
        status == 0 and err.startswith("tlsviz: Nothing matches. No finding is called nosuch.") and "nosuch" not in out
    )
    status, _, err = run(capsys, "show", "no-such-file.pcap", "--filter", "versoin:1.2")
    assert status == 2 and "is version: meant?" in err and "character 1" in err
