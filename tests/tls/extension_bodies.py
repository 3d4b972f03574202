"""A well-formed body of every extension in every message where it may stand, byte by byte from its RFC."""

from __future__ import annotations

from collections.abc import Iterator

from der_build import tlv
from tls_build import u16, vec

from tlsviz.tls import registry

POINT = b"\x04" + bytes(64)
NAME = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(0x0C, b"CA"))))
SIGNATURE = tlv(0x30, tlv(2, b"\x01"), tlv(2, b"\x02"))
KEY = tlv(0x30, tlv(0x30, tlv(6, b"\x2b\x65\x70")), tlv(3, b"\0" + bytes(32)))
OCSP = tlv(0x30, tlv(10, b"\x03"))
SCT = b"\0" + bytes(32) + bytes(8) + vec(2) + u16(0x0403) + vec(2, SIGNATURE)
LOG = vec(1, b"\x2a\x03")
TIME = (1_700_000_000_000).to_bytes(8, "big")
NUMBER = bytes(7) + b"\x05"
HASHES = vec(2, vec(1, bytes(32)), vec(1, bytes(32)))
TRANS_ITEMS = vec(
    2,
    vec(2, u16(0x0102) + LOG + TIME + vec(2, u16(1) + vec(2, b"x")) + vec(2, b"signature")),
    vec(2, u16(0x0104) + LOG + TIME + NUMBER + vec(1, bytes(32)) + vec(2) + vec(2, b"signature")),
    vec(2, u16(0x0105) + LOG + NUMBER + NUMBER + HASHES),
    vec(2, u16(0x0106) + LOG + NUMBER + NUMBER + HASHES),
)
ECJPAKE = 2 * (vec(1, POINT) + vec(1, POINT) + vec(1, bytes(32)))
OCSP_REQUEST = vec(2, vec(2, tlv(0xA1, NAME))) + vec(2)
ADDRESS = b"\x01" + vec(2, b"server.test")
MIDDLEBOX = b"\x04" + ADDRESS + b"\0\x01" + vec(2) + b"\x02\x01\0\x02\x01"
OWNER = b"\x04_443\x04_tcp\x04test\0"
RRSIG = u16(52) + b"\x08\x03" + 3 * bytes(4) + u16(7) + b"\x04test\0" + bytes(64)
CHAIN = u16(24) + b"".join(
    OWNER + u16(kind, 1) + bytes(4) + vec(2, data)
    for kind, data in (
        (52, b"\x03\x01\x01" + bytes(32)),
        (46, RRSIG),
        (48, u16(257) + b"\x03\x08" + bytes(64)),
        (43, u16(7) + b"\x08\x02" + bytes(32)),
        (5, b"\x05other\0"),
        (6, bytes(30)),
    )
)
PREFERRED = bytes([192, 0, 2, 1]) + u16(443) + b"\x20\x01\x0d\xb8" + bytes(12) + u16(443) + vec(1, b"cid!") + bytes(16)
VERSIONS = (1).to_bytes(4, "big") * 2


def _parameters(*known: tuple[int, bytes]) -> bytes:
    return b"".join(bytes([code, len(body)]) + body for code, body in known)


PARAMETERS = _parameters((1, b"\x05"), (0x0D, PREFERRED), (0x11, VERSIONS), (0x0C, b""), (0x1B, b"grease"))
ECH_CONFIG = u16(0xFE0D) + vec(
    2,
    b"\x07"
    + u16(0x20)
    + vec(2, bytes(32))
    + vec(2, u16(1, 1))
    + b"\x10"
    + vec(1, b"ech.test")
    + vec(2, u16(9) + vec(2)),
)
SHARE = u16(29) + vec(2, bytes(32))

