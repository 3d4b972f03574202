"""What people meet when certificates are judged: the pages of browsers, the output of curl and Java. Words are data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tlsviz.explain import chain as words
from tlsviz.explain.words import Words
from tlsviz.explain.words import words as entry
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.clients import browser_page, clients_say
from tlsviz.pki.names import ascii_name
from tlsviz.pki.naming import to_unicode
from tlsviz.pki.place import Place, place
from tlsviz.pki.trust import Fault, StoreVerdict, Trust
from tlsviz.pki.words import span
from tlsviz.wire.text import shorten

Reader = Literal["Chrome", "Firefox", "Safari", "curl", "Java"]
READERS: tuple[Reader, ...] = ("Chrome", "Firefox", "Safari", "curl", "Java")
BROWSERS: tuple[Reader, ...] = ("Chrome", "Firefox", "Safari")
DATED = "Words of versions of 2025; others and other languages differ."
_SAME = {"self_signed": "unknown_issuer", "missing_intermediate": "unknown_issuer", "wrong_order": "name_mismatch"}
"""Reasons that share a page, where they have none of their own."""
_FETCHING = ("Chrome", "Safari")


class Page(NamedTuple):
    """What one client shows; all text is safe to print, what it does not show is "".

    ``look``: a warning over the whole page, the panel behind a padlock, or the lines of a terminal. ``bar``: what the
    address bar says, or the command. ``refuses``: it goes no further by itself. ``fault`` is the cause, None where
    there is none or it is no certificate's; ``reason`` names it, "" for none. ``store``: whose verdict it follows.
    ``note``: what one should know beside. ``place``: whose certificate is at fault, by which who must mend it differs.
    """

    client: Reader
    look: Literal["warning", "secure", "terminal"]
    bar: str
    address: str
    title: str
    text: str
    code: str
    buttons: tuple[str, ...]
    advanced: str
    way_on: str
    refuses: bool
    fault: Fault | None
    reason: str
    store: str
    note: str = ""
    place: Place = "own"


def pages(trust: Trust | None) -> tuple[Page, ...]:
    """Every client's page for a verdict on a server; () where there is none."""
    if trust is None or trust.purpose != "server" or trust.verdict == "unknown" or not trust.stores:
        return ()
    return tuple(page(trust, client) for client in READERS)


def page(trust: Trust, client: Reader) -> Page:
    """What one client shows for a verdict."""
    verdict = _asked(trust, client)
    fault, reason, note = _stopped(trust, verdict, client)
    code = ""
    if reason:
        said = clients_say(reason, trust.name, issuer=fault is not None and fault.certificate != 0)
        mine = next((one for one in said if one.client == client), None)
        note = note or (said[0].note if said else "")
        code = mine.says if mine else ""
        if client not in ("Safari",) and not code:
            fault, reason = None, ""
    return _filled(trust, verdict, client, fault, reason, code, note)


def _asked(trust: Trust, client: Reader) -> StoreVerdict:
    """The verdict that a client comes nearest to: browsers to Mozilla's store, curl to the system's."""
    wanted = "Mozilla" if client in BROWSERS or client == "Java" else "system"
    named = {verdict.store: verdict for verdict in trust.stores}
    return named.get(wanted) or named.get(trust.store) or trust.stores[0]


def _stopped(trust: Trust, verdict: StoreVerdict, client: Reader) -> tuple[Fault | None, str, str]:
    """The fault that a client stops at, its reason, and a note; no reason when it goes on."""
    as_asked = trust._replace(verdict=verdict.verdict, store=verdict.store, faults=verdict.faults)
    fault, _ = browser_page(as_asked, names_last=client not in BROWSERS)
    if fault is None:
        return None, *_besides(trust, client)
    if verdict.strict and client not in BROWSERS:
        return None, "", "Browsers refuse this by rules for public websites, which this program does not keep."
    mended = verdict.helped is not None and verdict.helped.verdict == "trusted"
    if mended and client in _FETCHING and any(one.source == "fetched" for one in trust.borrowed):
        return None, "", f"{client} fetches the missing certificate from where the other one says that it lies."
    return fault, fault.reason, ""


