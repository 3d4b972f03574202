"""The connection list without its screen: rows of words, sorted, filtered, and fitted to a width."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tlsviz.connection import rows, titles
from tlsviz.connection.filter_keys import version_rank
from tlsviz.connection.filters import Filter, parse
from tlsviz.connection.model import Connection, Endpoint, Message
from tlsviz.connection.prelude import destination
from tlsviz.connection.rows import Row
from tlsviz.ui.glyphs import Sign, glyphs
from tlsviz.wire.text import clock, safe

GAP = 2
SPARE = 10
"""Columns of this rank and above come when all others have what they need."""
SETTLED = 7
"""Before columns of this rank and above come, the outcome has what it needs: its rare words are long."""
_WIDEST = 48
SortKey = float | str


@dataclass(frozen=True)
class Column:
    """``least`` cells make the column worth showing; ``rank`` says which columns go first when there is room.

    ``whole``: half of a cell says nothing, so that the column is as wide as its longest, or gives the ``brief`` words.
    """

    key: str
    title: str
    least: int
    rank: int
    words: Callable[[Row, float], str]
    order: Callable[[Row], SortKey]
    role: str = ""
    right: bool = False
    whole: bool = False
    brief: Callable[[Row], str] | None = None


def name_of(connection: Connection) -> str:
    """What to call the server: the name that the client asked for, else its address, as in its row."""
    return titles.called(safe(connection.server_name or ""), connection.server, destination(connection.prelude))


def outcome(connection: Connection) -> Sign:
    """How it ended, in one sign and word: failed, incomplete, or what the trust stores say."""
    return sign(*rows.outcome(connection))


def sign(standing: rows.Standing, word: str) -> Sign:
    """The sign of how a connection ended."""
    signs = glyphs()
    if standing == "failed":
        return Sign(signs.failed, word, "failed")
    if standing == "incomplete":
        return Sign(signs.ghost, word, "warning")
    if standing == "plain":
        return Sign(signs.eye, word, "warning")
    if standing == "complete":
        return Sign(signs.chosen, word, "clear")
    return Sign(signs.verified, word, "verified") if standing == "trusted" else Sign(signs.unknown, word, "inferred")


def message_words(message: Message) -> str:
    """``client_hello`` as RFCs write it: ClientHello; an alert with its description, HTTP with its start line."""
    if message.content_type == "http":
        return f"{titles.message(message)} "
    if message.alert is not None:
        return f"Alert {safe(str(message.alert.description))}"
    return "".join(part.capitalize() for part in message.type.split("_"))


def _suite(row: Row) -> str:
    return titles.suite(row.suite)


def _name_order(row: Row) -> SortKey:
    return ".".join(reversed(row.name.casefold().split("."))) if row.name else "~"


def _client(row: Row, _: float) -> str:
    return f"{row.client} {glyphs().arrow}" if row.client.address else ""


def _port(row: Row) -> str:
    """Clients differ in their ports: those stay."""
    return f":{row.client.port} {glyphs().arrow}" if row.client.address else ""


def _server(row: Row) -> str:
    return str(row.server).removesuffix(":443")


def _handshake(row: Row, _: float) -> str:
    return "" if row.handshake is None else clock(row.handshake)


def _handshake_order(row: Row) -> SortKey:
    return -1.0 if row.handshake is None else row.handshake


def _version(row: Row) -> str:
    """Of QUIC its own version: TLS in it is always 1.3."""
    return row.spoken.rpartition(" over ")[2]


def _end_order(end: Endpoint) -> SortKey:
    """Addresses by their numbers, IPv4 first."""
    numbers = end.address.split(".")
    if len(numbers) == 4 and all(number.isdigit() for number in numbers):
        return "".join(f"{int(number):03}" for number in numbers) + f":{end.port:05}"
    return f"~{end.address}:{end.port:05}"


# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("time", "time", 9, 4, lambda r, zero: f"{r.start - zero:.3f}", lambda r: r.start, "muted", right=True),
    Column("client", "client", 8, 6, _client, lambda r: _end_order(r.client), "client", whole=True, brief=_port),
    Column("server", "server", 14, 7, lambda r, _: _server(r), lambda r: _end_order(r.server), "server", whole=True),
    Column("name", "server name", 20, 0, lambda r, _: r.title, _name_order),
    Column("version", "version", 8, 1, lambda r, _: _version(r), lambda r: version_rank(r.version)),
    Column("suite", "cipher suite", 18, 3, lambda r, _: _suite(r), _suite, "clear"),
    Column("group", "group", 6, 9, lambda r, _: str(r.group or ""), lambda r: str(r.group or ""), "muted"),
    Column("alpn", "alpn", 8, 8, lambda r, _: r.alpn, lambda r: r.alpn, "muted"),
    Column("resumed", "resumed", 8, 10, lambda r, _: "resumed" * r.resumed, lambda r: float(r.resumed), "muted"),
    Column("handshake", "handshake", 10, 5, _handshake, _handshake_order, "muted", right=True),
    Column("took", "took", 8, 13, lambda r, _: clock(r.duration), lambda r: r.duration, "muted", right=True),
    Column("history", "history", 8, 11, lambda r, _: r.history, lambda r: r.history, "muted"),
    Column("transport", "over", 5, 12, lambda r, _: r.transport, lambda r: r.transport, "muted"),
    Column("outcome", "outcome", 13, 2, lambda r, _: r.outcome, lambda r: r.outcome),
)
# fmt: on
INDEX = {column.key: index for index, column in enumerate(COLUMNS)}


def sifted(rows: Sequence[Row], wanted: Filter, zero: float, step: int = 4096) -> Iterator[list[Row]]:
    """Of each ``step`` rows those that match, in bites, so that a screen can see to its keys in between."""
    for start in range(0, len(rows), step):
        yield [each for each in rows[start : start + step] if wanted.matches(each, zero)]


class Listing:
    """All rows, and the view of them that is shown: filtered and in order.

    A row finds its place by halving, so that those that come one after the other do not cost a sorting of all.
    """

    def __init__(self) -> None:
        self.sort = "time"
        self.reverse = False
        self.view: list[Row] = []
        self.zero = 0.0
        """When the first connection began."""
        self.wanted = parse("")
        self.rows: dict[int, Row] = {}
        self._order: list[Row] = []
        """All rows, in the order of the column, never reversed."""
        self._widths = [len(column.title) + 1 for column in COLUMNS]  # and the mark of the one that is sorted by

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def filter(self) -> str:
        """The filter that is in force; set it and `arrange`. Raises `FilterError` for one that cannot be read."""
        return self.wanted.text

    @filter.setter
    def filter(self, text: str) -> None:
        self.wanted = parse(text)

    def put(self, rows: Iterable[Row]) -> None:
        """Adds rows, or newer ones in their place."""
        fresh = [found for found in rows if self.rows.get(found.id) != found]
        if not fresh:
            return
        first = min(each.start for each in fresh)
        self.zero = min(self.zero, first) if self.rows else first
        for each in fresh:
            cells = (len(column.words(each, self.zero)) for column in COLUMNS)
            self._widths = [max(old, min(size, _WIDEST)) for old, size in zip(self._widths, cells, strict=True)]
        if len(fresh) > max(len(self.rows) // 16, 64):
            self.rows.update((each.id, each) for each in fresh)
            self._sort()
            return
        for each in fresh:
            old = self.rows.get(each.id)
            if old is not None:
                self._remove(old)
            self.rows[each.id] = each
            self._order.insert(self._place(self._order, each, False), each)
            if self.wanted.matches(each, self.zero):
                self.view.insert(self._place(self.view, each, self.reverse), each)

    def keep(self, ids: Container[int]) -> None:
        """Drops every row but these."""
        for each in [each for number, each in self.rows.items() if number not in ids]:
            self._remove(each)
            del self.rows[each.id]

    def find(self, wanted: Row) -> int | None:
        """Where the view has a row."""
        at = self._place(self.view, wanted, self.reverse)
        return at if at < len(self.view) and self.view[at].id == wanted.id else None

    def arrange(self) -> None:
        """Makes the view anew."""
        for _ in self.arranging():
            pass

    def arranging(self) -> Iterator[None]:
        """Makes the view anew, in the bites of `sifted`; until the end the old one stays."""
        view: list[Row] = []
        for found in sifted(list(self._order), self.wanted, self.zero):
            view += found
            yield
        self.view = view[::-1] if self.reverse else view

    def sort_by(self, key: str) -> None:
        """Sorts by a column; by the same again turns the order round."""
        if key == self.sort:
            self.reverse = not self.reverse
            self.view.reverse()
            return
        self.sort, self.reverse = key, False
        self._sort()

    def _sort(self) -> None:
        self._order = sorted(self.rows.values(), key=self._key)
        self.arrange()

    def _key(self, of: Row) -> tuple[SortKey, float, int]:
        return COLUMNS[INDEX[self.sort]].order(of), of.start, of.id

    def _place(self, among: list[Row], of: Row, reverse: bool) -> int:
        """Where a row is, or belongs, by halving."""
        wanted, low, high = self._key(of), 0, len(among)
        while low < high:
            middle = (low + high) // 2
            found = self._key(among[middle])
            if found > wanted if reverse else found < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _remove(self, old: Row) -> None:
        for among, reverse in ((self._order, False), (self.view, self.reverse)):
            at = self._place(among, old, reverse)
            if at < len(among) and among[at].id == old.id:
                del among[at]

    def layout(self, width: int) -> list[tuple[int, int]]:
        """The columns that fit into ``width`` cells, each with its cells, in their place from left to right.

        The columns of the first ranks get their least first; what is left goes to the same ranks, up to what
        their longest cell needs, and then to the columns to spare.
        """
        return _layout(tuple(self._widths), width)


@lru_cache(16)
def _layout(widths: tuple[int, ...], width: int) -> list[tuple[int, int]]:
    """``widths``: what the longest cell of each column takes."""
    ranked = sorted(range(len(COLUMNS)), key=lambda i: COLUMNS[i].rank)
    cells: dict[int, int] = {}
    for index in ranked:
        column = COLUMNS[index]
        if column.rank == SETTLED and (end := INDEX["outcome"]) in cells:
            cells[end] += max(min(widths[end] - cells[end], width - _taken(cells)), 0)
        if column.rank == SPARE:
            _grow(cells, widths, width)
        whole = column.rank >= SPARE or (column.whole and column.brief is None)
        need = widths[index] if whole else min(column.least, widths[index])
        if _taken(cells) + need + GAP * bool(cells) <= width:
            cells[index] = need
        elif not whole:
            break
    _grow(cells, widths, width)
    return sorted(cells.items())


def _taken(cells: dict[int, int]) -> int:
    return sum(cells.values()) + GAP * max(len(cells) - 1, 0)


def _grow(cells: dict[int, int], widths: tuple[int, ...], width: int) -> None:
    """Gives what is left to the columns, in the order of their ranks."""
    # A long suite's name says less with each cell than the others: it grows last.
    for index in sorted(cells, key=lambda i: COLUMNS[i].key == "suite"):
        more = min(widths[index] - cells[index], width - _taken(cells))
        if not COLUMNS[index].whole or cells[index] + more == widths[index]:
            cells[index] += more
