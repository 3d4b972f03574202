"""Resumption: pre_shared_key, psk_key_exchange_modes, early_data (RFC 8446 4.2.9 to 4.2.11), session_ticket."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CH, EE, NST, SH, extension
from tlsviz.tls.fields import codes, empty, never_empty, structs
from tlsviz.wire.reader import Reader

SHORTEST_BINDER = 32


@extension(35, CH, SH)
def session_ticket(r: Reader) -> None:
    """The ticket itself (RFC 5077 3.2), without a length of its own; empty to ask for one."""
    r.rest("ticket")


@extension(41, CH)
def offered_psks(r: Reader) -> None:
    """``OfferedPsks``: the binders prove each key over everything before them."""

    def identity(v: Reader) -> None:
        v.vector_opaque("identity", 2)
        never_empty(v)
        v.uint("obfuscated_ticket_age", 4)

    structs(r, "identities", 2, "psk_identity", identity)
    identities = len(r.nodes[-1].children)
    r.vector("binders", 2, lambda v: v.each(_binder))
    if len(r.nodes[-1].children) != identities:
        r.note("not one binder for each identity")


def _binder(r: Reader) -> None:
    """``opaque PskBinderEntry<32..255>``: as long as the hash."""
    if len(r.vector_opaque("psk_binder_entry", 1)) < SHORTEST_BINDER:
        r.note(f"must have at least {SHORTEST_BINDER} bytes")


@extension(41, SH)
def selected_identity(r: Reader) -> None:
    """``uint16 selected_identity``: counted from zero."""
    r.uint("selected_identity", 2)


extension(42, CH, EE)(empty)


@extension(42, NST)
def max_early_data_size(r: Reader) -> None:
    """``uint32 max_early_data_size``: in bytes."""
    r.uint("max_early_data_size", 4)


@extension(45, CH)
def psk_key_exchange_modes(r: Reader) -> None:
    """``PskKeyExchangeMode ke_modes<1..255>``."""
    codes(r, "ke_modes", 1, "ke_mode", 1, registry.psk_modes)
    never_empty(r)
