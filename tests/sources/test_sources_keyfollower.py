"""Key logs that grow: every secret is taken once, whatever way the file comes about."""

from __future__ import annotations

import os
from pathlib import Path

from tlsviz.crypto.keylog import KeyLog
from tlsviz.lab.run import run_scenario
from tlsviz.sources.keyfollower import KeyFollower, randoms_of


def line(number: int, label: str = "CLIENT_RANDOM") -> bytes:
    return f"{label} {number:064x} {number:096x}\n".encode()


def test_what_is_appended_is_taken_once(tmp_path: Path) -> None:
    file = tmp_path / "keys.log"
    follower = KeyFollower([file])
    assert follower.poll() == 0  # not there yet
    file.write_bytes(b"# a comment\n" + line(1))
    assert follower.poll() == 1
    assert follower.fresh == {(1).to_bytes(32, "big")}
    assert follower.poll() == 0
    assert follower.fresh == frozenset()
    with file.open("ab") as more:
        more.write(line(2) + line(1) + line(3))
    assert follower.poll() == 2
    assert follower.fresh == {(2).to_bytes(32, "big"), (3).to_bytes(32, "big")}
    assert len(follower.keylog) == 3
    assert follower.keylog.source == "keys.log"
    assert follower.keylog.problems == []


def test_a_line_is_taken_when_it_is_whole_or_nothing_follows(tmp_path: Path) -> None:
    file = tmp_path / "keys.log"
    written = line(7)
    file.write_bytes(written[:100])
    follower = KeyFollower([file])
    assert follower.poll() == 0
    file.write_bytes(written[:-1])
    assert follower.poll() == 0
    assert follower.poll() == 1
    with file.open("ab") as more:
        more.write(b"\n" + line(8))
    assert follower.poll() == 1
    assert follower.keylog.problems == []


def test_a_file_that_is_replaced_or_cut_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "keys.log"
    file.write_bytes(line(1) + line(2))
    follower = KeyFollower([file])
    assert follower.poll() == 2
    file.write_bytes(line(3))
    assert follower.poll() == 1
    fresh = tmp_path / "new.log"
    fresh.write_bytes(line(4) + line(5) + line(6))
    os.replace(fresh, file)
    assert follower.poll() == 3
    assert len(follower.keylog) == 6


def test_several_files_other_encodings_and_what_cannot_be_read(tmp_path: Path) -> None:
    wide, folder = tmp_path / "wide.log", tmp_path / "folder"
    folder.mkdir()
    wide.write_bytes(line(1).decode().encode("utf-16"))
    keylog = KeyLog()
    follower = KeyFollower([wide, folder, tmp_path / "nowhere"], keylog)
    assert follower.poll() == 1
    wide.write_bytes((line(1) + line(2)).decode().encode("utf-16"))
    assert follower.poll() == 1
    assert len(keylog) == 2


def test_which_connections_new_secrets_concern(tmp_path: Path) -> None:
    (connection,) = run_scenario("tls12").connections
    random = next(node for node in connection.messages[0].tree.children if node.name == "random")  # type: ignore[union-attr]
    own = connection.messages[0].buffer.data[random.start : random.end]  # type: ignore[union-attr]
    file = tmp_path / "keys.log"
    follower = KeyFollower([file])
    file.write_bytes(line(1))
    assert follower.poll() == 1
    assert not follower.concerns([randoms_of(connection)])
    with file.open("ab") as more:
        more.write(b"CLIENT_RANDOM " + own.hex().encode() + b" " + b"00" * 48 + b"\n")
    assert follower.poll() == 1
    assert follower.concerns([randoms_of(connection)])
    with file.open("ab") as more:
        more.write(b"RSA 0011223344556677 " + b"00" * 48 + b"\n")
    assert follower.poll() == 1
    assert follower.concerns([randoms_of(connection)])
    assert follower.poll() == 0
    assert not follower.concerns([randoms_of(connection)])
