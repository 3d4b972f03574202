"""ManageSieve (RFC 5804 section 2.2)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, Reading, RefusedError, Speech, quoted


def sieve(speech: Speech) -> Dialogue:
    capabilities = yield from _answer(speech)
    speech.say(b"STARTTLS\r\n")
    try:
        yield from _answer(speech)
    except RefusedError as error:
        offered = any(line.upper().startswith(b'"STARTTLS"') for line in capabilities)
        raise RefusedError(str(error) + ("" if offered else " (its capabilities do not offer STARTTLS)")) from None
    return speech.said()


def _answer(speech: Speech) -> Reading[list[bytes]]:
    """The lines before OK."""
    lines: list[bytes] = []
    while True:
        line = yield from speech.line()
        word = line.split(b" ", 1)[0].upper()
        if word == b"OK":
            return lines
        if word in (b"NO", b"BYE"):
            raise RefusedError(quoted(line))
        if not line.startswith(b'"'):
            raise GarbledError(quoted(line))
        lines.append(line)
