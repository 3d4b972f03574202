"""Every cipher suite that this OpenSSL offers, in every version: connected, decrypted, proven.

    python tests/oracle/openssl_suites.py [--quiet]

Both ends are OpenSSL in memory; tlsviz gets the bytes and the key log. Prints one line a suite and version.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

import flows  # noqa: E402
from dialogue import NAMES, Dialogue, make_client, pump, run  # noqa: E402
from mutations import chain, key  # noqa: E402
from OpenSSL import SSL  # noqa: E402

from tlsviz.connection.engine import Engine  # noqa: E402
from tlsviz.connection.proofs import prove  # noqa: E402
from tlsviz.tls import suites  # noqa: E402

QUESTION, ANSWER = b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello"
_lib, _ffi = SSL._lib, SSL._ffi
_PSK = "unsigned int(SSL *, const char *, char *, unsigned int, unsigned char *, unsigned int)"
_SERVER_PSK = "unsigned int(SSL *, const char *, unsigned char *, unsigned int)"


@_ffi.callback(_PSK)  # type: ignore[untyped-decorator]
def _client_psk(_ssl: object, _hint: object, identity: object, _size: int, secret: object, _room: int) -> int:
    _ffi.memmove(identity, b"someone\0", 8)
    _ffi.memmove(secret, b"\x2a" * 32, 32)
    return 32


@_ffi.callback(_SERVER_PSK)  # type: ignore[untyped-decorator]
def _server_psk(_ssl: object, _identity: object, secret: object, _room: int) -> int:
    _ffi.memmove(secret, b"\x2a" * 32, 32)
    return 32


class Outcome(NamedTuple):
    """``status``: proven, unsupported (named as such), not offered (OpenSSL itself would not), or wrong."""

    suite: str
    version: str
    status: str
    detail: str


def offered() -> list[str]:
    """Every suite that OpenSSL knows, by its own names."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    tls13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    context.set_tls13_ciphersuites(f"{tls13}:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256".encode())
    return SSL.Connection(context, None).get_cipher_list()


def kind_of_key(name: str) -> str:
    if "ECDSA" in name:
        return "ec"
    return "dsa" if "DSS" in name else "rsa"


def shaken(name: str, version: str) -> Dialogue | None:
    """A handshake, a question and an answer; None if OpenSSL does not do this suite in this version."""
    leaf, _ = chain(kind_of_key(name))
    server = SSL.Context(SSL.TLS_SERVER_METHOD)
    server.use_certificate(leaf)
    server.use_privatekey(key(kind_of_key(name)))
    server.set_session_id(b"tests")
    said = Dialogue(server_context=server, context=make_client(version, name if version == "1.3" else None))
    assert said.context
    for context in (server, said.context):
        context.set_min_proto_version(NAMES[version])
        context.set_max_proto_version(NAMES[version])
        if version == "1.3":
            context.set_tls13_ciphersuites(name.encode())
            context.set_cipher_list(b"ALL:@SECLEVEL=0")  # or CCM_8 is not done
        else:
            try:
                context.set_cipher_list(f"{name}:@SECLEVEL=0".encode())
            except SSL.Error:
                return None
    if "PSK" in name:
        _lib.SSL_CTX_set_psk_client_callback(said.context._context, _client_psk)
        _lib.SSL_CTX_set_psk_server_callback(server._context, _server_psk)
    said.context.set_keylog_callback(lambda _, line: said.keylog.append(line))
    one, other = flows.ends(said)
    try:
        run(said, one, other)
    except (SSL.Error, AssertionError):
        return None
    flows.say(said, one, other, "client", QUESTION)
    flows.say(said, one, other, "server", ANSWER)
    one.shutdown()
    pump(said, one, other)
    return said


def judged(name: str, version: str) -> Outcome:
    said = shaken(name, version)
    if said is None:
        return Outcome(name, version, "not offered", "")
    engine = Engine(keylog=said.keys())
    for chunk in said.chunks:
        engine.receive(chunk)
    engine.finish()
    connection = engine.connection()
    proofs = prove(connection)
    statuses = Counter(record.protection.status for record in connection.records if record.protection)
    data = [run.plaintext.data if run.plaintext else b"" for run in connection.application]
    verified = {proof.what for proof in proofs if proof.status == "verified"}
    told = suites.suite(connection.cipher_suite.code) if connection.cipher_suite else None
    title = told.name if told else name
    failed = [proof for proof in proofs if proof.status == "failed"]
    if failed or any(status == "failed" for status in statuses):
        return Outcome(title, version, "wrong", str(failed))
    if statuses["not_provable"]:
        why = next(r.protection.why for r in connection.records if r.protection and r.protection.status != "verified")
        return Outcome(title, version, "unsupported", why)
    whole = data == [QUESTION, ANSWER] and {"client_finished", "server_finished", "record_protection"} <= verified
    detail = f"{statuses['verified']} records, {', '.join(sorted(verified))}"
    return Outcome(title, version, "proven" if whole else "wrong", detail)


def outcomes() -> Iterator[Outcome]:
    for name in offered():
        for version in ("1.3",) if name.startswith("TLS_") else ("1.2", "1.1", "1.0"):
            yield judged(name, version)


def main() -> int:
    count: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes():
        count[outcome.version, outcome.status] += 1
        if outcome.status != "not offered" and "--quiet" not in sys.argv:
            print(*outcome, sep="\t", flush=True)
    for (version, status), number in sorted(count.items()):
        print(f"TLS {version}: {number} {status}")
    return 1 if any(status == "wrong" for _, status in count) else 0


if __name__ == "__main__":
    sys.exit(main())
