from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from shellsample import NOON, connection, messages, several

from tlsviz.connection import titles
from tlsviz.connection.filter_keys import KEYS
from tlsviz.connection.model import CodePoint, Endpoint, Finding
from tlsviz.connection.rows import row
from tlsviz.pki.trust import Trust
from tlsviz.tls.suites import suite
from tlsviz.ui.glyphs import Sign, glyphs
from tlsviz.ui.listing import COLUMNS, GAP, INDEX, Listing, outcome
from tlsviz.ui.widgets.lines import clip_middle
from tlsviz.wire.text import clock


def names(listing: Listing) -> list[str | None]:
    return [row.name or None for row in listing.view]


def filled() -> Listing:
    listing = Listing()
    listing.put(map(row, several()))
    return listing


def test_rows_are_in_order_of_time_whatever_order_they_come_in() -> None:
    listing = Listing()
    listing.put(map(row, reversed(several())))
    assert [row.id for row in listing.view] == list(range(8))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_sorts_both_ways(column) -> None:
    listing = filled()
    if column.key != listing.sort:
        listing.sort_by(column.key)
    up = [column.order(row) for row in listing.view]
    assert up == sorted(up)
    listing.sort_by(column.key)
    down = [column.order(row) for row in listing.view]
    assert down == sorted(up, reverse=True)


def test_names_sort_by_their_domain() -> None:
    listing = filled()
    listing.sort_by("name")
    found = names(listing)
    assert found.index("old.example.com") < found.index("mail.example.net") < found.index("expired.example.org")
    assert found[-1] is None


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("EXPIRED", [2]),
        ("tls 1.2", [1]),
        ("example.com 1.3 resumed", [7]),
        ("192.0.2.7 40005", [5]),
        ("no such thing", []),
        ("", list(range(8))),
        ("[red]", [7]),
    ],
)
def test_filter_words_must_all_occur(words: str, ids: list[int]) -> None:
    listing = filled()
    listing.filter = words
    listing.arrange()
    assert [row.id for row in listing.view] == ids


def test_a_newer_snapshot_replaces_the_older() -> None:
    listing = filled()
    listing.put([row(connection(5, "now.example.com"))])
    assert len(listing) == 8
    assert names(listing)[5] == "now.example.com"


@pytest.mark.parametrize("width", range(0, 240, 7))
def test_columns_fit_any_width_and_keep_their_places(width: int) -> None:
    layout = filled().layout(width)
    places = [place for place, _ in layout]
    assert places == sorted(places)
    assert sum(cells for _, cells in layout) + GAP * max(len(layout) - 1, 0) <= width


def test_the_name_is_the_last_to_go() -> None:
    keys = [COLUMNS[place].key for place, _ in filled().layout(20)]
    assert keys == ["name"]
    assert {"name", "version", "outcome", "suite"} <= {COLUMNS[place].key for place, _ in filled().layout(76)}
    assert len(filled().layout(212)) == len(COLUMNS)


def test_outcomes_in_words() -> None:
    assert [outcome(each).word for each in several()] == [
        "trusted",
        "trusted",
        "expired",
        "trust unknown",
        "complete",
        "incomplete",
        "no common cipher suite",
        "trusted",
    ]
    again = replace(connection(0, trust=Trust("unknown", (), NOON, "Mozilla")), resumed=True)
    assert outcome(again) == Sign(glyphs().chosen, "resumed", "clear")
    alert = connection(0, complete=False, messages=messages("C:client_hello S:alert"))
    assert outcome(alert).word == "handshake failure"
    assert outcome(alert).glyph == glyphs().failed


def test_what_a_peer_wrote_is_harmless() -> None:
    listing = Listing()
    listing.put([row(connection(0, "a\x1b[31m\u202eb.example", alpn="h2\n"))])
    cells = [column.words(listing.view[0], 0.0) for column in COLUMNS]
    assert not any(char in cell for cell in cells for char in "\x1b\u202e\n")


@pytest.mark.parametrize(
    ("code", "width", "words"),
    [
        (0xC02F, 0, "ECDHE-RSA AES-128-GCM"),
        (0xC02F, 40, "ECDHE-RSA AES-128-GCM"),
        (0xC02F, 18, "ECDHE AES-128-GCM"),
        (0xC02F, 12, "AES-128-GCM"),
        (0x009C, 18, "RSA AES-128-GCM"),
        (0x1301, 18, "AES-128-GCM"),
        (0x1301, 4, "AES-128-GCM"),
        (0x7777, 4, "0x7777"),
    ],
)
def test_a_long_suite_keeps_its_key_exchange_as_long_as_it_fits(code: int, width: int, words: str) -> None:
    known = suite(code)
    assert titles.suite(CodePoint(code, 2, known.name if known else None), width) == words


def test_times_are_named_as_their_filters_are() -> None:
    listing = filled()
    for name in ("handshake", "took"):
        (column,) = (each for each in COLUMNS if each.title == name)
        for each in listing.view:
            found = KEYS[name].number(each, listing.zero)
            assert column.words(each, listing.zero) == ("" if found is None else clock(found))


def test_half_a_port_is_never_shown() -> None:
    listing = filled()
    listing.put([row(connection(30, client=Endpoint("2001:db8::1234:5678", 50123)))])
    (place,) = (place for place, column in enumerate(COLUMNS) if column.key == "client")
    column, seen = COLUMNS[place], set[bool]()
    for width in range(40, 260):
        cells = dict(listing.layout(width)).get(place)
        if cells is None:
            continue
        assert column.brief is not None
        for each in listing.view:
            whole = len(column.words(each, 0.0)) <= cells
            seen.add(whole)
            assert whole or len(column.brief(each)) <= cells
    assert seen == {True, False}
    assert column.brief(listing.rows[30]) == f":50123 {glyphs().arrow}"


@pytest.mark.parametrize("width", range(76, 200, 6))
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_the_mark_of_the_sorted_column_has_room(column, width: int) -> None:
    cells = dict(filled().layout(width)).get(COLUMNS.index(column))
    assert cells is None or cells > len(column.title)


def test_long_outcomes_are_whole_or_end_as_they_do() -> None:
    listing, codes = Listing(), ("client_certificate_required", "client_certificate_refused")
    for number, code in enumerate(codes):
        failure = Finding(code, "error", "No", "", diagnosis=True)
        listing.put([row(connection(number, "a-rather-long-name.example.com", complete=False, findings=(failure,)))])
    place = INDEX["outcome"]
    words = [COLUMNS[place].words(each, 0.0) for each in listing.view]
    assert dict(listing.layout(116))[place] >= max(map(len, words))
    for cells in range(8, 30):
        shown = [clip_middle(each, cells) for each in words]
        assert all(len(each) <= cells for each in shown) and shown[0] != shown[1]
        assert cell_len(clip_middle("鍵" * 20, cells)) <= cells
