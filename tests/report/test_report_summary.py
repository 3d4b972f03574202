"""The summary of many connections: text and JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from sample_traces import full, hostile, refused, trace

from tlsviz.connection.tally import FACETS
from tlsviz.pki.trust import Trust
from tlsviz.report.json import schema, to_json
from tlsviz.report.summary import columns, render_summary

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_json_fulfils_the_schema_and_counts() -> None:
    found = to_json(trace(full(), refused(), hostile()), summary=True)
    own = {"$defs": schema()["$defs"], **schema()["properties"]["summary"]}
    jsonschema.Draft202012Validator(own).validate(found["summary"])
    told = found["summary"]
    assert told["connections"] == 3 == sum(told["timeline"]["connections"])
    assert set(told["counts"]) == {facet.key for facet in FACETS}
    assert told["failed"] >= 1
    assert "summary" not in to_json(trace(full()))


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("ascii", [False, True])
def test_the_text_fits_and_is_harmless(width: int, ascii: bool) -> None:
    text = render_summary(trace(full(), refused(), hostile()), width, ascii=ascii)
    assert "3 TLS connections" in text and "TLS 1.3" in text
    assert all(len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text and (not ascii or text.isascii())


def test_nothing_at_all() -> None:
    assert "0 TLS connections" in render_summary(trace())


def test_a_single_failure_is_seen_beside_thousands() -> None:
    assert columns([0, 1, 4000, 0]) == " ▁█ "
    assert columns([]) == ""


def test_no_outcome_is_left_out() -> None:
    ends = [f"end {number:02}" for number in range(12)]
    odd = [replace(full(), id=n, trust=Trust("untrusted", (end,), NOON, "us")) for n, end in enumerate(ends)]
    text = render_summary(trace(*odd), 80)
    assert all(end in text for end in ends)
