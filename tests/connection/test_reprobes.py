"""Which re-probes are chosen, what an outcome means, and how the diagnosis changes with them."""

from __future__ import annotations

import dataclasses

import pytest
from dialogue import shake
from test_diagnosis import BASE, codes, mark, with_alert

from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.failure import Failure
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Cause, Connection, Probe
from tlsviz.connection.reprobes import (
    MOST_PROBES,
    answered_in_clear,
    conclude,
    judge,
    plan,
    reached,
    skipped,
)
from tlsviz.connection.variations import VARIATIONS


def failed(connection: Connection, failure: Failure | None = None) -> Connection:
    return judged(connection, failure=diagnose(connection, failure), live=True)


CUT = failed(dataclasses.replace(BASE, marks=(mark("rst"),)))
REFUSED = failed(with_alert(40))
DONE = dataclasses.replace(BASE, complete=True)


def conclusion(base: Connection, *probes: Probe) -> Connection:
    return conclude(base, probes)


def standing(connection: Connection, probe: str) -> str:
    assert connection.diagnosis is not None
    (found,) = {cause.standing for cause in connection.diagnosis.causes if cause.probe == probe}
    return found


@pytest.mark.parametrize("base", [CUT, REFUSED, *(failed(with_alert(code)) for code in (70, 80, 112, 120, 222))])
def test_plans_are_short_and_begin_with_the_control(base: Connection) -> None:
    names = plan(base)
    assert names[0] == "again"
    assert 1 < len(names) <= MOST_PROBES
    assert len(set(names)) == len(names)
    assert set(names) <= set(VARIATIONS)


def test_nothing_is_tried_that_would_change_nothing() -> None:
    assert "no_post_quantum" not in plan(CUT)
    assert "no_alpn" not in plan(CUT)
    assert "no_name" in plan(CUT)
    assert "tls12" not in plan(CUT)


def test_nothing_is_tried_where_nothing_is_left_to_tell() -> None:
    assert plan(DONE) == ()
    assert plan(failed(Connection(), Failure("name_not_found"))) == ()
    assert "again" not in plan(failed(Connection(), Failure("refused")))


def test_outcomes() -> None:
    assert judge(REFUSED, "no_name", DONE).outcome == "worked"
    assert judge(REFUSED, "no_name", REFUSED).outcome == "same"
    assert judge(REFUSED, "no_name", failed(with_alert(70))).outcome == "other"
    other_alert = failed(with_alert(71))
    assert judge(REFUSED, "no_name", other_alert).code == "no_common_cipher_suite"
    assert judge(REFUSED, "no_name", other_alert).outcome == "other"


def test_what_works_is_the_cause_and_acquits_the_rest_of_the_hello() -> None:
    told = conclusion(REFUSED, judge(REFUSED, "again", REFUSED), judge(REFUSED, "other_sigalgs", DONE))
    assert told.diagnosis is not None
    assert told.diagnosis.code == "no_common_signature_scheme"
    assert "cannot be ruled out" not in told.diagnosis.evidence
    assert "answers when other signature schemes are offered" in told.diagnosis.evidence
    assert told.diagnosis.causes[0].standing == "supported"
    assert standing(told, "other_sigalgs") == "supported"
    both = conclusion(REFUSED, judge(REFUSED, "wide_ciphers", REFUSED), judge(REFUSED, "other_sigalgs", DONE))
    assert standing(both, "wide_ciphers") == "ruled_out"


def test_a_failure_that_comes_and_goes_proves_nothing() -> None:
    told = conclusion(CUT, judge(CUT, "again", DONE), judge(CUT, "no_name", DONE), skipped("plain_text", "no time"))
    assert standing(told, "plain_text") == "open"
    assert told.diagnosis is not None
    assert "comes and goes" in told.diagnosis.evidence
    assert standing(told, "no_name") == "open"


def test_an_answer_where_there_was_silence_is_news() -> None:
    probe = judge(CUT, "no_name", REFUSED)
    assert probe.outcome == "other"
    assert "an answer now" in probe.meaning
    told = conclusion(CUT, judge(CUT, "again", CUT), probe)
    assert told.diagnosis is not None
    assert told.diagnosis.code == "reset_after_client_hello"
    assert "answers when no server name is sent" in told.diagnosis.evidence


def cause(connection: Connection, probe: str) -> Cause:
    assert connection.diagnosis is not None
    return next(one for one in connection.diagnosis.causes if one.probe == probe)


def test_suites_that_cannot_be_offered_stay_under_suspicion() -> None:
    told = conclusion(REFUSED, judge(REFUSED, "wide_ciphers", REFUSED), judge(REFUSED, "other_groups", REFUSED))
    suites = cause(told, "wide_ciphers")
    assert suites.standing == "open"
    assert "no PSK and no SRP suite" in suites.why
    assert standing(told, "other_groups") == "ruled_out"
    settled = conclusion(REFUSED, judge(REFUSED, "wide_ciphers", REFUSED), judge(REFUSED, "other_groups", DONE))
    assert cause(settled, "wide_ciphers").standing == "ruled_out"
    assert "PSK" not in cause(settled, "wide_ciphers").why


