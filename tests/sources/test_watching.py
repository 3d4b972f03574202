"""Connections as they happen: what is told when, without an interface and by a clock of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pcap_writer as w
import pytest
from dialogue import Dialogue, shake
from eap_writer import STATION, conversation, in_eapol, in_radius

from tlsviz.connection.judge import Evidence
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.sources import watching
from tlsviz.sources.keyfollower import KeyFollower
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.segments import FIN, RST, Datagram, Packet
from tlsviz.sources.watching import CLOSED, Watching


class Desk:
    """A watch whose time goes by when it is told to. ``told``: what was found, and whether it was over."""

    def __init__(self, keylog: Path) -> None:
        self.now = 0.0
        self.told: list[tuple[Connection, bool]] = []
        follower = KeyFollower((keylog,))
        opinions = Opinions((), None, Evidence())
        self.watching = Watching(
            follower, opinions, lambda connection, over: self.told.append((connection, over)), lambda: self.now
        )

    def after(self, seconds: float) -> list[tuple[Connection, bool]]:
        """What is told when so much time has gone by."""
        self.told.clear()
        self.now += seconds
        self.watching.tick()
        return list(self.told)


@pytest.fixture(scope="module")
def said() -> Dialogue:
    return shake()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "keys.log")


def keys(said: Dialogue, path: Path) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in said.keylog))


def stream(packets: list[Packet], number: int) -> list[Packet]:
    return [packet._replace(stream=number, number=at + 1) for at, packet in enumerate(packets)]


def test_a_connection_appears_with_its_hello_and_grows(desk: Desk, said: Dialogue) -> None:
    packets = w.packets(said)
    hello = next(at for at, packet in enumerate(packets) if packet.payload and packet.source == w.SERVER_END) - 1
    desk.watching.take(packets[:hello])
    assert desk.after(1) == []
    desk.watching.take(packets[hello : hello + 1])
    [(first, over)] = desk.after(1)
    assert not over
    assert [message.type for message in first.messages] == ["client_hello"]
    assert first.server_name == "server.test"
    desk.watching.take(packets[hello + 1 : -1])
    [(grown, over), *_] = desk.after(1)
    assert grown.id == first.id
    assert not over
    assert len(grown.messages) > 1
    assert desk.watching.connections == 1


def test_nothing_is_told_twice_without_news(desk: Desk, said: Dialogue) -> None:
    packets = w.packets(said)
    desk.watching.take(packets[:6])
    assert desk.after(1)
    assert desk.after(1) == []


def test_what_is_quiet_is_judged_and_stays_judged(desk: Desk, said: Dialogue, tmp_path: Path) -> None:
    keys(said, tmp_path / "keys.log")
    packets = w.packets(said)
    desk.watching.take(packets[:-2])
    told = desk.after(0.3) + desk.after(1.5)
    assert told[0][0].trust is None
    assert told[-1][0].trust is not None
    assert told[-1][0].complete
    desk.watching.take(packets[-2:-1])
    later = desk.after(3)
    assert later[0][0].trust == told[-1][0].trust
    assert later[0][0].proofs == told[-1][0].proofs


@pytest.mark.parametrize(("flags", "patience"), [(RST, watching.CLOSED), (FIN, watching.HALF_CLOSED)])
def test_a_connection_is_over_when_it_was_ended(desk: Desk, said: Dialogue, flags: int, patience: float) -> None:
    packets = w.packets(said)
    last = packets[-1]._replace(flags=packets[-1].flags & ~FIN | flags)
    desk.watching.take([*packets[:-1], last])
    assert not any(over for _, over in desk.after(patience * 0.9))
    assert [over for _, over in desk.after(patience * 0.2)] == [True]
    assert desk.watching.over == 1
    assert desk.after(1000) == []


def test_the_last_word_is_what_a_file_would_say(desk: Desk, said: Dialogue, tmp_path: Path) -> None:
    """Told early or not, read twice or once, the connection is the same in the end."""
    keys(said, tmp_path / "keys.log")
    packets = w.packets(said)
    for packet in packets:
        desk.watching.take([packet])
        desk.after(0.3)
    desk.told.clear()
    desk.watching.end()
    [(slowly, _)] = desk.told
    other = Desk(tmp_path / "keys.log")
    other.watching.tick()
    other.watching.take(packets)
    other.watching.end()
    [(at_once, _)] = other.told
    assert slowly == at_once


def test_keys_that_come_later_open_what_was_seen(desk: Desk, said: Dialogue, tmp_path: Path) -> None:
    packets = w.packets(said)
    desk.watching.take(packets[:-1])
    [(closed, _)] = desk.after(0.3)
    assert not any(message.provenance == "decrypted" for message in closed.messages)
    keys(said, tmp_path / "keys.log")
    opened = desk.after(0.3)[-1][0]
    assert opened.id == closed.id
    assert [message.type for message in opened.messages if message.type == "finished"] == ["finished", "finished"]


def test_keys_that_come_after_the_end_open_it_too(desk: Desk, said: Dialogue, tmp_path: Path) -> None:
    desk.watching.take(w.packets(said))
    assert desk.after(watching.HALF_CLOSED + 1)[-1][1]
    keys(said, tmp_path / "keys.log")
    [(opened, over)] = desk.after(1)
    assert over
    assert opened.secrets
    assert desk.watching.over == 1


def test_what_is_kept_for_late_keys_is_bounded(
    desk: Desk, said: Dialogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "KEPT_EACH", 1000)
    desk.watching.take(w.packets(said)[:-1])
    desk.after(0.3)
    keys(said, tmp_path / "keys.log")
    assert not any(connection.secrets for connection, _ in desk.after(0.3))


def test_all_that_is_kept_together_is_bounded(desk: Desk, said: Dialogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "KEPT_ALL", 20_000)
    packets = w.packets(said)
    for number in range(20):
        desk.watching.take(stream(packets, number))
        assert desk.watching._kept <= 20_000
    desk.watching.end()
    assert desk.watching.over == 20


def test_what_is_not_tls_is_forgotten(desk: Desk, said: Dialogue) -> None:
    packets = [packet._replace(payload=b"SSH-2.0-x\r\n" * 9 if packet.payload else b"") for packet in w.packets(said)]
    desk.watching.take(packets)
    assert desk.after(watching.IDLE + 1) == []
    desk.watching.end()
    assert desk.told == []
    assert desk.watching._kept == 0


def in_datagrams(said: Dialogue, number: int) -> list[Datagram]:
    """The handshake in RADIUS, as that of one of many stations behind the same ports."""
    frames = in_radius(conversation(said.chunks), station=b"02-00-00-00-00-%02d" % number, state=b"s%d" % number)
    ends = Endpoint("198.51.100.1", 33000), Endpoint("198.51.100.2", 1812)
    return [
        Datagram(0, when, 0, *(ends if data[34:36] == (33000).to_bytes(2, "big") else ends[::-1]), data[42:])
        for when, data, _ in frames
    ]


def in_frames(said: Dialogue, number: int) -> list[Datagram]:
    """The handshake in EAPOL."""
    frames = in_eapol(conversation(said.chunks), station=STATION[:5] + bytes.fromhex(str(number)))
    return [
        Datagram(
            *(0, when, 0),
            *(Endpoint(data[at : at + 6].hex(":"), 0) for at in (6, 0)),
            data[18 : 18 + int.from_bytes(data[16:18], "big")],
            eapol=True,
        )
        for when, data, _ in frames
    ]


@pytest.mark.parametrize("carried", [in_datagrams, in_frames])
def test_eap_conversations_are_told_apart(
    desk: Desk, said: Dialogue, carried: Callable[[Dialogue, int], list[Datagram]]
) -> None:
    first, second = carried(said, 11), carried(said, 12)
    desk.watching.take([*second, *first[:-1]])
    told = desk.after(CLOSED + 0.1)
    assert {connection.client.address[-2:] for connection, over in told if not over} == {"11"}
    assert [connection.client.address[-2:] for connection, over in told if over] == ["12"]
    desk.watching.take(first[-1:])
    (last, over), *_ = desk.after(CLOSED + 0.1)
    assert over and last.complete and (last.id, last.transport, last.client.address[-2:]) == (1, "eap", "11")
