"""Re-probes: which variations of a failed hello would tell its causes apart, and what each outcome means.

Pure: `plan` chooses, `judge` reads one outcome, `conclude` sharpens the diagnosis. `sources.probe` does the trying.
"""

from __future__ import annotations

from dataclasses import replace

from tlsviz.connection.model import Cause, CodePoint, Connection, Finding, Probe, ProbeOutcome, Standing
from tlsviz.connection.suspects import POST_QUANTUM, SIGNALS, hello_of, name_sent, post_quantum_share, versions
from tlsviz.connection.telling import real
from tlsviz.connection.variations import (
    EXPLAINS,
    FOLLOW,
    GUESSED,
    HEARD_BY_VERSION,
    LEFT_OPEN,
    MENDS,
    NO_TLS,
    NOT_HELLOS,
    NOTHING_WORKED,
    OF_THE_HELLO,
    ONE_THING,
    REFUSED_BY_VERSION,
    SHARPER,
    SILENT_ENDS,
    TELL_NOTHING_BY_FAILING,
    VARIATIONS,
)
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import shorten

MOST_PROBES = 8
_ALL_VERSIONS, _TLS13 = 4, 0x0304
_PROTOCOL_VERSION = 70
"""The alert, RFC 8446 6.2."""


# -- which ---------------------------------------------------------------------------------------------------


def plan(connection: Connection) -> tuple[str, ...]:
    """The re-probes worth trying, the most telling first, at most `MOST_PROBES`; none where nothing is left to tell."""
    found = connection.diagnosis
    if found is None or found.code not in FOLLOW:
        return ()
    wanted = [cause.probe for cause in found.causes if cause.probe]
    names = list(dict.fromkeys([*wanted, *FOLLOW[found.code]]))
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
    hello, alert = hello_of(tried), _alert(tried)
    failure = None if outcome == "worked" else tried.diagnosis
    if name == "wide_ciphers":
        changed = changed or _suites_sent(tried)
    probe = Probe(
        name,
        changed or VARIATIONS[name].changed,
        outcome,
        failure.code if failure else None,
        _said(name, tried, failure),
        "",
        hello.length + 4 if hello and hello.whole else None,
        tried.duration,
        alert.code if alert else None,
    )
    return probe._replace(meaning=_told(base, probe))


def _told(base: Connection, probe: Probe) -> str:
    """What the outcome of a handshake tells, with what its failure adds to `meaning`."""
    if _refused_by_version(probe):
        return HEARD_BY_VERSION if _silent(base) else REFUSED_BY_VERSION
    if probe.outcome == "other" and _heard(base, probe.code):
        return f"It gets an answer now, if a refusal. {meaning(base, probe.name, 'worked')}"
    return meaning(base, probe.name, probe.outcome)


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


def _refused_by_version(probe: Probe) -> bool:
    """Whether the server refused a hello of TLS 1.2 for its version, and had something else against the first."""
    return probe.name == "tls12" and probe.outcome == "other" and probe.alert == _PROTOCOL_VERSION


def _suites_sent(tried: Connection) -> str:
    """What was changed by offering every suite, with what was really offered; "" if the hello cannot be read."""
    suites = [code for code in real(tried.offered.cipher_suites) if code.code not in SIGNALS]
    new = sum(known.tls13 for code in suites if (known := suite(code.code)) is not None)
    kinds = f"{len(suites)} in all, {new} of TLS 1.3"
    return f"{VARIATIONS['wide_ciphers'].changed} ({kinds})" if suites else ""


def _said(name: str, tried: Connection, failure: Finding | None) -> str:
    if failure is None:
        chosen = [tried.version, tried.cipher_suite, tried.group]
        if name != "wide_ciphers" and tried.version is not None and tried.version.code == _TLS13:
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
    sharper = sharper._replace(causes=_weighed(connection, found.causes, probes, culprit))
    findings = tuple(sharper if one is found else one for one in connection.findings)
    return replace(connection, probes=probes, findings=findings)


