"""Everything that a scenario needs, running: its server, what its authority publishes, and whom its client trusts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import NamedTuple

from tlsviz.lab.authority import Authority, Issued
from tlsviz.lab.listener import Listener
from tlsviz.lab.plain import PlainServer, Site
from tlsviz.lab.scenarios import SCENARIOS, Scenario
from tlsviz.lab.scripted import ScriptedServer
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.lab.shelf import Shelf


class Stage(NamedTuple):
    """A scenario whose server listens on 127.0.0.1 at ``port``; ``anchors`` are the roots that its client trusts.

    ``files`` is what the authority publishes, by path; over HTTP where the authority has no address of its own.
    """

    port: int
    shown: Issued
    anchors: tuple[Issued, ...]
    files: dict[str, bytes]
    client: Issued | None
    plain_port: int | None = None

    @property
    def anchors_pem(self) -> bytes:
        return b"".join(anchor.pem for anchor in self.anchors)


@cache
def authority() -> Authority:
    """This process's certificate authority."""
    return Authority()


@cache
def _shown(name: str) -> Issued:
    """What a scenario's server shows: made once a process, because RSA keys take their time."""
    return next(one for one in SCENARIOS if one.name == name).certificate(authority())


@contextmanager
def staged(chosen: Scenario, issuer: Authority | None = None, port: int = 0) -> Iterator[Stage]:
    """Runs the servers of a scenario, with certificates of ``issuer`` (default: this process's authority).

    Raises OSError when the port cannot be had.
    """
    whose = issuer or authority()
    with ExitStack() as running:
        shelf = None
        if chosen.published is not None and not whose.url:
            shelf = running.enter_context(Shelf())
            whose = whose.published_at(shelf.url)
        shown = chosen.certificate(whose) if issuer or shelf else _shown(chosen.name)
        files = dict(chosen.published(whose, shown)) if chosen.published else {}
        if shelf is not None:
            shelf.files.update(files)
        running.enter_context(server := _server(chosen, shown, whose, port))
        client = chosen.client(whose) if chosen.client else None
        plain = running.enter_context(_plain(chosen.plain, shown, whose)) if chosen.plain is not None else None
        yield Stage(server.port, shown, chosen.anchors(whose), files, client, plain.port if plain else None)


def _plain(site: Site, shown: Issued, whose: Authority) -> Listener:
    """What stands at the host's plain port."""
    return LabServer(ServerSettings(), shown, whose) if site.speaks_tls else PlainServer(site)


def _server(chosen: Scenario, shown: Issued, whose: Authority, port: int) -> Listener:
    if chosen.script is not None:
        return ScriptedServer(chosen.script, shown, port=port)
    return LabServer(chosen.server, shown, whose, port=port)
