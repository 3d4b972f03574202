"""quic_transport_parameters (RFC 9000 18; RFC 9001 8.2)."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CH, EE, extension
from tlsviz.tls.fields import structs, within
from tlsviz.wire.reader import Reader

GREASE_STEP, GREASE_FIRST = 31, 27
_NUMBERS = {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 0x20}


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
    code = _varint(r, "id", _Parameters)
    name = r.nodes[-1].label
    within(r, _varint(r, "length"), _number if code in _NUMBERS and name else _bytes)


def _number(r: Reader) -> None:
    if r.remaining:
        _varint(r, "value")


def _bytes(r: Reader) -> None:
    r.rest("value")


def _varint(r: Reader, name: str, names: type[_Parameters] | None = None) -> int:
    """A variable-length integer (RFC 9000 16): its first two bits say how long it is."""
    first = r.peek(1)
    size = 1 << (first[0] >> 6) if first else 1
    value = r.uint(name, size) & ((1 << (8 * size - 2)) - 1)
    r.nodes[-1] = r.nodes[-1]._replace(value=value, label=names.get(value) if names else None)
    return value
