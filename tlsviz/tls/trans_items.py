"""What logs of certificates issue in their second version (RFC 9162 4)."""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.tls import registry
from tlsviz.tls.fields import opaques
from tlsviz.tls.sct import milliseconds
from tlsviz.wire.reader import Reader


def trans_item_list(r: Reader) -> None:
    """``SerializedTransItem trans_item_list<1..2^16-1>`` (RFC 9162 6.3)."""
    r.vector("trans_item_list", 2, lambda v: v.each(lambda w: w.vector("serialized_trans_item", 2, _item)))


def _item(r: Reader) -> None:
    """``TransItem``."""
    kind = r.uint("versioned_type", 2, registry.versioned_trans_types)
    _ITEMS.get(kind, _unknown)(r)


def _unknown(r: Reader) -> None:
    r.rest("trans_item")


def _log_id(r: Reader) -> None:
    r.vector_opaque("log_id", 1)


def _timestamp(r: Reader) -> None:
    moment = milliseconds(r.uint("timestamp", 8))
    if moment:
        r.label(moment)


def _extensions(r: Reader, name: str) -> None:
    def one(v: Reader) -> None:
        v.uint("extension_type", 2)
        v.vector_opaque("extension_data", 2)

    r.vector(name, 2, lambda v: v.each(lambda w: w.struct("ct_extension", one)))


def _sct(r: Reader) -> None:
    """``SignedCertificateTimestampDataV2``."""
    _log_id(r)
    _timestamp(r)
    _extensions(r, "sct_extensions")
    r.vector_opaque("signature", 2)


def _tree_head(r: Reader) -> None:
    """``SignedTreeHeadDataV2``."""
    _log_id(r)
    _timestamp(r)
    r.uint("tree_size", 8)
    r.vector_opaque("root_hash", 1)
    _extensions(r, "sth_extensions")
    r.vector_opaque("signature", 2)


def _consistency(r: Reader) -> None:
    """``ConsistencyProofDataV2``."""
    _log_id(r)
    r.uint("tree_size_1", 8)
    r.uint("tree_size_2", 8)
    opaques(r, "consistency_path", 2, "node_hash", 1)


def _inclusion(r: Reader) -> None:
    """``InclusionProofDataV2``."""
    _log_id(r)
    r.uint("tree_size", 8)
    r.uint("leaf_index", 8)
    opaques(r, "inclusion_path", 2, "node_hash", 1)


_ITEMS: dict[int, Callable[[Reader], None]] = {
    0x0102: _sct,
    0x0103: _sct,
    0x0104: _tree_head,
    0x0105: _consistency,
    0x0106: _inclusion,
}
