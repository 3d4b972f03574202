"""Plain HTTP: what somebody on the way reads of a request and its answer."""

from __future__ import annotations

from tlsviz.connection.http import phrase
from tlsviz.connection.model import Redirect
from tlsviz.connection.plain.words import REDIRECTING, cookie_names, head, named, status
from tlsviz.explain.scene import Scene, listing, name, sentence
from tlsviz.explain.words import words
from tlsviz.wire.text import plural, shorten

_SCHEMES = {
    "basic": "Basic: user name and password, only written in base64, which anybody undoes",
    "bearer": "Bearer: a token that lets in whoever shows it",
    "digest": "Digest: the user name, and a digest by which the password can be guessed at leisure",
}
_MOST_COOKIES = 6


def request(scene: Scene) -> None:
    """A request: who asks whom for what, and what else everybody on the way reads."""
    said = head(scene.message)
    method, target = said.start.method, said.start.target
    if method == "PRI":
        scene.lead = "From here on I speak HTTP/2, without encryption."
        scene.say("Its frames are binary; they are counted here, not taken apart.", "request_line")
        return
    scene.key = f"http.{method}" if words(f"http.{method}") else ""
    host = said.field("host")
    scene.lead = (
        f"{method} {name(target)}{f', please, of {name(host)}' if host else ''}. Everybody on the way may read it."
    )
    if not scene.key:
        scene.say(f"{name(method)} is no registered method.", "request_line.method")
    if host:
        scene.say(f"An eavesdropper reads the host {name(host)} and the whole address, query and all.", "host")
    elif said.start.version == "HTTP/1.1":
        scene.odd.append("There is no Host: a server of HTTP/1.1 must refuse it (RFC 9112 3.2).")
    _program(scene, said.field("user-agent"))
    _cookies(scene, said.all("cookie"), "cookie")
    for field in ("authorization", "proxy-authorization"):
        value = said.field(field)
        if value:
            scheme = value.partition(" ")[0].lower()
            what = _SCHEMES.get(scheme, f"credentials of the scheme {shorten(scheme, 20)}")
            scene.say(f"It carries credentials. {sentence(what)}", field.replace("-", "_"))
    upgrade = said.field("upgrade")
    if upgrade:
        scene.say(f"The client would rather speak {name(upgrade)} on this connection.", "upgrade")


def _program(scene: Scene, agent: str | None) -> None:
    if agent:
        scene.say(f"The program calls itself {name(agent)}.", "user_agent")


def _cookies(scene: Scene, values: list[str], field: str) -> None:
    """The names of cookies: their values stand among the fields."""
    names = cookie_names(values, setting=field == "set_cookie")
    if names:
        verb = "sets" if field == "set_cookie" else "shows"
        scene.say(f"It {verb} {plural(len(names), 'cookie')}: {listing(names, _MOST_COOKIES)}.", field)


def response(scene: Scene) -> None:
    """An answer: how it went, where it leads, and what it asks the client to keep."""
    said = head(scene.message)
    code = status(scene.message)
    known = words(f"http.{code}")
    scene.key = f"http.{code}" if known else ""
    scene.lead = known.what if known else f"{named(code) or 'An answer'}: this status is not registered."
    if said.start.reason and phrase(code) and said.start.reason.lower() != phrase(code).lower():
        scene.say(f"The server puts it as: {name(said.start.reason)}.", "status_line.reason_phrase")
    redirect = next((each for each in scene.connection.redirects if each.message == scene.message.index), None)
    if redirect is not None:
        _redirect(scene, redirect)
    elif code in REDIRECTING:
        scene.odd.append("A redirect without a Location leads nowhere.")
    if said.field("strict-transport-security") is not None:
        text = (
            "It asks for https only from now on (HSTS). Over plain HTTP every client must ignore that (RFC 6797 8.1)."
        )
        scene.say(text, "strict_transport_security")
    _cookies(scene, said.all("set-cookie"), "set_cookie")
    if said.field("server"):
        scene.say(f"The server calls itself {name(said.field('server') or '')}.", "server")
    if said.field("www-authenticate") and (said.field("www-authenticate") or "").lower().startswith("basic"):
        scene.odd.append("It asks for a password in the clear (Basic).")


def _redirect(scene: Scene, redirect: Redirect) -> None:
    target = shorten(redirect.target, 120)
    if redirect.encrypted:
        scene.say(f"It leads to the encrypted port: {target}.", "location")
        if redirect.status not in (301, 308):
            scene.say("It is not to be remembered: the next visit asks in the clear again. 301 or 308 would be.")
    else:
        scene.say(f"It leads to {target}, again without encryption.", "location")
    if redirect.connection is not None:
        scene.say(f"The client followed it in connection {redirect.connection} of this source.", "location", "computed")
    scene.say("Nobody can tell whether the server wrote this, or somebody on the way.")
