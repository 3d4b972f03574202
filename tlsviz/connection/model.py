"""The one model of a connection. Live, captured and lab handshakes all become this; screens and reports read it.

Everything here is frozen, comparable and picklable, holds no Textual and does no I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tlsviz.connection.observed import Observation
from tlsviz.connection.tcp import Tcp
from tlsviz.pki.trust import Trust
from tlsviz.tls.views import header_length
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import Mark, Sender
from tlsviz.wire.nodes import Node, Path

if TYPE_CHECKING:
    from tlsviz.connection.ports import Ports

Provenance = Literal["wire", "decrypted", "inferred"]
ProofStatus = Literal["verified", "failed", "not_provable"]
Severity = Literal["info", "notice", "warning", "error", "critical"]
Secrets = tuple[tuple[str, bytes], ...]
"""Secrets with the key log's labels, sorted; secrets that were computed have the label that a key log would use."""

SEVERITIES: tuple[Severity, ...] = ("info", "notice", "warning", "error", "critical")
GRAVE: tuple[Severity, ...] = ("error", "critical")


class CodePoint(NamedTuple):
    """A number from a registry: ``width`` bytes on the wire; ``name`` as IANA has it, "GREASE", or None."""

    code: int
    width: int
    name: str | None

    @property
    def hex(self) -> str:
        return f"0x{self.code:0{self.width * 2}x}"

    def __str__(self) -> str:
        return self.name or self.hex


class Endpoint(NamedTuple):
    """An address and port; the address is "" when it is not known."""

    address: str
    port: int

    def __str__(self) -> str:
        if self.address and not self.port:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Protection(NamedTuple):
    """How one protected record was opened, or why not.

    ``status``: verified (the AEAD tag or MAC is right), failed (it is not), not_provable (no key, unknown cipher).
    Nonce, additional data and tag as used; ``padding`` in bytes.
    """

    status: ProofStatus
    why: str = ""
    sequence: int | None = None
    nonce: bytes | None = None
    additional_data: bytes | None = None
    tag: bytes | None = None
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A TLS record as it was on the wire.

    ``buffer`` is the wire buffer (header and fragment; of bulk application data only the header is kept, then
    ``kept`` is False). ``content_type`` is the outer one, ``inner_type`` that of the plaintext. ``missing`` counts
    bytes of the record that the capture lacks. ``epoch`` counts key changes of this direction; 0 is in the clear.
    Over QUIC there are packets instead of records: ``packet_type`` names them ("Initial"), None for records.
    """

    index: int
    sender: Sender
    time: float
    packets: tuple[int, ...]
    content_type: int
    version: int
    length: int
    buffer: Buffer
    header: Node
    epoch: int = 0
    kept: bool = True
    missing: int = 0
    plaintext: Buffer | None = None
    inner_type: int | None = None
    protection: Protection | None = None
    note: str | None = None
    packet_type: str | None = None


class Alert(NamedTuple):
    level: CodePoint
    description: CodePoint


class Inner(NamedTuple):
    """A message inside of another: its tree and the buffer that this points into."""

    buffer: Buffer
    tree: Node


HashedAs = Literal["whole", "tls", "body"]
"""How a message enters the transcript: as it is, with TLS's header in place of DTLS's, or its body alone."""

CERTIFICATES = frozenset(("certificate", "compressed_certificate"))
"""The types of messages that bring certificates; see `Message.certificate`."""


@dataclass(frozen=True, slots=True)
class Message:
    """One protocol message: handshake, change_cipher_spec, alert or heartbeat.

    ``type`` is the contract's snake-case type. ``tree`` points into ``buffer`` (which includes the handshake header);
    both None when the message is inferred, i.e. must be there but cannot be seen. ``time`` is absolute (Unix seconds)
    of its last byte. ``order`` places it among everything else of the connection. ``length`` is the body's, without
    the handshake header. ``encrypted``: it travelled protected. ``records``: indices of the records that carried it.
    ``whole`` is False when bytes of it are missing. ``inner`` is the Certificate that a CompressedCertificate holds.
    """

    index: int
    order: int
    time: float
    sender: Sender
    content_type: str
    type: str
    length: int
    provenance: Provenance
    encrypted: bool
    packets: tuple[int, ...] = ()
    sha256: str | None = None
    buffer: Buffer | None = None
    tree: Node | None = None
    records: tuple[int, ...] = ()
    alert: Alert | None = None
    note: str | None = None
    whole: bool = True
    inner: Inner | None = None
    hashed_as: HashedAs = "whole"

    @property
    def header(self) -> int:
        """Bytes before the body of a handshake message: 4, and in DTLS 12."""
        return header_length(self.tree) if self.tree is not None else 0

    def hashed(self, end: int | None = None) -> bytes:
        """What the handshake's transcript takes of this message, or of its bytes before ``end``."""
        data = self.buffer.data[:end] if self.buffer is not None else b""
        if self.hashed_as == "whole":
            return data
        return (data[:4] if self.hashed_as == "tls" else b"") + data[self.header :]

    @property
    def certificate(self) -> Inner | None:
        """The Certificate that this message is, or holds compressed; None if it is another or cannot be read."""
        if self.type == "certificate" and self.buffer is not None and self.tree is not None:
            return Inner(self.buffer, self.tree)
        return self.inner


