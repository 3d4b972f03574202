"""EAP packets on the link (802.1X, wired and on the air), as tshark gives them in a reading of their own.

A second reading, only of captures that have any: what stands in these frames tshark shows as the data of a protocol
that it does not know (``data.data``), and asking for that of every frame would double what it writes. What is watched
as it comes cannot be read twice: there tshark says which frames carry EAP, and their bytes are taken from what it got.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlsviz.connection.model import Endpoint
from tlsviz.sources.ek import FRAME, epoch
from tlsviz.sources.lifting import BLOCK_HEADER, ENHANCED_PACKET, LINKS, PCAP_HEADER
from tlsviz.sources.segments import Datagram

FILTER = "eapol.type == 0"
FIELDS = (*FRAME, "eth.src", "eth.dst", "wlan.sa", "wlan.da", "sll.src.eth", "data.data")
DISABLED = ("eap",)
CAPTURED = "ether proto 0x888e"
"""The same for libpcap."""
_SOURCES, _TARGETS = ("wlan_sa", "eth_src", "sll_src_eth"), ("wlan_da", "eth_dst")


def parse(layers: dict[str, Any]) -> Datagram | None:
    """The EAP packet of a frame's fields; None without one. Both ends are "" where the link does not say them."""
    data = layers.get("data_data")
    if not data:
        return None
    source, target = (next((layers[name][0] for name in names if name in layers), "") for names in (_SOURCES, _TARGETS))
    return Datagram(
        int(layers["frame_number"][0]),
        epoch(layers["frame_time_epoch"][0]),
        0,
        Endpoint(source, 0),
        Endpoint(target, 0),
        bytes.fromhex(data[0].replace(":", "")),
        eapol=True,
    )


Again = Callable[[int, int], bytes]
"""Gives bytes of what tshark was given: from a place on, at most so many."""

_LONGEST = 1 << 16
_ETHERTYPE = b"\x88\x8e"


def lifted(layers: dict[str, Any], again: Again) -> Datagram | None:
    """The EAP packet of a frame of which tshark tells no more than its place; None without one, and on other links."""
    before, _, _ = layers["frame_protocols"][0].partition(":eapol")
    size = LINKS.get(before)
    if size is None:
        return None
    data = captured(again(int(layers["frame_file_off"][0]), _LONGEST))
    head, packet = data[:size], data[size + 4 :]
    if head[-2:] != _ETHERTYPE or data[size + 1 : size + 2] != b"\0":
        return None
    target = head[:6] if before.startswith("eth") else b""
    return Datagram(
        int(layers["frame_number"][0]),
        epoch(layers["frame_time_epoch"][0]),
        0,
        Endpoint(head[6:12].hex(":"), 0),
        Endpoint(target.hex(":"), 0),
        packet[: int.from_bytes(data[size + 2 : size + 4], "big")],
        eapol=True,
    )


def captured(record: bytes) -> bytes:
    """A frame's bytes in the record or block that begins here."""
    block = ENHANCED_PACKET.get(record[:4])
    if block is not None:
        return record[BLOCK_HEADER:][: block.unpack_from(record)[0]] if len(record) >= BLOCK_HEADER else b""
    # Of frames below 64 KiB the right one of both byte orders is the smaller one.
    length = min(int.from_bytes(record[8:12], order) for order in ("little", "big"))
    return record[PCAP_HEADER:][:length]
