"""SCTP's associations told apart, and let go: what waited in them is told."""

from __future__ import annotations

import gc
import weakref

import pytest
from sctp_writer import ABORT, SHUTDOWN_COMPLETE, Association, chunk

from tlsviz.sources import associations as several
from tlsviz.sources import delivery
from tlsviz.sources.associations import Associations
from tlsviz.sources.segments import Datagram


def told_with_a_gap(associations: Associations, number: int, data: bytes) -> list[Datagram]:
    """What comes of an association whose first message was lost; the second one waits for it."""
    made = Association(tags=(2 * number + 1, 2 * number + 2))
    made.begin(0.0)
    made.say(1.0, False, 0, b"lost")
    made.say(2.0, False, 0, data)
    return [each for sent in [*made.sent[:2], made.sent[-2]] for each in associations.told(sent.datagram())]


def test_what_waits_in_all_associations_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits longest is told first, behind a gap; and the work is no more than for what comes."""
    monkeypatch.setattr(several, "MOST_WAITING", 10 * (1000 + delivery.OVERHEAD))
    associations = Associations()
    found: list[Datagram] = []
    for at in range(30):
        found += told_with_a_gap(associations, at, bytes([at]) * 1000)
    said = [(each.sctp.kind, each.payload[:1]) for each in found if each.sctp and "init" not in each.sctp.kind]
    assert said == [pair for at in range(20) for pair in (("gap", b""), ("message", bytes([at])))]
    assert len([each for each in associations.rest() if each.payload]) == 10


@pytest.mark.parametrize("end", [ABORT, SHUTDOWN_COMPLETE])
def test_an_association_that_is_over_is_let_go(end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is told, and its tags may be used again."""
    kept: list[weakref.ref[object]] = []
    begin = several.Delivery.__init__
    monkeypatch.setattr(
        several.Delivery, "__init__", lambda self, tell: (kept.append(weakref.ref(self)), begin(self, tell))[1]
    )
    associations = Associations()
    for at in range(several.MOST_OVER + 5):
        made = Association(tags=(7, 8) if at < 3 else (2 * at + 1, 2 * at + 2))
        made.begin(0.0)
        made.say(1.0, False, 0, b"lost")
        made.say(2.0, False, 0, b"question")
        made.put(3.0, True, chunk(end))
        found = [each for sent in [*made.sent[:4], *made.sent[6:]] for each in associations.told(sent.datagram())]
        kinds = [each.sctp.kind for each in found if each.sctp]
        assert [kind for kind in kinds if kind != "abort"] == ["gap", "init", "init_ack", "message"]
    gc.collect()
    assert len([ref for ref in kept if ref() is not None]) == several.MOST_OVER


def test_what_is_let_go_for_others_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "MOST", 20)
    associations = Associations()
    found: list[Datagram] = []
    for at in range(30):
        found += told_with_a_gap(associations, at, bytes([at]))
    assert [each.payload for each in found if each.payload] == [bytes([at]) for at in range(20)]
    assert [each.payload for each in associations.rest() if each.payload] == [bytes([at]) for at in range(20, 30)]


@pytest.mark.parametrize("speaks", [False, True])
def test_ways_that_differ_are_one_association_where_they_fit(speaks: bool) -> None:
    """Joined in the middle, each direction between other addresses; another at the same ports does not fit."""
    made = Association()
    made.begin(0.0)
    for at in range(3):
        made.say(1.0 + at, False, 0, b"<question %d>" % at)
        made.say(1.5 + at, True, 0, b"<answer %d>" % at)
    other = Association(tags=(5, 6), tsns=(1 << 30, 1 << 31))
    other.begin(0.0)
    other.say(1.0, False, 0, b"other")
    packets = [sent._replace(way=int(sent.back)) for sent in made.sent[4:] if sent.has_data or not speaks]
    stranger = next(sent for sent in other.sent[4:] if sent.has_data)._replace(way=2)
    associations = Associations()
    found = [each for sent in [stranger, *packets] for each in associations.told(sent.datagram())]
    assert len({each.stream for each in found}) == 2
    first = found[1].stream
    said = [(each.sctp.side, each.payload) for each in found if each.stream == first and each.sctp]
    assert said == [
        (side, b"<%s %d>" % (kind, at)) for at in range(3) for side, kind in enumerate((b"question", b"answer"))
    ]


def test_other_peers_at_the_same_ports_stay_apart() -> None:
    """As between two servers, whose ports are the same."""
    associations = Associations()
    found = []
    for at in range(80):
        made = Association(tags=(2 * at + 1, 2 * at + 2), ports=(3868, 3868), tsns=(at << 20, at + 100 << 20))
        made.begin(0.0)
        made.say(1.0, at % 2 == 1, 0, b"question")
        sent = next(sent for sent in made.sent[4:] if sent.has_data)
        found += associations.told(sent._replace(way=at).datagram())
    assert len({each.stream for each in found}) == 80
