"""dumpcap's words: its list of interfaces, and what its complaints mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.errors import MissingError, TargetError, TlsvizError, UsageError
from tlsviz.sources import dumpcap
from tlsviz.sources.dumpcap import Interface

LIST = """1. eth0\t\t\t0\t192.0.2.2,fd00::2\tnetwork\t
2. any\t\t\t0\t\tnetwork\t
3. lo\t\tLoopback\t0\t127.0.0.1,::1\tloopback\t
"""


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "dumpcap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (folder / "tshark").symlink_to("/bin/true")
    monkeypatch.setenv("TSHARK", str(folder / "tshark"))


def test_interfaces_are_listed_with_their_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list").write_text(LIST)
    fake(tmp_path, monkeypatch, f"cat {tmp_path}/list")
    assert dumpcap.interfaces() == [
        Interface("eth0", "", ("192.0.2.2", "fd00::2"), False),
        Interface("any"),
        Interface("lo", "Loopback", ("127.0.0.1", "::1"), True),
    ]


def test_without_a_right_to_capture_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "echo 'dumpcap: no interfaces' >&2; exit 1")
    with pytest.raises(MissingError, match="No interface may be captured on") as caught:
        dumpcap.interfaces()
    assert "wireshark" in caught.value.hint


@pytest.mark.parametrize(
    ("found", "usual"),
    [
        ([Interface("lo", "", ("127.0.0.1",), True), Interface("any"), Interface("en0", "", ("192.0.2.7",))], "en0"),
        ([Interface("lo", "", ("127.0.0.1",), True), Interface("any")], "any"),
        ([Interface("lo", "", (), True)], "lo"),
    ],
)
def test_the_usual_interface_leads_out(found: list[Interface], usual: str) -> None:
    assert dumpcap.usual(found).name == usual


@pytest.mark.parametrize(
    ("said", "kind", "status", "words"),
    [
        (
            "dumpcap: The capture session could not be initiated on interface 'eth0' (You don't have permission to "
            "capture on that device).",
            MissingError,
            3,
            "not permitted",
        ),
        ('dumpcap: There is no device named "eth0".\n(No such device exists)', MissingError, 3, "no interface eth0"),
        ("dumpcap: Invalid capture filter \"x\" for interface 'eth0'.", UsageError, 2, "filter"),
        ("dumpcap: The network went away.", TargetError, 4, "Cannot watch eth0"),
    ],
)
def test_a_refusal_names_its_mend(
    said: str,
    kind: type[TlsvizError],
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dumpcap, "interfaces", lambda: [Interface("lo")])
    error = dumpcap.refusal("eth0", "x", ["Capturing on 'eth0'", *said.splitlines()])
    assert type(error) is kind
    assert error.exit_status == status
    assert words in str(error)
    assert error.hint
