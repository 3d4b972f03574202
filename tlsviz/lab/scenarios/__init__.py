"""What the lab can show, by subject: to add a scenario, write an entry into the module of its subject.

A new subject is a module with a `Group`, listed here.
"""

from __future__ import annotations

from tlsviz.lab.scenarios import (
    chains,
    clients,
    contents,
    failures,
    keys,
    names,
    ports,
    revocation,
    rules,
    sessions,
    validity,
    versions,
)
from tlsviz.lab.scenarios.scenario import Group, Scenario

__all__ = ["DEFAULT", "GROUPS", "SCENARIOS", "Group", "Scenario"]

GROUPS: tuple[Group, ...] = (
    versions.GROUP,
    sessions.GROUP,
    clients.GROUP,
    failures.GROUP,
    validity.GROUP,
    names.GROUP,
    chains.GROUP,
    rules.GROUP,
    keys.GROUP,
    revocation.GROUP,
    contents.GROUP,
    ports.GROUP,
)
"""In the order of a lesson."""

SCENARIOS: tuple[Scenario, ...] = tuple(one for group in GROUPS for one in group.scenarios)

DEFAULT = "tls13"
