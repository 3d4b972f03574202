"""What was agreed, taken apart, and what was offered beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual import events

from tlsviz.connection.model import CodePoint, Connection
from tlsviz.explain import points
from tlsviz.explain.words import Words
from tlsviz.tls.suites import Suite, suite
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import MessageChosen, Scene
from tlsviz.ui.widgets.lines import Line, wrap
from tlsviz.ui.widgets.negotiation_lines import negotiated
from tlsviz.ui.widgets.pane import Pane, heading, paragraph
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Path, walk
from tlsviz.wire.text import safe

_HASHES = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "md5": "MD5"}


_TELLING = frozenset(
    ("client_hello", "server_hello", "encrypted_extensions", "server_key_exchange", "certificate_verify")
)
"""The messages whose fields offer and choose."""


class CipherPane(Pane):
    """Version, suite, group and signature: what each part does; then offered and chosen. A click finds the field."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._agreed = 0

    def key(self, scene: Scene) -> tuple[object, ...]:
        connection = scene.connection
        return (
            connection.version,
            connection.cipher_suite,
            connection.group,
            connection.signature_scheme,
            connection.alpn,
            connection.offered,
            connection.earlier,
            len(connection.messages),
        )

    def build(self, scene: Scene, width: int) -> list[Line]:
        connection = scene.connection
        if not connection.offered.cipher_suites and connection.cipher_suite is None:
            return [[], *paragraph("No ClientHello yet: nothing has been offered.", width, "muted", 2)]
        chosen = [*agreed(connection, width), *negotiated(connection, width)]
        self._agreed = len(chosen)
        return [*chosen, *offers(connection, width)]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None or self.scene is None:
            return
        connection = self.scene.connection
        point = point_at(self.line(index), offset.x, connection)
        place = place_of(connection, point, CLIENT if index >= self._agreed else SERVER) if point else None
        if place is not None:
            self.post_message(MessageChosen(*place))


def point_at(line: Line, x: int, connection: Connection) -> CodePoint | None:
    """The negotiated or offered value whose name or number is drawn at a cell of a line."""
    signs = glyphs()
    for text, _ in line:
        x -= cell_len(text)
        if x < 0:
            break
    else:
        return None
    words = text.split()
    if words and words[0] in (signs.chosen, signs.offered):
        del words[0]
    name = " ".join(words).partition(f" {signs.odd} ")[0]
    offered = connection.offered
    chosen = (connection.version, connection.cipher_suite, connection.group, connection.signature_scheme)
    lists = (offered.versions, offered.cipher_suites, offered.groups, offered.signature_schemes)
    points = (point for each in (*lists, chosen) for point in each if point is not None)
    return next((point for point in points if name in (str(point), point.hex)), None)


def place_of(connection: Connection, point: CodePoint, sender: Sender) -> tuple[int, Path] | None:
    """The message, and in it the path of the field, where a side offers or chooses a value first."""
    for message in connection.messages:
        if message.tree is None or message.sender != sender or message.type not in _TELLING:
            continue
        for path, node in walk(message.tree):
            if not node.children and (node.value, node.length, node.label) == (point.code, point.width, point.name):
                return message.index, path
    return None


def agreed(connection: Connection, width: int) -> list[Line]:
    """The negotiated values, each with what it does."""
    if connection.cipher_suite is None:
        return [
            *paragraph("The server has not chosen yet. This is what the client offered.", width, "muted"),
            [],
        ]
    lines = heading("Agreed", width)
    lines.append([])
    known = suite(connection.cipher_suite.code)
    lines += callouts(connection.cipher_suite, known, width)
    lines.append([])
    if connection.version:
        lines += _fact("Version", connection.version, points.version(connection.version.code), width)
    if connection.group:
        lines += _fact("Key exchange", connection.group, points.group(connection.group.code), width)
    elif known and known.key_exchange == "RSA":
        text = (
            "RSA: the client picks the secret and sends it encrypted to the certificate's key. No forward secrecy: "
            "whoever gets that key later can read this recording."
        )
        lines += _words("Key exchange", "RSA", text, width, "warning")
    if connection.signature_scheme:
        scheme = connection.signature_scheme
        lines += _fact("Signature", scheme, points.signature_scheme(scheme.code), width)
    if connection.alpn:
        lines += _words("Application", safe(connection.alpn), "the protocol spoken inside, agreed by ALPN", width)
    return lines


