from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlsviz.ui.recent import LIMIT, Entry, Recent


def test_newest_first_without_repetition(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "state" / "recent.json")
    for text in ("a.example", "b.example", "a.example"):
        recent.add(Entry(text, "live"))
    assert recent.load() == (Entry("a.example", "live"), Entry("b.example", "live"))


def test_it_is_bounded(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "recent.json")
    for number in range(LIMIT + 5):
        recent.add(Entry(f"{number}.example", "live"))
    assert [entry.text for entry in recent.load()] == [f"{n}.example" for n in range(LIMIT + 4, 4, -1)]
    assert [path.name for path in tmp_path.iterdir()] == ["recent.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"recent": 3}',
        b"\xff\xfe",
        b'{"recent": [{"text": 1, "kind": "live"}, 5, {}]}',
        b"[" * 50_000,
    ],
)
def test_damage_is_an_empty_list(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recent.json"
    path.write_bytes(content)
    assert Recent(path).load() == ()


def test_what_is_whole_survives_beside_damage(tmp_path: Path) -> None:
    path = tmp_path / "recent.json"
    items = [{"text": "x.pcap", "kind": "capture"}, {"text": "y", "kind": "other"}, {"text": "", "kind": "live"}]
    path.write_text(json.dumps({"recent": items}))
    assert Recent(path).load() == (Entry("x.pcap", "capture"),)


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recent = Recent(tmp_path / "file" / "recent.json")
    recent.add(Entry("a.example", "live"))
    assert recent.load() == ()


def test_undecodable_file_names_are_kept_out_of_trouble(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "recent.json")
    recent.add(Entry("/tmp/\udcff.pcap", "capture"))
    assert recent.load()[0].text == "/tmp/\udcff.pcap"
