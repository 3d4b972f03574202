"""Why this version, suite, group, signature and protocol: offered, known to be accepted, chosen, and who decided.

What a server accepts is never announced: it is known from what it chose, here and in earlier handshakes, from a
HelloRetryRequest, and from the groups that it may list in EncryptedExtensions. All else is "not known".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tlsviz.connection.hellos import offer_is_known
from tlsviz.connection.model import CodePoint, Connection, Message
from tlsviz.connection.observed import Observation
from tlsviz.connection.precedents import Subject, follows, taken, turned_away
from tlsviz.connection.unfit import agreed
from tlsviz.tls import suites
from tlsviz.tls.views import ClientHello, client_hello
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import plural, safe

Fate = Literal["chosen", "accepted", "impossible", "passed_over", "refused"]
"""accepted: the server is known to take it, but chose another; impossible: it does not fit what else was chosen;
refused: the server turned away a handshake that offered nothing else; passed_over: whether it is taken is not known."""
Decider = Literal["client_order", "server_order", "protocol", "only_one", "unknown"]

TITLES: dict[Subject, str] = {
    "version": "Version",
    "cipher_suite": "Cipher suite",
    "group": "Group of the key exchange",
    "signature_scheme": "Signature scheme",
    "alpn": "Protocol inside (ALPN)",
}
DECIDERS: dict[Decider, str] = {
    "client_order": "the client's order decided",
    "server_order": "the server decided",
    "protocol": "the protocol's rules decided",
    "only_one": "there was no choice",
    "unknown": "who decided cannot be told",
}
FOLD = 2
"""So many candidates that lost for the same reason are still named one by one."""


class Candidate(NamedTuple):
    """One offered value, in the client's order. ``why``: what it won or lost by; ``key_share``: whether one came."""

    name: str
    code: int | None
    fate: Fate
    why: str
    key_share: bool = False


