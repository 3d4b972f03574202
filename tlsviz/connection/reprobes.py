"""Re-probes: which variations of a failed hello would tell its causes apart, and what each outcome means.

Pure: `plan` chooses, `judge` reads one outcome, `conclude` sharpens the diagnosis. `sources.probe` does the trying.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tlsviz.connection.model import Cause, CodePoint, Connection, Finding, Probe, ProbeOutcome, Standing
from tlsviz.connection.suspects import POST_QUANTUM, hello_of, name_sent, post_quantum_share, versions
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import shorten

MOST_PROBES = 8
_ALL_VERSIONS, _TLS13 = 4, 0x0304


class Variation(NamedTuple):
    """A re-probe in words: what is changed, and what it means when that works, and when it fails in the same way.

    ``worked`` and ``same`` may hold ``{share}``, the bytes of the post-quantum key share.
    """

    changed: str
    worked: str
    same: str
    cause: str = ""
    """What is wrong then, as the diagnosis says it."""


VARIATIONS: dict[str, Variation] = {
    "again": Variation(
        "the very same hello once more",
        "The failure comes and goes: what differs below may be chance.",
        "It fails every time.",
        "the failure comes and goes",
    ),
    "no_post_quantum": Variation(
        "without the post-quantum key share",
        "It is the {share}-byte post-quantum share, or the size it gives the hello.",
        "It is not the post-quantum share, nor the size of the hello.",
        "answers without the {share}-byte post-quantum share",
    ),
    "no_name": Variation(
        "without a server name",
        "The server name is what is disliked.",
        "It is not the server name.",
        "answers when no server name is sent",
    ),
    "other_name": Variation(
        "with another server name",
        "This one name is what is disliked.",
        "Another name fares no better.",
        "answers to another server name",
    ),
    "own_name": Variation(
        "with the target's own server name",
        "The server wants a name.",
        "A name does not help.",
        "answers when it is given its name",
    ),
    "tls12": Variation(
        "with TLS 1.2 at most",
        "TLS 1.2 works: something in a hello of TLS 1.3 is disliked.",
        "It is not TLS 1.3.",
        "answers in TLS 1.2 and no newer",
    ),
    "tls13": Variation(
        "with TLS 1.3 alone",
        "TLS 1.3 works: what fails is the older version.",
        "TLS 1.3 alone fails too.",
        "answers in TLS 1.3 and no older",
    ),
    "all_versions": Variation(
        "with every version from TLS 1.0 to 1.3",
        "The versions offered were too few.",
        "More versions do not help.",
        "answers when more versions are offered",
    ),
    "wide_ciphers": Variation(
        "with every cipher suite, at security level 0",
        "The cipher suites offered were too few.",
        "More cipher suites do not help.",
        "answers when more cipher suites are offered",
    ),
    "other_groups": Variation(
        "with other groups",
        "The groups offered were the wrong ones.",
        "Other groups do not help.",
        "answers when other groups are offered",
    ),
    "other_sigalgs": Variation(
        "with other signature schemes",
        "The signature schemes offered were too few.",
        "Other signature schemes do not help.",
        "answers when other signature schemes are offered",
    ),
    "no_alpn": Variation(
        "without ALPN",
        "The application protocols offered are what is disliked.",
        "It is not ALPN.",
        "answers when no application protocol is asked for",
    ),
    "split_hello": Variation(
        "with the hello cut into two records",
        "What reads the hello on the way cannot put two pieces together.",
        "It is nothing that reads only the first piece.",
        "answers to a hello in two pieces",
    ),
    "other_family": Variation(
        "over the other address family",
        "The address is at fault, or the way to it.",
        "The other address fails in the same way.",
        "answers at its address of the other family",
    ),
    "other_port": Variation(
        "TCP to another port of the same address",
        "The host is up: only this port is closed or filtered.",
        "That port answers no better: the host or the way to it is at fault.",
        "is up: another port of it answers",
    ),
    "plain_text": Variation(
        "HTTP in the clear instead of a hello",
        "The port speaks without TLS.",
        "It says nothing in the clear either.",
        "answers in the clear",
    ),
}

_FOLLOW: dict[str, tuple[str, ...]] = {
    "reset_after_client_hello": ("no_post_quantum", "no_name", "other_name", "split_hello", "tls12", "no_alpn"),
    "closed_after_client_hello": ("no_post_quantum", "no_name", "plain_text", "split_hello", "tls12", "no_alpn"),
    "handshake_timed_out": ("no_post_quantum", "no_name", "plain_text", "split_hello", "tls12", "other_family"),
    "connection_reset": ("again", "other_family", "other_port"),
    "connection_refused": ("other_family", "other_port"),
    "connection_timed_out": ("other_family", "other_port"),
    "host_unreachable": ("other_family",),
    "version_not_supported": ("all_versions", "tls12", "wide_ciphers", "no_post_quantum"),
    "no_common_cipher_suite": ("wide_ciphers", "other_groups", "other_sigalgs", "all_versions", "tls12", "no_name"),
    "no_common_group": ("other_groups", "wide_ciphers", "other_sigalgs", "all_versions", "tls12"),
    "no_common_signature_scheme": ("other_sigalgs", "wide_ciphers", "other_groups", "all_versions", "tls12"),
    "unrecognized_name": ("no_name", "own_name", "other_name"),
    "no_application_protocol": ("no_alpn",),
    "handshake_alert": ("no_name", "no_post_quantum", "tls12", "no_alpn", "all_versions", "wide_ciphers"),
    "malformed_message": ("tls12", "tls13", "no_post_quantum", "split_hello"),
    "bad_record": ("tls12", "tls13", "no_post_quantum"),
}
"""What else is worth trying, by the code of the diagnosis; what the causes name comes first."""

_EXPLAINS: dict[str, frozenset[str]] = {
    "again": frozenset(VARIATIONS),
    "no_post_quantum": frozenset({"tls12", "split_hello", "other_groups"}),
    "no_name": frozenset({"other_name", "split_hello"}),
    "wide_ciphers": frozenset({"all_versions"}),
}
"""Which other successes follow from one: a hello of TLS 1.2 carries no key shares, for instance."""

_TELL_NOTHING_BY_FAILING = frozenset(("again", "other_port"))
_ONE_THING = frozenset(
    ("no_post_quantum", "no_name", "other_name", "own_name", "no_alpn", "wide_ciphers", "other_sigalgs")
)
_OF_THE_HELLO = _ONE_THING | {"tls12", "tls13", "all_versions", "other_groups"}
_NOT_HELLOS = frozenset(("again", "other_port", "plain_text"))
_SILENT = frozenset(("reset_after_client_hello", "closed_after_client_hello", "handshake_timed_out"))
_NO_TLS = frozenset(
    ("plain_http_on_tls_port", "not_tls", "tls_on_plain_port", "connection_reset", "connection_refused")
)

_SHARPER: dict[str, tuple[str, str]] = {
    "wide_ciphers": ("no_common_cipher_suite", "No cipher suite in common"),
    "other_groups": ("no_common_group", "No group in common"),
    "other_sigalgs": ("no_common_signature_scheme", "No signature scheme in common"),
    "all_versions": ("version_not_supported", "No TLS version in common"),
    "no_name": ("unrecognized_name", "The server does not know the name that was asked for"),
    "own_name": ("unrecognized_name", "The server wants a server name"),
    "no_alpn": ("no_application_protocol", "No application protocol in common"),
}
_GUESSED = frozenset(("no_common_cipher_suite", "no_common_group", "no_common_signature_scheme", "handshake_alert"))
"""Diagnoses that an alert alone leaves open."""


# -- which ---------------------------------------------------------------------------------------------------


def plan(connection: Connection) -> tuple[str, ...]:
    """The re-probes worth trying, the most telling first, at most `MOST_PROBES`; none where nothing is left to tell."""
    found = connection.diagnosis
    if found is None or found.code not in _FOLLOW:
        return ()
    wanted = [cause.probe for cause in found.causes if cause.probe]
    names = list(dict.fromkeys([*wanted, *_FOLLOW[found.code]]))
    fitting = [name for name in names if name != "again" and _fits(connection, name)]
    if hello_of(connection) is not None or "again" in names:
        fitting.insert(0, "again")
    return tuple(fitting[:MOST_PROBES])


def _fits(connection: Connection, name: str) -> bool:
    """Whether the variation would change anything of this hello."""
    offered = connection.offered
    if name == "no_post_quantum":
        return any(group.code in POST_QUANTUM for group in offered.groups)
    if name in ("no_name", "other_name"):
        return name_sent(connection)
    if name == "own_name":
        return bool(connection.server_name) and not name_sent(connection)
    if name in ("tls12", "tls13"):
        return len(versions(connection)) > 1 and _TLS13 in versions(connection)
    if name == "all_versions":
        return len(versions(connection)) < _ALL_VERSIONS
    return bool(offered.alpn) if name == "no_alpn" else True


# -- what came of it -----------------------------------------------------------------------------------------


def judge(base: Connection, name: str, tried: Connection, changed: str = "") -> Probe:
    """What one re-probe says about the failure of ``base``; ``changed`` is more exact than the variation's words."""
    outcome = _outcome(base, tried)
    hello = hello_of(tried)
    failure = None if outcome == "worked" else tried.diagnosis
    code = failure.code if failure else None
    means = meaning(base, name, outcome)
    if outcome == "other" and _heard(base, code):
        means = f"It gets an answer now, if a refusal. {meaning(base, name, 'worked')}"
    return Probe(
        name,
        changed or VARIATIONS[name].changed,
        outcome,
        code,
        _said(tried, failure),
        means,
        hello.length + 4 if hello and hello.whole else None,
        tried.duration,
    )


