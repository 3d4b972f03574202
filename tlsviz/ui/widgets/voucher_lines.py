"""What others say of the certificates: answers about revocation, the logs' receipts, OpenSSL's own verdict."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.explain import vouchers as words
from tlsviz.pki.graph import Graph
from tlsviz.pki.trust import Trust
from tlsviz.ui.glyphs import Sign, glyphs, proof, trust
from tlsviz.ui.widgets.lines import Line
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.wire.text import safe

Told = tuple[Line, int | None]
"""A line, and the message that it is from."""


def vouchers(verdict: Trust, made: Graph, width: int) -> list[Told]:
    """Everything that vouches for a chain or against it, each part under a heading; () where there is nothing."""
    found: list[Told] = []
    leaf = made.vertices[0].certificate if made.vertices else None
    for title, lines in (
        ("Revocation", _revocation(verdict, made, width)),
        ("Transparency: receipts of public logs (SCT)", _receipts(verdict, width)),
        ("OpenSSL's own verdict", _openssl(verdict, width)),
    ):
        told = list(lines)
        if told and leaf is not None:
            found += [([], None), *((line, None) for line in heading(title, width)), *told]
    return found


def _said(sign: Sign, text: str, width: int, message: int | None = None) -> Iterator[Told]:
    for line in paragraph(text, width, sign.role, 3, f" {sign.glyph} "):
        yield line, message


def _quiet(text: str, width: int, message: int | None = None) -> Iterator[Told]:
    for line in paragraph(text, width, "muted", 3):
        yield line, message


def _revocation(verdict: Trust, made: Graph, width: int) -> Iterator[Told]:
    for one in verdict.revocations:
        sign = {
            "good": Sign(glyphs().verified, "not revoked", "verified"),
            "revoked": Sign(glyphs().failed, "revoked", "failed"),
        }.get(one.status, Sign(glyphs().unknown, "unknown", "inferred"))
        yield from _said(sign, words.revocation(one), width, one.message)
        for text in words.freshness(one, verdict.at):
            yield from _quiet(text, width, one.message)
    leaf = made.vertices[0].certificate
    if leaf is not None:
        sign = Sign(glyphs().dot, "", "muted")
        for text, odd in words.addresses(leaf, verdict):
            yield from _said(Sign(glyphs().odd, "", "warning") if odd else sign, text, width)


def _receipts(verdict: Trust, width: int) -> Iterator[Told]:
    enough = verdict.transparency
    if enough is None and not verdict.receipts:
        return
    if enough is not None:
        status = {True: "verified", False: "failed", None: ""}[enough.enough]
        yield from _said(proof(status) or Sign(glyphs().dot, "", "muted"), words.enough(enough), width)
    for one in verdict.receipts:
        sign = proof(one.check)
        if sign is not None:
            yield from _said(sign, words.receipt(one), width, one.message)


def _openssl(verdict: Trust, width: int) -> Iterator[Told]:
    one = verdict.openssl
    if one is None:
        return
    sign = trust("trusted" if one.code == 0 else "untrusted")
    yield from _said(sign, words.openssl(one), width)
    if not one.agrees:
        yield from _said(Sign(glyphs().odd, "", "warning"), f"not what {safe(one.store)} comes to here", width)
