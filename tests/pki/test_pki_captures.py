"""What real captures' chains lack: an unknown root is not a missing intermediate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tlsviz.connection.model import Trace
from tlsviz.pki import stores
from tlsviz.pki.certificate import read
from tlsviz.pki.verify import judge
from tlsviz.sources.capture import load_capture

CAPTURES = Path(__file__).parents[3] / "shared" / "captures"
pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not here")


def opened(name: str) -> Trace:
    return load_capture(CAPTURES / name)


def test_a_root_that_mozilla_has_dropped_is_an_unknown_issuer():
    """The chain ends below DigiCert Global Root CA, whose organization has other roots in the store."""
    for connection in opened("nDPI/reddit.pcap").connections:
        ders = [sent.der for sent in connection.certificates if sent.sender == "server"]
        if ders and read(ders[-1]).issuer_cn == "DigiCert Global Root CA":
            store = stores.from_ders("other", [stores.mozilla().ders[0]])
            trust = judge(ders, connection.server_name, connection.trust.at, [store])  # type: ignore[union-attr]
            assert trust.faults[0].reason == "unknown_issuer"
            assert trust.faults[0].detail == "its root DigiCert Global Root CA is not in the other store"
            return
    pytest.fail("no such chain in the capture")


def test_a_root_unknown_to_the_store_and_a_list_cut_by_the_capture():
    whole, cut = opened("nDPI/imaps.pcap").connections
    assert whole.trust is not None and whole.trust.reasons == ("unknown_issuer",)
    assert whole.trust.faults[0].detail == "its root DST Root CA X3 is not in the Mozilla store"
    assert cut.trust is not None and (cut.trust.verdict, cut.trust.reasons) == ("unknown", ())


def test_a_leaf_alone_misses_its_intermediate():
    first, _, last = opened("zeek/missing-intermediate.pcap").connections
    for connection, words in ((first, "it lies at http://"), (last, "another connection here shows it")):
        assert connection.trust is not None and connection.trust.reasons == ("missing_intermediate",)
        assert words in connection.trust.faults[0].detail


def test_without_a_name_in_the_hello_none_is_missed_but_weakness_is_said():
    (connection,) = opened("fq/TLS_RSA_EXPORT_WITH_RC4_40_MD5.pcap").connections
    assert connection.trust is not None and connection.trust.name is None
    assert connection.trust.reasons == ("not_yet_valid", "self_signed", "weak_signature", "weak_key")


def test_globalsigns_old_root_is_an_unknown_issuer():
    connections = opened("mercury/top_100_fingerprints.pcap").connections
    found = Counter(connection.trust.reasons for connection in connections if connection.trust)
    assert set(found) <= {("unknown_issuer",), ()}
