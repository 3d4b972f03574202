"""Certificates used for what they do not allow."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tlsviz.lab.authority import DAY, NAMES, SERVER_NAME, Authority, Issued, Recipe
from tlsviz.lab.scenarios.scenario import Group, Scenario

_SERVER = Recipe(SERVER_NAME, NAMES)


def _by_a_server(authority: Authority) -> Issued:
    free = Recipe(f"{authority.name} wide intermediate", end=900 * DAY, authority=True)
    shop = Recipe("shop.lab.test", ("shop.lab.test",))
    return authority.issue(_SERVER, authority.issue(shop, authority.issue(free, authority.root)))


def _too_long(authority: Authority) -> Issued:
    """The lab's intermediate allows no authority below it."""
    below = Recipe(f"{authority.name} sub-authority", end=900 * DAY, authority=True)
    return authority.issue(_SERVER, authority.issue(below))


def _outside(authority: Authority) -> Issued:
    only = x509.NameConstraints([x509.DNSName("allowed.test")], None)
    limited = Recipe(
        f"{authority.name} limited intermediate",
        end=900 * DAY,
        authority=True,
        path_length=0,
        extras=((only, True),),
    )
    # An address would be outside too: only what the scenario is about.
    return authority.issue(Recipe(SERVER_NAME, (SERVER_NAME,)), authority.issue(limited, authority.root))


def _for_clients(authority: Authority) -> Issued:
    return authority.issue(Recipe(SERVER_NAME, NAMES, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,)))


def _by_mail(authority: Authority) -> Issued:
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    limited = Recipe(
        f"{authority.name} mail intermediate",
        end=900 * DAY,
        authority=True,
        path_length=0,
        extras=((mail, False),),
    )
    return authority.issue(_SERVER, authority.issue(limited, authority.root))


GROUP = Group(
    "Rules for authorities",
    (
        Scenario(
            "not-a-ca",
            "Issued by somebody who may not",
            "The owner of a server's certificate signed another one. Without basicConstraints anybody could.",
            verdict="untrusted",
            reasons=("not_a_ca", "key_usage"),
            at_fault=1,
            diagnosis="certificate_not_a_ca",
            certificate=_by_a_server,
        ),
        Scenario(
            "path-length",
            "One authority too many",
            "The intermediate may issue servers' certificates, but no further authority (pathLenConstraint 0).",
            verdict="untrusted",
            reasons=("path_length",),
            at_fault=2,
            diagnosis="certificate_path_length",
            certificate=_too_long,
        ),
        Scenario(
            "name-constraints",
            "A name outside the authority's realm",
            "The intermediate may issue for allowed.test only, and issued for lab.test.",
            verdict="untrusted",
            reasons=("name_constraints",),
            at_fault=1,
            diagnosis="certificate_name_constraints",
            certificate=_outside,
        ),
        Scenario(
            "client-purpose",
            "A client's certificate in a server",
            "extendedKeyUsage lists clientAuth and not serverAuth.",
            verdict="untrusted",
            reasons=("extended_key_usage",),
            at_fault=0,
            diagnosis="certificate_extended_key_usage",
            certificate=_for_clients,
        ),
        Scenario(
            "mail-authority",
            "An authority for mail only",
            "The intermediate's own extendedKeyUsage allows e-mail: it cannot issue for servers.",
            verdict="untrusted",
            reasons=("extended_key_usage",),
            at_fault=1,
            diagnosis="certificate_extended_key_usage",
            certificate=_by_mail,
        ),
    ),
)
