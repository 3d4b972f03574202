"""SMTP (RFC 3207) and LMTP (RFC 2033), which differ in how the client introduces itself."""

from __future__ import annotations

from tlsviz.sources.starttls.replies import expect, reply
from tlsviz.sources.starttls.speech import Dialogue, RefusedError, Speech

OUR_NAME = b"tlsviz.invalid"
"""What we call ourselves: a name that nobody can have (RFC 2606 section 2), and that tells nothing."""


def smtp(speech: Speech) -> Dialogue:
    return (yield from _mail(speech, b"EHLO"))


def lmtp(speech: Speech) -> Dialogue:
    return (yield from _mail(speech, b"LHLO"))


def _mail(speech: Speech, hello: bytes) -> Dialogue:
    yield from expect(speech, 220)
    speech.say(hello + b" " + OUR_NAME + b"\r\n")
    features = yield from expect(speech, 250)
    offered = any(line.strip().upper() == b"STARTTLS" for line in features.lines[1:])
    # Asked for even where it is not offered: the refusal is the server's own then, not our guess.
    speech.say(b"STARTTLS\r\n")
    answer = yield from reply(speech)
    if answer.code != 220:
        raise RefusedError(answer.last if offered else f"{answer.last} ({hello.decode()} did not offer STARTTLS)")
    return speech.said()
