"""FTP: AUTH TLS (RFC 4217 section 4)."""

from __future__ import annotations

from tlsviz.sources.starttls.replies import expect
from tlsviz.sources.starttls.speech import Dialogue, Speech


def ftp(speech: Speech) -> Dialogue:
    yield from expect(speech, 220)
    speech.say(b"AUTH TLS\r\n")
    yield from expect(speech, 234)
    return speech.said()
