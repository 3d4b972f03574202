"""IRC: the STARTTLS command (IRCv3's tls extension, deprecated there, and still spoken)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Speech, quoted

_AGREED = b"670"
_REFUSALS = (b"691", b"421", b"451", b"ERROR")
"""ERR_STARTTLS, ERR_UNKNOWNCOMMAND, ERR_NOTREGISTERED."""


def irc(speech: Speech) -> Dialogue:
    speech.say(b"STARTTLS\r\n")
    while True:
        line = yield from speech.line()
        words = line.split()
        word = (words[1:2] if line.startswith(b":") else words[:1]) or [b""]
        if word[0] == _AGREED:
            return speech.said()
        if word[0] in _REFUSALS:
            raise RefusedError(quoted(line))
        if word[0] == b"PING":
            speech.say(b"PONG" + line[4:] + b"\r\n")
        elif not word[0].isalnum():
            raise GarbledError(quoted(line))
