"""What a web server answers inside of the connection, where the keys open it: over HTTP/1.1 and HTTP/2 alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection.model import Connection, Finding
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import shorten


def downgraded(connection: Connection) -> Iterator[Finding]:
    """An encrypted page that sends the visitor on to one in the clear."""
    first = next((run for run in connection.application if run.sender == SERVER), None)
    if first is None or first.plaintext is None or not _may_redirect(first.plaintext.data):
        return
    from tlsviz.connection.http import spoken

    heard = spoken(connection)
    reply = heard.reply if heard is not None else None
    target = (reply.header("location") or "") if reply is not None and 300 <= reply.status < 400 else ""
    if reply is None or not target.lower().startswith("http:"):
        return
    yield Finding(
        "http_redirect_to_plain",
        "warning",
        "An encrypted page leads back to plain HTTP",
        f"{reply.version} {reply.words}: Location: {shorten(target, 100)}.",
        "Let the Location begin with https://; tell a backend behind a proxy which scheme the visitor used.",
        "RFC 9110 15.4",
    )


def _may_redirect(data: bytes) -> bool:
    """A cheap look at the first bytes, before anything is imported: HTTP/1's status, or a frame of HTTP/2."""
    return (data[:7] == b"HTTP/1." and data[9:10] == b"3") or data[3:4] == b"\x04"


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (downgraded,)
