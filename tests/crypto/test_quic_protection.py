"""QUIC's packet protection against the values that RFC 9001 A and RFC 9369 A publish."""

from __future__ import annotations

import pytest
from quic_vectors import FIRST_ID, INITIALS, RETRY_V1, RETRY_V2, SHORT_NUMBER, SHORT_SECRET, InitialVector

from tlsviz.crypto.opening import Unopened
from tlsviz.crypto.quic import (
    PacketKeys,
    initial_keys,
    initial_salt,
    initial_secrets,
    packet_number,
    retry_holds,
    retry_tag,
)
from tlsviz.lab.quic import sealed
from tlsviz.tls.quic.packets import packets
from tlsviz.tls.suites import Suite, suite

CHACHA20 = 0x1303
DRAFTS = [0xFF000000 + draft for draft in range(23, 35)]


def _suite(code: int) -> Suite:
    found = suite(code)
    assert found is not None
    return found


def _keys(vector: InitialVector) -> PacketKeys:
    secrets = initial_secrets(vector.version, FIRST_ID)
    assert secrets is not None
    return initial_keys(vector.version, secrets.of(vector.sender))


def test_initial_secrets_of_version_1() -> None:
    secrets = initial_secrets(1, FIRST_ID)
    assert secrets is not None
    assert secrets.initial.hex() == "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44"
    client, server = initial_keys(1, secrets.client), initial_keys(1, secrets.server)
    assert secrets.client.hex() == "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"
    assert (client.key.hex(), client.iv.hex(), client.hp.hex()) == (
        "1f369613dd76d5467730efcbe3b1a22d",
        "fa044b2f42a3fd3b46fb255c",
        "9f50449e04a0e810283a1e9933adedd2",
    )
    assert secrets.server.hex() == "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b"
    assert (server.key.hex(), server.iv.hex(), server.hp.hex()) == (
        "cf3a5331653c364c88f0f379b6067e37",
        "0ac1493ca1905853b0bba03e",
        "c206b8d9b9f0f37644430b490eeaa314",
    )


def test_initial_secrets_of_version_2() -> None:
    secrets = initial_secrets(0x6B3343CF, FIRST_ID)
    assert secrets is not None
    client, server = initial_keys(0x6B3343CF, secrets.client), initial_keys(0x6B3343CF, secrets.server)
    assert secrets.client.hex() == "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b"
    assert (client.key.hex(), client.iv.hex(), client.hp.hex()) == (
        "8b1a0bc121284290a29e0971b5cd045d",
        "91f73e2351d8fa91660e909f",
        "45b95e15235d6f45a6b19cbcb0294ba9",
    )
    assert secrets.server.hex() == "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1"
    assert (server.key.hex(), server.iv.hex(), server.hp.hex()) == (
        "82db637861d55e1d011f19ea71d5d2a7",
        "dd13c276499c0249d3310652",
        "edf6d05c83121201b436e16877593c3a",
    )


@pytest.mark.parametrize("name", INITIALS)
def test_the_published_initial_packets_are_what_these_keys_make(name: str) -> None:
    vector = INITIALS[name]
    size = 4 if vector.sender == "client" else 2
    header = bytes.fromhex(vector.header)
    packet = sealed(_keys(vector), header[:-size], vector.number, size, vector.frames, False)
    assert packet.hex().startswith(vector.begins) and packet.hex().endswith(vector.ends)
    (read,), rest = packets(packet, None)
    assert (read.kind, rest, read.missing) == ("Initial", b"", 0)
    keys = _keys(vector)
    opened = keys.decrypt(read.data, read.start, keys.unmask(read.data, read.start, -1))
    assert opened.payload == vector.frames
    assert opened.header == header and opened.unmasked.number == vector.number


@pytest.mark.parametrize(
    ("version", "key", "iv", "hp", "packet"),
    [
        (
            1,
            "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
            "e0459b3474bdd0e44a41c144",
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
            "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
        ),
        (
            0x6B3343CF,
            "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
            "a6b5bc6ab7dafce30ffff5dd",
            "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
            "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba",
        ),
    ],
)
def test_the_published_packet_with_a_short_header(version: int, key: str, iv: str, hp: str, packet: str) -> None:
    keys = PacketKeys(version, _suite(CHACHA20), SHORT_SECRET)
    assert (keys.key.hex(), keys.iv.hex(), keys.hp.hex()) == (key, iv, hp)
    data = bytes.fromhex(packet)
    opened = keys.decrypt(data, 1, keys.unmask(data, 1, SHORT_NUMBER - 1))
    assert (opened.payload, opened.header.hex(), opened.unmasked.number) == (b"\x01", "4200bff4", SHORT_NUMBER)


def test_a_key_update_keeps_the_header_protection_key() -> None:
    keys = PacketKeys(1, _suite(CHACHA20), SHORT_SECRET)
    following = keys.updated()
    assert following.secret.hex() == "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9"
    assert following.hp == keys.hp and following.key != keys.key


def test_every_bit_of_a_packet_is_covered() -> None:
    vector = INITIALS["RFC 9001 A.3"]
    keys = _keys(vector)
    header = bytes.fromhex(vector.header)
    packet = sealed(keys, header[:-2], 1, 2, vector.frames, False)
    for position in range(len(packet)):
        changed = bytearray(packet)
        changed[position] ^= 1
        with pytest.raises(Unopened):
            keys.decrypt(bytes(changed), 18, keys.unmask(bytes(changed), 18, -1))


@pytest.mark.parametrize(("version", "packet"), [(1, RETRY_V1), (0x6B3343CF, RETRY_V2)])
def test_the_published_retry_packets(version: int, packet: bytes) -> None:
    assert retry_holds(version, FIRST_ID, packet) is True
    assert retry_holds(version, FIRST_ID[1:], packet) is False
    assert retry_holds(version, FIRST_ID, packet[:5] + b"\x01" + packet[6:]) is False


def test_drafts_have_their_salts_and_retry_keys() -> None:
    assert len({initial_salt(version) for version in DRAFTS}) == 3
    assert initial_salt(0xFF000017) == initial_salt(0xFF00001C) != initial_salt(0xFF00001D)
    assert initial_salt(0xFF000021) == initial_salt(1)
    assert initial_salt(0xFF000010) is None and initial_salt(0x1A2A3A4A) is None
    assert retry_tag(0xFF000018, FIRST_ID, RETRY_V1) is None
    tags = {retry_tag(version, FIRST_ID, RETRY_V1) for version in (0xFF000019, 0xFF00001D, 0xFF000021)}
    assert len(tags) == 3 and retry_tag(1, FIRST_ID, RETRY_V1) in tags


def test_a_suite_of_tls_1_2_gives_no_packet_keys() -> None:
    for code in (0xC02F, 0x1305):
        with pytest.raises(Unopened):
            PacketKeys(1, _suite(code), SHORT_SECRET)


def test_packet_numbers_are_those_next_to_the_largest() -> None:
    assert packet_number(0xA82F30EA, 0x9B32, 2) == 0xA82F9B32  # RFC 9000 A.3
    assert packet_number(-1, 0, 1) == 0 and packet_number(-1, 200, 1) == 200
    assert packet_number(255, 0, 1) == 256
    assert packet_number(256, 255, 1) == 255
    for largest in (0, 127, 128, 300, 70000, (1 << 32) + 5):
        for number in range(max(largest - 100, 0), largest + 100):
            assert packet_number(largest, number & 0xFF, 1) == number
