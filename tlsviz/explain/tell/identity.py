"""Who is who: certificates, the signatures that prove them, and the request for them."""

from __future__ import annotations

from datetime import UTC, datetime

from tlsviz.connection.model import SentCertificate
from tlsviz.explain.scene import Scene, called, elements, listing, name, number, sentence
from tlsviz.explain.words import words
from tlsviz.pki.certificate import Certificate, read
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import plural, shorten


def certificate(scene: Scene) -> None:
    """Who it is for, who signed, until when, and what the judge says."""
    sent = sorted(
        (sent for sent in scene.connection.certificates if sent.message == scene.message.index), key=lambda s: s.index
    )
    if not sent:
        _none(scene)
        return
    chain = [read(one.der) for one in sent]
    leaf = chain[0]
    scene.lead = f"I am {name(leaf.title)}. {_voucher(leaf)}"
    _names(scene, leaf)
    _dates(scene, leaf)
    scene.say(f"Its key is {leaf.key or 'unknown'}, its signature {leaf.signature_algorithm or 'unknown'}.")
    _chain(scene, sent, chain)
    _extras(scene)
    _visible(scene)
    for problem in leaf.problems[:2]:
        scene.odd.append(sentence(f"the certificate {shorten(problem, 160)}"))
    if scene.message.sender == SERVER:
        _verdict(scene)


def _voucher(leaf: Certificate) -> str:
    if leaf.self_issued:
        return "I vouch for myself; nobody else does."
    return f"{name(leaf.issuer_cn or leaf.issuer or 'An authority without a name')} vouches for me."


def _none(scene: Scene) -> None:
    if scene.message.sender == CLIENT:
        scene.lead = "I have no certificate to show."
        scene.say("The list is empty. It is the server's decision whether it goes on.", "certificate_list")
    else:
        scene.lead = "My list of certificates is empty."
        scene.odd.append("A server must send at least one certificate here.")


def _names(scene: Scene, leaf: Certificate) -> None:
    if leaf.names:
        scene.say(f"It is valid for {listing((name(text) for text in leaf.names), 3)}.", "certificate_list")
    elif scene.message.sender == SERVER:
        scene.odd.append("It has no subjectAltName, so browsers accept it for no name at all.")


def _dates(scene: Scene, leaf: Certificate) -> None:
    if leaf.not_before is None or leaf.not_after is None:
        return
    at = scene.connection.trust.at if scene.connection.trust else _when(scene)
    days = (leaf.not_after - at).days
    text = f"It is valid from {leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d}"
    if at < leaf.not_before:
        scene.say(f"{text}; its first day was still to come.")
    elif at > leaf.not_after:
        scene.say(f"{text}; its last day was {plural(-days, 'day')} ago.")
    else:
        scene.say(f"{text}: {plural(days, 'day')} were left.")


