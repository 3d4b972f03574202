"""What browsers and programs say of a refused certificate: the words that a person meets, beside our reasons."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from tlsviz.pki.trust import Fault, Trust
from tlsviz.wire.text import shorten

Client = Literal["Chrome", "Firefox", "curl", "Java"]
CLIENTS: tuple[Client, ...] = ("Chrome", "Firefox", "curl", "Java")
_DATA = Path(__file__).parent / "data" / "client_words.tsv"
_CURL = "curl: (60) "


class ClientWords(NamedTuple):
    """What one client says: a code (browsers) or its sentence; "" where it does not mind. ``note``: what differs."""

    client: Client
    says: str
    note: str = ""

    @property
    def refuses(self) -> bool:
        return bool(self.says)


@cache
def _table() -> dict[tuple[str, str], tuple[str, ...]]:
    """By reason and place (leaf, issuer, any): the words of each client, and a note."""
    found = {}
    for line in _DATA.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            reason, where, *words = line.split("\t")
            found[reason, where] = tuple(words)
    return found


def reasons() -> tuple[str, ...]:
    """Every reason with words, in the data's order."""
    return tuple(dict.fromkeys(reason for reason, _ in _table()))


def clients_say(reason: str, name: str | None = None, issuer: bool = False) -> tuple[ClientWords, ...]:
    """What each client says for a trust reason or finding code; () for one without words.

    ``name``: the host name asked for; ``issuer``: it is not the server's own certificate that is at fault.
    """
    table = _table()
    row = table.get((reason, "issuer" if issuer else "leaf")) or table.get((reason, "any"))
    if row is None:
        return ()
    *words, note = row
    shown = shorten(name or "the host", 120)
    return tuple(
        ClientWords(client, (_CURL if client == "curl" and said else "") + said.replace("{name}", shown), note)
        for client, said in zip(CLIENTS, words, strict=True)
    )


def browser_page(trust: Trust, names_last: bool = False) -> tuple[Fault | None, tuple[ClientWords, ...]]:
    """The fault that clients stop at first, and their words for it; None and () for a trusted chain.

    Of several faults browsers name the gravest: an unknown root or a wrong signature, then the name, dates last
    (Chromium's ``MapCertStatusToNetError``, Firefox's ``errorCodeToReport``). ``names_last``: as programs do that
    compare the name only after the chain (curl, Java), so that a date comes before it.
    """
    if trust.verdict != "untrusted" or not trust.faults:
        return None, ()
    first = min(trust.faults, key=lambda fault: _weight(fault, names_last))
    return first, clients_say(first.reason, trust.name, issuer=first.certificate != 0)


def _weight(fault: Fault, names_last: bool) -> int:
    return _LAST if names_last and fault.reason in _OF_NAMES else _WEIGHT.get(fault.reason, 1)


_OF_NAMES = ("name_mismatch", "wrong_order")
_LAST = 4
_WEIGHT = {
    "no_certificate": -1,
    "unknown_issuer": 0,
    "missing_intermediate": 0,
    "self_signed": 0,
    "bad_signature": 0,
    "wrong_order": 2,
    "name_mismatch": 2,
    "expired": 3,
    "not_yet_valid": 3,
}
