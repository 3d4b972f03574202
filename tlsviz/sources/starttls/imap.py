"""IMAP (RFC 9051 section 6.2.1)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, Reading, RefusedError, Speech, quoted


def imap(speech: Speech) -> Dialogue:
    greeting = yield from speech.line()
    words = greeting.upper().split()
    if words[:1] != [b"*"] or len(words) < 2:
        raise GarbledError(quoted(greeting))
    if words[1] not in (b"OK", b"PREAUTH"):
        raise RefusedError(quoted(greeting))
    speech.say(b"a1 CAPABILITY\r\n")
    said = yield from _tagged(speech, b"a1")
    capabilities = [word for line in said if line.upper().startswith(b"* CAPABILITY") for word in line.upper().split()]
    speech.say(b"a2 STARTTLS\r\n")
    answer = (yield from _tagged(speech, b"a2"))[-1]
    if answer.upper().split()[1:2] != [b"OK"]:
        offered = not capabilities or b"STARTTLS" in capabilities
        raise RefusedError(quoted(answer) + ("" if offered else " (CAPABILITY did not offer STARTTLS)"))
    return speech.said()


def _tagged(speech: Speech, tag: bytes) -> Reading[list[bytes]]:
    """The lines of the answer to the command with this tag, the tagged one last."""
    lines = []
    while True:
        line = yield from speech.line()
        lines.append(line)
        first = line.split(b" ", 1)[0]
        if first == tag:
            return lines
        if line.upper().startswith(b"* BYE"):
            raise RefusedError(quoted(line))
        if first not in (b"*", b"+"):
            raise GarbledError(quoted(line))
