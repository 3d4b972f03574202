from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlsviz.connection import titles
from tlsviz.connection.filter_keys import KEYS
from tlsviz.connection.filters import parse
from tlsviz.connection.rows import rows
from tlsviz.report.json import SPREAD_OUT, json_text, to_json
from tlsviz.report.listing import COLUMNS, list_json, render_list
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
    assert all("www.lab.test:443" in row for row in rows) == (width >= 200)
    assert ("in every row: server www.lab.test:443" in lines[2]) == (width < 200)
    assert ("192.0.2.10:50001" in rows[0]) == (width >= 140)


def test_where_lines_may_be_of_any_width_no_column_is_left_out(several) -> None:  # type: ignore[no-untyped-def]
    head, *rows = render_list(several, None).splitlines()[2:]
    assert [column.title in head for column in COLUMNS] == [True] * len(COLUMNS)
    assert "192.0.2.10:50016  www.lab.test:443" in rows[-1] and rows[-1].endswith("44.6 ms")


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


def test_times_are_named_as_their_filters_are(several) -> None:  # type: ignore[no-untyped-def]
    head = render_list(several, 200).splitlines()[2]
    assert head.split()[-2:] == ["handshake", "took"] and {"handshake", "took"} <= KEYS.keys()
    for each, kept in zip(list_json(several)["list"], rows(several.connections), strict=True):
        assert (each["handshake"], each["duration"]) == (round(kept.handshake, 6), round(kept.duration, 6))


def test_suites_are_found_as_they_are_printed(several) -> None:  # type: ignore[no-untyped-def]
    for kept in rows(several.connections):
        if kept.suite is not None:
            words = titles.suite(kept.suite)
            assert words in render_list(several, 200)
            assert parse(f'"{words}"').matches(kept, 0.0)
            assert parse(f"cipher:{words.split()[-1]}").matches(kept, 0.0)
