"""The whole connection in about five sentences: who, what was agreed, who proved what, what was said, how it ended."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.finishes import handshake_end
from tlsviz.connection.ladder import round_trips
from tlsviz.connection.model import CERTIFICATES, Connection
from tlsviz.connection.titles import shares_key
from tlsviz.explain.beside import encrypts, place
from tlsviz.explain.scene import Narration, Sentence, name, sentence, span
from tlsviz.explain.tell.alert import CLOSE_NOTIFY, WARNING
from tlsviz.explain.words import words
from tlsviz.pki.certificate import read
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import plural, shorten


def overview(connection: Connection) -> Narration:
    """The connection in brief; ``odd`` has the findings that are worth a warning."""
    sentences = [
        sentence_ for teller in (_agreed, _identity, _secrecy, _proven, _said, _end) for sentence_ in teller(connection)
    ]
    odd = [
        sentence(shorten(finding.title, 160))
        for finding in connection.findings
        if finding.severity in ("warning", "error", "critical")
    ]
    lead = _lead(connection)
    return Narration("concept.handshake", "The whole connection", lead, tuple(sentences), tuple(dict.fromkeys(odd))[:6])


def _lead(connection: Connection) -> str:
    to = place(connection)
    diagnosis = connection.failure
    if connection.plain:
        return f"The client talked to {to} in plain HTTP. Nothing is encrypted, and nothing proves who answered."
    if connection.complete:
        how = "resumed an earlier session with" if connection.resumed else "shook hands with"
        took = span(_handshake_time(connection))
        if connection.trust is not None and connection.trust.verdict == "untrusted":
            return f"The client {how} {to} in {took}, but the server's certificate is not trusted."
        return f"The client {how} {to}. It worked, and took {took}."
    if diagnosis is not None:
        return f"The client tried to reach {to}. It failed: {sentence(shorten(diagnosis.title, 160))}"
    if not connection.messages:
        return f"The client talked to {to}, but no TLS was seen."
    if (complaint := _complaint(connection)) is not None:
        return f"The client tried to reach {to}. It failed: the {complaint[0]} ended it with {complaint[1]}."
    return f"The client began a handshake with {to}; its end was not seen."


def _complaint(connection: Connection) -> tuple[str, str] | None:
    """Who ended it with which alert, if one did; warnings and goodbyes do not."""
    for message in connection.messages:
        said = message.alert
        if said is not None and said.description.code != CLOSE_NOTIFY and said.level.code != WARNING:
            return message.sender, str(said.description)
    return None


def _handshake_time(connection: Connection) -> float:
    end = handshake_end(connection)
    return max(end - connection.start, 0.0) if end is not None else 0.0


def _agreed(connection: Connection) -> Iterator[Sentence]:
    if connection.version is None:
        return
    text = f"They agreed on {connection.version}"
    if connection.cipher_suite is not None:
        text += f" with {connection.cipher_suite}"
    if connection.group is not None:
        text += f" and a key exchange in {connection.group}"
    yield Sentence(f"{text}.", "wire")
    if connection.hello_retry:
        yield Sentence("The client's first guess at the key exchange did not suit the server, which cost a round trip.")


def _identity(connection: Connection) -> Iterator[Sentence]:
    leaf = next((sent for sent in connection.certificates if sent.sender == SERVER), None)
    if leaf is None:
        if connection.resumed:
            yield Sentence("No certificate was needed: a secret of an earlier session proves who both are.", "wire")
        elif shares_key(connection):
            yield Sentence("No certificate was needed: a key that both had before proves who both are.", "wire")
        return
    certificate = read(leaf.der)
    issuer = (
        "itself" if certificate.self_issued else name(certificate.issuer_cn or certificate.issuer or "an authority")
    )
    until = f", valid until {certificate.not_after:%Y-%m-%d}" if certificate.not_after else ""
    text = f"The server showed a certificate for {name(certificate.title)}, signed by {issuer}{until}"
    trust = connection.trust
    if trust is not None and trust.verdict == "trusted":
        text += f"; the {name(trust.store)} store trusts it"
    elif trust is not None and trust.verdict == "untrusted":
        reasons = [entry.title.lower() for reason in trust.reasons[:2] if (entry := words(f"trust.{reason}"))]
        text += f"; it is not trusted: {', '.join(reasons) or 'for an unknown reason'}"
    yield Sentence(f"{text}.", "decrypted" if _tls13_encrypted(connection) else "wire")
    if connection.client_auth:
        yield Sentence("The client showed a certificate too (mutual TLS).")


def _tls13_encrypted(connection: Connection) -> bool:
    return any(m.type in CERTIFICATES and m.sender == SERVER and m.encrypted for m in connection.messages)


def _secrecy(connection: Connection) -> Iterator[Sentence]:
    taken = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    if taken is None or not connection.complete:
        return
    group = str(connection.group or "").upper()
    if taken.tls13 and not group:
        return
    if taken.mode == "NULL":
        yield Sentence("The suite encrypts nothing: everybody on the way can read it.", "inferred")
    elif connection.resumed and not taken.tls13:
        yield Sentence("Its secrecy rests on the old session's secret: no fresh key exchange took place.", "inferred")
    elif not taken.forward_secret:
        key = "pre-shared key" if shares_key(connection) else "server's long-lived key"
        yield Sentence(f"Whoever gets the {key} later can read a recording of it.", "inferred")
    elif "MLKEM" in group or "KYBER" in group:
        yield Sentence("A key stolen later opens no recording, and a quantum computer should not either.", "inferred")
    else:
        yield Sentence("A key stolen later opens no recording (forward secrecy); a quantum computer might.", "inferred")


def _proven(connection: Connection) -> Iterator[Sentence]:
    proofs = [proof for proof in connection.proofs if proof.what != "certificate_chain"]  # told with the certificate
    verified = sum(1 for proof in proofs if proof.status == "verified")
    failed = [proof.what for proof in proofs if proof.status == "failed"]
    if failed:
        names = [entry.title if (entry := words(f"proof.{what}")) else what for what in failed[:3]]
        yield Sentence(f"Recomputed from the bytes, this does not fit: {', '.join(names)}.", "computed")
    elif verified:
        claims = "1 claim was" if verified == 1 else f"{verified} claims were"
        fit = "it fits" if verified == 1 else "all fit"
        yield Sentence(f"{claims} recomputed from these bytes, and {fit}.", "computed")


def _said(connection: Connection) -> Iterator[Sentence]:
    if connection.plain:
        yield from _heard(connection)
        return
    up, down = connection.client_data, connection.server_data
    if not up.records and not down.records:
        return
    trips = round_trips(connection)
    waited = f" after {plural(trips, 'round trip')}" if up.records and trips else ""
    client, server = plural(up.bytes, "byte"), plural(down.bytes, "byte")
    if any(run.opaque for run in connection.application):
        text = (
            f"The client's encrypted records hold {client}, the server's {server}; handshake messages are among them."
        )
        yield Sentence(text)
        return
    how = "encrypted" if encrypts(connection) else "unencrypted"
    yield Sentence(f"Then{waited} the client sent {client} and the server {server}, {how}.")


def _heard(connection: Connection) -> Iterator[Sentence]:
    """What plain HTTP said."""
    asked, answered = (len(connection.messages_of(kind)) for kind in ("http_request", "http_response"))
    size = plural(connection.client_data.bytes + connection.server_data.bytes, "byte")
    yield Sentence(f"{plural(asked, 'request')} and {plural(answered, 'answer')}, with {size} of content.", "wire")
    for redirect in connection.redirects[:1]:
        yield Sentence(f"The answer leads to {shorten(redirect.target, 120)}.", "wire")
        if redirect.connection is not None:
            yield Sentence(f"The client followed it in connection {redirect.connection}.", "computed")


_TORN: dict[str, str] = {"rst": "TCP reset", "abort": "SCTP ABORT"}


def _end(connection: Connection) -> Iterator[Sentence]:
    goodbyes = [m for m in connection.messages if m.alert is not None and m.alert.description.code == CLOSE_NOTIFY]
    resets = [placed for placed in connection.marks if placed.mark.kind in ("rst", "abort")]
    if goodbyes:
        yield Sentence(f"The {goodbyes[0].sender} said goodbye (close_notify).", goodbyes[0].provenance)
    elif resets:
        yield Sentence(f"The {resets[-1].mark.sender} tore the connection down ({_TORN[resets[-1].mark.kind]}).")
