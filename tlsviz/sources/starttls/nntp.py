"""NNTP (RFC 4642)."""

from __future__ import annotations

from tlsviz.sources.starttls.replies import expect
from tlsviz.sources.starttls.speech import Dialogue, Speech


def nntp(speech: Speech) -> Dialogue:
    yield from expect(speech, 200, 201)
    speech.say(b"STARTTLS\r\n")
    yield from expect(speech, 382)
    return speech.said()
