"""The HTTPS record of a name (RFC 9460), asked for beside the name lookup: nothing ever waits for its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.wire.chunks import SERVER, Input, Mark
from tlsviz.wire.text import plural, shorten

if TYPE_CHECKING:
    from dns.rdtypes.svcbbase import SVCBBase

LIMIT = 2.0
"""How long a resolver may take, in seconds."""
_MOST = 4
"""So many records of a name are told."""
_LOCAL = ("localhost", "local", "test", "example", "invalid", "onion", "internal", "arpa")
"""Names that the public name service does not know (RFC 6761, RFC 6762)."""


class Answer(NamedTuple):
    """What came, in words that are safe to print, and when."""

    text: str
    at: float


class ServiceRecord:
    """A question under way in a thread; `answer` is None as long as nothing has come."""

    def __init__(self, host: str, port: int, now: Callable[[], float]) -> None:
        """Imports what it needs, so that this costs no time later; `ask` asks. ``now`` gives the time of the answer."""
        import dns.resolver

        self._resolver = dns.resolver
        # RFC 9460 9.1: another port than 443 is part of the name.
        self._name = host if port == 443 else f"_{port}._https.{host}"
        self._now = now
        self._noted = False
        self.answer: Answer | None = None

    def ask(self) -> None:
        """Begins; returns at once."""
        threading.Thread(target=self._run, name="tlsviz-https-record", daemon=True).start()

    def _run(self) -> None:
        text = self._asked()
        self.answer = Answer(text, self._now())

    def note(self, inputs: list[Input], followed: int, last: bool = False) -> None:
        """Enters the answer as a mark, once, in its place in time, but behind the first ``followed`` inputs.

        ``last``: nobody asks again, so that a missing answer is to be noted too.
        """
        if self._noted or (self.answer is None and not last):
            return
        self._noted = True
        answer = self.answer or Answer("no answer before the connection was over", self._now())
        place = len(inputs)
        while place > followed and inputs[place - 1].time > answer.at:
            place -= 1
        at = max(answer.at, inputs[place - 1].time) if place else answer.at
        inputs.insert(place, Mark("https_record", SERVER, at, (), answer.text))

    def _asked(self) -> str:
        import dns.exception

        try:
            found = self._resolver.Resolver().resolve(self._name, "HTTPS", lifetime=LIMIT, search=False)
        except (self._resolver.NoAnswer, self._resolver.NXDOMAIN):
            return "there is none"
        except dns.exception.Timeout:
            return f"no answer from the name service within {LIMIT:g} s"
        except (dns.exception.DNSException, OSError) as error:
            return shorten(f"cannot be asked for: {error}", 120)
        return "; ".join(describe(record) for record in sorted(found, key=lambda each: each.priority)[:_MOST])


def asked_of(host: str) -> bool:
    """Whether the public name service can know a name's record: of local names and addresses it cannot."""
    labels = host.lower().rstrip(".").split(".")
    return len(labels) > 1 and labels[-1] not in _LOCAL and ":" not in host and not labels[-1].isdigit()


def describe(record: SVCBBase) -> str:
    """``h3 and h2, hints 192.0.2.1, ECH with public.example``, or whose record to ask for instead."""
    target = shorten(record.target.to_text(omit_final_dot=True), 80)
    if record.priority == 0:
        return f"an alias: ask {target}"
    return ", ".join(_parts(record, target)) or "without any parameter"


def _parts(record: SVCBBase, target: str) -> Iterator[str]:
    from dns.rdtypes.svcbbase import ParamKey

    parameters = record.params
    if target not in (".", "", "@"):
        yield f"at {target}"
    if (alpn := parameters.get(ParamKey.ALPN)) is not None:
        yield "speaks " + shorten(" and ".join(name.decode("ascii", "backslashreplace") for name in alpn.ids), 60)
    if (port := parameters.get(ParamKey.PORT)) is not None:
        yield f"port {port.port}"
    for key in (ParamKey.IPV4HINT, ParamKey.IPV6HINT):
        if (hint := parameters.get(key)) is not None:
            yield f"{plural(len(hint.addresses), 'hint')}: {shorten(', '.join(hint.addresses), 100)}"
    if (ech := parameters.get(ParamKey.ECH)) is not None:
        yield f"a key for encrypted ClientHellos ({plural(len(ech.ech), 'byte')})"
