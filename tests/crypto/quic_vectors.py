"""Packets that RFC 9001 A and RFC 9369 A publish."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.wire.chunks import Sender

FIRST_ID = bytes.fromhex("8394c8f03e515708")
CLIENT_HELLO = bytes.fromhex(
    "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e0000"
    "0b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d"
    "00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302030804"
    "08050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f0883"
    "94c8f03e51570806048000ffff"
)
CLIENT_FRAMES = bytes.fromhex("060040f1") + CLIENT_HELLO + bytes(917)
SERVER_HELLO = bytes.fromhex(
    "020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c940d89"
    "690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304"
)
SERVER_FRAMES = bytes.fromhex("0200000000" + "0600405a") + SERVER_HELLO


class InitialVector(NamedTuple):
    """An Initial packet: its version, header and frames, and how it begins and ends once it is protected."""

    version: int
    sender: Sender
    number: int
    header: str
    frames: bytes
    begins: str
    ends: str


INITIALS = {
    "RFC 9001 A.2": InitialVector(
        1,
        "client",
        2,
        "c300000001088394c8f03e5157080000449e00000002",
        CLIENT_FRAMES,
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
        "e221af44860018ab0856972e194cd934",
    ),
    "RFC 9001 A.3": InitialVector(
        1,
        "server",
        1,
        "c1000000010008f067a5502a4262b50040750001",
        SERVER_FRAMES,
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a",
        "2158407dd074ee",
    ),
    "RFC 9369 A.2": InitialVector(
        0x6B3343CF,
        "client",
        2,
        "d36b3343cf088394c8f03e5157080000449e00000002",
        CLIENT_FRAMES,
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
        "a18b2faa745b6fe189cf772a9f84cbfc",
    ),
    "RFC 9369 A.3": InitialVector(
        0x6B3343CF,
        "server",
        1,
        "d16b3343cf0008f067a5502a4262b50040750001",
        SERVER_FRAMES,
        "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698",
        "4bed8521e2e140",
    ),
}
SHORT_SECRET = bytes.fromhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b")
SHORT_NUMBER = 654360564
RETRY_V1 = bytes.fromhex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba")
RETRY_V2 = bytes.fromhex("cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6")
