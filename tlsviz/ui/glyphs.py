"""The signs of the screens, each with its word, and an ASCII set for terminals that cannot show them.

Colour never says anything alone: whatever is coloured also carries one of these.
"""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsviz.connection.ladder import Step


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; every sign is one cell wide."""

    sealed: str = "▣"
    unsealed: str = "□"
    verified: str = "✓"
    failed: str = "✗"
    unknown: str = "?"
    odd: str = "▲"
    cursor: str = "▌"
    lane: str = "│"
    sealed_lane: str = "║"
    waiting_lane: str = "┊"
    clear: str = "─"
    encrypted: str = "═"
    inferred: str = "┄"
    transport: str = "╌"
    right: str = "▶"
    left: str = "◀"
    thin_right: str = "▷"
    thin_left: str = "◁"
    missing: str = "░"
    full: str = "█"
    shade: str = "▒"
    light: str = "░"
    branch: str = "├"
    branch_back: str = "┤"
    last: str = "└"
    rail: str = "│"
    dash: str = "─"
    down: str = "┬"
    corner_tl: str = "╭"
    corner_tr: str = "╮"
    corner_bl: str = "╰"
    corner_br: str = "╯"
    open: str = "▾"
    closed: str = "▸"
    chosen: str = "●"
    offered: str = "○"
    here: str = "◆"
    ghost: str = "◌"
    dot: str = "·"
    times: str = "×"
    arrow: str = "→"
    back: str = "←"
    play: str = "▶"
    ellipsis: str = "…"
    mask: str = "•"
    below: str = "▼"
    half: str = "◐"
    eye: str = "◉"


UNICODE = Glyphs()
ASCII = Glyphs(
    sealed="#",
    unsealed="o",
    verified="+",
    failed="X",
    unknown="?",
    odd="!",
    cursor=">",
    lane="|",
    sealed_lane="|",
    waiting_lane=":",
    clear="-",
    encrypted="=",
    inferred=".",
    transport="~",
    right=">",
    left="<",
    thin_right=">",
    thin_left="<",
    missing="%",
    full="#",
    shade="=",
    light=".",
    branch="+",
    branch_back="+",
    last="`",
    rail="|",
    dash="-",
    down="+",
    corner_tl="+",
    corner_tr="+",
    corner_bl="+",
    corner_br="+",
    open="v",
    closed=">",
    chosen="*",
    offered="o",
    here="*",
    ghost="?",
    dot="-",
    times="x",
    arrow=">",
    back="<",
    play=">",
    ellipsis="~",
    mask="*",
    below="v",
    half="/",
    eye="@",
)


@cache
def glyphs() -> Glyphs:
    """The set for this terminal: ASCII when TLSVIZ_ASCII is set or the locale's encoding is not UTF-8."""
    wanted = os.environ.get("TLSVIZ_ASCII", "")
    if wanted:
        return UNICODE if wanted == "0" else ASCII
    return UNICODE if _shows_unicode() else ASCII


_PLAIN = str.maketrans("µ×·–—…", "ux---~")


def showable(text: str) -> str:
    """Text with signs in it that are no glyphs, of units and between words, as this terminal can show it."""
    return text if text.isascii() or glyphs() is not ASCII else text.translate(_PLAIN)


def _shows_unicode() -> bool:
    encoding = locale.getpreferredencoding(False)
    try:
        "".join(getattr(UNICODE, each.name) for each in fields(UNICODE)).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Sign:
    """A glyph, the word that says the same, and the role that colours both."""

    glyph: str
    word: str
    role: str


def passage(step: Step) -> Sign:
    """How a step's bytes travelled, and whether they could be read."""
    set_ = glyphs()
    if step.provenance == "inferred":
        return Sign(set_.unknown, "inferred", "inferred")
    if not step.encrypted and step.provenance == "decrypted":  # QUIC's Initial packets: everybody has their key
        return Sign(set_.unsealed, "known key", "clear")
    if not step.encrypted:
        return Sign(" ", "clear", "clear")
    if step.provenance == "decrypted":
        return Sign(set_.sealed, "decrypted", "encrypted")
    return Sign(set_.sealed, "encrypted", "encrypted")


def proof(status: str) -> Sign | None:
    """What a proof said: ``verified``, ``failed`` or ``not_provable``; None for nothing."""
    set_ = glyphs()
    if status == "verified":
        return Sign(set_.verified, "verified", "verified")
    if status == "failed":
        return Sign(set_.failed, "failed", "failed")
    if status == "not_provable":
        return Sign(set_.unknown, "not provable", "inferred")
    return None


def trust(verdict: str) -> Sign:
    """What a trust store said of a chain."""
    set_ = glyphs()
    if verdict == "trusted":
        return Sign(set_.verified, "trusted", "verified")
    if verdict == "untrusted":
        return Sign(set_.failed, "not trusted", "failed")
    return Sign(set_.unknown, "trust unknown", "inferred")
