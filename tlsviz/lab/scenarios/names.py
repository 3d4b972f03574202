"""The name that was asked for against the names in the certificate."""

from __future__ import annotations

from cryptography import x509

from tlsviz.lab.authority import SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.scenarios.scenario import Group, Scenario

LOOPBACK = "127.0.0.1"
IDN = "bücher.lab.test"
DEEP = "a.b.lab.test"
MANY = (*(f"host-{number:04}.many.lab.test" for number in range(1, 1000)), SERVER_NAME)


def _wrong_name(authority: Authority) -> Issued:
    return authority.server(names=("other.lab.test",))


def _wildcard(authority: Authority) -> Issued:
    return authority.issue(Recipe("*.lab.test", ("*.lab.test",)))


def _no_names(authority: Authority) -> Issued:
    return authority.issue(Recipe(SERVER_NAME))


def _address_as_name(authority: Authority) -> Issued:
    names = x509.SubjectAlternativeName([x509.DNSName(LOOPBACK)])
    return authority.issue(Recipe(LOOPBACK, extras=((names, False),)))


def _international(authority: Authority) -> Issued:
    name = IDN.encode("idna").decode("ascii")
    return authority.issue(Recipe(name, (name,)))


def _many(authority: Authority) -> Issued:
    return authority.issue(Recipe(SERVER_NAME, MANY))


GROUP = Group(
    "Names",
    (
        Scenario(
            "wrong-name",
            "A certificate for another name",
            "The certificate is good, but for other.lab.test.",
            verdict="untrusted",
            reasons=("name_mismatch",),
            at_fault=0,
            diagnosis="certificate_name_mismatch",
            certificate=_wrong_name,
        ),
        Scenario(
            "wildcard",
            "A wildcard certificate",
            "*.lab.test stands for any one label: www.lab.test fits.",
            certificate=_wildcard,
        ),
        Scenario(
            "wildcard-too-deep",
            "A wildcard for a name two levels down",
            f"*.lab.test stands for one label only: {DEEP} does not fit.",
            verdict="untrusted",
            reasons=("name_mismatch",),
            at_fault=0,
            diagnosis="certificate_name_mismatch",
            certificate=_wildcard,
            host=DEEP,
        ),
        Scenario(
            "ip-address",
            "A certificate for an IP address",
            "The client asks for an address: no server_name goes out, and an iPAddress in the certificate must fit.",
            host=LOOPBACK,
        ),
        Scenario(
            "ip-as-name",
            "An IP address written as a DNS name",
            "The address is there, but as a dNSName: an address must be an iPAddress to count (RFC 9525 6.5).",
            verdict="untrusted",
            reasons=("name_mismatch",),
            at_fault=0,
            diagnosis="certificate_name_mismatch",
            certificate=_address_as_name,
            host=LOOPBACK,
        ),
        Scenario(
            "no-san",
            "Only a common name",
            "The right name stands in the subject, where it has not counted for years; there is no subjectAltName.",
            verdict="untrusted",
            reasons=("name_mismatch",),
            at_fault=0,
            diagnosis="certificate_name_mismatch",
            findings=("verdicts_disagree",),
            certificate=_no_names,
        ),
        Scenario(
            "idn",
            "A name with an umlaut",
            f"{IDN} is xn--bcher-kva.lab.test on the wire and in the certificate (RFC 5890).",
            certificate=_international,
            host=IDN,
        ),
        Scenario(
            "thousand-names",
            "A certificate with 1,000 names",
            "It fills more than one record; the name that was asked for is the last of them.",
            certificate=_many,
        ),
    ),
)