class Choice(NamedTuple):
    """One thing that was negotiated. ``chosen``: its name, None where nothing was. ``message``: where it was told.

    ``retry``: what a HelloRetryRequest asked for, in words, "" where there was none.
    """

    subject: Subject
    candidates: tuple[Candidate, ...]
    chosen: str | None
    decider: Decider
    why: str
    message: int | None = None
    retry: str = ""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Everything that the server is known to take."""
        return tuple(one.name for one in self.candidates if one.fate in ("chosen", "accepted"))


def negotiation(connection: Connection) -> tuple[Choice, ...]:
    """Each thing that was negotiated, or would have been; () where no ClientHello was seen whole."""
    if not offer_is_known(connection):
        return ()
    hello = next((m for m in connection.messages_of("client_hello") if m.tree and m.buffer), None)
    if hello is None or hello.tree is None or hello.buffer is None:
        return ()
    offer = client_hello(hello.tree, hello.buffer.data)
    made = _Explained(connection, offer)
    return tuple(made.choices())


class _Explained:
    def __init__(self, connection: Connection, offer: ClientHello) -> None:
        self.connection = connection
        self.offer = offer
        self.agreed = agreed(connection)
        self.tls13 = self.agreed.tls13
        self.suite = suites.suite(connection.cipher_suite.code) if connection.cipher_suite else None
        self.retry = next(iter(connection.messages_of("hello_retry_request")), None)

    def choices(self) -> Iterator[Choice]:
        offered = self.connection.offered
        yield self._version(offered.versions)
        yield self._suite(offered.cipher_suites)
        if offered.groups:
            yield self._group(offered.groups)
        if offered.signature_schemes:
            yield self._scheme(offered.signature_schemes)
        if offered.alpn:
            yield self._alpn(offered.alpn)

    # -- the five ----------------------------------------------------------------------------------------------

    def _version(self, offered: Sequence[CodePoint]) -> Choice:
        chosen = self.connection.version
        ranked = sorted((point for point in offered if point.name != "GREASE"), key=_age, reverse=True)
        if not self.offer.versions and ranked:
            # Without supported_versions the hello names the highest, and means every lower one, too.
            ranked = ranked[:1]
        found = []
        for point in ranked:
            fate, why = self._fate("version", point.code, chosen, "")
            if chosen is not None and fate == "passed_over" and _age(point) > _age(chosen):
                why = "higher than the chosen one: the server does not know it, or has it switched off"
            elif chosen is not None and fate != "chosen" and _age(point) < _age(chosen):
                why = "lower than the chosen one"
            found.append(Candidate(str(point), point.code, fate, why))
        if chosen is None:
            return self._none("version", found)
        if len(found) <= 1:
            lower = bool(ranked) and _age(chosen) < _age(ranked[0])
            why = "the highest that both know" if lower else "the client named no other"
            return self._told("version", found, chosen, "protocol" if lower else "only_one", why, "server_hello")
        best = _age(chosen) == max(map(_age, ranked))
        why = (
            "the highest offered: servers take the highest that both know (RFC 8446 4.2.1)"
            if best
            else "the highest that the server has among those offered (RFC 8446 4.2.1)"
        )
        return self._told("version", found, chosen, "protocol", why, "server_hello")

    def _suite(self, offered: Sequence[CodePoint]) -> Choice:
        chosen = self.connection.cipher_suite
        found = []
        for point in offered:
            if point.name == "GREASE" or suites.suite(point.code) is None:
                continue
            fate, why = self._fate("cipher_suite", point.code, chosen, self.agreed.suite(point))
            found.append(Candidate(str(point), point.code, fate, why))
        if chosen is None:
            return self._none("cipher_suite", found)
        if self.connection.resumed:
            why = "the session that is resumed has it, or its hash (RFC 8446 4.6.1, RFC 5246 F.1.4)"
            return self._told("cipher_suite", found, chosen, "protocol", why, "server_hello")
        decider, why = self._order("cipher_suite", found, chosen.code)
        return self._told("cipher_suite", found, chosen, decider, why, "server_hello")

    def _group(self, offered: Sequence[CodePoint]) -> Choice:
        chosen, shares = self.connection.group, set(self.offer.key_share_groups)
        found = []
        for point in offered:
            if point.name == "GREASE":
                continue
            fate, why = self._fate("group", point.code, chosen, self.agreed.group(point))
            shared = point.code in shares
            if self.retry is not None and fate == "passed_over" and shared:
                why = "its key share came with the first hello, and the server asked for another group all the same"
            elif self.tls13 and fate == "passed_over" and not shared:
                why = f"{why}; no key share came with it, so it would have cost a round trip"
            found.append(Candidate(str(point), point.code, fate, why, shared))
        if chosen is None:
            return self._no_group(found)
        told = "server_hello" if self.tls13 else "server_key_exchange"
        if self.retry is not None:
            sent = ", ".join(one.name for one in found if one.key_share) or "none"
            retry = (
                f"the client sent key shares for {sent}; the server asked for {chosen} by HelloRetryRequest, "
                "and the client sent its hello again: one round trip more (RFC 8446 4.1.4)"
            )
            why = "the server takes none of the groups whose key shares came first, or prefers this one so much"
            choice = self._told("group", found, chosen, "server_order", why, "hello_retry_request")
            return choice._replace(retry=retry)
        decider, why = self._order("group", found, chosen.code)
        if self.tls13 and decider == "unknown" and chosen.code in shares and len(shares) < len(found):
            why = f"{why}; its key share was there, so no retry was needed"
        return self._told("group", found, chosen, decider, why, told)

    def _no_group(self, found: Sequence[Candidate]) -> Choice:
        """Why there is no group among those of supported_groups, where the suite is known and TLS is not 1.3."""
        if self.suite is None or self.tls13:
            return self._none("group", found)
        exchange = self.suite.key_exchange or "another"
        if self.connection.resumed:
            why = "none was needed: the resumed session's master secret stands for a key exchange"
        elif exchange.startswith("ECDHE"):
            return Choice("group", tuple(found), None, "unknown", "the server's half of the key exchange is not here")
        elif exchange.startswith("DHE"):
            why = f"none of these: with {exchange} the server sends a prime and a generator itself (RFC 5246 7.4.3)"
        else:
            why = f"none was needed: the key exchange is {exchange}"
        return Choice("group", tuple(found), None, "protocol", why)

    def _scheme(self, offered: Sequence[CodePoint]) -> Choice:
        chosen = self.connection.signature_scheme
        found = []
        for point in offered:
            if point.name != "GREASE":
                fate, why = self._fate("signature_scheme", point.code, chosen, self.agreed.scheme(point))
                found.append(Candidate(str(point), point.code, fate, why))
        if chosen is None:
            return self._unsigned(found)
        fitting = [one for one in found if one.fate != "impossible"]
        told = "certificate_verify" if self.tls13 else "server_key_exchange"
        if len(fitting) == 1:
            why = "the only one offered that fits the certificate's key"
            return self._told("signature_scheme", found, chosen, "only_one", why, told)
        decider, why = self._order("signature_scheme", found, chosen.code)
        return self._told("signature_scheme", found, chosen, decider, why, told)

    def _unsigned(self, found: Sequence[Candidate]) -> Choice:
        """Why no signature of the server is known."""
        if self.connection.cipher_suite is None:
            return self._none("signature_scheme", found)
        if self.connection.resumed:
            why = "nothing was signed: the resumed session stands for the certificate"
            return Choice("signature_scheme", tuple(found), None, "protocol", why)
        if self.suite is not None and not self.tls13 and self.suite.key_exchange == "RSA":
            why = "nothing was signed: with RSA key exchange the server proves its key by decrypting"
            return Choice("signature_scheme", tuple(found), None, "protocol", why)
        return Choice("signature_scheme", tuple(found), None, "unknown", "the signature cannot be read here")

    def _alpn(self, offered: Sequence[str]) -> Choice:
        chosen, found = self.connection.alpn, []
        for name in offered:
            if name != "GREASE":
                fate, why = self._fate("alpn", name, chosen, "")
                found.append(Candidate(safe(name), None, fate, why))
        told = "encrypted_extensions" if self.tls13 else "server_hello"
        if chosen is None and self.connection.cipher_suite is None:
            return self._none("alpn", found)
        if chosen is None:
            unseen = any(m.type == told and m.provenance == "inferred" for m in self.connection.messages)
            why = "the answer cannot be read" if unseen else "the server ignored the extension: nothing was agreed"
            return Choice("alpn", tuple(found), None, "unknown" if unseen else "server_order", why)
        decider, why = self._order("alpn", found, chosen)
        if decider == "unknown":
            why = f"{why}; by RFC 7301 3.2 the server's preference decides"
        return self._told("alpn", found, chosen, decider, why, told)

    # -- what became of a value, and by whose order ------------------------------------------------------------

    def _fate(self, subject: Subject, value: int | str, chosen: CodePoint | str | None, unfit: str) -> tuple[Fate, str]:
        picked = chosen.code if isinstance(chosen, CodePoint) else chosen
        if value == picked:
            return "chosen", "chosen"
        if unfit:
            return "impossible", unfit
        seen = taken(self.connection, subject, value)
        if seen:
            return "accepted", f"the server takes it, too: {seen}"
        if turned_away(self.connection, subject, value):
            return "refused", "the server ended an earlier handshake that offered nothing else"
        return "passed_over", "not chosen; whether the server takes it is not known"

    def _order(self, subject: Subject, found: Sequence[Candidate], chosen: int | str) -> tuple[Decider, str]:
        """Whose order decided, as far as this and earlier handshakes tell."""
        fitting = [one for one in found if one.fate != "impossible"]
        values = [one.code if one.code is not None else one.name for one in fitting]
        if len(fitting) == 1:
            return "only_one", "the only one offered that fits"
        if chosen not in values:
            return "unknown", "the server chose what was not offered"
        at = values.index(chosen)
        above = [one.name for one in fitting[:at] if one.fate == "accepted"]
        if above:
            return (
                "server_order",
                f"the client put {above[0]} before it, which the server takes, too: its own order decides",
            )
        if at:
            those = "it" if at == 1 else "any of them"
            before = f"the client put {plural(at, 'other')} before it"
            why = f"{before}: the server does not take {those}, or has its own order"
            return "server_order", why
        followed = follows(self.connection, subject, chosen)
        if followed is True:
            return (
                "client_order",
                "the client's first, as in an earlier handshake with another first: its order decides",
            )
        if followed is False:
            return (
                "server_order",
                "the client's first, but chosen also where it stood behind another that the server takes",
            )
        return "unknown", "the client's first: client's order and server's would come to the same"

    # -- how it is said ----------------------------------------------------------------------------------------

    def _told(
        self,
        subject: Subject,
        found: Sequence[Candidate],
        chosen: CodePoint | str,
        decider: Decider,
        why: str,
        kind: str,
    ) -> Choice:
        message = next(iter(self.connection.messages_of(kind)), None) or self._first("server_hello")
        return Choice(subject, tuple(found), safe(str(chosen)), decider, why, message.index if message else None)

    def _none(self, subject: Subject, found: Sequence[Candidate]) -> Choice:
        alert = next((m for m in self.connection.messages if m.sender == SERVER and m.alert), None)
        if alert is not None and alert.alert is not None:
            why = f"nothing was chosen: the server answered with the alert {alert.alert.description}"
            return Choice(subject, tuple(found), None, "server_order", why, alert.index)
        return Choice(subject, tuple(found), None, "unknown", "nothing was chosen: no answer was seen")

    def _first(self, kind: str) -> Message | None:
        return next(iter(self.connection.messages_of(kind)), None)


def _age(point: CodePoint) -> int:
    """What sorts versions by age: DTLS counts downward."""
    return 0x10000 - point.code if point.code >= 0xFE00 else point.code


def folded(choice: Choice) -> list[Candidate]:
    """The candidates, those that lost for one reason as one: a hello offers dozens of suites."""
    groups: dict[tuple[Fate, str], list[Candidate]] = {}
    for one in choice.candidates:
        groups.setdefault((one.fate, one.why), []).append(one)
    found: list[Candidate] = []
    for (fate, why), members in groups.items():
        if len(members) > FOLD and fate not in ("chosen", "accepted"):
            shown = ", ".join(one.name for one in members[:2])
            name = f"{shown} and {plural(len(members) - 2, 'more', 'more')}"
            found.append(Candidate(name, None, fate, why))
        else:
            found += members
    rank: dict[Fate, int] = {"chosen": 0, "accepted": 1, "passed_over": 2, "refused": 3, "impossible": 4}
    return sorted(found, key=lambda one: rank[one.fate])


def known_from(earlier: Sequence[Observation]) -> str:
    """In a line, what the knowledge of the server rests on."""
    if not earlier:
        return "this handshake alone"
    return f"this handshake and {plural(len(earlier), 'earlier one')}"
