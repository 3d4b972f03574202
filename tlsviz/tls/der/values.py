"""What the contents of primitive elements say, and whether they are encoded as DER demands (X.690 8 and 11).

Each function takes contents and returns a label (safe text) and a note: None when there is nothing to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

from tlsviz.tls import oids
from tlsviz.wire.reader import Names
from tlsviz.wire.text import shorten

Said = tuple[str | None, str | None]
Say = Callable[[bytes], Said]

TEXT_WIDTH = 200
_SHOWN = 32
_PRINTABLE = re.compile(rb"[A-Za-z0-9 '()+,\-./:=?]*\Z")
_UTC_TIME = re.compile(rb"\d{12}Z\Z")
_GENERALIZED_TIME = re.compile(rb"\d{14}Z\Z")
_SOME_TIME = re.compile(rb"(\d{8,14})(\.\d+)?(Z|[+-]\d{4})?\Z")


def opaque(content: bytes) -> Said:
    """Bytes in hex."""
    return content[:_SHOWN].hex() + "…" * (len(content) > _SHOWN) or None, None


def boolean(content: bytes) -> Said:
    """X.690 8.2 and 11.1."""
    if len(content) != 1:
        return None, f"a BOOLEAN has 1 byte, not {len(content)}"
    value = "TRUE" if content[0] else "FALSE"
    return value, None if content in (b"\0", b"\xff") else "TRUE is 0xff in DER (X.690 11.1)"


def null(content: bytes) -> Said:
    """X.690 8.8."""
    return "NULL", "a NULL has no contents" if content else None


def integer(content: bytes, names: Names | None = None) -> Said:
    """Up to eight bytes as a number, with its name in ``names``; longer ones in hex; X.690 8.3."""
    note = _integer_fault(content)
    if not content:
        return None, note
    if len(content) > 8:
        return ("0x" + content[:_SHOWN].hex() + "…" * (len(content) > _SHOWN)), note
    number = int.from_bytes(content, "big", signed=True)
    name = names.get(number) if names is not None else None
    return f"{name} ({number})" if name else str(number), note


def named_integer(names: Names) -> Say:
    """As `integer`, with names."""
    return partial(integer, names=names)


def hex_integer(content: bytes) -> Said:
    """A serial number: its bytes, which is how it is compared."""
    return opaque(content)[0], _integer_fault(content)


def sized_integer(content: bytes) -> Said:
    """A number of which its size matters: a modulus."""
    return f"{int.from_bytes(content, 'big').bit_length()} bits", _integer_fault(content)


def _integer_fault(content: bytes) -> str | None:
    if not content:
        return "a number has at least 1 byte"
    if len(content) > 1 and (content[0], content[1] >> 7) in ((0, 0), (0xFF, 1)):
        return "longer than it need be (X.690 8.3.2)"
    return None


def object_identifier(content: bytes) -> Said:
    """X.690 8.19."""
    dotted, label = oids.words(content)
    if not dotted:
        return None, "no object identifier" if content else "an object identifier has at least 1 byte"
    padded = content[0] == 0x80 or any(a < 0x80 == b for a, b in pairwise(content))
    return label, "a number in it is longer than it need be (X.690 8.19.2)" if padded else None


def text(content: bytes, encoding: str, allowed: re.Pattern[bytes] | None = None, kind: str = "") -> Said:
    """The characters of a string type, with those that do not belong to it noted."""
    label = shorten(content[: 4 * TEXT_WIDTH].decode(encoding, "backslashreplace"), TEXT_WIDTH)
    if allowed is not None:
        good = allowed.match(content) is not None
    else:
        try:
            content.decode(encoding)
            good = True
        except UnicodeDecodeError:
            good = False
    return label, None if good else f"has characters that a {kind} must not have"


utf8_string = partial(text, encoding="utf-8", kind="UTF8String")
numeric_string = partial(text, encoding="latin-1", allowed=re.compile(rb"[0-9 ]*\Z"), kind="NumericString")
printable_string = partial(text, encoding="latin-1", allowed=_PRINTABLE, kind="PrintableString")
teletex_string = partial(text, encoding="latin-1", kind="TeletexString")
ia5_string = partial(text, encoding="ascii", kind="IA5String")
visible_string = partial(text, encoding="latin-1", allowed=re.compile(rb"[ -~]*\Z"), kind="VisibleString")
general_string = partial(text, encoding="latin-1", kind="GeneralString")
universal_string = partial(text, encoding="utf-32-be", kind="UniversalString")
bmp_string = partial(text, encoding="utf-16-be", kind="BMPString")


def utc_time(content: bytes) -> Said:
    """RFC 5280 4.1.2.5.1: years 50 to 99 are of the 20th century."""
    century = b"19" if content[:2] >= b"50" else b"20"
    label = _moment(century + content)
    return label or _raw(content), _time_fault(label, _UTC_TIME.match(content) is not None, "YYMMDDHHMMSSZ")


def generalized_time(content: bytes) -> Said:
    """RFC 5280 4.1.2.5.2."""
    label = _moment(content)
    good = _GENERALIZED_TIME.match(content) is not None
    return label or _raw(content), _time_fault(label, good, "YYYYMMDDHHMMSSZ")


def _time_fault(label: str | None, good: bool, form: str) -> str | None:
    if label is None:
        return "no such time"
    return None if good else f"must be written {form} (RFC 5280 4.1.2.5)"


def _raw(content: bytes) -> str:
    return shorten(content[:_SHOWN].decode("ascii", "backslashreplace"), _SHOWN)


def _moment(content: bytes) -> str | None:
    """``2026-01-31 12:00:00 UTC``, as far as the digits go; None when no such time can be."""
    found = _SOME_TIME.match(content)
    if found is None:
        return None
    digits, zone = found[1].decode(), (found[3] or b"").decode()
    parts = [int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, len(digits), 2))]
    try:
        moment = datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    return f"{moment:%Y-%m-%d %H:%M:%S} {'UTC' if zone in ('Z', '') else zone}"


def bit_names(names: Sequence[str]) -> Say:
    """Says the names of the bits that are set in a named-bit string; the contents without the first octet."""

    def say(content: bytes) -> Said:
        found = [name for bit, name in enumerate(names) if content[bit // 8 : bit // 8 + 1] and _bit(content, bit)]
        excess = content and not content[-1]
        return ", ".join(found) or "none", "zero bits at its end must be left out (X.690 11.2.2)" if excess else None

    return say


def _bit(content: bytes, bit: int) -> bool:
    return bool(content[bit // 8] & 0x80 >> bit % 8)
