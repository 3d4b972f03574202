"""What the server sends along: too little, too much, in disorder, or a way that leads elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates

from tlsviz.lab.authority import DAY, NAMES, SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.scenarios.scenario import Group, Scenario
from tlsviz.lab.scripted import leaf_last
from tlsviz.lab.server import ServerSettings
from tlsviz.sources.options import LiveOptions

_SERVER = Recipe(SERVER_NAME, NAMES)
_DER_FILE, _PKCS7_FILE = "intermediate.cer", "intermediate.p7c"


def _self_signed(authority: Authority) -> Issued:
    return authority.server(issuer="self")


def _stranger(authority: Authority) -> Issued:
    return authority.stranger.server()


def _says_where(authority: Authority, file: str) -> Issued:
    """A server's certificate sent alone, that says where its issuer's lies."""
    recipe = Recipe(SERVER_NAME, NAMES, extras=(authority.access(file),))
    return authority.issue(recipe).with_chain()


def _says_where_der(authority: Authority) -> Issued:
    return _says_where(authority, _DER_FILE)


def _says_where_pkcs7(authority: Authority) -> Issued:
    return _says_where(authority, _PKCS7_FILE)


def _intermediate(authority: Authority, _shown: Issued) -> Mapping[str, bytes]:
    certificate = authority.intermediate.certificate
    return {
        f"/{_DER_FILE}": certificate.public_bytes(Encoding.DER),
        f"/{_PKCS7_FILE}": serialize_certificates([certificate, authority.root.certificate], Encoding.DER),
    }


def _long(authority: Authority) -> tuple[Issued, Issued, Issued]:
    """A leaf below two intermediates."""
    upper = Recipe(f"{authority.name} upper intermediate", end=1825 * DAY, authority=True, path_length=1)
    above = authority.issue(upper, authority.root)
    lower = Recipe(f"{authority.name} lower intermediate", end=900 * DAY, authority=True, path_length=0)
    issuer = authority.issue(lower, above)
    return authority.issue(_SERVER, issuer), issuer, above


def _disordered(authority: Authority) -> Issued:
    leaf, lower, upper = _long(authority)
    return leaf.with_chain(upper, lower)


def _doubled(authority: Authority) -> Issued:
    leaf = authority.server()
    return leaf.with_chain(leaf, authority.intermediate, authority.intermediate)


def _with_root(authority: Authority) -> Issued:
    return authority.server().with_chain(authority.intermediate, authority.root)


def _with_stray(authority: Authority) -> Issued:
    return authority.server().with_chain(authority.intermediate, authority.stranger.intermediate)


def _former(authority: Authority) -> Authority:
    """The authority that vouched for the lab's root when that was new, and has run out since."""
    return authority.other("Former Authority", root_end=-10 * DAY)


def _crossed(authority: Authority) -> Issued:
    """The lab's chain, and above it the lab's root as the former authority had signed it."""
    return authority.server().with_chain(
        authority.intermediate, authority.countersigned(_former(authority).root, end=-10 * DAY)
    )


def _both_roots(authority: Authority) -> tuple[Issued, ...]:
    return (_former(authority).root, authority.root)


def _only_former(authority: Authority) -> tuple[Issued, ...]:
    return (_former(authority).root,)


GROUP = Group(
    "Chains",
    (
        Scenario(
            "self-signed",
            "A self-signed certificate",
            "The certificate vouches only for itself.",
            verdict="untrusted",
            reasons=("self_signed",),
            at_fault=0,
            diagnosis="certificate_self_signed",
            certificate=_self_signed,
        ),
        Scenario(
            "unknown-issuer",
            "An issuer that nobody knows",
            "The chain is whole, but no store has its root.",
            verdict="untrusted",
            reasons=("unknown_issuer",),
            at_fault=1,
            diagnosis="certificate_unknown_issuer",
            certificate=_stranger,
        ),
        Scenario(
            "missing-intermediate",
            "The intermediate certificate is not sent",
            "The most common fault of all: some clients find the way to the root by other means, others do not.",
            verdict="untrusted",
            reasons=("missing_intermediate",),
            at_fault=0,
            diagnosis="certificate_missing_intermediate",
            server=ServerSettings(send_chain=False),
        ),
        Scenario(
            "missing-intermediate-aia",
            "Not sent, but the certificate says where it lies",
            "authorityInfoAccess has the intermediate's address, and a server there has it: browsers fetch it, "
            "curl does not.",
            verdict="untrusted",
            reasons=("missing_intermediate",),
            at_fault=0,
            diagnosis="certificate_missing_intermediate",
            findings=("gap_can_be_filled",),
            certificate=_says_where_der,
            published=_intermediate,
            options=LiveOptions(aia=True),
        ),
        Scenario(
            "missing-intermediate-p7c",
            "Not sent, and it lies in a PKCS#7 bag",
            "At the address is not one certificate but a bag of several (RFC 5280 4.2.2.1 allows both).",
            verdict="untrusted",
            reasons=("missing_intermediate",),
            at_fault=0,
            diagnosis="certificate_missing_intermediate",
            findings=("gap_can_be_filled",),
            certificate=_says_where_pkcs7,
            published=_intermediate,
            options=LiveOptions(aia=True),
        ),
        Scenario(
            "wrong-order",
            "Two intermediates in the wrong order",
            "The upper one comes before the lower. TLS 1.3 allows it and clients sort; RFC 5246 did not.",
            findings=("chain_out_of_order",),
            certificate=_disordered,
        ),
        Scenario(
            "leaf-last",
            "The server's own certificate comes last",
            "The client checks the signature with the first certificate's key, which is the intermediate's, and stops.",
            "TLS 1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            verdict="untrusted",
            reasons=("wrong_order",),
            at_fault=1,
            diagnosis="malformed_message",
            failing=("server_key_exchange",),
            script=leaf_last,
        ),
        Scenario(
            "duplicates",
            "Certificates sent twice",
            "The server's own and the intermediate come twice: useless bytes in every handshake.",
            findings=("chain_has_extras",),
            certificate=_doubled,
        ),
        Scenario(
            "extra-root",
            "The root is sent too",
            "Who trusts it has it, and who does not will not trust it for being sent: useless bytes.",
            findings=("chain_has_extras",),
            certificate=_with_root,
        ),
        Scenario(
            "stray",
            "A certificate that has nothing to do with it",
            "An intermediate of somebody else's stands behind the chain: often a leftover of the last authority.",
            findings=("chain_has_extras",),
            certificate=_with_stray,
        ),
        Scenario(
            "cross-signed",
            "Cross-signed, and one of the two ways has expired",
            "Two ways lead up from the intermediate: to the lab's root, and over that root's cross-certificate to one "
            "that has run out. Clients that try only the second fail.",
            certificate=_crossed,
            anchors=_both_roots,
        ),
        Scenario(
            "cross-signed-old-client",
            "Cross-signed, seen by a client with the old root only",
            "The same server; this client's store has not been updated for years, and its only way has expired.",
            verdict="untrusted",
            reasons=("expired",),
            at_fault=2,
            diagnosis="certificate_expired",
            certificate=_crossed,
            anchors=_only_former,
        ),
    ),
)
