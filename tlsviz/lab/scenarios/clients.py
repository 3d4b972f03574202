"""The client has to show a certificate too."""

from __future__ import annotations

from cryptography.x509.oid import ExtendedKeyUsageOID

from tlsviz.lab.authority import CLIENT_NAME, DAY, Authority, Issued, Recipe
from tlsviz.lab.scenarios.scenario import Group, Scenario
from tlsviz.lab.server import ServerSettings


def _client(authority: Authority) -> Issued:
    return authority.client()


def _stranger(authority: Authority) -> Issued:
    return authority.stranger.client()


def _expired(authority: Authority) -> Issued:
    purposes = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    return authority.issue(Recipe(CLIENT_NAME, (CLIENT_NAME,), begin=-100 * DAY, end=-10 * DAY, purposes=purposes))


GROUP = Group(
    "Certificates of clients",
    (
        Scenario(
            "client-auth",
            "TLS 1.3 with a client certificate",
            "CertificateRequest; the client sends Certificate and CertificateVerify of its own.",
            server=ServerSettings(client_certificate=True),
            client=_client,
        ),
        Scenario(
            "client-auth-missing",
            "A client certificate is required, and there is none",
            "The client's Certificate is empty; the server's alert comes when the client believes all is done.",
            diagnosis="client_certificate_required",
            server=ServerSettings(client_certificate=True),
        ),
        Scenario(
            "client-auth-refused",
            "The client's certificate is refused",
            "The client has a certificate, but of an authority that the server does not trust: alert unknown_ca.",
            diagnosis="client_certificate_refused",
            client_reasons=("unknown_issuer",),
            server=ServerSettings(client_certificate=True),
            client=_stranger,
        ),
        Scenario(
            "client-auth-expired",
            "The client's certificate has expired",
            "The server looks at dates too: alert certificate_expired, when the client believes all is done.",
            diagnosis="client_certificate_refused",
            client_reasons=("expired",),
            server=ServerSettings(client_certificate=True),
            client=_expired,
        ),
    ),
)
