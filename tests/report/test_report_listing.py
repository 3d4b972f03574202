from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlsviz.report.json import SPREAD_OUT, json_text, to_json
from tlsviz.report.listing import list_json, render_list
from tlsviz.report.paint import cells
from tlsviz.sources.capture import load_capture

CAPTURES = Path(__file__).parents[2] / "captures"

pytestmark = pytest.mark.tshark


@pytest.fixture(scope="module")
def several():  # type: ignore[no-untyped-def]
    return load_capture(CAPTURES / "several.pcapng", strict=True)


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_a_row_for_each_and_no_line_too_long(several, width: int) -> None:  # type: ignore[no-untyped-def]
    lines = render_list(several, width).splitlines()
    rows = [line for line in lines if line.startswith(tuple("✓✗?·▲"))]
    assert len(rows) == len(several.connections)
    assert max(map(cells, lines)) <= max(width, 80)
    assert "no common cipher suite" in rows[-1]
    assert all("www.lab.test:443" in row for row in rows)
    assert ("192.0.2.10:50001" in rows[0]) == (width >= 140)


def test_hostile_words_stay_text(several) -> None:  # type: ignore[no-untyped-def]
    odd = several._replace(connections=load_capture(CAPTURES / "hostile-text.pcapng", strict=True).connections)
    assert not any(ord(char) < 32 for char in render_list(odd, 200).replace("\n", ""))


def test_rows_as_json_say_what_whole_connections_say(several) -> None:  # type: ignore[no-untyped-def]
    found, whole = list_json(several), to_json(several)
    assert found["source"] == whole["source"]
    shared = ("id", "client", "server", "start", "duration", "server_name", "version", "cipher_suite", "group", "alpn")
    for row, connection in zip(found["list"], whole["connections"], strict=True):
        for key in (*shared, "transport", "resumed", "complete", "history", "ja3", "ja4"):
            assert row[key] == connection[key], key
        assert row["findings"] == list(dict.fromkeys(finding["code"] for finding in connection["findings"]))
        assert row["bytes"] == sum(side["bytes"] for side in connection["application_data"].values())


@pytest.mark.parametrize("count", [0, 4, SPREAD_OUT + 1])
def test_json_in_parts_is_the_same_as_whole(several, count: int) -> None:  # type: ignore[no-untyped-def]
    trace = several._replace(connections=(several.connections * 9)[:count])
    assert json.loads("".join(json_text(trace, summary=True))) == to_json(trace, summary=True)
