"""XMPP, from client to server and between servers (RFC 6120 section 5)."""

from __future__ import annotations

import re

from tlsviz.sources.starttls.speech import WORDS, Dialogue, GarbledError, RefusedError, Speech, quoted

_FEATURES = re.compile(rb"<(?:\w+:)?features\s*/>|</(?:\w+:)?features\s*>|</(?:\w+:)?(?:error|stream)\s*>")
_ANSWER = re.compile(rb"<(?:\w+:)?(?:proceed|failure)\b[^>]*>|</(?:\w+:)?(?:error|stream)\s*>")
_STREAM = (
    "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='http://etherx.jabber.org/streams' "
    "to='{}' version='1.0'>"
)


def client(speech: Speech) -> Dialogue:
    return (yield from _xmpp(speech, "jabber:client"))


def server(speech: Speech) -> Dialogue:
    return (yield from _xmpp(speech, "jabber:server"))


def _xmpp(speech: Speech, namespace: str) -> Dialogue:
    speech.say(_STREAM.format(namespace, speech.host).encode())
    features = yield from speech.until(lambda data: _end(_FEATURES, data))
    if not re.search(rb"features\s*/?>\Z", features):
        raise RefusedError(quoted(features[-WORDS:]))
    if not re.search(rb"<(?:\w+:)?starttls\b", features):
        raise RefusedError(f"the stream's features do not offer it: {quoted(features)}")
    speech.say(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    answer = yield from speech.until(lambda data: _end(_ANSWER, data))
    if b"proceed" not in answer:
        raise RefusedError(quoted(answer))
    return speech.said()


def _end(pattern: re.Pattern[bytes], data: bytes) -> int:
    """Where the first match ends. Raises GarbledError for what cannot be XML."""
    if data.lstrip()[:1] not in (b"<", b""):
        raise GarbledError(quoted(data))
    found = pattern.search(data)
    return found.end() if found else -1
