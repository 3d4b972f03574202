"""The sample captures are what their manifest says."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import samples

from tlsviz.errors import UsageError

CAPTURES = Path(__file__).parents[2] / "captures"
with (CAPTURES / "manifest.tsv").open(encoding="utf-8") as manifest:
    ROWS = list(csv.DictReader(manifest, delimiter="\t"))

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")


@needs_tshark
@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_capture_is_what_the_manifest_says(row: dict[str, str]) -> None:
    connections = samples.connections()[Path(row["file"]).stem]
    assert len(connections) == int(row["connections"])
    if not row["scenario"]:
        assert len({connection.version for connection in connections}) == len(connections)
        return
    connection = connections[0]
    assert (connection.version.name if connection.version else "") == row["version"]
    assert (connection.cipher_suite.name if connection.cipher_suite else "") == row["suite"]
    assert connection.trust is not None
    assert connection.trust.verdict == row["verdict"]
    assert ",".join(connection.trust.reasons) == row["reasons"]
    encrypted = {record.protection.status for record in connection.records if record.protection}
    if row["version"]:
        assert encrypted == ({"verified"} if row["keys"] == "yes" else {"not_provable"})
    assert not [proof for proof in connection.proofs if proof.status == "failed" and proof.what != "certificate_chain"]


def test_manifest_and_folder_agree() -> None:
    assert sorted(row["file"] for row in ROWS) == sorted(file.name for file in CAPTURES.glob("*.pcapng"))
    assert all(file.stat().st_size < 20_000 for file in CAPTURES.glob("*.pcapng"))


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """captures/make.py; others have modules of that name, too."""
    monkeypatch.syspath_prepend(str(CAPTURES))
    spec = importlib.util.spec_from_file_location("captures_make", CAPTURES / "make.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, made)
    spec.loader.exec_module(made)
    return made


def test_making_them_again_gives_the_same_root(tmp_path: Path, maker: ModuleType) -> None:
    made = maker.make(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == (CAPTURES / "ca.pem").read_bytes()
    assert (tmp_path / "manifest.tsv").read_bytes() == (CAPTURES / "manifest.tsv").read_bytes()
    assert sorted(tmp_path.glob("*.pcapng")) == sorted(made)
    assert [file.name for file in made] == [row["file"] for row in ROWS]


def test_one_alone_can_be_made(tmp_path: Path, maker: ModuleType) -> None:
    assert maker.make(tmp_path, ["cross-signed"]) == [tmp_path / "cross-signed.pcapng"]
    assert [file.name for file in tmp_path.glob("*.pcapng")] == ["cross-signed.pcapng"]
    assert (tmp_path / "manifest.tsv").read_bytes() == (CAPTURES / "manifest.tsv").read_bytes()
    with pytest.raises(UsageError, match="nonsense"):
        maker.make(tmp_path, ["nonsense"])
