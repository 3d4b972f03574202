"""Telnet: the START_TLS option (draft-altman-telnet-starttls-02)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, RefusedError, Speech, quoted

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
START_TLS, FOLLOWS = 46, 1
_FOLLOWS = bytes([IAC, SB, START_TLS, FOLLOWS, IAC, SE])


def telnet(speech: Speech) -> Dialogue:
    """Agrees to START_TLS when the server asks for it; every other option is declined."""
    willing = False
    while True:
        head = yield from speech.take(1)
        if head[0] != IAC:
            # A login prompt: the server wants no TLS.
            raise (GarbledError if willing else RefusedError)(quoted(head + speech.rest()))
        verb = (yield from speech.take(1))[0]
        if verb == SB:
            body = yield from speech.until(
                lambda data: data.find(bytes([IAC, SE])) + 2 if bytes([IAC, SE]) in data else -1
            )
            if body[:2] == bytes([START_TLS, FOLLOWS]) and willing:
                return speech.said()
            continue
        if verb not in (DO, DONT, WILL, WONT):
            continue
        option = (yield from speech.take(1))[0]
        if option == START_TLS and verb == DO and not willing:
            willing = True
            speech.say(bytes([IAC, WILL, START_TLS]) + _FOLLOWS)
        elif option == START_TLS and verb in (DONT, WONT):
            raise RefusedError("DONT START_TLS")
        elif verb == DO:
            speech.say(bytes([IAC, WONT, option]))
        elif verb == WILL:
            speech.say(bytes([IAC, DONT, option]))
