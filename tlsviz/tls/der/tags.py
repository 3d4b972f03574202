"""Identifier octets and their names (X.680 8.4, X.690 8.1.2)."""

from __future__ import annotations

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, GENERAL_STRING, BMP_STRING = 0x0C, 0x13, 0x16, 0x1B, 0x1E
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED = 0x20

TYPES = {
    0: "END_OF_CONTENTS",
    1: "BOOLEAN",
    2: "INTEGER",
    3: "BIT_STRING",
    4: "OCTET_STRING",
    5: "NULL",
    6: "OBJECT_IDENTIFIER",
    7: "ObjectDescriptor",
    8: "EXTERNAL",
    9: "REAL",
    10: "ENUMERATED",
    11: "EMBEDDED_PDV",
    12: "UTF8String",
    13: "RELATIVE_OID",
    16: "SEQUENCE",
    17: "SET",
    18: "NumericString",
    19: "PrintableString",
    20: "TeletexString",
    21: "VideotexString",
    22: "IA5String",
    23: "UTCTime",
    24: "GeneralizedTime",
    25: "GraphicString",
    26: "VisibleString",
    27: "GeneralString",
    28: "UniversalString",
    30: "BMPString",
}
"""Universal types by tag number (X.680 8.4): the names of elements that have no other."""


def _tag_name(octet: int) -> str:
    number = octet & 0x1F
    if octet < 0x40:
        return TYPES.get(number, f"[UNIVERSAL {number}]").replace("_", " ")
    return f"[{('APPLICATION ', '', 'PRIVATE ')[(octet >> 6) - 1]}{number}]"


TAGS = tuple(map(_tag_name, range(256)))
NAMES = tuple(TYPES.get(o & 0x1F, "element") if o < 0x40 else "element" for o in range(256))
