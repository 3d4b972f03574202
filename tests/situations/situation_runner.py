"""Plays situations and compares what tlsviz says with the truth."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple
from unittest import mock

from situation_case import Situation
from situation_servers import MissingError, authority, issued

from tlsviz.connection.model import Connection, Finding
from tlsviz.connection.ports import judge
from tlsviz.pki.stores import from_ders
from tlsviz.sources.live import run_live
from tlsviz.sources.options import Identity, LiveOptions
from tlsviz.sources.ports import look
from tlsviz.sources.target import Target

Verdict = Literal["right", "wrong", "undecided"]


class Outcome(NamedTuple):
    """What came of a situation; ``why`` says it where it is not right."""

    verdict: Verdict
    why: str
    seconds: float
    connection: Connection | None


def play(situation: Situation) -> Outcome:
    """Serves the situation, shakes hands with it, and judges the diagnosis."""
    start = time.monotonic()
    try:
        with (
            situation.serve() as port,
            _plain(situation) as plain,
            _proxy(situation, port, plain) as proxy,
            _resolver(situation),
        ):
            connection = _visit(situation, port, plain, proxy)
    except MissingError as missing:
        return Outcome("undecided", str(missing), time.monotonic() - start, None)
    why = _wrong(situation, connection)
    return Outcome("wrong" if why else "right", why, time.monotonic() - start, connection)


@contextlib.contextmanager
def _plain(situation: Situation) -> Iterator[int]:
    """The plain port; 0 where there is none."""
    with contextlib.nullcontext(0) if situation.plain is None else situation.plain() as port:
        yield port


@contextlib.contextmanager
def _proxy(situation: Situation, port: int, plain: int) -> Iterator[str | None]:
    """What --proxy takes; None without one."""
    if situation.proxy is None:
        yield None
        return
    with situation.proxy.serve(lambda asked: {443: port, 80: plain}.get(asked, asked)) as text:
        yield text


def _visit(situation: Situation, port: int, plain: int, proxy: str | None) -> Connection:
    options: dict[str, Any] = {"timeout": situation.timeout, "proxy": proxy, **situation.options}
    options["stores"] = (from_ders("lab", [authority().root.der]),)
    if situation.client:
        identity = issued(situation.client)
        options["identity"] = Identity(identity.pem, identity.key_pem)
    if situation.plain is not None:
        return _look(situation.host, LiveOptions(**options), port, plain)
    (connection,) = run_live(Target(situation.host, port), LiveOptions(**options)).connections
    return connection


def _look(host: str, options: LiveOptions, port: int, plain: int) -> Connection:
    """The connection to the encrypted port, with what is to be said of both ports among its findings."""
    places = {} if options.proxy else {(host, 443): f"127.0.0.1:{port}", (host, 80): f"127.0.0.1:{plain}"}
    found = look(Target(host), options, places=places)
    assert found.connection is not None
    return dataclasses.replace(found.connection, findings=(*found.connection.findings, *judge(found)))


@contextlib.contextmanager
def _resolver(situation: Situation) -> Iterator[None]:
    """A name service that knows the situation's host and nothing else."""
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host != situation.host:
            return real(host, port, *rest, **named)
        if situation.proxy is not None:
            raise AssertionError("only the proxy is to look this name up")
        found = (situation.address,) if situation.resolver is None else situation.resolver
        if isinstance(found, OSError):
            raise found
        if isinstance(found, float):
            time.sleep(found)
            found = ()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    with mock.patch("socket.getaddrinfo", look_up):
        yield


def _wrong(situation: Situation, connection: Connection) -> str:
    """What is wrong with the diagnosis, "" if nothing is."""
    diagnoses = [finding for finding in connection.findings if finding.diagnosis]
    codes = [finding.code for finding in diagnoses]
    if codes != ([situation.code] if situation.code else []):
        return f"said {', '.join(codes) or 'nothing'} instead of {situation.code or 'nothing'}"
    told = diagnoses
    if situation.beside:
        told = [finding for finding in connection.findings if finding.code == situation.beside]
        if not told:
            return f"did not find {situation.beside}"
    text = " ".join(map(_text, told)).lower()
    missing = [word for word in situation.words if word.lower() not in text]
    return f"does not say {missing!r}: {text}" if missing else ""


def _text(finding: Finding) -> str:
    causes = " ".join(f"{cause.what} {cause.why}" for cause in finding.causes)
    return f"{finding.title} {finding.evidence} {finding.mend} {causes}"
