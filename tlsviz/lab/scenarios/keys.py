"""Keys and signatures that are weak, new, or oddly written."""

from __future__ import annotations

import dataclasses

from cryptography.hazmat.primitives.asymmetric import ec

from tlsviz.lab.authority import DAY, NAMES, SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.der import explicit_p256, remade
from tlsviz.lab.keys import KeyKind
from tlsviz.lab.scenarios.scenario import Group, Scenario

_SERVER = Recipe(SERVER_NAME, NAMES)


def _of_kind(authority: Authority, kind: KeyKind) -> Issued:
    return authority.issue(dataclasses.replace(_SERVER, key=kind))


def _sha1(authority: Authority) -> Issued:
    leaf = authority.issue(_SERVER)
    return leaf.replaced(remade(leaf.certificate, authority.intermediate.key, "ecdsa-sha1"))


def _md5(authority: Authority) -> Issued:
    """MD5 was never named together with ECDSA, so it takes an intermediate with an RSA key."""
    recipe = Recipe(f"{authority.name} RSA intermediate", key="rsa", end=900 * DAY, authority=True, path_length=0)
    issuer = authority.issue(recipe, authority.root)
    leaf = authority.issue(_SERVER, issuer)
    return leaf.replaced(remade(leaf.certificate, issuer.key, "rsa-md5"))


def _below_p224(authority: Authority) -> Issued:
    recipe = Recipe(f"{authority.name} P-224 intermediate", key="p-224", end=900 * DAY, authority=True, path_length=0)
    return authority.issue(_SERVER, authority.issue(recipe, authority.root))


def _explicit(authority: Authority) -> Issued:
    leaf = authority.issue(_SERVER)
    assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    spelt = explicit_p256(leaf.key.public_key())
    return leaf.replaced(remade(leaf.certificate, authority.intermediate.key, key_info=spelt))


GROUP = Group(
    "Keys and signatures of certificates",
    (
        Scenario(
            "sha1",
            "A certificate signed over SHA-1",
            "Collisions of SHA-1 can be bought, so its signature proves little: no browser has taken one since 2017.",
            verdict="untrusted",
            reasons=("weak_signature",),
            at_fault=0,
            diagnosis="certificate_weak_signature",
            certificate=_sha1,
        ),
        Scenario(
            "md5",
            "A certificate signed over MD5",
            "In 2008 researchers made themselves an authority with an MD5 collision; that ended its use.",
            verdict="untrusted",
            reasons=("weak_signature",),
            at_fault=0,
            diagnosis="certificate_weak_signature",
            certificate=_md5,
        ),
        Scenario(
            "rsa-1024",
            "An RSA key of 1,024 bits",
            "Within reach of a rich attacker; public authorities stopped in 2013. The judge leaves it to a finding.",
            findings=("small_key",),
            certificate=lambda authority: _of_kind(authority, "rsa-1024"),
        ),
        Scenario(
            "p-224",
            "An intermediate with a key on the curve P-224",
            "Not broken, but left out of TLS 1.3 and of the web's rules: P-256 is the least that everybody takes.",
            verdict="untrusted",
            reasons=("weak_key",),
            at_fault=1,
            diagnosis="certificate_weak_key",
            certificate=_below_p224,
        ),
        Scenario(
            "ed25519",
            "An Ed25519 key",
            "Short and fast (RFC 8032); programs take it, browsers and public authorities do not.",
            certificate=lambda authority: _of_kind(authority, "ed25519"),
        ),
        Scenario(
            "ml-dsa",
            "A post-quantum key: ML-DSA-65",
            "The key has 1,952 bytes and each signature 3,309 (FIPS 204): look at the size of CertificateVerify.",
            certificate=lambda authority: _of_kind(authority, "ml-dsa-65"),
        ),
        Scenario(
            "explicit-curve",
            "A curve spelt out instead of named",
            "The key's parameters are P-256's numbers one by one. RFC 5480 forbids it since CVE-2020-0601.",
            verdict="untrusted",
            reasons=("unsupported",),
            at_fault=0,
            diagnosis="certificate_unsupported",
            certificate=_explicit,
        ),
    ),
)
