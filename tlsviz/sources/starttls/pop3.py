"""POP3: STLS (RFC 2595 section 4)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, Reading, RefusedError, Speech, quoted


def pop3(speech: Speech) -> Dialogue:
    yield from _agreed(speech)
    speech.say(b"STLS\r\n")
    yield from _agreed(speech)
    return speech.said()


def _agreed(speech: Speech) -> Reading[None]:
    line = yield from speech.line()
    if line.startswith(b"-ERR"):
        raise RefusedError(quoted(line))
    if not line.startswith(b"+OK"):
        raise GarbledError(quoted(line))
