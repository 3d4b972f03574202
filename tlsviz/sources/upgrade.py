"""What is said in plaintext on a new connection before TLS: to the proxy, and to the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.connection.failure import FailureKind
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.starttls.speech import Dialogue, Speech
from tlsviz.sources.target import Target


class Kinds(NamedTuple):
    """How each end that a dialogue can come to is called."""

    refused: FailureKind
    garbled: FailureKind
    stalled: FailureKind
    broken: FailureKind


PROXY = Kinds("proxy_refused", "proxy_garbled", "proxy_stalled", "proxy_broken")
STARTTLS = Kinds("starttls_refused", "starttls_garbled", "starttls_stalled", "starttls_broken")


def dialogues(options: LiveOptions, target: Target, name: str | None) -> Iterator[tuple[Dialogue, Kinds]]:
    """The dialogues before TLS, in order. ``name``: the server name that TLS will send, if any."""
    came = b""
    if (proxy := options.by_way()) is not None:
        tunnel = Speech(*options.place(target))
        yield proxy.dialogue(tunnel), PROXY
        # The server's greeting may come together with the proxy's answer.
        came = tunnel.rest()
    if options.starttls is not None:
        from tlsviz.sources.starttls import DIALOGUES

        yield DIALOGUES[options.starttls](Speech(name or target.host, target.port, came)), STARTTLS
