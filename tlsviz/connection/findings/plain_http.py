"""What plain HTTP gives away, and where it leads (RFC 9110, RFC 6797): findings about connections without TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tlsviz.connection.findings import gaps
from tlsviz.connection.model import Connection, Finding, Message
from tlsviz.connection.plain.words import cookie_names, exchanges, head, named, status, url
from tlsviz.wire.text import plural, shorten

TLS_PORTS = (443, 8443)
_SECRET_PARAMETER = re.compile(
    r"[?&](pass(?:word|wd)?|pwd|token|access_token|api_?key|secret|auth)=[^&]", re.IGNORECASE
)
_READABLE = {
    "basic": "a user name and password, only written in base64",
    "bearer": "a token that lets in whoever shows it",
    "digest": "a user name, and a digest by which the password can be guessed",
    "ntlm": "an answer to a challenge, by which the password can be guessed",
    "negotiate": "a ticket or an answer to a challenge",
}
_OFFLINE = frozenset(("digest", "ntlm", "negotiate"))
_MOST = 4


def credentials(connection: Connection) -> Iterator[Finding]:
    """Passwords and tokens in a request, the first place where they are; their values are not repeated."""
    for message in connection.messages_of("http_request"):
        said = _credentials(message)
        if said is None:
            continue
        what, field, grave = said
        yield Finding(
            "credentials_in_clear",
            "error" if grave else "warning",
            "Credentials travel in the clear",
            f"{_called(connection, message)} carries {what}.",
            "Serve this over https only, and change what was sent: it has to count as known.",
            "RFC 7617 4, RFC 6750 5.3",
            message=message.index,
            field=field,
        )
        return


def _credentials(message: Message) -> tuple[str, str, bool] | None:
    """What kind they are, the field that holds them, and whether they can be used as they are."""
    said = head(message)
    for name in ("authorization", "proxy-authorization"):
        value = said.field(name)
        if value:
            scheme = value.partition(" ")[0].lower()
            what = _READABLE.get(scheme, f"credentials of the scheme {shorten(scheme, 20)}")
            return f"{name.title()}: {what}", name.replace("-", "_"), scheme not in _OFFLINE
    target = said.start.target
    if "@" in target.partition("://")[2].partition("/")[0]:
        return "a user name and password in the address itself", "request_line.request_target", True
    found = _SECRET_PARAMETER.search(target)
    if found is not None:
        return f"the parameter {found[1]} in its address", "request_line.request_target", True
    return None


def cookies(connection: Connection) -> Iterator[Finding]:
    """Cookies that are sent, or set: who copies one is taken for the visitor (session hijacking)."""
    names: dict[str, None] = {}
    first: tuple[Message, str] | None = None
    for message in connection.messages:
        if message.content_type != "http":
            continue
        said = head(message)
        for field in ("cookie", "set-cookie"):
            if found := cookie_names(said.all(field), setting=field == "set-cookie"):
                first = first or (message, field.replace("-", "_"))
                names.update(dict.fromkeys(found))
    if first is None:
        return
    listed = list(names)
    more = f" and {plural(len(listed) - _MOST, 'more', 'more')}" if len(listed) > _MOST else ""
    yield Finding(
        "cookies_in_clear",
        "warning",
        "Cookies travel in the clear",
        f"{plural(len(listed), 'cookie')}: {', '.join(listed[:_MOST])}{more}.",
        "Serve the site over https only, and set cookies with the attribute Secure.",
        "RFC 6265 8.3",
        message=first[0].index,
        field=first[1],
    )


def in_clear(connection: Connection) -> Iterator[Finding]:
    """That everything can be read and changed: said once, with what was asked for."""
    asked = connection.messages_of("http_request")
    if not asked:
        return
    yield Finding(
        "plain_http",
        "notice",
        "Nothing here is protected: it is plain HTTP",
        f"{plural(len(asked), 'request')}, the first: {_called(connection, asked[0])}.",
        "Use https.",
        "RFC 9110 17.1",
        message=asked[0].index,
        field="request_line",
    )


def redirected(connection: Connection) -> Iterator[Finding]:
    """The redirect to https, and the connection that followed it."""
    for redirect in connection.redirects:
        if not redirect.encrypted:
            continue
        followed = ""
        if redirect.connection is not None:
            followed = f" The client followed it in connection {redirect.connection}."
        lasting = redirect.status in (301, 308)
        yield Finding(
            "redirect_to_https",
            "info",
            "The plain port leads to https",
            f"{named(redirect.status)} to {shorten(redirect.target, 120)}.{followed}",
            "" if lasting else "Answer with 301 or 308, so that clients remember it.",
            "RFC 9110 15.4",
            message=redirect.message,
            field="location",
        )
        return


def hsts(connection: Connection) -> Iterator[Finding]:
    """Strict-Transport-Security over plain HTTP counts for nothing: anybody could have put it there, or taken it."""
    for message in connection.messages_of("http_response"):
        value = head(message).field("strict-transport-security")
        if value is not None:
            yield Finding(
                "hsts_ignored",
                "notice",
                "HSTS over plain HTTP is ignored",
                f"Strict-Transport-Security: {shorten(value, 80)}: clients must ignore it here.",
                "Redirect to https, and send the header there.",
                "RFC 6797 8.1",
                message=message.index,
                field="strict_transport_security",
            )
            return


def errors(connection: Connection) -> Iterator[Finding]:
    """The first answer of 400 and above."""
    for request, answer in exchanges(connection):
        if answer is None or status(answer) < 400:
            continue
        severity: Literal["notice", "warning"] = "warning" if status(answer) >= 500 else "notice"
        words = named(status(answer))
        evidence = f"{_called(connection, request)} is answered by {words}." if request is not None else words
        mend = f"`tlsviz explain {status(answer)}` says what it means."
        yield Finding(
            "http_error", severity, f"The web server answers {words}", evidence, mend, "RFC 9110 15",
            message=answer.index, field="status_line",
        )  # fmt: skip
        return


def wrong_port(connection: Connection) -> Iterator[Finding]:
    """HTTP without TLS at a port where TLS belongs, and the server goes along with it."""
    answer = next((each for each in connection.messages_of("http_response") if 100 < status(each) < 400), None)
    if answer is not None and connection.server.port in TLS_PORTS:
        port = connection.server.port
        yield Finding(
            "plain_http_on_tls_port",
            "warning",
            f"Port {port} speaks plain HTTP where TLS is expected",
            f"The answer is {named(status(answer))}, without TLS.",
            "Switch TLS on at this port (in nginx: listen 443 ssl).",
            "RFC 9110 4.2.2",
            message=answer.index,
        )


def _called(connection: Connection, message: Message) -> str:
    """``GET http://example.com/``, without what follows a question mark or stands before an @."""
    asked = url(connection, message).partition("?")[0]
    scheme, sep, rest = asked.partition("://")
    host, slash, path = rest.partition("/")
    return shorten(f"{head(message).start.method} {scheme}{sep}{host.rpartition('@')[2]}{slash}{path}", 120)


FINDERS = (credentials, cookies, wrong_port, errors, hsts, in_clear, redirected, *gaps.FINDERS)
