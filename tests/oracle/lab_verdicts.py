"""What tlsviz, ``openssl s_client`` and curl say of each of the lab's servers, side by side.

``python tests/oracle/lab_verdicts.py [SCENARIO ...]`` prints the table and exits with 1 where two differ and `WHY`
does not say why. All three trust the scenario's roots and nothing else, and ask for the same name. Where a scenario is
about revocation the programs are told to look: ``openssl -crl_check`` and ``curl --crlfile`` with the published list,
``curl --cert-status`` with a staple.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.lab.run import run_scenario
from tlsviz.lab.scenarios import SCENARIOS, Scenario
from tlsviz.lab.stage import Stage, staged
from tlsviz.pki.trust import Verdict
from tlsviz.sources.target import is_address, parse_host

PATIENCE = 10
"""Seconds that a program may take."""
CURL_REFUSED = (60, 91)
"""CURLE_PEER_FAILED_VERIFICATION and CURLE_SSL_INVALIDCERTSTATUS."""

Word = Literal["accept", "reject", "fail"]
"""``fail``: the handshake failed for another reason than the certificate."""

WHY: dict[tuple[str, str], str] = {
    (
        "no-san",
        "openssl",
    ): "OpenSSL still takes the common name where there is no dNSName; RFC 9525 and browsers do not",
    ("no-san", "curl"): "curl asks OpenSSL's rules for the common name; RFC 9525 and browsers do not",
    (
        "rsa-1024",
        "openssl",
    ): "its security level 2 wants 112 bits; the judge leaves a server's own weak key to a finding",
    ("rsa-1024", "curl"): "OpenSSL's security level 2; the judge leaves a server's own weak key to a finding",
    ("p-224", "openssl"): "P-224 has the 112 bits of its security level 2; the judge keeps to the web's curves",
    ("p-224", "curl"): "P-224 has the 112 bits of OpenSSL's security level 2; the judge keeps to the web's curves",
    ("ml-dsa", "openssl"): "OpenSSL before 3.5 does not offer ML-DSA, and the server has nothing else",
    ("ml-dsa", "curl"): "OpenSSL before 3.5 does not offer ML-DSA, and the server has nothing else",
    ("tls10", "openssl"): "its security level 2 refuses signatures over SHA-1, and TLS 1.0 has no other",
    ("tls10", "curl"): "OpenSSL's security level 2 refuses signatures over SHA-1, and TLS 1.0 has no other",
    ("revoked-staple", "openssl"): "s_client shows a staple and does not judge it",
    ("stale-staple", "curl"): "--cert-status insists on a good answer; without one others go on as if none had come",
    ("unauthorised-staple", "curl"): "--cert-status insists on a good answer; without one others go on",
}
"""Why a program differs from what is expected of tlsviz, by scenario and program."""


class Opinion(NamedTuple):
    """What a program said, and its own words for it."""

    word: Word
    words: str = ""


@dataclass(frozen=True)
class Line:
    """One scenario's row of the table. ``broken``: no client can finish this handshake."""

    name: str
    expected: Word
    ours: Word
    openssl: Opinion
    curl: Opinion
    broken: bool = False

    def agrees(self, word: Word) -> bool:
        """Where the handshake itself is broken, it is all the same what a program stumbles over first."""
        return word == self.expected or (self.broken and word == "fail")

    def differing(self) -> list[str]:
        """The other programs that come to something else than what is expected."""
        others = (("openssl", self.openssl), ("curl", self.curl))
        return [who for who, said in others if not self.agrees(said.word)]

    def unexplained(self) -> list[str]:
        """The programs that differ without a known reason; tlsviz too, where it is not what is expected."""
        found = [] if self.agrees(self.ours) else ["tlsviz"]
        return found + [who for who in self.differing() if (self.name, who) not in WHY]

    def notes(self) -> list[str]:
        return [f"{who}: {WHY[self.name, who]}" for who in self.differing() if (self.name, who) in WHY]


def applicable(one: Scenario) -> bool:
    """Whether a program that is told nothing but whom to trust can stand in the scenario's client's place."""
    return one.diagnosis is None or one.diagnosis.startswith("certificate_") or one.script is not None


