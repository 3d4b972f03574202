"""What a situation is: a server, what is asked of it, and the one right diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from situation_servers import Serve
from small_proxies import Proxy, http, socks5

HOST = "www.lab.test"
TLS12 = {"min_version": "1.2", "max_version": "1.2"}
TLS13 = {"min_version": "1.3"}
HTTP, SOCKS = Proxy("http", http()), Proxy("socks5", socks5())


@dataclass(frozen=True, slots=True)
class Situation:
    """``code``: the finding code of the one right diagnosis, None where all is well; ``words`` must stand in its title,
    evidence, mend or causes, whatever their case.

    ``options`` are LiveOptions; ``client`` is the kind of client certificate that is shown, "" for none. ``resolver``
    is what the name service says of ``host`` instead of 127.0.0.1: addresses, an error, or seconds of silence.
    ``beside``: no diagnosis but a finding. ``plain``: what serves the plain port, where both ports are looked at;
    ``proxy`` stands between, and nothing but it can look up ``host``. ``quick``: part of every test run.
    """

    name: str
    serve: Serve
    code: str | None
    words: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    client: str = ""
    host: str = HOST
    address: str = "127.0.0.1"
    resolver: tuple[str, ...] | OSError | float | None = None
    beside: str = ""
    plain: Serve | None = None
    proxy: Proxy | None = None
    timeout: float = 3.0
    quick: bool = True
