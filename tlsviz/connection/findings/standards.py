"""A connection held to a public standard: its severities, and what of the connection it does not allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from tlsviz.connection.model import SEVERITIES, Connection, Finding
from tlsviz.pki.certificate import read
from tlsviz.wire.chunks import SERVER

CODE = "outside_standard"


@cache
def standards() -> dict[str, dict[str, Any]]:
    """What ``data/standards.toml`` says, by the name of the standard."""
    import tomllib

    return tomllib.loads((Path(__file__).parent.parent / "data" / "standards.toml").read_text("utf-8"))


def held_to(connection: Connection, name: str) -> Connection:
    """The connection with the severities of the `standards`, and findings for what that does not allow."""
    standard = standards()[name]
    grades = standard.get("severities", {})
    found = [one._replace(severity=grades.get(one.code, one.severity)) for one in connection.findings]
    found += _outside(connection, standard)
    rank = {severity: -place for place, severity in enumerate(SEVERITIES)}
    ordered = sorted(found, key=lambda one: (not one.diagnosis, rank[one.severity]))
    return replace(connection, findings=tuple(ordered))


def _outside(connection: Connection, standard: dict[str, Any]) -> Iterator[Finding]:
    hello = next((m.index for m in connection.messages_of("server_hello")), None)
    title = standard["title"].split(",")[0]

    def finding(severity: str, what: str, evidence: str, reference: str, message: int | None, field: str) -> Finding:
        grade = next(each for each in SEVERITIES if each == severity)
        mend = f"See {standard['source']} for settings that conform."
        return Finding(
            CODE, grade, f"{title} does not allow {what}", evidence, mend, reference, False, message, field=field
        )

    version, suite, group = connection.version, connection.cipher_suite, connection.group
    if version is not None and str(version).replace("DTLS", "TLS") not in standard["versions"]:
        allowed = f"it allows {', '.join(standard['versions'])}"
        yield finding(
            standard["versions_severity"],
            str(version),
            allowed,
            standard["versions_reference"],
            hello,
            "legacy_version",
        )
    if suite is not None and suite.name is not None:
        refused = any(fnmatchcase(suite.name, pattern) for pattern in standard.get("refused", ()))
        if refused or not any(fnmatchcase(suite.name, pattern) for pattern in standard["suites"]):
            grade = standard["refused_severity"] if refused else standard["suites_severity"]
            text = "it is ruled out by name" if refused else "it is not among the suites that it lists"
            yield finding(grade, suite.name, text, standard["suites_reference"], hello, "cipher_suite")
    if group is not None and "groups" in standard and str(group) not in standard["groups"]:
        listed = f"it lists {', '.join(dict.fromkeys(each.lower() for each in standard['groups']))}"
        reference = standard["suites_reference"]
        yield finding(
            standard["groups_severity"], f"the group {group}", listed, reference, hello, "extensions.key_share"
        )
    leaf = next((sent for sent in connection.certificates if sent.sender == SERVER), None)
    if leaf is None:
        return
    cert = read(leaf.der)
    least = standard.get("rsa_bits", 0)
    if cert.key.startswith("RSA") and cert.key_bits is not None and cert.key_bits < least:
        text = f"it asks for {least:,} bits"
        yield finding("error", f"a key of {cert.key_bits:,} bits", text, standard["key_reference"], leaf.message, "")
    if "key_types" in standard and cert.key not in standard["key_types"]:
        text = f"it asks for a certificate with {' or '.join(standard['key_types'])}"
        yield finding("warning", f"a key {cert.key}", text, standard["key_reference"], leaf.message, "")