def _culprit(base: Connection, probes: tuple[Probe, ...]) -> str:
    """The change that made it work, or at least got an answer; of several the one that explains the others."""
    heard = [probe for probe in probes if not (_silent(base) and _refused_by_version(probe))]
    worked = [probe.name for probe in heard if probe.outcome == "worked" or _heard(base, probe.code)]
    if "again" in worked:
        return "again"
    for name in worked:
        if not any(name in EXPLAINS.get(other, ()) for other in worked):
            return name
    return ""


def _heard(base: Connection, code: str | None) -> bool:
    """Whether a re-probe got an answer of TLS, if a refusal, where there had been silence."""
    return _silent(base) and code is not None and code not in SILENT_ENDS and code not in NO_TLS


def _silent(base: Connection) -> bool:
    return base.diagnosis is not None and base.diagnosis.code in SILENT_ENDS


def _weighed(base: Connection, causes: tuple[Cause, ...], probes: tuple[Probe, ...], culprit: str) -> tuple[Cause, ...]:
    """The causes in the light of the outcomes: what is proven first, what is ruled out last."""
    by_name = {probe.name: probe for probe in probes}
    weighed = [_judged(base, cause, by_name.get(cause.probe), culprit) for cause in causes]
    order = {"supported": 0, "open": 1, "ruled_out": 2}
    return tuple(sorted(weighed, key=lambda cause: order[cause.standing]))


def _judged(base: Connection, cause: Cause, probe: Probe | None, culprit: str) -> Cause:
    """The cause with its standing, and why it stays open though its re-probe failed in the same way."""
    standing = "open" if probe is None else _standing(base, probe, culprit)
    kept = standing == "open" and probe is not None and probe.outcome == "same" and culprit != "again"
    why = f"{cause.why}; {LEFT_OPEN[cause.probe]}" if kept and cause.probe in LEFT_OPEN else cause.why
    return cause._replace(standing=standing, why=why)


def _standing(base: Connection, probe: Probe, culprit: str) -> Standing:
    name = probe.name
    if name == culprit:
        return "supported"
    if culprit == "again" or name in TELL_NOTHING_BY_FAILING:
        return "open"
    if _refused_by_version(probe) and not _silent(base):
        return "ruled_out"
    # A hello got its answer: the port speaks TLS, and with the suites that all of these hellos had.
    settled = culprit in OF_THE_HELLO or culprit == "split_hello" or probe.code == "tls_on_plain_port"
    if name in LEFT_OPEN and not settled:
        return "open"
    # What worked had all of the hello but one thing: nothing else of it can be at fault.
    acquitted = culprit in ONE_THING and name in OF_THE_HELLO
    return "ruled_out" if acquitted or probe.outcome == "same" else "open"


def _sharpened(connection: Connection, found: Finding, probes: tuple[Probe, ...], culprit: str) -> Finding:
    share = f"{post_quantum_share(connection):,}"
    out = [probe.changed for probe in probes if probe.outcome == "same" and probe.name not in NOT_HELLOS]
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
    if culprit in SHARPER and found.code in GUESSED:
        code, title = SHARPER[culprit]
        found = found._replace(code=code, title=title)
        # The guess that the probes have settled.
        cut = found.evidence.find(" It means that no acceptable set")
        end = found.evidence.find("cannot be ruled out.")
        if 0 <= cut < end:
            found = found._replace(evidence=found.evidence[:cut] + found.evidence[end + len("cannot be ruled out.") :])
    if culprit in MENDS:
        found = found._replace(mend=MENDS[culprit])
    elif not culprit and found.code in SILENT_ENDS:
        found = found._replace(mend=NOTHING_WORKED)
    return found


def _plain(found: Finding, probe: Probe) -> Finding:
    """The port answers in the clear: that is the diagnosis."""
    title, _, _ = probe.said.partition(". ")
    mend = "Use http:// for this port." if probe.code == "plain_http_on_tls_port" else "Check which protocol it speaks."
    evidence = f"{found.evidence} {probe.said}"
    return found._replace(code=probe.code or found.code, title=title, mend=mend, evidence=evidence)