def meaning(base: Connection, name: str, outcome: ProbeOutcome) -> str:
    """What an outcome tells, in a sentence."""
    if outcome == "skipped":
        return ""
    known = VARIATIONS[name]
    if outcome == "other":
        return "It fails in another way: this matters, but is not all."
    return (known.worked if outcome == "worked" else known.same).format(share=f"{post_quantum_share(base):,}")


def skipped(name: str, why: str) -> Probe:
    """A re-probe that was not tried."""
    return Probe(name, VARIATIONS[name].changed, "skipped", None, why, "")


def reached(base: Connection, name: str, open_: bool, said: str, changed: str = "") -> Probe:
    """What a re-probe of TCP alone says: ``open_`` if the host answered at all."""
    outcome: ProbeOutcome = "worked" if open_ else "same"
    code = None if open_ else base.diagnosis.code if base.diagnosis else None
    return Probe(name, changed or VARIATIONS[name].changed, outcome, code, said, meaning(base, name, outcome))


def answered_in_clear(base: Connection, found: Finding | None) -> Probe:
    """What a port said to plain text (`diagnosis.in_the_clear`)."""
    name = "plain_text"
    if found is None:
        return Probe(name, VARIATIONS[name].changed, "same", None, "no answer", VARIATIONS[name].same)
    if found.code == "tls_on_plain_port":
        said = "the answer of a TLS server"
        return Probe(name, VARIATIONS[name].changed, "same", found.code, said, "It is a TLS server.")
    said = f"{found.title}. {found.evidence}"
    return Probe(name, VARIATIONS[name].changed, "worked", found.code, said, VARIATIONS[name].worked)


