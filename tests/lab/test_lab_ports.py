"""Every scenario with a plain port comes out as it says it does."""

from __future__ import annotations

import pytest

from tlsviz.connection.ports import judge
from tlsviz.lab.run import look_at
from tlsviz.lab.scenarios import SCENARIOS, Scenario

WITH_PORTS = [one for one in SCENARIOS if one.plain is not None]


@pytest.mark.parametrize("one", WITH_PORTS, ids=[one.name for one in WITH_PORTS])
def test_the_ports_are_found_as_promised(one: Scenario) -> None:
    found, expected = look_at(one), one.ports
    assert found is not None and expected is not None
    secure, plain = found.ports
    assert (secure.state, plain.state) == ("tls", expected.plain)
    assert tuple(hop.reply.status for hop in found.hops if hop.reply) == expected.statuses
    assert not any(hop.fault for hop in found.hops)
    assert {finding.code for finding in judge(found)} == set(expected.findings)


def test_there_are_enough_of_them_and_no_other_scenario_has_a_plain_port() -> None:
    assert len(WITH_PORTS) >= 10
    assert all((one.plain is None) == (one.ports is None) for one in SCENARIOS)
    assert look_at(next(one for one in SCENARIOS if one.plain is None)) is None
