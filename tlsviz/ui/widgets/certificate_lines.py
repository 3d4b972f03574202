"""One certificate in full as lines: who, what for, how strong, how vetted, within which limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from tlsviz.explain import chain as words
from tlsviz.explain import names
from tlsviz.pki import oids
from tlsviz.pki.fields import extension_field
from tlsviz.pki.fingerprint import ja4x
from tlsviz.pki.graph import Vertex
from tlsviz.pki.naming import NameReport, compare
from tlsviz.pki.profile import Profile, profile
from tlsviz.pki.trust import Trust
from tlsviz.pki.words import moment
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, wrap
from tlsviz.ui.widgets.pane import heading
from tlsviz.ui.widgets.time_line import time_line
from tlsviz.wire.text import plural, safe, shorten

LABEL = 15
"""The cells of what a line is called."""
MOST_NAMES = 1_000
_TBS = "tbsCertificate."


class FieldLine(NamedTuple):
    """A line and the dotted path of the field that it is read from; None for headings and what is of no field.

    ``more``: it goes on with what the line before began.
    """

    line: Line
    field: str | None = None
    more: bool = False


def certificate_lines(vertex: Vertex, verdict: Trust | None, width: int) -> list[FieldLine]:
    """Everything about a certificate of a chain; () for one that is missing."""
    cert = vertex.certificate
    if cert is None:
        return []
    page = _Page(profile(cert), vertex, verdict, width)
    parts: tuple[tuple[str, Iterator[FieldLine]], ...] = (
        ("", page.head()),
        ("Time", page.time()),
        ("Whose", page.whose()),
        ("Names", page.names()),
        ("What for", page.purpose()),
        ("Key and signature", page.key()),
        ("Limits of the CA/Browser Forum", page.limits()),
        ("Where to ask", page.places()),
        ("Extensions", page.extensions()),
        ("Fingerprints", page.fingerprints()),
        ("PEM", page.pem()),
    )
    found: list[FieldLine] = []
    for title, lines in parts:
        told = list(lines)
        if told and title:
            found += [FieldLine([]), *(FieldLine(line) for line in heading(title, width))]
        found += told
    return found


class _Page:
    """The parts of the page; each gives lines."""

    def __init__(self, shown: Profile, vertex: Vertex, verdict: Trust | None, width: int) -> None:
        self.shown, self.vertex, self.verdict, self.width = shown, vertex, verdict, width
        self.cert = shown.certificate
        self.at: datetime | None = verdict.at if verdict else None
        self.san = self._extension(oids.SUBJECT_ALT_NAME)

    def _extension(self, dotted: str) -> str:
        return extension_field(dotted, self.cert)

    def _row(self, label: str, text: str, field: str | None = None, style: str = "foreground") -> Iterator[FieldLine]:
        """A label and what stands behind it."""
        for number, part in enumerate(wrap(text, max(self.width - LABEL - 3, 8))):
            lead = (label if number == 0 else "").ljust(LABEL)
            yield FieldLine([("  ", ""), (lead, "muted"), (part, style)], field, number > 0)

    def _sign(self, sign: str, text: str, style: str, field: str | None = None) -> Iterator[FieldLine]:
        for number, part in enumerate(wrap(text, max(self.width - 6, 8))):
            yield FieldLine([(f"  {sign if number == 0 else ' '} ", style), (part, style)], field, number > 0)

    def head(self) -> Iterator[FieldLine]:
        signs, vertex = glyphs(), self.vertex
        purpose = self.verdict.purpose if self.verdict else "server"
        about = [words.part(vertex, purpose), words.place(vertex), words.anchored(vertex)]
        yield FieldLine([(f" {signs.here} {shorten(self.shown.title, max(self.width - 4, 4))}", "foreground bold")])
        for part in wrap(f" {signs.dot} ".join(filter(None, about)), self.width - 4):
            yield FieldLine([(f"   {part}", "muted")])
        told = [(each.detail and words.fault(each), each.field) for each in vertex.faults]
        told += [
            (f"{words.CHECKS[check.name]}: {safe(check.why)}", check.field)
            for check in vertex.checks
            if check.verdict == "failed" and check.reason not in {each.reason for each in vertex.faults}
        ]
        for text, field in told:
            yield from self._sign(signs.failed, text, "failed bold", field)
        if where := words.borrowed(vertex, self.verdict):
            yield from self._sign(signs.ghost, where, "inferred")
        for text in (*words.marks(vertex), *map(safe, self.cert.problems)):
            yield from self._sign(signs.odd, text, "warning")

    def time(self) -> Iterator[FieldLine]:
        now = self.verdict.now.at if self.verdict and self.verdict.now else None
        if self.at is None:
            yield from self._row("from", moment(self.cert.not_before), f"{_TBS}validity.notBefore")
            yield from self._row("to", moment(self.cert.not_after), f"{_TBS}validity.notAfter")
            return
        for number, line in enumerate(time_line(self.cert, self.at, now, self.width - 5)):
            yield FieldLine([("  ", ""), *line], f"{_TBS}validity", number > 0)
        if self.shown.days is not None:
            allowed = self.shown.allowed_days
            limit = f"; a public server's may live {allowed:,} days" if allowed and not self.cert.is_ca else ""
            yield from self._row("lifetime", f"{plural(self.shown.days, 'day')}{limit}", f"{_TBS}validity")

    def whose(self) -> Iterator[FieldLine]:
        yield from self._row("subject", shorten(self.cert.subject or "empty", 2_000), f"{_TBS}subject")
        itself = " (itself)" if self.cert.self_issued else ""
        yield from self._row("issuer", f"{shorten(self.cert.issuer or 'empty', 2_000)}{itself}", f"{_TBS}issuer")
        kind = f"{self.shown.validation}, " if self.shown.validation else ""
        if not self.cert.is_ca:
            yield from self._row("checked", f"{kind}{self.shown.validation_words}", self._extension(oids.POLICIES))
        for policy in self.shown.policies[:10]:
            named = f" ({policy.name})" if policy.name else ""
            yield from self._row("policy", f"{policy.dotted}{named}", self._extension(oids.POLICIES))

    def names(self) -> Iterator[FieldLine]:
        signs = glyphs()
        leaf = self.vertex.role == "leaf" and (self.verdict is None or self.verdict.purpose == "server")
        report = compare(self.cert, self.verdict.name if self.verdict and leaf else None)
        if leaf and report.asked is not None:
            style, sign = ("verified", signs.verified) if report.matches else ("failed", signs.failed)
            yield from self._sign(sign, names.verdict(report), style, self.san)
            for text in filter(None, (report.common_name, report.odd)):
                yield from self._sign(signs.odd, text, "warning", self.san)
        yield from self._tries(report)
        if report.untried:
            yield from self._sign(signs.dot, f"and {report.untried:,} more", "muted", self.san)
        for other in self.cert.other_names[:50]:
            yield from self._sign(signs.dot, shorten(other, 300), "muted", self.san)

    def _tries(self, report: NameReport) -> Iterator[FieldLine]:
        signs = glyphs()
        for one in names.ordered(report)[:MOST_NAMES]:
            text = f"{one.kind} {names.reading(one)}"
            if one.matches:
                yield from self._sign(signs.verified, f"{text}: {one.why}", "verified", self.san)
            elif report.asked is not None and one.why:
                yield from self._sign(signs.dot, f"{text}: {one.why}", "muted", self.san)
            else:
                yield from self._sign(signs.dot, text, "foreground", self.san)
            if one.odd:
                yield from self._sign(signs.odd, one.odd, "warning", self.san)

    def purpose(self) -> Iterator[FieldLine]:
        cert, shown = self.cert, self.shown
        depth = ""
        if cert.path_length is not None:
            below = plural(cert.path_length, "authority", "authorities") if cert.path_length else "no authority"
            depth = f", {'at most ' if cert.path_length else ''}{below} below"
        may = "an authority: may issue certificates" if cert.is_ca else "not an authority: may not issue certificates"
        yield from self._row("basic", f"{may}{depth}", self._extension(oids.BASIC_CONSTRAINTS))
        anything = "not limited"
        yield from self._row(
            "purposes", "; ".join(shown.purposes) or anything, self._extension(oids.EXTENDED_KEY_USAGE)
        )
        yield from self._row("key may", "; ".join(shown.may) or anything, self._extension(oids.KEY_USAGE))
        if cert.must_staple:
            yield from self._row("must-staple", "promises an OCSP staple", self._extension(oids.TLS_FEATURE))

    def key(self) -> Iterator[FieldLine]:
        cert, shown = self.cert, self.shown
        weak = {check.name: check for check in self.vertex.checks if check.verdict == "failed"}
        bad = "failed" if "key_strength" in weak else "foreground"
        yield from self._row("key", shown.key_words, f"{_TBS}subjectPublicKeyInfo", bad)
        yield from self._row("pin (SPKI)", f"sha256//{shown.pin}", f"{_TBS}subjectPublicKeyInfo")
        if cert.subject_key_id:
            yield from self._row(
                "key identifier", shorten(cert.subject_key_id, 200), self._extension(oids.SUBJECT_KEY_ID)
            )
        bad = "failed" if "signature_strength" in weak else "foreground"
        yield from self._row("signed with", cert.signature_algorithm or "?", "signatureAlgorithm", bad)
        if cert.authority_key_id:
            yield from self._row(
                "issuer's key", shorten(cert.authority_key_id, 200), self._extension(oids.AUTHORITY_KEY_ID)
            )
        bits = plural(shown.serial_bits, "bit")
        yield from self._row("serial", f"{shorten(cert.serial, 200)} ({bits})", f"{_TBS}serialNumber")
        yield from self._row("version", f"X.509 version {cert.version}", f"{_TBS}version")

    def limits(self) -> Iterator[FieldLine]:
        signs = glyphs()
        for limit in sorted(self.shown.limits, key=lambda limit: limit.kept):
            text = f"{limit.words} ({limit.rule})"
            if limit.kept:
                yield from self._sign(signs.verified, text, "muted", limit.field)
            else:
                yield from self._sign(signs.odd, text, "warning", limit.field)
        if self.shown.limits:
            yield from self._sign(" ", "They bind public authorities; a private one may do as it likes.", "muted")

    def places(self) -> Iterator[FieldLine]:
        access = self._extension(oids.AUTHORITY_ACCESS)
        for label, listed, field in (
            ("OCSP", self.cert.ocsp, access),
            ("issuer lies at", self.cert.ca_issuers, access),
            ("CRL", self.cert.crls, self._extension(oids.CRL_POINTS)),
        ):
            for place in listed[:20]:
                yield from self._row(label, shorten(place, 500), field)

    def extensions(self) -> Iterator[FieldLine]:
        for each in self.shown.extensions[:100]:
            critical = "critical" if each.critical else ""
            yield from self._row(critical, f"{each.name or 'unknown'} ({shorten(each.dotted, 80)})", each.field)

    def fingerprints(self) -> Iterator[FieldLine]:
        yield from self._row("SHA-256", self.shown.sha256, "")
        yield from self._row("SHA-1", self.shown.sha1, "")
        yield from self._row("JA4X", ja4x(self.cert), "")

    def pem(self) -> Iterator[FieldLine]:
        for line in self.shown.pem.splitlines():
            yield FieldLine([(f"  {line}", "muted")])


def fields(lines: Sequence[FieldLine]) -> list[tuple[int, int, str]]:
    """Where each fact with a field begins and ends, in reading order."""
    found: list[tuple[int, int, str]] = []
    for number, each in enumerate(lines):
        if each.field is None:
            continue
        if each.more and found:
            found[-1] = (found[-1][0], number, each.field)
        else:
            found.append((number, number, each.field))
    return found
