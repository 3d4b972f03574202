"""Stores: what they hold, found without parsing them whole."""

from __future__ import annotations

import pytest
from certificate_makers import LEAF, MIDDLE, ROOT
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.errors import TargetError
from tlsviz.pki import stores
from tlsviz.pki.certificate import read


def test_mozilla_has_the_well_known_roots_and_finds_them_by_subject():
    store = stores.mozilla()
    assert store.name == "Mozilla" and len(store.ders) > 100
    der = next(der for der in store.ders if read(der).subject_cn == "ISRG Root X1")
    assert store.by_subject(read(der).subject_der) == (der,)
    assert der in store and LEAF.der not in store
    assert store.by_subject(b"") == () and store.by_subject(read(LEAF.der).subject_der) == ()
    assert stores.mozilla() is store


def test_only_mozillas_roots_are_held_to_the_webs_rules():
    assert stores.mozilla().profile == "web"
    assert stores.system().profile == stores.from_ders("own", [ROOT.der]).profile == "pkix"


def test_system_store_follows_the_environment(tmp_path, monkeypatch):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(
        ROOT.cert.public_bytes(Encoding.PEM) + b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    stores.system.cache_clear()
    try:
        assert stores.system().ders == (ROOT.der,)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        stores.system.cache_clear()
        assert stores.system().ders == (ROOT.der,)
    finally:
        stores.system.cache_clear()


def test_files_in_pem_and_der(tmp_path):
    both = b"".join(made.cert.public_bytes(Encoding.PEM) for made in (ROOT, MIDDLE, ROOT))
    pem = tmp_path / "both.pem"
    pem.write_bytes(both)
    store = stores.from_file(pem)
    assert store.name == "both.pem" and store.ders == (ROOT.der, MIDDLE.der)
    single = tmp_path / "one.der"
    single.write_bytes(ROOT.der)
    assert stores.from_file(single, "mine").certificates == (read(ROOT.der),)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x30\x03\x02\x01\x01", None])
def test_a_file_without_certificates_is_one_clear_error(tmp_path, content):
    path = tmp_path / "x\x1b[31m.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TargetError) as error:
        stores.from_file(path)
    assert str(error.value).isprintable() and "BEGIN CERTIFICATE" in error.value.hint


def test_a_folder_is_an_error_too(tmp_path):
    with pytest.raises(TargetError):
        stores.from_file(tmp_path)


def test_subject_of_version_1_and_of_rubbish():
    assert stores.subject_of(LEAF.der) == LEAF.cert.subject.public_bytes()
    for end in range(len(LEAF.der)):
        stores.subject_of(LEAF.der[:end])
    assert stores.subject_of(b"") == b""
