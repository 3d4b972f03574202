"""Certificates that are out of their time."""

from __future__ import annotations

import dataclasses

from tlsviz.lab.authority import DAY, NAMES, SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.scenarios.scenario import Group, Scenario

_SERVER = Recipe(SERVER_NAME, NAMES)


def _expired(authority: Authority) -> Issued:
    return authority.server(begin=-100 * DAY, end=-10 * DAY)


def _not_yet_valid(authority: Authority) -> Issued:
    return authority.server(begin=10 * DAY, end=100 * DAY)


def _expired_intermediate(authority: Authority) -> Issued:
    recipe = Recipe(
        f"{authority.name} old intermediate", begin=-400 * DAY, end=-10 * DAY, authority=True, path_length=0
    )
    return authority.issue(_SERVER, authority.issue(recipe, authority.root))


def _old(authority: Authority) -> Authority:
    return authority.other("Old Authority", root_end=-10 * DAY)


def _expired_root(authority: Authority) -> Issued:
    return _old(authority).issue(_SERVER)


def _ends_soon(authority: Authority) -> Issued:
    return authority.issue(dataclasses.replace(_SERVER, begin=-80 * DAY, end=10 * DAY))


GROUP = Group(
    "Time",
    (
        Scenario(
            "expired",
            "An expired certificate",
            "The handshake is flawless; the certificate's time is over.",
            verdict="untrusted",
            reasons=("expired",),
            at_fault=0,
            diagnosis="certificate_expired",
            certificate=_expired,
        ),
        Scenario(
            "expired-intermediate",
            "An expired intermediate",
            "The server's own certificate is fresh; the one above it is not, and who looks only at the first is lost.",
            verdict="untrusted",
            reasons=("expired",),
            at_fault=1,
            diagnosis="certificate_expired",
            certificate=_expired_intermediate,
        ),
        Scenario(
            "expired-root",
            "An expired root",
            "All that the server sends is good; the root in the client's store has run out. The server cannot see it.",
            verdict="untrusted",
            reasons=("expired",),
            diagnosis="certificate_expired",
            certificate=_expired_root,
            anchors=lambda authority: (_old(authority).root,),
        ),
        Scenario(
            "not-yet-valid",
            "A certificate from the future",
            "Its first day has not come: somebody's clock is wrong.",
            verdict="untrusted",
            reasons=("not_yet_valid",),
            at_fault=0,
            diagnosis="certificate_not_yet_valid",
            certificate=_not_yet_valid,
        ),
        Scenario(
            "ends-soon",
            "A certificate that ends in ten days",
            "Still good, but who renews at two thirds of the life should have done so by now.",
            findings=("certificate_expires_soon",),
            certificate=_ends_soon,
        ),
    ),
)
