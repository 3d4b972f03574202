"""Which re-probes are chosen, what an outcome means, and how the diagnosis changes with them."""

from __future__ import annotations

import dataclasses

import pytest
from test_diagnosis import BASE, mark, with_alert

from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.failure import Failure
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Probe
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