class ApplicationRun(NamedTuple):
    """Consecutive application data records of one side, uninterrupted by the other side or a message.

    ``plaintext`` holds the first bytes when they could be decrypted (``complete`` False if there was more than is
    kept); ``early`` marks 0-RTT data. ``opaque``: TLS 1.3 records that could not be opened, so that handshake
    messages and alerts may be among them. ``bytes`` counts plaintext where decrypted, else what the records carry.
    """

    order: int
    time: float
    last_time: float
    sender: Sender
    records: int
    bytes: int
    packets: tuple[int, ...] = ()
    plaintext: Buffer | None = None
    complete: bool = True
    early: bool = False
    opaque: bool = False
    record_indices: tuple[int, ...] = ()


class Hole(NamedTuple):
    """A break in one direction: ``length`` bytes that the capture lacks, or (``stray``) that are no TLS record.

    ``cut``: their packet is here, and its end was not captured. ``offset``: bytes of the direction before it, None if
    nobody counts. ``packet``: the one that was cut.
    """

    order: int
    time: float
    sender: Sender
    length: int
    stray: Buffer | None = None
    cut: bool = False
    offset: int | None = None
    packet: int | None = None


class PlacedMark(NamedTuple):
    """A transport mark in its place among the messages."""

    order: int
    mark: Mark


class Prelude(NamedTuple):
    """Plaintext before TLS started (STARTTLS, CONNECT), or instead of it."""

    order: int
    time: float
    sender: Sender
    data: bytes
    packets: tuple[int, ...] = ()


class Volume(NamedTuple):
    """How much application data one side sent."""

    records: int
    bytes: int