# Of (code, place): CH, SH and SH12 as in the registry. A place that is not here has the body of the one before it.
BODIES: dict[int, dict[str, bytes]] = {
    0: {"CH": vec(2, b"\0" + vec(2, b"example.com")), "SH12": b"", "EE": b"", "CCR": vec(2, b"\0" + vec(2, b"a.test"))},
    1: {"CH": b"\x03"},
    2: {"CH": b""},
    3: {"CH": vec(2, b"\0", b"\x01" + bytes(20), b"\x02" + vec(2, NAME), b"\x03" + bytes(20)), "SH12": b""},
    4: {"CH": b""},
    5: {"CH": b"\x01" + OCSP_REQUEST, "SH12": b"", "CR": b"", "CT": b"\x01" + vec(3, OCSP)},
    6: {"CH": vec(1, b"\x40")},
    7: {"CH": vec(1, b"\0\x01")},
    8: {"CH": vec(1, b"\x02\x42")},
    9: {"CH": vec(1, b"\0\x01"), "SH12": b"\0"},
    10: {"CH": vec(2, u16(29, 23))},
    11: {"CH": vec(1, b"\0\x01")},
    12: {"CH": vec(1, b"alice")},
    13: {"CH": vec(2, u16(0x0403, 0x0804))},
    14: {"CH": vec(2, u16(1, 7)) + vec(1)},
    15: {"CH": b"\x01"},
    16: {"CH": vec(2, vec(1, b"h2"), vec(1, b"http/1.1")), "SH12": vec(2, vec(1, b"h2"))},
    17: {"CH": vec(2, b"\x02" + vec(2, OCSP_REQUEST)), "SH12": b""},
    18: {"CH": b"", "SH12": vec(2, vec(2, SCT)), "CR": b"", "CT": vec(2, vec(2, SCT))},
    19: {"CH": vec(1, b"\x02\0"), "SH12": b"\x02"},
    20: {"CH": vec(1, b"\x02\0"), "SH12": b"\x02"},
    21: {"CH": bytes(9)},
    22: {"CH": b""},
    23: {"CH": b""},
    24: {"CH": b"\x01\0" + vec(1, b"\x02\x01")},
    25: {"CH": vec(2, b"\x01" + vec(1, bytes(32))), "SH12": vec(2, b"\x01\x02")},
    26: {"CH": b""},
    27: {"CH": vec(1, u16(2, 1))},
    28: {"CH": u16(16385)},
    29: {"CH": vec(1, bytes(52))},
    30: {"CH": vec(1, b"fred")},
    31: {"CH": vec(2, bytes(16))},
    32: {"CH": vec(2, bytes(40)), "EE": vec(1, b"proof") + vec(2, b"ticket") + bytes(4)},
    33: {"CH": b""},
    34: {"CH": vec(2, u16(0x0807)), "CT": bytes(4) + u16(0x0807) + vec(3, KEY) + u16(0x0403) + vec(2, SIGNATURE)},
    35: {"CH": b"ticket", "SH12": b""},
    36: {"CH": b"\x01\0" + ADDRESS + ADDRESS + vec(2, MIDDLEBOX)},
    37: {"CH": b""},
    38: {"CH": b""},
    39: {"CH": vec(1, b"\x01\x02"), "SH12": b"\x01"},
    40: {"CH": vec(2, bytes(31)), "SH": vec(2, bytes(31)), "HRR": u16(29)},
    41: {"CH": vec(2, vec(2, b"ticket") + bytes(4)) + vec(2, vec(1, bytes(32))), "SH": u16(0)},
    42: {"CH": b"", "EE": b"", "NST": bytes(4)},
    43: {"CH": vec(1, u16(0x0304, 0x0303)), "SH": u16(0x0304)},
    44: {"CH": vec(2, b"cookie")},
    45: {"CH": vec(1, b"\x01")},
    46: {"NST": bytes(4)},
    47: {"CH": vec(2, vec(2, NAME))},
    48: {"CR": vec(2, vec(1, tlv(6, b"\x55\x1d\x0f")) + vec(2, tlv(3, b"\x07\x80")))},
    49: {"CH": b""},
    50: {"CH": vec(2, u16(0x0403))},
    51: {"CH": vec(2, SHARE), "SH": SHARE, "HRR": u16(29)},
    52: {"CH": b"", "SH12": TRANS_ITEMS, "CR": b"", "CT": TRANS_ITEMS},
    53: {"CH": vec(1, b"cid")},
    54: {"CH": vec(1, b"cid")},
    55: {"CH": vec(1, bytes(32))},
    56: {"CH": vec(1, bytes(20))},
    57: {"CH": PARAMETERS},
    58: {"CH": b"\x02\x01", "EE": b"\x02"},
    59: {"CH": u16(443), "SH12": CHAIN, "CT": CHAIN},
    60: {"CH": b""},
    61: {"CH": b""},
    62: {"CH": vec(1, b"\0\x01")},
    256: {"CH": ECJPAKE},
    13172: {"CH": b"", "SH12": vec(1, b"http/1.1") + vec(1, b"spdy/3")},
    13175: {"CH": b""},
    13180: {"CH": b""},
    17513: {"CH": vec(2, vec(1, b"h2")), "EE": b"settings"},
    17613: {"CH": vec(2, vec(1, b"h2")), "EE": b"settings"},
    30031: {"CH": b""},
    30032: {"CH": b""},
    35387: {
        "CH": vec(2, b"me") + vec(2, b"you") + vec(2, u16(0x7D96) + vec(2, b"message")),
        "SH": u16(1) + vec(2, b"m"),
    },
    35655: {"CH": bytes(9)},
    51764: {
        "CH": vec(2, vec(1, b"\x82\xda\x4d"), vec(1, b"\x01")),
        "EE": vec(2, vec(1, b"\x01")),
        "CT": b"",
        "CR": vec(2),
    },
    64768: {"CH": vec(1, u16(51, 10))},
    65037: {
        "CH": b"\0" + u16(1, 1) + b"\x07" + vec(2, bytes(32)) + vec(2, bytes(64)),
        "HRR": bytes(8),
        "EE": vec(2, ECH_CONFIG),
    },
    65281: {"CH": vec(1)},
    65445: {"CH": PARAMETERS},
    65486: {"CH": u16(0x1301) + SHARE + vec(2, bytes(32)) + vec(2, bytes(64)), "EE": bytes(16)},
}


def places(code: int) -> list[str]:
    """Where an extension may stand, the ones of drafts included that the registry leaves open."""
    listed = registry.extensions.row(code)[2].split()
    return list(BODIES[code]) if listed == ["-"] else listed


def every() -> Iterator[tuple[int, str, bytes]]:
    """Each extension in each place with its body."""
    for code in registry.extensions:
        body = b""
        for place in places(code):
            body = BODIES[code].get(place, body)
            yield code, place, body