def _besides(trust: Trust, client: Reader) -> tuple[str, str]:
    """What some clients ask for besides a chain: receipts of logs, a promised staple."""
    path = next((verdict.path for verdict in trust.stores if verdict.path), ())
    if trust.transparency is not None and trust.transparency.enough is False and client == "Chrome":
        return "not_enough_scts", ""
    stapled = any(one.source == "ocsp" for one in trust.revocations)
    if path and read(path[0]).must_staple and not stapled and client == "Firefox":
        return "must_staple_missing", ""
    return "", ""


@cache
def _texts() -> dict[str, dict[str, dict[str, Any]]]:
    import tomllib

    return tomllib.loads(Path(__file__).with_name("browsers.toml").read_text("utf-8"))


def _entry(client: Reader, reason: str) -> dict[str, Any]:
    """A client's words for a reason over its usual ones."""
    mine = _texts()[client]
    own = mine.get(reason or "trusted") or mine.get(_SAME.get(reason, "")) or {}
    return {**mine["default"], **own}


def _filled(
    trust: Trust,
    verdict: StoreVerdict,
    client: Reader,
    fault: Fault | None,
    reason: str,
    code: str,
    note: str,
) -> Page:
    entry = _entry(client, reason)
    values = _values(trust, verdict, fault, code)

    def fill(text: str) -> str:
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        return text

    return Page(
        client,
        entry["look"],
        fill(entry["bar"]),
        f"https://{values['name']}",
        fill(entry["title"]),
        fill(entry["text"]),
        fill(entry["code"]) if code or not reason else "",
        tuple(entry["buttons"]),
        fill(entry["advanced"]),
        fill(entry["way_on"]),
        bool(reason),
        fault,
        reason,
        verdict.store,
        note,
        place(fault, verdict.path) if fault is not None else "own",
    )


def _values(trust: Trust, verdict: StoreVerdict, fault: Fault | None, code: str) -> dict[str, str]:
    """What the placeholders stand for. The code is filled in last: it may hold no more of them."""
    leaf = _leaf(verdict)
    name = trust.name or (leaf.names[0] if leaf and leaf.names else "the server")
    issuer = (leaf.issuer_organization or leaf.issuer_cn or leaf.issuer) if leaf else ""
    names = ", ".join(shorten(one, 80) for one in leaf.names[:3]) if leaf and leaf.names else "nobody in particular"
    at_fault = next((read(der) for der in _all(verdict) if fault and read(der).sha256 == fault.sha256), leaf)
    end = None
    if at_fault is not None and fault is not None:
        end = at_fault.not_before if fault.reason == "not_yet_valid" else at_fault.not_after
    return {
        "name": _host(name),
        "names": names,
        "issuer": shorten(issuer or "?", 80),
        "date": f"{end:%B %d, %Y}" if end else "?",
        "ago": span(trust.at - end) if end else "?",
        "now": f"{trust.at:%A, %B %d, %Y}",
        "code": code,
    }


def _host(name: str) -> str:
    """A name as browsers show it: an internationalised one in its own letters, without what could be a placeholder."""
    shown = shorten(to_unicode(ascii_name(name)) or name, 80)
    return shown.replace("{", "(").replace("}", ")")


def _all(verdict: StoreVerdict) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys((*verdict.path, *(der for way in verdict.ways for der in way.ders))))


def _leaf(verdict: StoreVerdict) -> Certificate | None:
    found = _all(verdict)
    return read(found[0]) if found else None


def advice(one: Page) -> Words | None:
    """What the cause means and how to mend it; None where nothing stops the client."""
    return (
        entry(f"trust_place.{one.reason}_{one.place}") or entry(f"trust.{one.reason}") or entry(f"finding.{one.reason}")
    )


def cause(one: Page) -> str:
    """Why a client shows what it shows, in our words."""
    if one.fault is not None:
        return words.fault(one.fault)
    return {
        "not_enough_scts": "the certificate lacks receipts of public logs, which this browser insists on",
        "must_staple_missing": "the certificate promises a staple (must-staple), and none came along",
        "": "nothing stops it",
    }.get(one.reason, one.reason.replace("_", " "))
