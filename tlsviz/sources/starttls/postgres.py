"""PostgreSQL: SSLRequest (its manual, "Message Flow", SSL session encryption)."""

from __future__ import annotations

from tlsviz.sources.starttls.speech import LIMIT, Dialogue, GarbledError, RefusedError, Speech, quoted

REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def postgres(speech: Speech) -> Dialogue:
    speech.say(REQUEST)
    answer = yield from speech.take(1)
    if answer == b"N":
        raise RefusedError("N: it has no SSL")
    if answer == b"E":
        size = int.from_bytes((yield from speech.take(4)), "big")
        if not 4 <= size <= LIMIT:
            raise GarbledError(f"an error message of {size} bytes")
        fields = (yield from speech.take(size - 4)).split(b"\0")
        said = next((field[1:] for field in fields if field[:1] == b"M"), b"an error without words")
        raise RefusedError(quoted(said))
    # Behind its yes nothing but TLS may follow: more would be another protocol, or slipped in on the way.
    if answer != b"S" or speech.rest():
        raise GarbledError(quoted(answer + speech.rest()))
    return speech.said()
