"""What a client resumes with, traced to where it was issued. In words."""

from __future__ import annotations

from tlsviz.connection.model import Resumption
from tlsviz.explain.scene import span

_SHOWN = {
    "psk": "The identity is the ticket",
    "ticket": "The ticket is the one",
    "session_id": "The session id is the one",
}


def origin(found: Resumption) -> str:
    """Where it comes from: the same bytes, in an earlier connection."""
    brought = "ServerHello" if found.kind == "session_id" else "NewSessionTicket"
    return (
        f"{_SHOWN[found.kind]} that connection {found.connection} was given in its {brought} (message {found.issued}), "
        f"{span(max(found.since, 0.0))} before: the same bytes, seen again."
    )


def age(found: Resumption) -> str:
    """How old the client says the ticket is, without its disguise; "" where it says nothing."""
    if found.age is None:
        return ""
    seconds = found.age / 1000
    whole = (
        " (this client seems to count whole seconds)"
        if found.age % 1000 == 0 and abs(found.since - seconds) < 1
        else ""
    )
    return (
        f"obfuscated_ticket_age {found.obfuscated} minus the ticket's ticket_age_add {found.age_add}, modulo 2^32, is "
        f"{found.age} ms: so old is the ticket for the client{whole}. Observers, who do not know the summand, cannot "
        "link the connections by it."
    )