def callouts(point: CodePoint, known: Suite | None, width: int) -> list[Line]:
    """The suite's name with a line from each of its parts to what that part does."""
    signs = glyphs()
    name = str(point)
    lines: list[Line] = [[("  ", ""), (name, "foreground bold"), (f"  {point.hex}", "muted")]]
    if known is None:
        return lines
    parts = _parts(known)
    placed: list[tuple[int, int, str]] = []
    at = 0
    for text, meaning in parts:
        start = name.find(text, at)
        if start >= 0 and text:
            placed.append((start, len(text), meaning))
            at = start + len(text)
    if not placed:
        return lines
    marks = [" "] * (placed[-1][0] + placed[-1][1])
    for start, size, _ in placed:
        for column in range(start, start + size):
            marks[column] = signs.dash
        marks[start + min(1, size - 1)] = signs.down
    lines.append([("  ", ""), ("".join(marks), "accent")])
    anchors = [start + min(1, size - 1) for start, size, _ in placed]
    for index in range(len(placed) - 1, -1, -1):
        lead = [" "] * (anchors[index] + 1)
        for anchor in anchors[:index]:
            lead[anchor] = signs.rail
        rails = "".join(lead)
        room = width - anchors[index] - 6
        if room >= 24:
            for number, part in enumerate(wrap(placed[index][2], room)):
                corner = signs.last if number == 0 else " "
                lines.append([("  ", ""), (rails[: anchors[index]] + corner + " ", "accent"), (part, "foreground")])
        else:  # too far right: the words start further left, under the line
            lines.append([("  ", ""), (rails[: anchors[index]] + signs.last, "accent")])
            left = (anchors[index - 1] + 2) if index else 2
            left = min(left, max(width - 30, 2))
            words_ = wrap(placed[index][2], width - left - 4)
            lines += [[("  ", ""), (rails[:left].ljust(left), "accent"), (part, "foreground")] for part in words_]
    return lines


def _parts(known: Suite) -> list[tuple[str, str]]:
    """The parts of a suite's name in order, with what each does."""
    found: list[tuple[str, str]] = []
    if known.key_exchange:
        secret = "a fresh secret for this connection" if known.forward_secret else "no forward secrecy"
        same = known.key_exchange == known.authentication
        text = f"{known.key_exchange}: key exchange, {secret}"
        found.append((known.key_exchange, text + ("; and the proof of who the server is" if same else "")))
        if known.authentication and not same:
            who = "nobody proves who they are" if known.anonymous else "the key that signs for the server"
            found.append((known.authentication, f"{known.authentication}: {who}"))
    cipher = known.cipher.replace("_", "-")
    bits = f", {known.key_bits}-bit keys" if known.key_bits else ""
    seal = ", encrypts and seals in one step" if known.mac is None and known.key_bits else ""
    found.append((known.cipher, f"{cipher}: the cipher{bits}{seal}"))
    mac = known.mac
    prf = _HASHES.get(known.prf_hash, known.prf_hash.upper())
    if mac:
        found.append(("SHA" if mac == "SHA1" else mac, f"HMAC-{_HASHES.get(mac.lower(), mac)}: seals every record"))
    else:
        found.append((known.prf_hash.upper(), f"{prf}: the hash that derives the keys"))
    return found


def _fact(title: str, point: CodePoint, entry: Words | None, width: int) -> list[Line]:
    text = entry.what if entry else "Nothing is known of this value."
    return _words(title, str(point), text, width, code=point.hex)


