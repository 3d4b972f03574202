"""The name that was asked for, against every name of a certificate (RFC 9525), and what is odd about names."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

from tlsviz.pki.certificate import Certificate
from tlsviz.pki.faults import for_no_host
from tlsviz.pki.names import as_address, ascii_name, matches
from tlsviz.wire.text import safe, shorten

MOST_NAMES = 1_000
"""Names that are tried one by one in the report; all of them count for the verdict."""
_LOOK_ALIKE = frozenset("асеорхуіѕјһԁԛԝӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρυօհոսցքα")
"""Cyrillic, Greek and Armenian letters that look like Latin ones (Unicode's confusables)."""


class NameTry(NamedTuple):
    """One name of the certificate: whether it covers the name asked for, and why not.

    ``name`` is as the certificate writes it. ``unicode``: how an internationalised name reads, None for others;
    ``odd``: why that reading may deceive, "" if it does not.
    """

    kind: Literal["DNS", "IP"]
    name: str
    matches: bool
    why: str
    unicode: str | None = None
    odd: str = ""


class NameReport(NamedTuple):
    """``asked``: as it was asked for (None: nothing was), ``ascii`` and ``unicode``: its two forms.

    ``matches`` is None when nothing was asked for. ``common_name``: what the subject's CN has to do with it, in words,
    "" if nothing. ``odd``: why the name asked for may deceive. ``untried``: names that are not among ``tries``.
    """

    asked: str | None
    ascii: str
    unicode: str
    matches: bool | None
    tries: tuple[NameTry, ...]
    why: str
    common_name: str = ""
    odd: str = ""
    untried: int = 0


def compare(cert: Certificate, name: str | None) -> NameReport:
    """Every name of the certificate against a host name or address; all text is safe to print."""
    tries = tuple(_try(own, name) for own in cert.names[:MOST_NAMES])
    if name is None:
        return NameReport(None, "", "", None, tries, "no name was asked for", untried=len(cert.names) - len(tries))
    plain = ascii_name(name)
    later = any(_matches(own, name) for own in cert.names[MOST_NAMES:])
    found = next((one for one in tries if one.matches), None)
    if found:
        why = f"covered by {shorten(found.name, 200)}"
    elif later:
        why = "covered by a name far down its list"
    else:
        why = for_no_host(cert) or _none_of(len(cert.names))
    reads = to_unicode(plain)
    return NameReport(
        safe(name),
        safe(plain),
        reads or safe(plain),
        bool(found) or later,
        tries,
        why,
        _common_name(cert, name, bool(found) or later),
        deceptive(reads) if reads else "",
        len(cert.names) - len(tries),
    )


def _none_of(count: int) -> str:
    return "its only name does not cover it" if count == 1 else f"none of its {count:,} names covers it"


def _matches(own: str, name: str) -> bool:
    address = as_address(name)
    return as_address(own) == address if address is not None else matches(own, ascii_name(name))


def _try(own: str, name: str | None) -> NameTry:
    kind: Literal["DNS", "IP"] = "DNS" if as_address(own) is None else "IP"
    reads = to_unicode(own) if kind == "DNS" else None
    odd = deceptive(reads) if reads else ""
    if name is None:
        return NameTry(kind, own, False, "", reads, odd)
    if _matches(own, name):
        return NameTry(
            kind, own, True, "is the name" if "*" not in own else "its * stands for the first label", reads, odd
        )
    return NameTry(kind, own, False, _why_not(own, name), reads, odd)


def _why_not(own: str, name: str) -> str:
    """Why a name of the certificate does not cover the one asked for."""
    if (as_address(own) is None) != (as_address(name) is None):
        return "a name is not an address" if as_address(own) is None else "an address is not a name"
    if as_address(own) is not None:
        return "is another address"
    pattern, wanted = own.lower().rstrip("."), ascii_name(name)
    if "*" in pattern:
        return _why_no_wildcard(pattern, wanted)
    if not own.isascii() or "\\x" in own:
        return "is not in its ASCII form (xn--), which certificates must use"
    if pattern.partition(".")[2] == wanted or wanted.partition(".")[2] == pattern:
        return "is one label away: each name must be listed"
    return "is another name"


def _why_no_wildcard(pattern: str, wanted: str) -> str:
    head, _, parent = pattern.partition(".")
    if "*" in parent:
        return "the * must be the first label"
    if head != "*":
        return "the * must be a whole label: a part of one counts for nothing (RFC 9525 6.3)"
    if "." not in parent:
        return "the * would stand for a whole top-level domain"
    if wanted == parent:
        return f"the * stands for one label, and {shorten(wanted, 100)} has none there"
    if wanted.endswith("." + parent):
        return "the * stands for exactly one label, and the name has more there"
    return "is another domain"


def _common_name(cert: Certificate, name: str, covered: bool) -> str:
    """What the subject's common name has to do with it: nothing any more, since RFC 9525 (and Chrome 58, 2017)."""
    if covered or not cert.subject_cn or not _matches(cert.subject_cn, name):
        return ""
    return (
        f"its common name {shorten(cert.subject_cn, 100)} would fit, but clients compare only with subjectAltName"
        " (RFC 9525 2; Chrome since 58, Firefox since 48)"
    )


def to_unicode(name: str) -> str | None:
    """How a host name with ``xn--`` labels reads, safe to print; None if it has none or they cannot be read."""
    labels = name.split(".")
    if not any(label.lower().startswith("xn--") for label in labels) or len(name) > 300:
        return None
    try:
        found = [
            label[4:].encode("ascii").decode("punycode") if label.lower().startswith("xn--") else label
            for label in labels
        ]
    except (UnicodeError, OverflowError):
        return None
    return safe(unicodedata.normalize("NFC", ".".join(found)))


def deceptive(name: str) -> str:
    """Why a name in Unicode may be taken for another, "" if it may not: mixed scripts or look-alike letters."""
    for label in name.split("."):
        scripts = {_script(char) for char in label if char.isalpha()}
        if len(scripts - {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}) > 1:
            listed = " and ".join(sorted(script.capitalize() for script in scripts))
            return f"the label {shorten(label, 80)} mixes {listed} letters"
        letters = [char for char in label if char.isalpha()]
        if letters and scripts != {"LATIN"} and all(char in _LOOK_ALIKE for char in letters):
            return f"the label {shorten(label, 80)} looks like Latin letters and is none"
    return ""


def _script(char: str) -> str:
    """A letter's script, from its Unicode name."""
    return unicodedata.name(char, "?").split(" ")[0].split("-")[0]
