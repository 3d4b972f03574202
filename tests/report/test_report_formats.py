"""The formats for documents: whole, well-formed, harmless whatever a peer wrote, and without secrets."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from sample_traces import EVIL, REQUEST, full

from tlsviz.connection.compare import compare
from tlsviz.connection.model import Finding, Source, Trace
from tlsviz.report.compare import render_compare
from tlsviz.report.formats import COMPARED, DOCUMENTS, compared, document, picture

HOSTILE = f"{EVIL}</text><script>alert(1)</script> ]]> | ` ``` \n%% end; <b>x</b> [x](javascript:y)"
WHOLE = ("html", "svg")


def hostile() -> Trace:
    connection = full()
    finding = Finding("odd", "warning", HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    connection = replace(connection, server_name=HOSTILE, alpn=HOSTILE, findings=(*connection.findings, finding))
    return Trace(Source("capture", HOSTILE, 5), (connection,))


class Tags(HTMLParser):
    """Every tag of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whatever_a_peer_wrote_is_text(name: str) -> None:
    found = document(hostile(), name, True)
    assert "\x1b" not in found and "\u202e" not in found and "\r" not in found
    assert "<script>" not in found and "<b>" not in found
    if name == "svg":
        ElementTree.fromstring(found)
    if name == "html":
        tags = Tags()
        tags.feed(found)
        assert "script" not in tags.seen and "b" not in tags.seen and {"table", "svg"} <= tags.seen
    if name == "markdown":
        assert re.search(r"(?<!\\)\[x\]", found) is None
        fences = [line for line in found.splitlines() if line.startswith("```")]
        assert len(fences) == 2, "nothing in the ladder ends its block"
        rows = [line for line in found.splitlines() if line.startswith("| ▲ warning")]
        assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows) and rows
    if name == "mermaid":
        assert all(
            re.match(r"(%% connection \d+|sequenceDiagram| {4}(participant|Note over|[CS]-{1,2}>>[CS]:).*)$", line)
            for line in found.splitlines()
            if line
        )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_application_data_is_quoted_only_with_secrets(name: str) -> None:
    trace = Trace(Source("capture", "a.pcap", 5), (full(),))
    quoted = REQUEST.split(b"\r\n")[0].decode()
    assert quoted not in document(trace, name, False)
    assert quoted in document(trace, name, True)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_found_is_a_document_too(name: str) -> None:
    assert document(Trace(Source("capture", "none")), name, False).strip()


@pytest.mark.parametrize("name", COMPARED)
def test_comparisons(name: str) -> None:
    one, other = full(), hostile().connections[0]
    sources = (Source("capture", "a"), Source("capture", HOSTILE))
    if name == "text":
        found = render_compare(compare(one, other), sources, width=80, fields=True)
        assert max(map(len, found.splitlines())) <= 80
    else:
        found = compared(compare(one, other), sources, name, True, False, False)
    assert ("\x1b" not in found and "<script>" not in found.replace('"<script>', "")) or name in ("text", "json")
    assert "GET /secret" not in found
    if name == "json":
        read = json.loads(found)
        assert {each["what"] for each in read["differences"]} >= {"server_name", "alpn", "odd"}
        assert all("\x1b" not in each["right"] for each in read["differences"])
    if name == "svg":
        ElementTree.fromstring(found)


def texts(svg: str) -> list[tuple[float, float, str]]:
    """Every text of a picture with its place, x and y."""
    root = ElementTree.fromstring(svg)
    found = root.iter("{http://www.w3.org/2000/svg}text")
    return [(float(one.attrib["x"]), float(one.attrib["y"]), "".join(one.itertext())) for one in found]


def test_the_picture_of_a_comparison_names_every_difference_and_has_its_rows_level() -> None:
    one = full()
    other = replace(hostile().connections[0], messages=one.messages[:-1], resumed=True)
    comparison = compare(one, other)
    drawn = texts(picture(comparison, (Source("capture", "a"), Source("capture", HOSTILE))))
    whole = " ".join(text for _, _, text in drawn)
    for each in comparison.differences:
        for told in (each.title, each.left, each.right):
            assert all(word in whole for word in told.split()), told
    middle = 636
    lone = [pair for pair in comparison.pairs if pair.right is None]
    assert lone and sum(text == "only A has this" for _, _, text in drawn) == len(lone)
    for pair in comparison.pairs:
        if pair.left is None or pair.right is None or pair.left.kind != "message":
            continue
        title = one.messages[pair.left.index].type.replace("_", "")
        places = [(x, y) for x, y, text in drawn if text.lower().replace(" ", "").startswith(title)]
        left, right = ({y for x, y in places if (x > middle) == side} for side in (False, True))
        assert left & right, f"{title} stands level on both ladders"


def test_what_only_one_hello_offers_is_one_row_of_the_picture() -> None:
    one = full()
    many = replace(one, offered=one.offered._replace(alpn=("h2", "http/1.1", "h3")))
    few = replace(one, offered=one.offered._replace(alpn=()))
    drawn = texts(picture(compare(many, few), (Source("capture", "a"), Source("capture", "b"))))
    said = [text for _, _, text in drawn]
    assert "ALPN protocol offered ×3" in said and "h2, http/1.1, h3" in said
