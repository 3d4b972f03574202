"""The connection's facts, gathered from what the engine has seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from tlsviz.connection import fingerprint, prelude
from tlsviz.connection.finishes import over
from tlsviz.connection.hellos import SERVER_HELLOS, is_cut, server_name
from tlsviz.connection.model import CodePoint, Connection, Inner, InnerHello, Message, Offered
from tlsviz.tls import registry
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_handshake
from tlsviz.tls.registry import Registry
from tlsviz.tls.views import ClientHello
from tlsviz.wire.buffers import Buffer, Piece
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.memo import remembering
from tlsviz.wire.text import plural

if TYPE_CHECKING:
    from tlsviz.connection.engine import Engine


@lru_cache(maxsize=8192)
def _point(code: int, names: Registry) -> CodePoint:
    return CodePoint(code, names.width, names.get(code))


def point(code: int | None, names: Registry) -> CodePoint | None:
    """A code point of a registry, with its name."""
    return None if code is None else _point(code, names)


@remembering
def points(codes: tuple[int, ...], names: Registry) -> tuple[CodePoint, ...]:
    """Code points of a registry, with their names, in order."""
    return tuple([_point(code, names) for code in codes])


def offered(hello: ClientHello | None) -> Offered:
    """What a ClientHello offers."""
    if hello is None:
        return Offered()
    versions = hello.versions or ((hello.legacy_version,) if hello.legacy_version else ())
    return Offered(
        points(versions, registry.versions),
        points(hello.cipher_suites, registry.cipher_suites),
        points(hello.groups, registry.groups),
        points(hello.signature_schemes, registry.signature_schemes),
        hello.alpn,
        points(tuple([code for code, _ in hello.extensions]), registry.extensions),
    )


def connection(engine: Engine) -> Connection:
    """The model of everything the engine has seen so far."""
    facts = engine.facts
    hello, chosen = facts.client_hello, facts.server_hello
    start = engine.start or 0.0
    preludes = engine.preludes.parts
    secrets = engine.secrets
    messages = _messages(engine)
    cut, answer_cut = is_cut(messages), is_cut(messages, SERVER_HELLOS)
    return Connection(
        id=engine.id,
        tcp_stream=engine.tcp_stream,
        transport=engine.transport,
        client=engine.client,
        server=engine.server,
        start=start,
        duration=max(engine.last - start, 0.0),
        starttls=prelude.protocol(preludes) if engine.upgraded else None,
        server_name=(server_name(hello, cut) if hello else None) or engine.server_name,
        version=point(facts.version, registry.versions),
        cipher_suite=point(chosen.cipher_suite if chosen else None, registry.cipher_suites),
        group=point(facts.group, registry.groups),
        signature_scheme=point(facts.server_scheme, registry.signature_schemes),
        alpn=facts.alpn,
        resumed=_resumed(engine),
        hello_retry=facts.hello_retry,
        early_data=facts.early_sent and facts.early_accepted is not False,
        client_auth=facts.client_certificate,
        complete=_complete(engine),
        ja3=fingerprint.ja3(hello) if hello and not cut else None,
        ja3s=fingerprint.ja3s(chosen) if chosen and not answer_cut else None,
        ja4=fingerprint.ja4(hello, engine.transport) if hello and not cut else None,
        ja4s=fingerprint.ja4s(chosen, engine.transport) if chosen and not answer_cut else None,
        history=fingerprint.history(messages),
        offered=offered(hello),
        messages=messages,
        application=engine.runs.frozen(),
        client_data=engine.volume(CLIENT),
        server_data=engine.volume(SERVER),
        records=tuple(engine.ledger.records),
        marks=tuple(engine.marks),
        holes=tuple(engine.holes),
        prelude=preludes,
        certificates=tuple(facts.certificates),
        key_source=engine.keylog.source if any(secrets) else None,
        secrets=secrets[0],
        renegotiated=secrets[1:],
        premasters=tuple(facts.premasters),
        inner_hellos=tuple(_inner_hellos(engine)),
        ech_accepted=facts.ech.accepted,
    )


def _messages(engine: Engine) -> tuple[Message, ...]:
    """The messages that are kept; the last one says how many more there were."""
    kept = engine.ledger.messages
    if not engine.ledger.dropped:
        return tuple(kept)
    more = f"{plural(engine.ledger.dropped, 'message')} after it are not kept: too many"
    return (*kept[:-1], replace(kept[-1], note=more))


def _inner_hellos(engine: Engine) -> Iterator[InnerHello]:
    """What encrypted ClientHellos held, each as a buffer made from the outer one's payload."""
    for index, data in engine.facts.ech.inner.items():
        outer = engine.ledger.messages[index]
        if outer.buffer is None or outer.tree is None:
            continue
        payload = outer.tree.get("extensions.encrypted_client_hello.payload")
        if payload is not None:
            piece = Piece(0, len(data), outer.buffer, payload.start, payload.end, False)
            buffer = Buffer("decrypted", data, (piece,))
            yield InnerHello(index, Inner(buffer, decode_handshake(data, Context(CLIENT, engine.facts.version))))


def _resumed(engine: Engine) -> bool:
    chosen = engine.facts.server_hello
    if chosen is None:
        return False
    return chosen.selected_psk is not None if engine.facts.tls13 else engine.facts.session_resumed


def _complete(engine: Engine) -> bool:
    messages = engine.ledger.messages
    return over(messages) is not None
