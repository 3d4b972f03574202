"""The connection list without its screen: rows of words, sorted, filtered, and fitted to a width."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tlsviz.connection.model import CodePoint, Connection, Message
from tlsviz.ui.glyphs import Sign, glyphs, trust
from tlsviz.wire.text import safe, shorten

GAP = 2
_WIDEST = 48
SortKey = float | str


@dataclass(frozen=True)
class Column:
    """``least`` cells make the column worth showing; ``rank`` says which columns go first when there is room."""

    key: str
    title: str
    least: int
    rank: int
    words: Callable[[Connection, float], str]
    order: Callable[[Connection], SortKey]
    role: str = ""
    right: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A connection in words: a cell for every column, and everything a filter looks at."""

    connection: Connection
    cells: tuple[str, ...]
    text: str
    sign: Sign


def name_of(connection: Connection) -> str:
    """What to call the server: the name the client asked for, else its address."""
    return safe(connection.server_name) if connection.server_name else str(connection.server)


def seconds(value: float) -> str:
    """A duration in three or four digits: ``87 ms``, ``1.25 s``, ``3 min``."""
    if value < 0.0995:
        return f"{value * 1000:.1f} ms" if value < 0.00995 else f"{value * 1000:.0f} ms"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 99.995 else f"{value / 60:.0f} min"


def outcome(connection: Connection) -> Sign:
    """How it ended, in one sign and word: failed, incomplete, or what the trust stores say."""
    signs = glyphs()
    if (diagnosis := connection.failure) is not None:
        return Sign(signs.failed, shorten(diagnosis.code.replace("_", " "), 40), "failed")
    if not connection.complete:
        alert = next((each.alert for each in reversed(connection.messages) if each.alert), None)
        if alert is not None and alert.description.name != "close_notify":
            return Sign(signs.failed, safe(str(alert.description)).replace("_", " "), "failed")
        return Sign(signs.ghost, "incomplete", "warning")
    judged = connection.trust
    if judged is None:
        return Sign(signs.chosen, "complete", "clear")
    if judged.verdict == "untrusted" and judged.reasons:
        return Sign(signs.failed, judged.reasons[0].replace("_", " "), "failed")
    return trust(judged.verdict)


def suite_words(point: CodePoint | None, width: int) -> str:
    """A cipher suite in ``width`` cells: its name, else ``ECDHE-RSA AES_128_GCM``, else as much of that as fits."""
    from tlsviz.tls.suites import suite

    if point is None:
        return ""
    name = str(point).removeprefix("TLS_")
    known = suite(point.code)
    if known is None or len(name) <= width:
        return name
    short = [f"{known.exchange} {known.cipher}".strip(), f"{known.key_exchange} {known.cipher}".strip(), known.cipher]
    return next((words for words in short if len(words) <= width), short[-1])


def message_words(message: Message) -> str:
    """``client_hello`` as RFCs write it: ClientHello; an alert with its description."""
    if message.alert is not None:
        return f"Alert {safe(str(message.alert.description))}"
    return "".join(part.capitalize() for part in message.type.split("_"))


def _suite(connection: Connection) -> str:
    return str(connection.cipher_suite).removeprefix("TLS_") if connection.cipher_suite else ""


def _name_order(connection: Connection) -> SortKey:
    return ".".join(reversed(name_of(connection).casefold().split("."))) if connection.server_name else "~"


def _client(connection: Connection, _: float) -> str:
    return f"{safe(str(connection.client))} {glyphs().arrow}"


def _server(connection: Connection, _: float) -> str:
    return safe(str(connection.server)).removesuffix(":443")


def _version(connection: Connection) -> str:
    over = " QUIC" if connection.transport == "quic" else ""
    return f"{connection.version or ''}{over}".strip()


def _version_order(connection: Connection) -> SortKey:
    return float(connection.version.code) if connection.version else 0.0


# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("time", "time", 9, 4, lambda c, zero: f"{c.start - zero:.3f}", lambda c: c.start, "muted", right=True),
    Column("client", "client", 16, 6, _client, lambda c: safe(str(c.client)), "client"),
    Column("server", "server", 14, 7, _server, lambda c: safe(str(c.server)), "server"),
    Column("name", "server name", 18, 0, lambda c, _: name_of(c), _name_order),
    Column("version", "version", 7, 1, lambda c, _: _version(c), _version_order),
    Column("suite", "cipher suite", 18, 3, lambda c, _: _suite(c), _suite, "clear"),
    Column("group", "group", 6, 9, lambda c, _: str(c.group or ""), lambda c: str(c.group or ""), "muted"),
    Column("alpn", "alpn", 8, 8, lambda c, _: safe(c.alpn or ""), lambda c: safe(c.alpn or ""), "muted"),
    Column("resumed", "resumed", 7, 10, lambda c, _: "resumed" * c.resumed, lambda c: float(c.resumed), "muted"),
    Column("took", "took", 7, 5, lambda c, _: seconds(c.duration), lambda c: c.duration, "muted", right=True),
    Column("outcome", "outcome", 13, 2, lambda c, _: outcome(c).word, lambda c: outcome(c).word),
)
# fmt: on
INDEX = {column.key: index for index, column in enumerate(COLUMNS)}


class Listing:
    """All rows, and the view of them that is shown: filtered and in order."""

    def __init__(self) -> None:
        self.sort = "time"
        self.reverse = False
        self.filter = ""
        self.view: list[Row] = []
        self._rows: dict[int, Row] = {}
        self._widths = [len(column.title) for column in COLUMNS]
        self._zero: float | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, connections: Iterable[Connection]) -> None:
        """Adds connections, or newer snapshots of them."""
        for connection in connections:
            if self._zero is None:
                self._zero = connection.start
            cells = tuple(column.words(connection, self._zero) for column in COLUMNS)
            self._widths = [max(old, min(len(cell), _WIDEST)) for old, cell in zip(self._widths, cells, strict=True)]
            text = "\n".join(cells).casefold()
            self._rows[connection.id] = Row(connection, cells, text, outcome(connection))
        self.arrange()

    def arrange(self) -> None:
        """Makes the view anew."""
        words = self.filter.casefold().split()
        order = COLUMNS[INDEX[self.sort]].order
        rows = [row for row in self._rows.values() if all(word in row.text for word in words)]
        rows.sort(key=lambda row: (row.connection.start, row.connection.id))
        rows.sort(key=lambda row: order(row.connection), reverse=self.reverse)
        self.view = rows

    def sort_by(self, key: str) -> None:
        """Sorts by a column; by the same again turns the order round."""
        self.reverse = not self.reverse if key == self.sort else False
        self.sort = key
        self.arrange()

    def layout(self, width: int) -> list[tuple[int, int]]:
        """The columns that fit into ``width`` cells, each with its cells, in their place from left to right.

        The columns of the first ranks get their least first; what is left goes to the same ranks, up to what
        their longest cell needs.
        """
        chosen: list[int] = []
        left = width
        for index in sorted(range(len(COLUMNS)), key=lambda i: COLUMNS[i].rank):
            need = min(COLUMNS[index].least, self._widths[index]) + (GAP if chosen else 0)
            if need > left:
                break
            chosen.append(index)
            left -= need
        cells = {index: min(COLUMNS[index].least, self._widths[index]) for index in chosen}
        # A long suite's name says less with each cell than the others: it grows last.
        for index in sorted(chosen, key=lambda i: COLUMNS[i].key == "suite"):
            more = min(self._widths[index] - cells[index], left)
            cells[index] += more
            left -= more
        return sorted(cells.items())
