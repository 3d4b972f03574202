"""A certificate taken apart (RFC 5280), as far as its bytes allow."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from tlsviz.pki import oids
from tlsviz.pki.der import (
    BOOLEAN,
    CONSTRUCTED,
    EXPLICIT_EXTENSIONS,
    INTEGER,
    OID,
    SEQUENCE,
    VERSION,
    Element,
    bits,
    elements,
    first,
    integer,
    oid,
    time,
)
from tlsviz.pki.keys import public_key, signature_name
from tlsviz.pki.names import attribute, distinguished_name, general_name, rfc4514
from tlsviz.tls.oids import KEY_USAGES
from tlsviz.wire.text import plural

MAX_PROBLEMS = 20


class Certificate(NamedTuple):
    """What a certificate says; all text is safe to print.

    Hashes, key identifiers and the serial number are lower-case hex. ``names``: the subjectAltName's DNS
    names and IP addresses in order; the common name is not one of them. ``other_names``: its other names,
    ``email:…``, ``URI:…``. ``extensions``: every extension's OID and whether it is critical. ``problems``:
    what could not be read, or is wrong in the encoding. Times are aware, in UTC, None when unreadable;
    ``is_ca`` is None without basicConstraints.
    """

    der: bytes
    sha256: str
    subject: str = ""
    issuer: str = ""
    subject_cn: str | None = None
    issuer_cn: str | None = None
    serial: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    key: str = ""
    key_bits: int | None = None
    signature_algorithm: str = ""
    names: tuple[str, ...] = ()
    is_ca: bool | None = None
    path_length: int | None = None
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    subject_key_id: str | None = None
    authority_key_id: str | None = None
    self_issued: bool = False
    ca_issuers: tuple[str, ...] = ()
    ocsp: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    version: int = 1
    other_names: tuple[str, ...] = ()
    organization: str | None = None
    issuer_organization: str | None = None
    crls: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    must_staple: bool = False
    extensions: tuple[tuple[str, bool], ...] = ()
    spki_sha256: str = ""
    subject_der: bytes = b""
    issuer_der: bytes = b""

    @property
    def title(self) -> str:
        """The shortest usual name: the common name, else the first name, else the subject."""
        return self.subject_cn or next(iter(self.names), None) or self.subject or "(no name)"

    def has(self, extension: str) -> bool:
        """Whether the extension of that OID is there."""
        return any(dotted == extension for dotted, _ in self.extensions)


@lru_cache(maxsize=512)
def read(der: bytes) -> Certificate:
    """Reads a DER certificate; total: what cannot be read is left out and said in ``problems``."""
    return _Reading(der).certificate()


class _Reading:
    """Gathers the fields of one certificate."""

    def __init__(self, der: bytes) -> None:
        self.der = der
        self.problems: list[str] = []
        self.fields: dict[str, object] = {}

    def certificate(self) -> Certificate:
        self._outer()
        return Certificate(
            self.der,
            hashlib.sha256(self.der).hexdigest(),
            problems=tuple(self.problems[:MAX_PROBLEMS]),
            **self.fields,  # type: ignore[arg-type]
        )

    def _problem(self, text: str) -> None:
        if text:
            self.problems.append(text)

    def _outer(self) -> None:
        whole = first(self.der)
        if whole is None or whole.tag != SEQUENCE:
            pem = self.der.lstrip()[:10] == b"-----BEGIN"
            self._problem("is empty" if not self.der else "is PEM text, not DER" if pem else "is not a DER sequence")
            return
        extra = len(self.der) - whole.end
        self._problem(f"{plural(extra, 'byte')} after the certificate" if extra else elements(self.der)[1])
        parts, inner = elements(self.der, whole.body, whole.end)
        self._problem(inner if not self.problems else "")
        if len(parts) < 3:
            self._problem("signature algorithm or signature is missing")
        if len(parts) > 1:
            self.fields["signature_algorithm"] = signature_name(parts[1])
        if parts:
            self._tbs(parts[0])

    def _tbs(self, tbs: Element) -> None:
        parts, fault = elements(tbs.data, tbs.body, tbs.end)
        self._problem(fault if not self.problems else "")
        if parts and parts[0].tag == VERSION:
            number = next(iter(parts[0].children), None)
            self.fields["version"] = integer(number) + 1 if number and number.end - number.body <= 2 else 0
            parts = parts[1:]
        steps: tuple[tuple[str, Callable[[Element], None]], ...] = (
            ("serial number", self._serial),
            ("signature algorithm", self._inner_algorithm),
            ("issuer", self._issuer),
            ("validity", self._validity),
            ("subject", self._subject),
            ("public key", self._key),
        )
        for index, (what, step) in enumerate(steps):
            if index >= len(parts):
                self._problem(f"{what} is missing")
                continue
            try:
                step(parts[index])
            except (ValueError, IndexError, OverflowError):
                self._problem(f"{what} cannot be read")
        for part in parts[len(steps) :]:
            if part.tag == EXPLICIT_EXTENSIONS:
                self._extensions(part)

    def _serial(self, element: Element) -> None:
        if element.tag != INTEGER or element.body == element.end:
            self._problem("serial number is not an integer")
        number = integer(element)
        digits = f"{abs(number):x}"
        self.fields["serial"] = "-" * (number < 0) + "0" * (len(digits) % 2) + digits[:128]
        if number <= 0:
            self._problem("serial number is not positive (RFC 5280 4.1.2.2)")

    def _inner_algorithm(self, element: Element) -> None:
        name = signature_name(element)
        if self.fields.setdefault("signature_algorithm", name) != name:
            self._problem(f"names two signature algorithms: {self.fields['signature_algorithm']} and {name}")

    def _issuer(self, element: Element) -> None:
        rdns = distinguished_name(element)
        self.fields["issuer"] = rfc4514(rdns)
        self.fields["issuer_cn"] = attribute(rdns, "CN")
        self.fields["issuer_organization"] = attribute(rdns, "O")
        self.fields["issuer_der"] = element.whole

    def _subject(self, element: Element) -> None:
        rdns = distinguished_name(element)
        self.fields["subject"] = rfc4514(rdns)
        self.fields["subject_cn"] = attribute(rdns, "CN")
        self.fields["organization"] = attribute(rdns, "O")
        self.fields["subject_der"] = element.whole
        self.fields["self_issued"] = element.whole == self.fields.get("issuer_der")

    def _validity(self, element: Element) -> None:
        parts = element.children
        for index, name in enumerate(("not_before", "not_after")):
            moment = time(parts[index]) if index < len(parts) else None
            self.fields[name] = moment
            if moment is None:
                self._problem(f"{name} cannot be read as a time")

    def _key(self, element: Element) -> None:
        self.fields["key"], self.fields["key_bits"], fault = public_key(element)
        self.fields["spki_sha256"] = hashlib.sha256(element.whole).hexdigest()
        self._problem(fault)

    def _extensions(self, element: Element) -> None:
        found: list[tuple[str, bool]] = []
        for block in element.children[:1]:
            for extension in block.children[:200]:
                parts = extension.children
                if len(parts) < 2 or parts[0].tag != OID:
                    self._problem("an extension cannot be read")
                    continue
                dotted = oid(parts[0].content)
                if any(dotted == name for name, _ in found):
                    self._problem(f"the extension {oids.EXTENSIONS.get(dotted, dotted)} is there twice")
                critical = parts[1].tag == BOOLEAN and any(parts[1].content)
                found.append((dotted, critical))
                self._extension(dotted, parts[-1])
        self.fields["extensions"] = tuple(found)

    def _extension(self, dotted: str, value: Element) -> None:
        reader = _EXTENSIONS.get(dotted)
        if reader is None:
            return
        inside, fault = elements(value.data, value.body, value.end)
        if inside and inside[0].tag & CONSTRUCTED:
            fault = fault or elements(value.data, inside[0].body, inside[0].end)[1]
        name = oids.EXTENSIONS[dotted]
        if fault or not inside:
            self._problem(f"{name}: {fault or 'is empty'}")
        if inside:
            try:
                self.fields.update(reader(inside[0]))
            except (ValueError, IndexError, OverflowError):
                self._problem(f"{name} cannot be read")


def _basic_constraints(element: Element) -> dict[str, object]:
    fields: dict[str, object] = {"is_ca": False}
    for part in element.children:
        if part.tag == BOOLEAN:
            fields["is_ca"] = any(part.content)
        elif part.tag == INTEGER:
            fields["path_length"] = integer(part)
    return fields


def _key_usage(element: Element) -> dict[str, object]:
    set_bits = bits(element)
    return {"key_usage": tuple(name for bit, name in enumerate(KEY_USAGES) if bit in set_bits)}


def _extended_key_usage(element: Element) -> dict[str, object]:
    found = [oid(part.content) for part in element.children]
    return {"extended_key_usage": tuple(oids.PURPOSES.get(dotted, dotted) for dotted in found)}


def _subject_key_id(element: Element) -> dict[str, object]:
    return {"subject_key_id": element.content[:64].hex()}


def _authority_key_id(element: Element) -> dict[str, object]:
    ids = [part.content for part in element.children if part.tag == 0x80]
    return {"authority_key_id": ids[0][:64].hex() if ids else None}


def _alternative_names(element: Element) -> dict[str, object]:
    names = [general_name(part) for part in element.children]
    return {
        "names": tuple(text for kind, text in names if kind in ("DNS", "IP")),
        "other_names": tuple(f"{kind}:{text}" for kind, text in names if kind not in ("DNS", "IP")),
    }


def _access(element: Element) -> dict[str, object]:
    addresses: dict[str, list[str]] = {oids.AD_CA_ISSUERS: [], oids.AD_OCSP: []}
    for part in element.children[:50]:
        method, place = part.children[:2]
        kind, text = general_name(place)
        if kind == "URI":
            addresses.get(oid(method.content), []).append(text)
    return {"ca_issuers": tuple(addresses[oids.AD_CA_ISSUERS]), "ocsp": tuple(addresses[oids.AD_OCSP])}


def _crls(element: Element) -> dict[str, object]:
    found: list[str] = []
    for point in element.children[:50]:
        for name in (part for part in point.children if part.tag == 0xA0):
            for full in (part for part in name.children if part.tag == 0xA0):
                found.extend(text for kind, text in map(general_name, full.children) if kind == "URI")
    return {"crls": tuple(found)}


def _policies(element: Element) -> dict[str, object]:
    return {"policies": tuple(oid(part.children[0].content) for part in element.children[:50])}


def _tls_feature(element: Element) -> dict[str, object]:
    # status_request is TLS extension 5 (RFC 7633).
    return {"must_staple": any(part.tag == INTEGER and integer(part) == 5 for part in element.children)}


_EXTENSIONS: dict[str, Callable[[Element], dict[str, object]]] = {
    oids.BASIC_CONSTRAINTS: _basic_constraints,
    oids.KEY_USAGE: _key_usage,
    oids.EXTENDED_KEY_USAGE: _extended_key_usage,
    oids.SUBJECT_KEY_ID: _subject_key_id,
    oids.AUTHORITY_KEY_ID: _authority_key_id,
    oids.SUBJECT_ALT_NAME: _alternative_names,
    oids.AUTHORITY_ACCESS: _access,
    oids.CRL_POINTS: _crls,
    oids.POLICIES: _policies,
    oids.TLS_FEATURE: _tls_feature,
}
