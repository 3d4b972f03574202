"""Compares tlsviz/tls/data/*.tsv with the lists that IANA publishes: what is new, gone, renamed, or flagged otherwise.

    python tests/oracle/registries.py FILE_OR_URL...

Each argument is one of IANA's files, as CSV (its name tells the list, e.g. tls-parameters-4.csv) or as XML (the whole
group, e.g. tls-parameters.xml), or the address of one:

    https://www.iana.org/assignments/tls-parameters/tls-parameters.xml
    https://www.iana.org/assignments/tls-extensiontype-values/tls-extensiontype-values.xml
    https://www.iana.org/assignments/quic/quic.xml  .../hpke/hpke.xml  .../srtp-protection/srtp-protection.xml

Ends with 1 when something differs. Standard library only.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen
from xml.etree import ElementTree

DATA = Path(__file__).parents[2] / "tlsviz" / "tls" / "data"
LISTS = {
    "tls-parameters-2": "client_certificate_types",
    "tls-parameters-4": "cipher_suites",
    "tls-parameters-5": "record_types",
    "tls-parameters-6": "alerts",
    "tls-parameters-7": "handshake_types",
    "tls-parameters-8": "groups",
    "tls-parameters-9": "point_formats",
    "tls-parameters-10": "curve_types",
    "tls-parameters-12": "supplemental_data_formats",
    "tls-parameters-14": "user_mapping_types",
    "tls-parameters-16": "signature_algorithms",
    "tls-parameters-18": "hash_algorithms",
    "tls-signaturescheme": "signature_schemes",
    "tls-pskkeyexchangemode": "psk_modes",
    "authorization-data": "authorization_data_formats",
    "heartbeat-message-types": "heartbeat_message_types",
    "heartbeat-modes": "heartbeat_modes",
    "tls-extensiontype-values-1": "extensions",
    "tls-extensiontype-values-2": "certificate_status_types",
    "tls-extensiontype-values-3": "certificate_types",
    "cachedinformationtype": "cached_information_types",
    "certificate-compression-algorithm-ids": "certificate_compression_algorithms",
    "hpke-kem-ids": "hpke_kems",
    "hpke-kdf-ids": "hpke_kdfs",
    "hpke-aead-ids": "hpke_aeads",
    "quic-transport": "quic_transport_parameters",
    "quic-versions": "quic_versions",
    "srtp-protection-1": "srtp_profiles",
}
"""IANA's identifier of a list (also the name of its CSV file) and ours."""

_NAMES = ("description", "extension name", "name", "parameter name", "kem", "kdf", "aead", "certificate type")
_NOTHING = re.compile(r"(?i)unassigned|reserved\b|private use|standards action|specification required")


class Entry(NamedTuple):
    """A code point as one of the two has it. ``flags``: columns that are compared too, by their name."""

    name: str
    flags: dict[str, str]


def published(text: str, stem: str) -> dict[str, dict[int, Entry]]:
    """The lists of one of IANA's files, by IANA's identifier; those that are no code points' are left out."""
    if text.lstrip().startswith("<"):
        return dict(_xml(text))
    rows = [
        {key.lower().strip(): value for key, value in row.items() if key} for row in csv.DictReader(io.StringIO(text))
    ]
    return {stem: _entries(rows)}


def _xml(text: str) -> Iterator[tuple[str, dict[int, Entry]]]:
    for registry in ElementTree.fromstring(text).findall(".//{*}registry"):
        rows = []
        for record in registry.findall("{*}record"):
            fields = {element.tag.rpartition("}")[2]: "".join(element.itertext()) for element in record}
            fields |= {"dtls-ok": fields.get("dtls", ""), "recommended": fields.get("rec", "")}
            rows.append(fields | {"tls 1.3": fields.get("tls13", "")})
        if rows:
            yield registry.get("id", ""), _entries(rows)


def _entries(rows: list[dict[str, str]]) -> dict[int, Entry]:
    found = {}
    for row in rows:
        code = _code(row.get("value") or row.get("id") or "")
        name = next((row[key] for key in _NAMES if row.get(key)), "")
        if code is None or not name or _NOTHING.match(name):
            continue
        flags = {key: row[key].strip() for key in ("dtls-ok", "recommended", "tls 1.3") if (row.get(key) or "").strip()}
        found[code] = Entry(_plain(name), flags)
    return found


def _code(value: str) -> int | None:
    """``23``, ``0x0017``, ``0xC0,0x2F``; None for ranges and what is no number."""
    value = value.strip()
    if re.fullmatch(r"0x[0-9A-Fa-f]{2}(,0x[0-9A-Fa-f]{2})+", value):
        return int(value.replace(",0x", ""), 16)
    if re.fullmatch(r"0x[0-9A-Fa-f]+|\d+", value):
        return int(value, 0) if value.startswith("0x") else int(value)
    return None


def _plain(name: str) -> str:
    """A name without the remarks that IANA puts behind it."""
    return re.sub(r"\s*\(.*\)\s*$|_RESERVED$|\s*\[.*\]$", "", " ".join(name.split()))


def ours(name: str) -> dict[int, tuple[Entry, str]]:
    """One of our lists, each entry with its reference."""
    found = {}
    for line in (DATA / f"{name}.tsv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        code, label, reference, *rest = line.split("\t")
        flags: dict[str, str] = {}
        if name == "cipher_suites":
            flags = dict(zip(("dtls-ok", "recommended"), rest, strict=True))
        elif name == "extensions":
            flags = {"tls 1.3": ", ".join(place for place in rest[0].split() if place not in ("SH12", "-", "CCR"))}
        found[int(code, 16)] = Entry(_plain(label), flags), reference
    return found


def compare(identifier: str, theirs: dict[int, Entry]) -> Iterator[str]:
    """A line for each difference. Gone is only what we say that an RFC defines: others were never IANA's."""
    name = LISTS[identifier]
    mine = ours(name)
    for code in sorted(theirs.keys() | mine.keys()):
        there, here = theirs.get(code), mine.get(code)
        if here is None and there is not None:
            yield f"{name}: new 0x{code:04x} {there.name}"
        elif there is None and here is not None:
            if here[1].startswith("RFC"):
                yield f"{name}: gone 0x{code:04x} {here[0].name}"
        elif there is not None and here is not None:
            if there.name.lower() != here[0].name.lower():
                yield f"{name}: renamed 0x{code:04x} {here[0].name} -> {there.name}"
            yield from _flags(name, code, there, here[0])


def _flags(name: str, code: int, there: Entry, here: Entry) -> Iterator[str]:
    for flag, value in there.flags.items():
        known = here.flags.get(flag)
        same = set(known.split(", ")) == set(value.split(", ")) if known is not None else True
        if not same and not (flag == "tls 1.3" and value == "-"):
            yield f"{name}: {flag} 0x{code:04x} {here.name} {known} -> {value}"


def main(sources: list[str]) -> int:
    """Prints every difference; 0 when there is none, 1 when there are, 2 when no list was recognised."""
    differences, compared = [], 0
    for source in sources:
        if source.startswith(("https://", "http://")):
            with urlopen(source, timeout=60) as answer:
                text = answer.read().decode()
        else:
            text = Path(source).read_text("utf-8")
        for identifier, theirs in published(text, Path(source).stem).items():
            if identifier in LISTS:
                compared += 1
                differences += compare(identifier, theirs)
    print("\n".join([*differences, f"{compared} lists compared, {len(differences)} differences"]))
    return 2 if not compared else 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