def test_the_suites_that_were_offered_are_counted() -> None:
    suites = codes(0x1A1A, 0x1301, 0x1305, 0xC0B4, 0xC02B, 0x00FF)
    tried = dataclasses.replace(REFUSED, offered=REFUSED.offered._replace(cipher_suites=suites))
    assert "without PSK and SRP" in judge(REFUSED, "wide_ciphers", tried).changed
    assert "(4 in all, 3 of TLS 1.3)" in judge(REFUSED, "wide_ciphers", tried).changed


BOTH_VERSIONS = BASE.offered._replace(versions=codes(*range(0x0301, 0x0305)))


def test_who_refuses_tls12_by_its_version_can_take_tls13() -> None:
    base = failed(with_alert(40, offered=BOTH_VERSIONS))
    assert standing(conclusion(base, judge(base, "tls12", failed(with_alert(71)))), "tls12") == "open"
    told = conclusion(base, judge(base, "tls12", failed(with_alert(70))))
    assert standing(told, "tls12") == "ruled_out"
    assert "it speaks TLS 1.3" in told.probes[0].meaning


def test_what_is_silent_at_tls13_and_refuses_tls12_by_its_version_does_not_answer_in_tls12() -> None:
    base = failed(dataclasses.replace(CUT, offered=BOTH_VERSIONS, findings=()))
    told = conclusion(base, judge(base, "tls12", failed(with_alert(70))))
    assert standing(told, "tls12") == "open"
    assert told.diagnosis is not None
    assert "answers in TLS 1.2" not in told.diagnosis.evidence
    assert "too old" in told.probes[0].meaning


def test_silence_at_everything_rules_no_filter_and_no_protocol_out() -> None:
    hello = shake().connection().messages[0]
    base = failed(dataclasses.replace(BASE, messages=(hello,), marks=(mark("timeout", "client"),)))
    silent = [judge(base, name, base) for name in ("again", "split_hello", "no_name", "no_post_quantum", "tls12")]
    told = conclusion(base, *silent, answered_in_clear(base, None))
    assert told.diagnosis is not None
    assert "drop all TLS" in cause(told, "split_hello").why
    assert "other protocols" in cause(told, "plain_text").why
    assert {standing(told, name) for name in ("split_hello", "plain_text")} == {"open"}
    assert told.diagnosis.causes[0].probe == "split_hello"
    itself = next(one for one in told.diagnosis.causes if one.probe == "again")
    assert told.diagnosis.causes.index(cause(told, "plain_text")) < told.diagnosis.causes.index(itself)
    assert standing(told, "no_name") == "ruled_out"


def test_a_port_that_speaks_tls_speaks_nothing_else() -> None:
    from tlsviz.connection.diagnosis import in_the_clear

    alert = b"\x15\x03\x01\x00\x02\x02\x46"
    told = conclusion(CUT, answered_in_clear(CUT, in_the_clear(alert)))
    assert standing(told, "plain_text") == "ruled_out"
    told = conclusion(CUT, answered_in_clear(CUT, None), judge(CUT, "no_name", DONE))
    assert standing(told, "plain_text") == "ruled_out"


def test_nothing_worked() -> None:
    told = conclusion(CUT, judge(CUT, "again", CUT), judge(CUT, "no_name", CUT))
    assert told.diagnosis is not None
    assert "none of them worked" in told.diagnosis.evidence
    assert "another network" in told.diagnosis.mend
    assert "--probe" not in told.diagnosis.mend
    assert standing(told, "no_name") == "ruled_out"
    assert standing(told, "again") == "open"


def test_plain_text_becomes_the_diagnosis() -> None:
    from tlsviz.connection.diagnosis import in_the_clear

    told = conclusion(CUT, answered_in_clear(CUT, in_the_clear(b"HTTP/1.1 200 OK\r\n\r\n")))
    assert told.diagnosis is not None
    assert told.diagnosis.code == "plain_http_on_tls_port"
    assert answered_in_clear(CUT, None).outcome == "same"


def test_another_port_tells_host_from_filter() -> None:
    base = failed(Connection(), Failure("connect_timeout", "no answer"))
    told = conclusion(base, reached(base, "other_port", True, "port 80 is open"))
    assert told.diagnosis is not None
    assert told.diagnosis.code == "connection_timed_out"
    assert "another port of it answers" in told.diagnosis.evidence


def test_what_was_not_tried_says_nothing() -> None:
    told = conclusion(CUT, skipped("other_family", "the target is one address"))
    assert told.diagnosis is not None
    assert CUT.diagnosis is not None
    assert told.diagnosis.evidence == CUT.diagnosis.evidence
    assert told.probes[0].outcome == "skipped"


def test_there_is_one_diagnosis_before_and_after() -> None:
    told = conclusion(REFUSED, judge(REFUSED, "wide_ciphers", DONE))
    assert sum(finding.diagnosis for finding in told.findings) == 1
