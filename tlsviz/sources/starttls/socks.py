"""SOCKS 5 (RFC 1928), with a user name and password where given (RFC 1929)."""

from __future__ import annotations

from ipaddress import ip_address

from tlsviz.sources.starttls.speech import Dialogue, GarbledError, Reading, RefusedError, Speech, quoted
from tlsviz.sources.target import is_address

NO_AUTHENTICATION, USER_PASSWORD = 0, 2
IPV4, NAME, IPV6 = 1, 3, 4
_REPLIES = (
    "succeeded",
    "general SOCKS server failure",
    "connection not allowed by ruleset",
    "network unreachable",
    "host unreachable",
    "connection refused",
    "TTL expired",
    "command not supported",
    "address type not supported",
)


def socks5(speech: Speech, user: str | None = None, password: str = "") -> Dialogue:
    """Asks for a tunnel to ``speech.host``, whose name the proxy looks up."""
    methods = [NO_AUTHENTICATION] if user is None else [NO_AUTHENTICATION, USER_PASSWORD]
    speech.say(bytes([5, len(methods), *methods]))
    version, method = yield from speech.take(2)
    if version != 5:
        raise GarbledError(f"no SOCKS 5: {quoted(bytes([version, method]))}")
    if method == USER_PASSWORD and user is not None:
        yield from _log_in(speech, user.encode()[:255], password.encode()[:255])
    elif method != NO_AUTHENTICATION:
        raise RefusedError("it wants a user name and password" if user is None else "it accepts no way to log in")
    speech.say(b"\x05\x01\x00" + _address(speech.host) + speech.port.to_bytes(2, "big"))
    version, reply, _, kind = yield from speech.take(4)
    if version != 5:
        raise GarbledError(f"no SOCKS 5 reply: {version:02x} {reply:02x}")
    if reply:
        raise RefusedError(f"{_REPLIES[reply] if reply < len(_REPLIES) else 'reply'} ({reply})")
    size = {IPV4: 4, IPV6: 16}.get(kind)
    if kind == NAME:
        size = (yield from speech.take(1))[0]
    if size is None:
        raise GarbledError(f"a SOCKS 5 reply with the address type {kind}")
    yield from speech.take(size + 2)
    return speech.said()


def _log_in(speech: Speech, user: bytes, password: bytes) -> Reading[None]:
    shown = bytes([1, len(user)]) + b"*" * len(user) + bytes([len(password)]) + b"*" * len(password)
    speech.say(bytes([1, len(user)]) + user + bytes([len(password)]) + password, shown)
    _, status = yield from speech.take(2)
    if status:
        raise RefusedError("the user name and password are not accepted")


def _address(host: str) -> bytes:
    """The address type and the address; a name goes as it is."""
    if not is_address(host):
        name = host.encode("ascii")[:255]
        return bytes([NAME, len(name)]) + name
    packed = ip_address(host.partition("%")[0]).packed
    return bytes([IPV4 if len(packed) == 4 else IPV6]) + packed
