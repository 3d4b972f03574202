"""A list of rows, whose connections are made anew when they are asked for, is what a whole reading gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.connection.rows import only, row, rows
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.memory import recalled
from tlsviz.sources.opening import OpenOptions

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["resumption.pcapng", "tls13.pcapng", "quic.pcapng", "dtls12.pcapng"])
def test_a_shelf_gives_what_the_whole_reading_gives(name: str) -> None:
    path = ROOT / "captures" / name
    keys = Path(f"{path}.keylog")
    options = OpenOptions(keylogs=(keys,) if keys.exists() else ())
    whole, shelf = recalled(load_capture(path, options, strict=True)), list_capture(path, options, strict=True)
    assert shelf == whole
    assert list(rows(shelf.connections)) == list(map(row, whole.connections))
    chosen = only(shelf.connections, (0,))
    assert list(chosen) == [whole.connections[0]] and chosen != whole.connections[1:]


@pytest.mark.tshark
@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "captures").glob("*.pcap*")))
def test_without_findings_all_else_of_a_list_is_the_same(name: str) -> None:
    """And a connection that is opened has them."""
    path = ROOT / "captures" / name
    whole, brief = list_capture(path), list_capture(path, OpenOptions(findings=False))
    assert [each._replace(findings=()) for each in rows(brief.connections)] == [
        each._replace(findings=()) for each in rows(whole.connections)
    ]
    assert brief.notices == whole.notices
    for connection, other in zip(whole.connections, brief.connections, strict=True):
        assert connection.earlier or connection == other


@pytest.mark.tshark
def test_a_printed_list_looks_for_no_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless they are asked for: by the filter, or in JSON."""
    from tlsviz.cli import main
    from tlsviz.connection import judge

    looked: list[int] = []
    find = judge.find

    def counted(*args: object) -> object:
        looked.append(1)
        return find(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "find", counted)
    for words, expected in (([], False), (["--filter", "not finding:nothing"], True), (["--format", "json"], True)):
        looked.clear()
        assert main(["show", str(ROOT / "captures" / "tls13-no-keys.pcapng"), "--list", *words]) == 0
        assert bool(looked) is expected
    assert capsys.readouterr().out.count("www.lab.test")
