"""Standard input and several files as one capture."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import shake

from tlsviz.connection.model import Connection
from tlsviz.errors import TargetError, UsageError
from tlsviz.sources.capture import load_capture
from tlsviz.sources.gathered import gather
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.pcapng import survey
from tlsviz.sources.segments import Packet

pytestmark = pytest.mark.tshark


def written(path: Path, packets: list[Packet]) -> Path:
    path.write_bytes(w.pcap(map(w.frame, packets)))
    return path


def opened(*words: str | Path, stdin: bytes = b"") -> tuple[list[Connection], tuple[str, ...]]:
    found = gather([str(word) for word in words], lambda: io.BytesIO(stdin))
    trace = load_capture(found.path, OpenOptions(name=found.name, notices=found.notices))
    return list(trace.connections), trace.notices


@pytest.fixture(scope="module")
def packets() -> list[Packet]:
    return w.packets(shake("1.2"))


def test_a_connection_that_goes_on_in_the_next_file_is_one(packets: list[Packet], tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.pcap", packets)
    first, second = written(tmp_path / "ring1.pcap", packets[:5]), written(tmp_path / "ring2.pcap", packets[5:])
    [alone], _ = opened(whole)
    [merged], notices = opened(first, second)
    assert merged == alone
    assert notices[0].startswith(f"Merged by time: ring1.pcap (5 packets), ring2.pcap ({len(packets) - 5} packets).")
    # Also where the later one is named first.
    [other], _ = opened(second, first)
    assert other == alone


def test_of_many_files_the_first_are_named(packets: list[Packet], tmp_path: Path) -> None:
    ring = [written(tmp_path / f"ring{number:02}.pcap", [packet]) for number, packet in enumerate(packets[:8])]
    _, notices = opened(*ring)
    named = ", ".join(f"ring{number:02}.pcap (1 packet)" for number in range(3))
    assert notices[0].startswith(f"Merged by time: {named} and 5 more (5 packets). ")


def test_compressed_files_are_merged_as_well(packets: list[Packet], tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.pcap", packets)
    first = written(tmp_path / "one.pcap", packets[:5])
    second = tmp_path / "two.pcap.gz"
    second.write_bytes(gzip.compress(w.pcap(map(w.frame, packets[5:]))))
    assert opened(first, second)[0] == opened(whole)[0]


def test_a_file_that_is_cut_is_named(packets: list[Packet], tmp_path: Path) -> None:
    first = written(tmp_path / "one.pcap", packets[:5])
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(w.pcap(map(w.frame, packets[5:]))[:-7])
    _, notices = opened(first, cut)
    assert "cut.pcap is cut short: what came before that is shown." in notices


def test_secrets_inside_are_kept(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "captures" / "tls13.pcapng"
    found = gather([str(sample), str(sample)], lambda: io.BytesIO())
    assert survey(found.path).secrets[: len(survey(sample).secrets)] == survey(sample).secrets


def test_standard_input_is_a_capture(packets: list[Packet], tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.pcap", packets)
    assert opened("-", stdin=whole.read_bytes())[0] == opened(whole)[0]


def test_the_command_reads_a_pipe(packets: list[Packet]) -> None:
    command = [sys.executable, "-m", "tlsviz", "show", "-"]
    answer = subprocess.run(command, input=w.pcap(map(w.frame, packets)), capture_output=True, check=False)
    assert answer.returncode == 0
    assert b"standard input" in answer.stdout


def test_what_cannot_be_gathered_is_said(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="Standard input is empty"):
        opened("-")
    with pytest.raises(UsageError, match="named twice"):
        opened("-", "-")
    with pytest.raises(TargetError, match="nowhere"):
        opened(tmp_path / "nowhere", tmp_path / "nowhere")
