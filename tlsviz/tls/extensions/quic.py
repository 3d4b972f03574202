"""quic_transport_parameters (RFC 9000 18; RFC 9001 8.2)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CH, EE, extension
from tlsviz.tls.fields import structs, within
from tlsviz.tls.quic.varint import varint
from tlsviz.tls.quic.versions import VersionNames
from tlsviz.wire.reader import Body, Reader

GREASE_STEP, GREASE_FIRST = 31, 27
_NUMBERS = {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 0x20, 0x3E, 0x1057, 0x3127, 0x7157, 0x7158, 0xDE1A}
_NUMBERS |= {0xFF03DE1A, 0xFF04DE1A, 0xFF04DE1B, 0x9F81A176, 0xF739BBC1B666D07, 0xF739BBC1B666D09}
PREFERRED_ADDRESS = 0x0D
_VERSIONS = {0x11, 0xFF73DB}


class _Parameters:
    """Names of the parameters, with those reserved to mean nothing (RFC 9000 18.1)."""

    @staticmethod
    def get(code: int) -> str | None:
        if code % GREASE_STEP == GREASE_FIRST:
            return registry.GREASE
        return registry.quic_transport_parameters.get(code)


@extension(57, CH, EE)
def quic_transport_parameters(r: Reader) -> None:
    """Parameters one after the other, without a length around them."""
    r.each(lambda v: v.struct("transport_parameter", _parameter))


@extension(65445, CH, EE)
def draft_parameters(r: Reader) -> None:
    """Until draft 26 of QUIC a TLS vector of parameters with two-byte numbers; the later form after that.

    Before draft 19 a version (0xff0000NN) came first: that form is not taken apart.
    """
    if r.peek(3) == b"\xff\0\0":
        r.rest("transport_parameters")
    elif int.from_bytes(r.peek(2), "big") == r.remaining - 2:
        structs(r, "transport_parameters", 2, "transport_parameter", _draft_parameter)
    else:
        quic_transport_parameters(r)


def _draft_parameter(r: Reader) -> None:
    r.uint("id", 2, _Parameters)
    r.vector_opaque("value", 2)


def _parameter(r: Reader) -> None:
    code = varint(r, "id", _Parameters)
    name = r.nodes[-1].label
    within(r, varint(r, "length"), _value(code) if name else _bytes)


def _value(code: int) -> Body:
    """What reads a parameter's value; most are a number or have no structure."""
    if code in _NUMBERS:
        return _number
    if code in _VERSIONS:
        return _version_information
    return _preferred_address if code == PREFERRED_ADDRESS else _bytes


def _preferred_address(r: Reader) -> None:
    """RFC 9000 18.2, figure 22."""
    address = r.opaque("ipv4_address", 4)
    r.label(str(IPv4Address(address)))
    r.uint("ipv4_port", 2)
    address = r.opaque("ipv6_address", 16)
    r.label(str(IPv6Address(address)))
    r.uint("ipv6_port", 2)
    r.vector_opaque("connection_id", 1)
    r.opaque("stateless_reset_token", 16)


def _version_information(r: Reader) -> None:
    """RFC 9368 3: the version in use, then all that its sender speaks."""
    r.uint("chosen_version", 4, VersionNames)
    while r.remaining:
        r.uint("available_version", 4, VersionNames)


def _number(r: Reader) -> None:
    if r.remaining:
        varint(r, "value")


def _bytes(r: Reader) -> None:
    r.rest("value")
