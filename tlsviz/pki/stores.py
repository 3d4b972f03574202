"""Trust stores: which anchors a program would trust. Read and parsed as late and as little as possible."""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tlsviz.errors import TargetError
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.der import VERSION, first
from tlsviz.pki.files import whole
from tlsviz.pki.policy import Profile
from tlsviz.wire.text import safe

_PEM = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([^-]+)-----END ")
MAX_FILE = 32 << 20

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
)
"""Where systems keep their bundle: Debian and Arch, Fedora, CentOS, openSUSE, Alpine and macOS, FreeBSD."""

MOST_ASKED = 4096
"""As many answers are remembered: a capture asks for the same few issuers thousands of times."""


@dataclass(frozen=True, slots=True)
class Store:
    """Trust anchors under a name (``Mozilla``, ``system``, a file's name).

    Equal when name and origin are. The anchors are loaded once, at the first question. ``profile``: the rules that
    chains to them are held to.
    """

    name: str
    origin: str
    _load: Callable[[], Anchors] = field(repr=False, compare=False)
    profile: Profile = "pkix"

    @property
    def anchors(self) -> Anchors:
        """The anchors themselves."""
        return self._load()

    @property
    def ders(self) -> tuple[bytes, ...]:
        return self.anchors.ders

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(map(read, self.ders))

    def by_subject(self, subject: bytes) -> tuple[bytes, ...]:
        """The anchors whose subject's DER is exactly this."""
        return self.anchors.by_subject(subject)

    def __contains__(self, der: bytes) -> bool:
        return der in self.anchors.members


class Anchors:
    """Anchors, found by subject without parsing the others."""

    __slots__ = ("_asked", "ders", "members")

    def __init__(self, ders: Iterable[bytes]) -> None:
        self.ders = tuple(dict.fromkeys(ders))
        self.members = frozenset(self.ders)
        self._asked: dict[bytes, tuple[bytes, ...]] = {}

    def by_subject(self, subject: bytes) -> tuple[bytes, ...]:
        """The anchors whose subject's DER is exactly this; none for an empty one."""
        if not subject:
            return ()
        found = self._asked.get(subject)
        if found is None:
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            # A search for the bytes rules out nearly all at the speed of C; the outline of the rest decides.
            found = tuple(der for der in self.ders if subject in der and subject_of(der) == subject)
            self._asked[subject] = found
        return found


def subject_of(der: bytes) -> bytes:
    """The DER of a certificate's subject, b"" when there is none: reads its outline only."""
    certificate = first(der)
    parts = certificate.children if certificate else []
    fields = parts[0].children if parts else []
    index = 5 if fields and fields[0].tag == VERSION else 4
    return fields[index].whole if len(fields) > index else b""


def pem_blocks(text: bytes) -> Iterator[bytes]:
    """The DER of each certificate in PEM text; damaged blocks are skipped."""
    for block in _PEM.finditer(text):
        try:
            der = binascii.a2b_base64(block[1])
        except binascii.Error:
            continue
        if der:
            yield der


@cache
def mozilla() -> Store:
    """Mozilla's root program, as certifi ships it: what browsers and most tools trust."""

    @cache
    def load() -> Anchors:
        return Anchors(pem_blocks(_certifi_bundle().read_bytes()))

    return Store("Mozilla", "certifi", load, "web")


def _certifi_bundle() -> Path:
    """certifi's file; beside the package, because importing certifi costs as much as reading its file."""
    spec = find_spec("certifi")
    beside = Path(spec.origin).with_name("cacert.pem") if spec and spec.origin else None
    if beside and beside.is_file():
        return beside
    import certifi

    return Path(certifi.where())


@cache
def system() -> Store:
    """What this machine trusts: SSL_CERT_FILE or SSL_CERT_DIR if set, else its bundle; empty without one.

    Its profile is ``pkix``: it may hold a company's or a person's own roots, and the programs that use it (curl, git,
    Python and whatever else is built on OpenSSL) do not know the web's rules.
    """

    @cache
    def load() -> Anchors:
        return Anchors(_system_ders())

    return Store("system", "this machine", load)


def _system_ders() -> Iterator[bytes]:
    asked = os.environ.get("SSL_CERT_FILE")
    for bundle in (asked,) if asked else BUNDLES:
        try:
            yield from pem_blocks(Path(bundle).read_bytes())
        except OSError:
            continue
        return
    folder = os.environ.get("SSL_CERT_DIR") or _openssl_folder()
    if folder:
        yield from _folder_ders(Path(folder.partition(os.pathsep)[0]))


def _openssl_folder() -> str | None:
    import ssl

    return ssl.get_default_verify_paths().capath


def _folder_ders(folder: Path) -> Iterator[bytes]:
    """The certificates of an OpenSSL certificate folder, without the hash links' repetitions."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".pem", ".crt", ".0"))
    except OSError:
        return
    for path in paths[:2_000]:
        try:
            yield from pem_blocks(path.read_bytes())
        except OSError:
            continue


def from_file(path: Path | str, name: str | None = None) -> Store:
    """The anchors in a PEM or DER file, read now. Raises `TargetError` when it cannot be read or has none."""
    path = Path(path)
    shown = safe(str(path))
    hint = "Give a file with PEM certificates (BEGIN CERTIFICATE) or one DER certificate."
    data = whole(path, MAX_FILE, f"cannot read the certificates in {shown}", hint)
    ders = list(pem_blocks(data))
    if not ders and subject_of(data):
        ders = [data]
    if not ders:
        raise TargetError(f"no certificate in {shown}", "neither PEM nor DER", hint)
    return from_ders(name or safe(path.name), ders, origin=shown)


def from_ders(name: str, ders: Iterable[bytes], origin: str = "memory", profile: Profile = "pkix") -> Store:
    """A store of exactly these certificates."""
    anchors = Anchors(ders)
    return Store(name, origin, lambda: anchors, profile)