def compared(one: Scenario) -> Line:
    """Runs all three against a scenario."""
    with staged(one) as stage, tempfile.TemporaryDirectory() as folder:
        bench = _Bench(one, stage, Path(folder))
        openssl, curl = bench.openssl(), bench.curl()
    trust = run_scenario(one.name).connections[0].trust
    assert trust is not None
    return Line(one.name, _word(one.verdict), _word(trust.verdict), openssl, curl, one.script is not None)


def _word(verdict: Verdict) -> Word:
    return "accept" if verdict == "trusted" else "reject" if verdict == "untrusted" else "fail"


class _Bench:
    """The programs' command lines for one server."""

    def __init__(self, one: Scenario, stage: Stage, folder: Path) -> None:
        self.host = parse_host(one.host).host
        self.url = f"https://{one.host}:{stage.port}/"
        self.stage = stage
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(stage.anchors_pem)
        self.identity = folder / "client.pem"
        if stage.client:
            self.identity.write_bytes(stage.client.pem + stage.client.key_pem)
        self.list = folder / "list.pem"
        lists = [content for path, content in stage.files.items() if path.endswith(".crl")]
        for der in lists:
            self.list.write_bytes(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM))
        self.listed = bool(lists)
        self.asks_status = bool(stage.shown.staple)

    def openssl(self) -> Opinion:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.stage.port}", "-verify_return_error"]
        command += ["-CAfile", str(self.ca), "-no-CApath", "-no-CAstore", "-status"]
        named = ["-servername", self.host, "-verify_hostname", self.host]
        command += ["-verify_ip", self.host] if is_address(self.host) else named
        command += ["-crl_check", "-CRL", str(self.list)] * self.listed
        command += ["-cert", str(self.identity), "-cert_chain", str(self.identity)] * (self.stage.client is not None)
        done = subprocess.run(command, input=b"", capture_output=True, timeout=PATIENCE, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
        refused = next((line for line in said if line.startswith("Verification error: ")), None)
        if refused is not None:
            return Opinion("reject", refused.partition(": ")[2])
        if done.returncode == 0:
            return Opinion("accept")
        return Opinion("fail", next((line.split(":")[5] for line in said if ":error:" in line), "no handshake"))

    def curl(self) -> Opinion:
        command = ["curl", "-sS", "--cacert", str(self.ca), "-o", "/dev/null", "--noproxy", "*", self.url]
        command += ["--resolve", f"{self.host}:{self.stage.port}:127.0.0.1", "--max-time", str(PATIENCE)]
        command += ["--crlfile", str(self.list)] * self.listed + ["--cert-status"] * self.asks_status
        command += ["--cert", str(self.identity)] * (self.stage.client is not None)
        done = subprocess.run(command, capture_output=True, timeout=2 * PATIENCE, check=False)
        said = done.stderr.decode("utf-8", "replace").partition("\n")[0]
        words = re.sub(r"^curl: \(\d+\) (SSL certificate problem: |SSL: |OpenSSL\S* error:\w+:)?", "", said)
        word: Word = "accept" if done.returncode == 0 else "reject" if done.returncode in CURL_REFUSED else "fail"
        return Opinion(word, words)


def main(names: list[str]) -> int:
    """Prints the table; 1 if something differs without a known reason."""
    lines = [compared(one) for one in SCENARIOS if applicable(one) and (not names or one.name in names)]
    print(f"{'scenario':25} {'expected':9} {'tlsviz':8} {'openssl':8} {'curl':8} in their words")
    for line in lines:
        words = line.openssl.words or line.curl.words
        print(f"{line.name:25} {line.expected:9} {line.ours:8} {line.openssl.word:8} {line.curl.word:8} {words[:70]}")
        for note in line.notes():
            print(f"{'':27} {note}")
    odd = {line.name: line.unexplained() for line in lines if line.unexplained()}
    agreed = sum(not line.differing() and line.agrees(line.ours) for line in lines)
    print(
        f"\n{len(lines)} servers: {agreed} where all agree, {len(lines) - agreed - len(odd)} explained, {len(odd)} not"
    )
    for name, who in odd.items():
        print(f"  {name}: {', '.join(who)}")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