def _words(title: str, value: str, text: str, width: int, style: str = "foreground bold", code: str = "") -> list[Line]:
    line: Line = [(f"  {title.ljust(13)}", "muted"), (value, style)]
    if code and code != value:
        line.append((f"  {code}", "muted"))
    return [line, *paragraph(text, width, "muted", 15), []]


def offers(connection: Connection, width: int) -> list[Line]:
    """What the client offered, with the chosen ones marked and the weak ones said."""
    offered = connection.offered
    lines = heading(f"Offered by the client {glyphs().arrow} chosen by the server", width)
    lines.append([])
    lines += _flow("Versions", offered.versions, connection.version, width)
    lines += _suites(offered.cipher_suites, connection.cipher_suite, width)
    lines += _flow("Groups", offered.groups, connection.group, width)
    lines += _flow("Signatures", offered.signature_schemes, connection.signature_scheme, width)
    if offered.alpn:
        items = [(safe(name), name == connection.alpn, "") for name in offered.alpn]
        lines += _title("Protocols (ALPN)", len(items), connection.alpn is not None)
        lines += _items(items, width)
    return lines


def _title(name: str, count: int, chosen: bool) -> list[Line]:
    text = f"{count} offered" + ("" if chosen else ", none chosen")
    return [[(f"  {name}", "foreground bold"), (f"  {text}", "muted")]]


def _flow(name: str, points: Sequence[CodePoint], chosen: CodePoint | None, width: int) -> list[Line]:
    if not points:
        return []
    items = [(str(point), chosen is not None and point.code == chosen.code, weak(point)) for point in points]
    return [*_title(name, len(points), any(mine for _, mine, _ in items)), *_items(items, width)]


def _items(items: Iterable[tuple[str, bool, str]], width: int) -> list[Line]:
    """Values side by side as far as they fit: name, chosen, weakness."""
    signs = glyphs()
    lines: list[Line] = []
    line: Line = [("   ", "")]
    used = 3
    for name, chosen, weakness in items:
        text = f" {signs.chosen if chosen else signs.offered} {name}"
        if weakness:
            text += f" {signs.odd} {weakness}"
        if used + cell_len(text) + 1 > width and used > 3:
            lines.append(line)
            line, used = [("   ", "")], 3
        style = "verified bold" if chosen else "warning" if weakness else "muted" if name == "GREASE" else "foreground"
        line.append((text + " ", style))
        used += cell_len(text) + 1
    return [*lines, line, []]


def _suites(points: Sequence[CodePoint], chosen: CodePoint | None, width: int) -> list[Line]:
    """One line a suite: weaknesses belong to each."""
    if not points:
        return []
    signs = glyphs()
    lines = _title("Cipher suites", len(points), chosen is not None)
    for point in points:
        mine = chosen is not None and point.code == chosen.code
        weakness = weak_suite(point)
        style = (
            "verified bold" if mine else "warning" if weakness else "muted" if point.name == "GREASE" else "foreground"
        )
        line: Line = [
            (f"    {signs.chosen if mine else signs.offered} ", style),
            (point.hex, "muted"),
            (f"  {point}", style),
        ]
        if mine:
            line.append((f"  {signs.back} chosen", "verified"))
        if weakness:
            line.append((f"  {signs.odd} {weakness}", "warning"))
        lines.append(line)
    return [*lines, []]


def weak_suite(point: CodePoint) -> str:
    """What is weak in a suite, in a few words; "" when nothing is."""
    known = suite(point.code)
    if known is None:
        return ""
    if known.weaknesses:
        return ", ".join(known.weaknesses)
    return "" if known.forward_secret or known.tls13 else "no forward secrecy"


def weak(point: CodePoint) -> str:
    """What is weak in a version or signature scheme; "" when nothing is."""
    name = (point.name or "").lower()
    if name.startswith(("ssl", "tls 1.0", "tls 1.1")):
        return "old"
    if "sha1" in name or "md5" in name:
        return "broken hash"
    return ""
