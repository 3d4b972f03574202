"""Distinguished names in words, for labels (RFC 4514). Certificates themselves are read elsewhere."""

from __future__ import annotations

from tlsviz.wire.text import shorten

_SEQUENCE, _SET, _OID = 0x30, 0x31, 0x06
_ATTRIBUTES = {
    "550403": "CN",
    "550404": "SN",
    "550405": "serialNumber",
    "550406": "C",
    "550407": "L",
    "550408": "ST",
    "550409": "street",
    "55040a": "O",
    "55040b": "OU",
    "55040c": "title",
    "55042a": "GN",
    "550461": "organizationIdentifier",
    "2a864886f70d010901": "emailAddress",
    "0992268993f22c640101": "UID",
    "0992268993f22c640119": "DC",
}
_ENCODINGS = {0x1E: "utf-16-be", 0x14: "latin-1"}


def distinguished_name(der: bytes) -> str | None:
    """The Name as safe text, most specific part first (``CN=Example CA, O=Example, C=DE``); None if it is not one."""
    name = _value(der, 0, len(der), _SEQUENCE)
    if name is None or name[1] != len(der):
        return None
    position, end = name
    parts: list[str] = []
    while position < end:
        relative = _value(der, position, end, _SET)
        if relative is None:
            return None
        position = relative[1]
        values = _attributes(der, *relative)
        if values is None:
            return None
        parts.append("+".join(values))
    return shorten(", ".join(reversed(parts)), 200)


def _attributes(der: bytes, position: int, end: int) -> list[str] | None:
    """``SET OF AttributeTypeAndValue``."""
    values: list[str] = []
    while position < end:
        pair = _value(der, position, end, _SEQUENCE)
        kind = _value(der, pair[0], pair[1], _OID) if pair else None
        text = _value(der, kind[1], pair[1]) if pair and kind else None
        if pair is None or kind is None or text is None:
            return None
        position = pair[1]
        oid = der[kind[0] : kind[1]].hex()
        encoding = _ENCODINGS.get(der[kind[1]], "utf-8")
        value = der[text[0] : text[1]].decode(encoding, "backslashreplace")
        values.append(f"{_ATTRIBUTES.get(oid, 'oid:' + oid)}={value}")
    return values


def _value(der: bytes, position: int, end: int, tag: int | None = None) -> tuple[int, int] | None:
    """Where the contents of the DER element at ``position`` start and end; None if it is not one of that tag."""
    if end - position < 2 or (tag is not None and der[position] != tag):
        return None
    size = der[position + 1]
    start = position + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or start + count > end:
            return None
        size = int.from_bytes(der[start : start + count], "big")
        start += count
    return (start, start + size) if start + size <= end else None
