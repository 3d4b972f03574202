"""Re-probes as data: what each changes, what its outcomes mean, which fit which failure, and what to do then."""

from __future__ import annotations

from typing import NamedTuple


class Variation(NamedTuple):
    """A re-probe in words: what is changed, and what it means when that works, and when it fails in the same way.

    ``worked`` and ``same`` may hold ``{share}``, the bytes of the post-quantum key share.
    """

    changed: str
    worked: str
    same: str
    cause: str = ""
    """What is wrong then, as the diagnosis says it."""


VARIATIONS: dict[str, Variation] = {
    "again": Variation(
        "the very same hello once more",
        "The failure comes and goes: what differs below may be chance.",
        "It fails every time.",
        "the failure comes and goes",
    ),
    "no_post_quantum": Variation(
        "without the post-quantum key share",
        "It is the {share}-byte post-quantum share, or the size it gives the hello.",
        "It is not the post-quantum share, nor the size of the hello.",
        "answers without the {share}-byte post-quantum share",
    ),
    "no_name": Variation(
        "without a server name",
        "The server name is what is disliked.",
        "It is not the server name.",
        "answers when no server name is sent",
    ),
    "other_name": Variation(
        "with another server name",
        "This one name is what is disliked.",
        "Another name fares no better.",
        "answers to another server name",
    ),
    "own_name": Variation(
        "with the target's own server name",
        "The server wants a name.",
        "A name does not help.",
        "answers when it is given its name",
    ),
    "tls12": Variation(
        "with TLS 1.2 at most",
        "TLS 1.2 works: something in a hello of TLS 1.3 is disliked.",
        "It is not TLS 1.3.",
        "answers in TLS 1.2 and no newer",
    ),
    "tls13": Variation(
        "with TLS 1.3 alone",
        "TLS 1.3 works: what fails is the older version.",
        "TLS 1.3 alone fails too.",
        "answers in TLS 1.3 and no older",
    ),
    "all_versions": Variation(
        "with every version from TLS 1.0 to 1.3",
        "The versions offered were too few.",
        "More versions do not help.",
        "answers when more versions are offered",
    ),
    "wide_ciphers": Variation(
        "with every cipher suite that OpenSSL offers without PSK and SRP, at security level 0",
        "The cipher suites offered were too few.",
        "None of these helps; a PSK or SRP suite, which takes a secret shared before, may be what the server wants.",
        "answers when more cipher suites are offered",
    ),
    "other_groups": Variation(
        "with other groups",
        "The groups offered were the wrong ones.",
        "Other groups do not help.",
        "answers when other groups are offered",
    ),
    "other_sigalgs": Variation(
        "with other signature schemes",
        "The signature schemes offered were too few.",
        "Other signature schemes do not help.",
        "answers when other signature schemes are offered",
    ),
    "no_alpn": Variation(
        "without ALPN",
        "The application protocols offered are what is disliked.",
        "It is not ALPN.",
        "answers when no application protocol is asked for",
    ),
    "split_hello": Variation(
        "with the hello cut into two records",
        "What reads the hello on the way cannot put two pieces together.",
        "It is nothing that reads only the first piece; what joins the pieces, or drops all TLS, looks just the same.",
        "answers to a hello in two pieces",
    ),
    "other_family": Variation(
        "over the other address family",
        "The address is at fault, or the way to it.",
        "The other address fails in the same way.",
        "answers at its address of the other family",
    ),
    "other_port": Variation(
        "TCP to another port of the same address",
        "The host is up: only this port is closed or filtered.",
        "That port answers no better: the host or the way to it is at fault.",
        "is up: another port of it answers",
    ),
    "plain_text": Variation(
        "HTTP in the clear instead of a hello",
        "The port speaks without TLS.",
        "It says nothing to HTTP in the clear either; a protocol that waits for other words looks just the same.",
        "answers in the clear",
    ),
}

FOLLOW: dict[str, tuple[str, ...]] = {
    "reset_after_client_hello": ("no_post_quantum", "no_name", "other_name", "split_hello", "tls12", "no_alpn"),
    "closed_after_client_hello": ("no_post_quantum", "no_name", "plain_text", "split_hello", "tls12", "no_alpn"),
    "handshake_timed_out": ("no_post_quantum", "no_name", "plain_text", "split_hello", "tls12", "other_family"),
    "connection_reset": ("again", "other_family", "other_port"),
    "connection_refused": ("other_family", "other_port"),
    "connection_timed_out": ("other_family", "other_port"),
    "host_unreachable": ("other_family",),
    "version_not_supported": ("all_versions", "tls12", "wide_ciphers", "no_post_quantum"),
    "no_common_cipher_suite": ("wide_ciphers", "other_groups", "other_sigalgs", "all_versions", "tls12", "no_name"),
    "no_common_group": ("other_groups", "wide_ciphers", "other_sigalgs", "all_versions", "tls12"),
    "no_common_signature_scheme": ("other_sigalgs", "wide_ciphers", "other_groups", "all_versions", "tls12"),
    "unrecognized_name": ("no_name", "own_name", "other_name"),
    "no_application_protocol": ("no_alpn",),
    "handshake_alert": ("no_name", "no_post_quantum", "tls12", "no_alpn", "all_versions", "wide_ciphers"),
    "malformed_message": ("tls12", "tls13", "no_post_quantum", "split_hello"),
    "bad_record": ("tls12", "tls13", "no_post_quantum"),
}
"""What else is worth trying, by the code of the diagnosis; what the causes name comes first."""

