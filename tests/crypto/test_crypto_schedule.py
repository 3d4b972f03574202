"""The key schedules against published vectors."""

from __future__ import annotations

import pytest

from tlsviz.crypto import schedule
from tlsviz.crypto.ciphers import Lengths, lengths
from tlsviz.crypto.hashing import digest, hash_length
from tlsviz.crypto.opening import Unopened
from tlsviz.tls.suites import suite


def h(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("ikm", "salt", "info", "prk", "okm"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "0b" * 22,
            "",
            "",
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_rfc5869(ikm: str, salt: str, info: str, prk: str, okm: str) -> None:
    extracted = schedule.hkdf_extract("sha256", h(salt), h(ikm))
    assert extracted == h(prk)
    assert schedule.hkdf_expand("sha256", extracted, h(info), 42) == h(okm)


def test_hkdf_expand_has_an_end() -> None:
    assert len(schedule.hkdf_expand("sha256", bytes(32), b"", 255 * 32)) == 255 * 32
    with pytest.raises(ValueError, match="255"):
        schedule.hkdf_expand("sha256", bytes(32), b"", 255 * 32 + 1)


def test_hkdf_label_is_the_published_structure() -> None:
    # RFC 8448 section 3, "derive write traffic keys": info of key and iv
    assert schedule.hkdf_label("key", b"", 16) == h("00100974 6c733133206b657900")
    assert schedule.hkdf_label("iv", b"", 12) == h("000c0874 6c73313320697600")


def test_quic_initial_secrets() -> None:
    # RFC 9001 appendix A.1: the same HKDF-Expand-Label, with other labels
    initial = schedule.hkdf_extract("sha256", h("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), h("8394c8f03e515708"))
    client = schedule.hkdf_expand_label("sha256", initial, "client in", b"", 32)
    assert client == h("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea")
    assert schedule.hkdf_expand_label("sha256", client, "quic iv", b"", 12) == h("fa044b2f42a3fd3b46fb255c")


@pytest.mark.parametrize(
    ("hash_name", "secret", "seed", "output"),
    [
        (
            "sha256",
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
            "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
            "87347b66",
        ),
        (
            "sha384",
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0"
            "e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
            "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e099070"
            "3d73e56f",
        ),
    ],
)
def test_prf_of_tls12(hash_name: str, secret: str, seed: str, output: str) -> None:
    # the vectors published on the IETF's TLS list (msg03416)
    found = schedule.prf(0x0303, hash_name, h(secret), "test label", h(seed), len(output) // 2)
    assert found == h(output)


def test_master_secret_and_key_block_of_tls12() -> None:
    # NIST CAVP, SP 800-135, TLS 1.2 with SHA-256, count 0
    master = schedule.master_secret(
        0x0303,
        "sha256",
        h("f8938ecc9edebc5030c0c6a441e213cd24e6f770a50dda07876f8d55da062bcadb386b411fd4fe4313a604fce6c17fbc"),
        h("36c129d01a3200894b9179faac589d9835d58775f9b5ea3587cb8fd0364cae8c"),
        h("f6c9575ed7ddd73e1f7d16eca115415812a43c2b747daaaae043abfb50053fce"),
    )
    assert master == h(
        "202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a043e5d52a65e66125188bf"
    )
    suite_ = suite(0x003D)  # AES_256_CBC_SHA256: 2 * (32 + 32) bytes in TLS 1.2
    assert suite_
    block = schedule.key_block(
        suite_,
        0x0303,
        master,
        h("62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616"),
        h("ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868"),
    )
    assert b"".join(block) == h(
        "d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531016a2530c51a3a0f7e1d6590d0f0566b"
        "2f387f8d11fd4f731cdd572d2eae927f6f2f81410b25e6960be68985add6c38445ad9f8c64bf8068bf9a6679485d966f"
        "1ad6f68b43495b10a683755ea2b858d70ccac7ec8b053c6bd41ca299d4e51928"
    )
    assert [len(part) for part in block] == [32, 32, 32, 32, 0, 0]
    assert block.of("server") == (block[1], block[3], b"")


def test_master_secret_and_key_block_of_tls10() -> None:
    # NIST CAVP, SP 800-135, TLS 1.0/1.1, count 0
    master = schedule.master_secret(
        0x0301,
        "sha256",
        h("bded7fa5c1699c010be23dd06ada3a48349f21e5f86263d512c0c5cc379f0e780ec55d9844b2f1db02a96453513568d0"),
        h("e5acaf549cd25c22d964c0d930fa4b5261d2507fad84c33715b7b9a864020693"),
        h("135e4d557fdf3aa6406d82975d5c606a9734c9334b42136e96990fbd5358cdb2"),
    )
    assert master == h(
        "2f6962dfbc744c4b2138bb6b3d33054c5ecc14f24851d9896395a44ab3964efc2090c5bf51a0891209f46c1e1e998f62"
    )
    suite_ = suite(0x000A)  # 3DES_EDE_CBC_SHA: 2 * (20 + 24 + 8) bytes in TLS 1.0
    assert suite_
    block = schedule.key_block(
        suite_,
        0x0301,
        master,
        h("d58a7b1cd4fedaa232159df652ce188f9d997e061b9bf48e83b62990440931f6"),
        h("67267e650eb32444119d222a368c191af3082888dc35afe8368e638c828874be"),
    )
    assert b"".join(block) == h(
        "3088825988e77fce68d19f756e18e43eb7fe672433504feaf99b3c503d9091b164f166db301d70c9fc0870b4a9456390"
        "7bee1a61fb786cb717576890bcc51cb9ead97e01d0a2fea99c953377b195205ff07b369589178796edc963fd80fdbe51"
        "8a2fc1c35c18ae8d"
    )


def test_prf_of_tls10_with_an_odd_secret() -> None:
    # RFC 2246 section 5: the halves of an odd secret share the middle byte
    secret, seed = h("0102030405"), b"seed"
    expected = schedule.xor(
        schedule.p_hash("md5", h("010203"), b"label" + seed, 40),
        schedule.p_hash("sha1", h("030405"), b"label" + seed, 40),
    )
    assert schedule.prf(0x0301, "", secret, "label", seed, 40) == expected


@pytest.mark.parametrize(
    ("code", "version", "sizes"),
    [
        (0x1301, 0x0304, (0, 16, 12)),
        (0x1302, 0x0304, (0, 32, 12)),
        (0x1303, 0x0304, (0, 32, 12)),
        (0x1305, 0x0304, (0, 16, 12)),
        (0xC02F, 0x0303, (0, 16, 4)),
        (0xC030, 0x0303, (0, 32, 4)),
        (0xCCA8, 0x0303, (0, 32, 12)),
        (0x002F, 0x0301, (20, 16, 16)),
        (0x002F, 0x0302, (20, 16, 0)),
        (0xC028, 0x0303, (48, 32, 0)),
        (0x000A, 0x0301, (20, 24, 8)),
        (0x0009, 0x0301, (20, 8, 8)),
        (0x0084, 0x0301, (20, 32, 16)),
        (0x0005, 0x0301, (20, 16, 0)),
        (0x0001, 0x0301, (16, 0, 0)),
    ],
)
def test_lengths(code: int, version: int, sizes: tuple[int, int, int]) -> None:
    found = suite(code)
    assert found
    assert lengths(found, version) == Lengths(*sizes)


def test_a_hash_that_is_not_to_be_had() -> None:
    for call in (lambda: digest("gostr3411_2012_256", b""), lambda: hash_length("nonsense")):
        with pytest.raises(Unopened) as caught:
            call()
        assert not caught.value.failed
    with pytest.raises(Unopened):
        schedule.prf(0x0303, "gostr3411_2012_256", b"", "", b"", 12)