def _outcome(base: Connection, tried: Connection) -> ProbeOutcome:
    failure = tried.diagnosis
    if tried.complete and (failure is None or failure.code.startswith(("certificate_", "http_"))):
        return "worked"
    before = base.diagnosis
    same = failure is not None and before is not None and failure.code == before.code
    return "same" if same and _alert(base) == _alert(tried) else "other"


def _alert(connection: Connection) -> CodePoint | None:
    """The server's alert that the diagnosis points at."""
    found = connection.diagnosis
    if found is None or found.message is None:
        return None
    message = next((one for one in connection.messages if one.index == found.message), None)
    return message.alert.description if message and message.alert and message.sender == SERVER else None


def _said(tried: Connection, failure: Finding | None) -> str:
    if failure is None:
        chosen = [tried.version, tried.cipher_suite, tried.group]
        if tried.version is not None and tried.version.code == _TLS13:
            chosen.remove(tried.cipher_suite)
        return "handshake done: " + ", ".join(str(point) for point in chosen if point is not None)
    alert = _alert(tried)
    if alert is not None:
        return f"alert {alert} ({alert.code})"
    return shorten(failure.title, 80)


# -- together ------------------------------------------------------------------------------------------------


def conclude(connection: Connection, probes: tuple[Probe, ...]) -> Connection:
    """The connection with its re-probes, and a diagnosis that knows of them."""
    found = connection.diagnosis
    if found is None or not probes:
        return replace(connection, probes=probes)
    culprit = _culprit(connection, probes)
    sharper = _sharpened(connection, found, probes, culprit)
    sharper = sharper._replace(causes=_weighed(found.causes, probes, culprit))
    findings = tuple(sharper if one is found else one for one in connection.findings)
    return replace(connection, probes=probes, findings=findings)


def _culprit(base: Connection, probes: tuple[Probe, ...]) -> str:
    """The change that made it work, or at least got an answer; of several the one that explains the others."""
    worked = [probe.name for probe in probes if probe.outcome == "worked" or _heard(base, probe.code)]
    if "again" in worked:
        return "again"
    for name in worked:
        if not any(name in _EXPLAINS.get(other, ()) for other in worked):
            return name
    return ""