EXPLAINS: dict[str, frozenset[str]] = {
    "again": frozenset(VARIATIONS),
    "no_post_quantum": frozenset({"tls12", "split_hello", "other_groups"}),
    "no_name": frozenset({"other_name", "split_hello"}),
    "wide_ciphers": frozenset({"all_versions"}),
}
"""Which other successes follow from one: a hello of TLS 1.2 carries no key shares, for instance."""

REFUSED_BY_VERSION = "It refuses TLS 1.2 by its version: it speaks TLS 1.3."
HEARD_BY_VERSION = "It gets an answer now, and TLS 1.2 is too old for it: what is silent at TLS 1.3 may be on the way."
"""What protocol_version to a hello of TLS 1.2 means: where one of TLS 1.3 got another answer, and where it got none."""

TELL_NOTHING_BY_FAILING = frozenset(("again", "other_port", "split_hello"))
ONE_THING = frozenset(
    ("no_post_quantum", "no_name", "other_name", "own_name", "no_alpn", "wide_ciphers", "other_sigalgs")
)
OF_THE_HELLO = ONE_THING | {"tls12", "tls13", "all_versions", "other_groups"}
LEFT_OPEN = {
    "wide_ciphers": "more do not help, but no PSK and no SRP suite was among them: these take a secret shared before",
    "split_hello": "a hello in two pieces fares no better, but a filter may join them, or drop all TLS",
    "plain_text": "HTTP in the clear gets no answer either, but other protocols wait for other words of the client",
}
"""Why a cause stays open though its re-probe fails in the same way; a hello that works settles all but the second."""
NOT_HELLOS = frozenset(("again", "other_port", "plain_text"))
SILENT_ENDS = frozenset(("reset_after_client_hello", "closed_after_client_hello", "handshake_timed_out"))
NO_TLS = frozenset(("plain_http_on_tls_port", "not_tls", "tls_on_plain_port", "connection_reset", "connection_refused"))

SHARPER: dict[str, tuple[str, str]] = {
    "wide_ciphers": ("no_common_cipher_suite", "No cipher suite in common"),
    "other_groups": ("no_common_group", "No group in common"),
    "other_sigalgs": ("no_common_signature_scheme", "No signature scheme in common"),
    "all_versions": ("version_not_supported", "No TLS version in common"),
    "no_name": ("unrecognized_name", "The server does not know the name that was asked for"),
    "own_name": ("unrecognized_name", "The server wants a server name"),
    "no_alpn": ("no_application_protocol", "No application protocol in common"),
}
GUESSED = frozenset(("no_common_cipher_suite", "no_common_group", "no_common_signature_scheme", "handshake_alert"))
"""Diagnoses that an alert alone leaves open."""

NOTHING_WORKED = (
    "No hello gets an answer: compare from another network, check which protocol the port speaks, and look into the"
    " server's log."
)
MENDS = {
    "again": "Try several times and look at the server's load; a balancer may have a broken server behind it.",
    "no_post_quantum": "Let the server, or the device before it, take large hellos; until then --groups X25519.",
    "no_name": "Check the name and what filters it, from another network too; --servername sends another.",
    "tls12": "Have the server, or the device before it, updated to stand TLS 1.3; until then --max 1.2.",
    "split_hello": "Something on the way filters by what the hello says: compare from another network.",
    "other_family": "Mend that address, or take it out of the name service; --resolve ADDRESS chooses one.",
    "other_port": "Look at this port: whether the program listens there, and whether a firewall lets it through.",
    "wide_ciphers": "See which suite was chosen, and let one side allow what the other does (--ciphers).",
    "other_groups": "See which group was chosen, and offer it (--groups).",
    "other_sigalgs": "Offer more signature schemes (--sigalgs), or give the server a certificate of another kind.",
    "all_versions": "Offer a version that it speaks (--min, --max), or bring the server up to date.",
    "no_alpn": "Offer another protocol with --alpn, or none with --alpn ''.",
    "own_name": "Send the name with --servername.",
}
"""What to do, by the change that worked."""
