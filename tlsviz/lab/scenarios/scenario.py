"""What a scenario is: a server, what the client says to it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tlsviz.connection.ports import PortState
from tlsviz.lab.authority import SERVER_NAME, Authority, Issued
from tlsviz.lab.plain import Site
from tlsviz.lab.scripted import Script
from tlsviz.lab.server import ServerSettings
from tlsviz.pki.trust import Reason, Verdict
from tlsviz.sources.options import LiveOptions


def good(authority: Authority) -> Issued:
    """A server's certificate without fault."""
    return authority.server()


def _root(authority: Authority) -> tuple[Issued, ...]:
    return (authority.root,)


@dataclass(frozen=True, slots=True)
class PortsExpected:
    """What the plain port must be found to be, the statuses along its redirects, and exactly these findings."""

    plain: PortState = "http"
    statuses: tuple[int, ...] = ()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to see; the fields down to ``client_reasons`` say what must come of it, and the tests hold them to it.

    ``version`` and ``suite`` are what must be negotiated, None where nothing is; ``verdict`` and ``reasons`` the
    judgement, ``at_fault`` the place of the first faulty certificate in the list as sent, None where it is none of
    those; ``diagnosis`` is the code of the finding that says what is wrong, None where all is well, and ``findings``
    are codes that must stand beside it; ``failing`` are the proofs that must fail, besides that of the chain, and
    ``client_reasons`` why the client's own certificate is not trusted.

    The rest says how: ``certificate`` is the server's, ``anchors`` are the roots that the client trusts, ``published``
    what the authority gives over HTTP meanwhile, by path; ``client`` is the client's certificate. ``host`` is what the
    client asks for. ``script`` replaces the server by one that answers a ClientHello with its bytes, and stops there.
    ``plain`` is what the host's plain port answers meanwhile, ``ports`` what must come of looking at both.
    """

    name: str
    title: str
    what_to_see: str
    version: str | None = "TLS 1.3"
    suite: str | None = "TLS_AES_256_GCM_SHA384"
    verdict: Verdict = "trusted"
    reasons: tuple[Reason, ...] = ()
    at_fault: int | None = None
    diagnosis: str | None = None
    findings: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    client_reasons: tuple[Reason, ...] = ()
    certificate: Callable[[Authority], Issued] = good
    anchors: Callable[[Authority], tuple[Issued, ...]] = _root
    published: Callable[[Authority, Issued], Mapping[str, bytes]] | None = None
    client: Callable[[Authority], Issued] | None = None
    host: str = SERVER_NAME
    server: ServerSettings = ServerSettings()
    options: LiveOptions = LiveOptions()
    script: Script | None = None
    plain: Site | None = None
    ports: PortsExpected | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Scenarios on one subject."""

    title: str
    scenarios: tuple[Scenario, ...]