def _heard(base: Connection, code: str | None) -> bool:
    """Whether a re-probe got an answer of TLS, if a refusal, where there had been silence."""
    silent = base.diagnosis is not None and base.diagnosis.code in _SILENT
    return silent and code is not None and code not in _SILENT and code not in _NO_TLS


def _weighed(causes: tuple[Cause, ...], probes: tuple[Probe, ...], culprit: str) -> tuple[Cause, ...]:
    """The causes in the light of the outcomes: what is proven first, what is ruled out last."""
    outcomes = {probe.name: probe.outcome for probe in probes}
    weighed = [cause._replace(standing=_standing(cause.probe, outcomes, culprit)) for cause in causes]
    order = {"supported": 0, "open": 1, "ruled_out": 2}
    return tuple(sorted(weighed, key=lambda cause: order[cause.standing]))


def _standing(name: str, outcomes: dict[str, ProbeOutcome], culprit: str) -> Standing:
    if not name or name not in outcomes:
        return "open"
    if name == culprit:
        return "supported"
    if culprit == "again" or name in _TELL_NOTHING_BY_FAILING:
        return "open"
    # What worked had all of the hello but one thing: nothing else of it can be at fault.
    acquitted = culprit in _ONE_THING and name in _OF_THE_HELLO
    return "ruled_out" if acquitted or outcomes[name] == "same" else "open"


def _sharpened(connection: Connection, found: Finding, probes: tuple[Probe, ...], culprit: str) -> Finding:
    share = f"{post_quantum_share(connection):,}"
    failed = [probe.name for probe in probes if probe.outcome == "same" and probe.name not in _NOT_HELLOS]
    out = [VARIATIONS[name].changed for name in failed]
    tried = [probe for probe in probes if probe.outcome != "skipped"]
    if not tried:
        return found
    if culprit == "again":
        evidence = "Re-probes: the same hello worked the next time, so the failure comes and goes."
    elif culprit:
        subject = "the host" if culprit in ("other_port", "other_family") else "the server"
        evidence = f"Re-probes: {subject} {VARIATIONS[culprit].cause.format(share=share)}."
    else:
        evidence = "Re-probes: none of them worked."
    if out and culprit != "again":
        evidence += f" It fails in the same way {'; '.join(out)}."
    found = found._replace(evidence=f"{found.evidence} {evidence}")
    if culprit == "plain_text":
        return _plain(found, next(probe for probe in probes if probe.name == culprit))
    if culprit in _SHARPER and found.code in _GUESSED:
        code, title = _SHARPER[culprit]
        found = found._replace(code=code, title=title)
        # The guess that the probes have settled.
        cut = found.evidence.find(" It means that no acceptable set")
        end = found.evidence.find("cannot be ruled out.")
        if 0 <= cut < end:
            found = found._replace(evidence=found.evidence[:cut] + found.evidence[end + len("cannot be ruled out.") :])
    if culprit in _MENDS:
        found = found._replace(mend=_MENDS[culprit])
    elif not culprit and found.code in _SILENT:
        found = found._replace(mend=_NOTHING)
    return found


def _plain(found: Finding, probe: Probe) -> Finding:
    """The port answers in the clear: that is the diagnosis."""
    title, _, _ = probe.said.partition(". ")
    mend = "Use http:// for this port." if probe.code == "plain_http_on_tls_port" else "Check which protocol it speaks."
    evidence = f"{found.evidence} {probe.said}"
    return found._replace(code=probe.code or found.code, title=title, mend=mend, evidence=evidence)


_NOTHING = "No hello gets an answer: look into the server's log, and compare from another network."
_MENDS = {
    "again": "Try several times and look at the server's load; a balancer may have a broken server behind it.",
    "no_post_quantum": "Let the server, or the device before it, take large hellos; until then --groups X25519.",
    "no_name": "Check the name and what filters it, from another network too; --servername sends another.",
    "tls12": "Have the server, or the device before it, updated to stand TLS 1.3; until then --max 1.2.",
    "split_hello": "Something on the way filters by what the hello says: compare from another network.",
    "other_family": "Mend that address, or take it out of the name service; --resolve ADDRESS chooses one.",
    "other_port": "Look at this port: whether the program listens there, and whether a firewall lets it through.",
    "wide_ciphers": "See which suite was chosen, and let one side allow what the other does (--ciphers).",
    "other_groups": "See which group was chosen, and offer it (--groups).",
    "other_sigalgs": "Offer more signature schemes (--sigalgs), or give the server a certificate of another kind.",
    "all_versions": "Offer a version that it speaks (--min, --max), or bring the server up to date.",
    "no_alpn": "Offer another protocol with --alpn, or none with --alpn ''.",
    "own_name": "Send the name with --servername.",
}