def _when(scene: Scene) -> datetime:
    try:
        return datetime.fromtimestamp(scene.message.time, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _chain(scene: Scene, sent: list[SentCertificate], chain: list[Certificate]) -> None:
    if len(chain) == 1:
        scene.say("It comes alone, without any certificate of an authority.", "certificate_list")
        return
    others = listing((name(one.title) for one in chain[1:]), 3)
    size = sum(len(one.der) for one in sent)
    count = len(chain) - 1
    come = "The certificate of an authority comes" if count == 1 else f"{count} certificates of authorities come"
    scene.say(f"{come} with it: {others}. Together {size:,} bytes.", "certificate_list")


def _extras(scene: Scene) -> None:
    entry = next(iter(elements(scene.node("certificate_list"), "certificate_entry")), None)
    if entry is None:
        return
    if entry.get("extensions.status_request") is not None:
        scene.say("An OCSP response is stapled to it: the authority says that it is not revoked.", "certificate_list")
    if entry.get("extensions.signed_certificate_timestamp") is not None:
        scene.say("Receipts of transparency logs (SCT) come beside it.", "certificate_list")
    if entry.get("extensions.delegated_credential") is not None:
        scene.say("A delegated credential comes with it: a short-lived key signs in its place.", "certificate_list")


def _visible(scene: Scene) -> None:
    if scene.message.encrypted:
        scene.say("It travels encrypted: an observer does not see whose it is.")
    else:
        scene.say("It travels in the clear: everybody on the way can read whose it is.")


def _verdict(scene: Scene) -> None:
    trust = scene.connection.trust
    if trust is None or trust.verdict == "unknown":
        return
    if trust.verdict == "trusted":
        wanted = f" for {name(trust.name)}" if trust.name else ""
        scene.say(f"Verdict: trusted{wanted}, by the {name(trust.store)} store.", provenance="computed")
        return
    scene.say("Verdict: not trusted.", provenance="computed")
    told = {fault.reason: fault.detail for fault in reversed(trust.faults)}
    for reason in trust.reasons[:4]:
        known = words(f"trust.{reason}")
        detail = told.get(reason, "")
        title = known.title if known else reason
        scene.odd.append(sentence(f"{title}: {shorten(detail, 160)}" if detail else title))


def certificate_request(scene: Scene) -> None:
    """What the server would accept from the client."""
    scene.lead = "Please show me who you are, too."
    authorities = elements(scene.node("extensions.certificate_authorities.authorities")) or elements(
        scene.node("certificate_authorities")
    )
    schemes = elements(scene.node("extensions.signature_algorithms.supported_signature_algorithms")) or elements(
        scene.node("supported_signature_algorithms")
    )
    if authorities:
        scene.say(
            f"It names {plural(len(authorities), 'authority', 'authorities')} whose certificates it would accept."
        )
    else:
        scene.say("It does not say which authorities it accepts.")
    if schemes:
        scene.say(
            f"The client's signature may be of {plural(len(schemes), 'kind')}: {listing(called(s) for s in schemes)}."
        )
    later = any(
        message.type == "finished" and message.sender == CLIENT and message.order < scene.message.order
        for message in scene.connection.messages
    )
    if later and scene.tls13:
        scene.say("It comes after the handshake: post-handshake authentication.")
    answered = any(sent.sender == CLIENT for sent in scene.connection.certificates)
    if answered:
        scene.say("The client shows a certificate.")


def certificate_verify(scene: Scene) -> None:
    """What is signed by whom, and whether it fits."""
    scene.lead = "And here is my signature under all that we have said so far, so that you see that the key is mine."
    scheme = scene.node("algorithm")
    how = f" with {called(scheme)}" if scheme is not None else ""
    scene.say(f"The {scene.message.sender} signs a hash of every message up to here{how}.", "signature")
    who = "server" if scene.message.sender == SERVER else "client"
    what = "certificate_verify" if who == "server" else "client_certificate_verify"
    scene.tell_proof(
        scene.proof(what),
        f"the {who} holds the private key of the certificate.",
        f"the {who} did not show that it holds the private key.",
    )
    if scheme is not None and called(scheme).endswith(("_sha1", "_md5")):
        scene.odd.append(f"{called(scheme)} uses a broken hash (RFC 9155).")


def certificate_status(scene: Scene) -> None:
    """The stapled OCSP response of TLS 1.2."""
    scene.lead = "And here is a fresh note of my authority about whether my certificate is still good."
    response = scene.node("ocsp_response")
    if response is not None:
        scene.say(f"The response has {plural(max(response.length - 3, 0), 'byte')}.", "ocsp_response")
    scene.tell_proof(scene.proof("ocsp"), "the note is genuine.", "the note is not genuine, or out of date.")


def compressed_certificate(scene: Scene) -> None:
    """A certificate that travels squeezed."""
    scene.lead = "Here is who I am, squeezed to save your time."
    packed = scene.node("compressed_certificate_message")
    size, how = number(scene.node("uncompressed_length")), scene.node("algorithm")
    length = max(packed.length - 3, 0) if packed is not None else 0
    if size and how is not None and length < size:
        scene.say(f"{called(how)} made {length:,} bytes of {size:,}: {100 - 100 * length // size} per cent saved.")