class Offered(NamedTuple):
    """What the first ClientHello offered, in wire order, GREASE included."""

    versions: tuple[CodePoint, ...] = ()
    cipher_suites: tuple[CodePoint, ...] = ()
    groups: tuple[CodePoint, ...] = ()
    signature_schemes: tuple[CodePoint, ...] = ()
    alpn: tuple[str, ...] = ()
    extensions: tuple[CodePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class SentCertificate:
    """A certificate as one side sent it: its DER, and where it stands (message index and path of its node)."""

    sender: Sender
    index: int
    der: bytes
    message: int | None = None


class RsaDecryption(NamedTuple):
    """What a private key made of the encrypted premaster secret of a ClientKeyExchange (``message``: its index).

    ``key``: which one, as it was named. ``block``: what RSA gave, padding and all, b"" if no key has the right size.
    ``premaster``: 48 bytes, or None, and then ``why`` says what is wrong. Secret all of it.
    """

    message: int
    key: str
    block: bytes
    premaster: bytes | None
    why: str = ""


class InnerHello(NamedTuple):
    """What an encrypted ClientHello held (``message``: the outer one's index). The buffer points into the outer one."""

    message: int
    hello: Inner


ResumptionKind = Literal["psk", "ticket", "session_id"]


class Resumption(NamedTuple):
    """What a ClientHello shows to resume a session, traced to the connection that issued it.

    ``message`` and ``path``: where it stands in this connection. ``connection`` and ``issued``: the id of the earlier
    connection and the index of the message there. ``since``: seconds between the two; ``lifetime`` in seconds, if
    there is one. For TLS 1.3's pre-shared keys ``obfuscated`` (as sent) minus ``age_add`` modulo 2^32 is ``age``, how
    old the client says the ticket is, in milliseconds.
    """

    kind: ResumptionKind
    message: int
    path: Path
    connection: int
    issued: int
    since: float
    lifetime: int | None = None
    obfuscated: int | None = None
    age_add: int | None = None
    age: int | None = None


class Proof(NamedTuple):
    """A security claim, recomputed from this connection's own bytes. ``message``: the index it is about."""

    what: str
    status: ProofStatus
    why: str
    message: int | None = None


Standing = Literal["open", "supported", "ruled_out"]


class Cause(NamedTuple):
    """What may lie behind a failure: ``what`` in words, ``why`` it is thought of here.

    ``probe`` names the re-probe that would tell (`connection.reprobes`), "" where none can; ``standing`` is what the
    re-probes have made of it.
    """

    what: str
    why: str
    probe: str = ""
    standing: Standing = "open"


class Finding(NamedTuple):
    """Something worth saying. ``diagnosis``: the one reason why a live target failed.

    ``causes``: what may lie behind a failure, the likeliest first. ``message`` and ``field``: where the evidence is: a
    message's index, and names from its root joined by dots, "" for the whole message.
    """

    code: str
    severity: Severity
    title: str
    evidence: str
    mend: str = ""
    reference: str = ""
    diagnosis: bool = False
    message: int | None = None
    causes: tuple[Cause, ...] = ()
    field: str = ""


ProbeOutcome = Literal["worked", "same", "other", "skipped"]


class Probe(NamedTuple):
    """A failed handshake tried once more with one thing changed.

    ``name`` is the change (`connection.reprobes`), ``changed`` that in words. ``outcome``: it worked, failed in the
    same way, failed in another, or was not tried. ``code`` is the finding code of its own failure. ``said``: what came
    of it; ``meaning``: what that tells. ``hello``: bytes of its ClientHello, None without; ``duration`` in seconds.
    ``alert``: the code of the server's alert that its failure rests on.
    """

    name: str
    changed: str
    outcome: ProbeOutcome
    code: str | None
    said: str
    meaning: str
    hello: int | None = None
    duration: float = 0.0
    alert: int | None = None


class Redirect(NamedTuple):
    """An answer in plain HTTP that sends the client elsewhere.

    ``message``: the index of the answer. ``target``: an absolute URI, safe to print. ``connection``: the id of the
    connection of the same client that followed it, as far as the source holds one.
    """

    message: int
    status: int
    target: str
    connection: int | None = None

    @property
    def encrypted(self) -> bool:
        """Whether it leads to https."""
        return self.target.lower().startswith("https:")


@dataclass(frozen=True, slots=True)
class Connection:
    """One TLS connection, as far as it is known. Times are absolute Unix seconds; ``duration`` is in seconds.

    ``secrets`` are those of the first handshake, ``renegotiated`` those of each later one. ``inner_hellos``: what could
    be decrypted of encrypted ClientHellos; ``ech_accepted``: whether the server took them, None if nobody can tell.
    ``resumptions``: what it resumes with, as far as an earlier connection of the same source issued it.
    ``earlier``: handshakes with the same server before this one, as far as anybody remembers.
    ``plain``: the protocol of a connection that speaks no TLS at all ("http"); its heads are its messages then.
    ``carrier``: in words what carries TLS where that is neither TCP nor UDP ("EAP-TLS in RADIUS", "SCTP stream 0").
    ``redirects``: where its answers send the client, and ``redirected_by`` which plain connection sent it here.
    ``history``: a letter for each message that can be read, as in Zeek's ssl.log. ``probes``: what re-probes of a live
    target that failed have shown. ``tcp``: the segments of a captured TCP connection, None elsewhere.
    """

    id: int = 0
    tcp_stream: int | None = None
    transport: str = "tcp"
    client: Endpoint = Endpoint("", 0)
    server: Endpoint = Endpoint("", 0)
    start: float = 0.0
    duration: float = 0.0
    starttls: str | None = None
    plain: str | None = None
    carrier: str | None = None
    server_name: str | None = None
    version: CodePoint | None = None
    cipher_suite: CodePoint | None = None
    group: CodePoint | None = None
    signature_scheme: CodePoint | None = None
    alpn: str | None = None
    resumed: bool = False
    hello_retry: bool = False
    early_data: bool = False
    client_auth: bool = False
    complete: bool = False
    ja3: str | None = None
    ja3s: str | None = None
    ja4: str | None = None
    ja4s: str | None = None
    history: str | None = None
    offered: Offered = Offered()
    messages: tuple[Message, ...] = ()
    application: tuple[ApplicationRun, ...] = ()
    client_data: Volume = Volume(0, 0)
    server_data: Volume = Volume(0, 0)
    records: tuple[Record, ...] = ()
    marks: tuple[PlacedMark, ...] = ()
    holes: tuple[Hole, ...] = ()
    prelude: tuple[Prelude, ...] = ()
    certificates: tuple[SentCertificate, ...] = ()
    trust: Trust | None = None
    client_trust: Trust | None = None
    proofs: tuple[Proof, ...] = ()
    findings: tuple[Finding, ...] = ()
    key_source: str | None = None
    secrets: Secrets = field(default=(), repr=False)
    renegotiated: tuple[Secrets, ...] = field(default=(), repr=False)
    premasters: tuple[RsaDecryption, ...] = field(default=(), repr=False)
    inner_hellos: tuple[InnerHello, ...] = ()
    ech_accepted: bool | None = None
    resumptions: tuple[Resumption, ...] = ()
    probes: tuple[Probe, ...] = ()
    earlier: tuple[Observation, ...] = ()
    tcp: Tcp | None = None
    redirects: tuple[Redirect, ...] = ()
    redirected_by: int | None = None

    def secrets_of(self, handshake: int) -> dict[str, bytes]:
        """The secrets of one handshake by label; 0 is the first, renegotiations follow."""
        known = (self.secrets, *self.renegotiated)
        return dict(known[handshake]) if 0 <= handshake < len(known) else {}

    @property
    def every_secret(self) -> Secrets:
        """The secrets of all handshakes."""
        return self.secrets + tuple(pair for later in self.renegotiated for pair in later)

    @property
    def end(self) -> float:
        """The time of the last thing that happened."""
        return self.start + self.duration

    @property
    def diagnosis(self) -> Finding | None:
        """Why a live target failed, if it did."""
        return next((finding for finding in self.findings if finding.diagnosis), None)

    @property
    def failure(self) -> Finding | None:
        """What stopped this connection, live or captured: the diagnosis, or the error of a handshake without end.

        Of a whole handshake only what refuses the client behind it: in TLS 1.3 the client counts as done by then.
        """
        if self.diagnosis is not None or self.plain:
            return self.diagnosis
        errors = (finding for finding in self.findings if finding.severity in GRAVE)
        if self.complete:
            return next((finding for finding in errors if finding.code.startswith("client_certificate_")), None)
        return next((finding for finding in errors if not finding.code.startswith("certificate_")), None)

    @property
    def distrusted(self) -> bool:
        """Whether all that failed is that the server's certificates are not trusted, as the verdict says already."""
        failure, verdict = self.failure, self.trust.verdict if self.trust else None
        return failure is not None and failure.code.startswith("certificate_") and verdict == "untrusted"

    @property
    def other_failure(self) -> Finding | None:
        """What stopped it, unless that is what the verdict on the certificates says already."""
        return None if self.distrusted else self.failure

    def messages_of(self, kind: str, sender: Sender | None = None) -> list[Message]:
        """The messages of one type, in order."""
        found = _by_type(self.messages).get(kind, ())
        return list(found) if sender is None else [message for message in found if message.sender == sender]


def changed(connection: Connection, **fields: Any) -> Connection:
    """What `dataclasses.replace` makes, at less than half its cost: so many fields are copied for every verdict.

    Raises AttributeError for a field that there is not.
    """
    copy = object.__new__(Connection)
    for get, put in _FIELDS:
        put(copy, get(connection))
    for name, value in fields.items():
        object.__setattr__(copy, name, value)
    return copy


_FIELDS = tuple((vars(Connection)[name].__get__, vars(Connection)[name].__set__) for name in Connection.__slots__)

_last_by_type: tuple[tuple[Message, ...], dict[str, list[Message]]] = ((), {})
"""The messages asked for last, by their type: whoever looks at a connection asks for many types of the same."""


def _by_type(messages: tuple[Message, ...]) -> dict[str, list[Message]]:
    global _last_by_type  # replaced as a whole, so that threads see the one or the other
    known, found = _last_by_type
    if known is not messages:
        found = {}
        for message in messages:
            found.setdefault(message.type, []).append(message)
        _last_by_type = messages, found
    return found


SourceKind = Literal["capture", "live", "interface", "lab"]


class Source(NamedTuple):
    """Where a trace came from. ``packets``: how many the capture holds; None when live."""

    kind: SourceKind
    name: str
    packets: int | None = None


class Trace(NamedTuple):
    """Everything one target gave: its connections in order, and what is to be said about the source itself.

    ``ports``: what its two ports answer, where that was asked for.
    """

    source: Source
    connections: Sequence[Connection] = ()
    notices: tuple[str, ...] = ()
    ports: "Ports | None" = None
