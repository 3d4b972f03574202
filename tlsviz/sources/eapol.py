"""EAP packets on the link (802.1X, wired and on the air), as tshark gives them in a reading of their own.

A second reading, only of captures that have any: what stands in these frames tshark shows as the data of a protocol
that it does not know (``data.data``), and asking for that of every frame would double what it writes.
"""

from __future__ import annotations

from typing import Any

from tlsviz.connection.model import Endpoint
from tlsviz.sources.ek import epoch
from tlsviz.sources.segments import Datagram

FILTER = "eapol.type == 0"
FIELDS = (
    "frame.number",
    "frame.file_off",
    "frame.time_epoch",
    "frame.protocols",
    "eth.src",
    "eth.dst",
    "wlan.sa",
    "wlan.da",
    "sll.src.eth",
    "data.data",
)
DISABLED = ("eap",)
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
