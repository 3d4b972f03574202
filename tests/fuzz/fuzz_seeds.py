"""What fuzzing starts from: the project's own handshakes and captures, and published vectors where they are at hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import fuzz_decoders
import fuzz_engine
import samples
from fuzz_decoders import DER_KINDS, seed
from fuzz_engine import LIVE, OTHER_EYES, REPORTS, ROOT, SEALS_NOTHING
from fuzz_inputs import CHUNK, DTLS, GAP, MARK, MARKS, QUIC, Script, Step, script

from tlsviz.connection.model import Connection, Record
from tlsviz.tls import dtls
from tlsviz.tls.context import Context
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input, Mark, Sender

VECTORS = ROOT.parent / "shared" / "vectors"
LARGEST = 16_384
KEYLOG_SIZE = 4096


def decoder_seeds(vectors: Path = VECTORS) -> Iterator[bytes]:
    """Inputs for the decoders."""
    made = [connection for _, connection in spoken()]
    made += [fuzz_engine.follow(said, said.inputs()) for said in associated()]
    for connection in (*made, *chain.from_iterable(samples.connections().values())):
        yield from _messages(connection)
    for file in _files(vectors / "fuzz" / "certificates", vectors / "certificates"):
        data = file.read_bytes()
        yield seed("der", data, kind=0)
        yield seed("certificates", data)
    for folder in ("client", "server", "dtls-client", "dtls-server"):
        for file in _files(vectors / "fuzz" / folder):
            for kind, fragment in _fragments(file.read_bytes()[2:]):
                yield seed("handshake" if kind == 22 else "content", fragment, kind=kind)
    for file in _files(vectors / "messages"):
        for version in (None, 0x0303, 0x0304):
            yield seed("handshake", file.read_bytes(), Context(SERVER, version, 0x1301 if version == 0x0304 else None))
    for file in _files(vectors / "fuzz" / "dtls-client", vectors / "fuzz" / "dtls-server"):
        for piece in _datagrams(file.read_bytes()[2:]):
            yield seed("dtls_headers", piece)
    for step in _quic(True).steps:
        yield seed("quic_packets", step.data, kind=0x88)
        yield seed("quic_frames", step.data[26:-16])
    yield seed("keylog", b"# a comment\nCLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\nRSA ")
    for number in range(5):
        yield seed("packed", b"\0\0\x40" + bytes(range(64)), kind=number)


def engine_seeds(vectors: Path = VECTORS) -> Iterator[bytes]:
    """Inputs for the engine."""
    for made, _ in spoken():
        yield from (made._replace(options=REPORTS).dump(), unsealed(made, OTHER_EYES))
    for made in captured():
        yield from (made.dump(), unsealed(made, OTHER_EYES | LIVE | REPORTS))
    for folder, sender in (("client", SERVER), ("server", CLIENT)):
        for file in _files(vectors / "fuzz" / folder):
            data = file.read_bytes()[2:]
            yield script([(sender, data)], options=REPORTS).dump()
            yield script([(CLIENT, _hello()), (sender, data)], options=OTHER_EYES).dump()
    for file in _files(vectors / "messages" / "go-crypto-tls-testdata"):
        said = list(_transcript(file))
        if said:
            yield script(said).dump()
    yield _oddities().dump()
    yield from datagram_seeds(vectors)


def datagram_seeds(vectors: Path = VECTORS) -> Iterator[bytes]:
    """Inputs for the engines of DTLS and QUIC."""
    for made in associated():
        yield from (made._replace(options=REPORTS).dump(), unsealed(made, OTHER_EYES))
    for opened in (False, True):
        made = _quic(opened)
        yield made.dump()
        yield made._replace(options=made.options | REPORTS | OTHER_EYES).dump()
    for folder, sender in (("dtls-client", SERVER), ("dtls-server", CLIENT)):
        for file in _files(vectors / "fuzz" / folder):
            data = file.read_bytes()[2:]
            yield script(((sender, piece) for piece in _datagrams(data)), options=REPORTS)._replace(carrier=DTLS).dump()
    for capture in ("nDPI/quic-29.pcap", "tcpdump/quic_vn.pcap", "illustrated-dtls/capture.pcap"):
        for connections in samples.foreign(capture).values():
            for connection in connections:
                said = script(
                    ((record.sender, record.buffer.data) for record in connection.records), _keylog(connection)
                )
                yield said._replace(carrier=QUIC if connection.transport == "quic" else DTLS).dump()


# -- sources -----------------------------------------------------------------------------------------------


def spoken() -> Iterator[tuple[Script, Connection]]:
    """Handshakes between two OpenSSL ends in memory, of every version and some kinds."""
    import flows
    from dialogue import Dialogue, shake

    first = shake("1.3")
    makers: tuple[Callable[[], Dialogue], ...] = (
        lambda: first,
        lambda: shake("1.3", resume=first),
        lambda: shake("1.3", client_certificate=True, server_groups=b"P-384"),
        lambda: shake("1.2"),
        lambda: shake("1.2", ciphers="AES128-GCM-SHA256", kind="rsa"),
        lambda: shake("1.2", ciphers="ECDHE-ECDSA-AES128-SHA", client_certificate=True),
        lambda: shake("1.0", ciphers="AES128-SHA", kind="rsa"),
        lambda: flows.renegotiated(),
        lambda: flows.authenticated_later(),
    )
    for make in makers:
        said = make()
        made = script(((chunk.sender, chunk.data) for chunk in said.merged()), b"\n".join(said.keylog))
        yield made, said.connection()


def associated() -> Iterator[Script]:
    """DTLS between two OpenSSL ends in memory."""
    from dtls_flow import associate

    for options in ({}, {"old": True}, {"cookie": False, "mtu": 256, "client_certificate": True}, {"kind": "ec"}):
        said = associate(**options)  # type: ignore[arg-type]
        made = script(((chunk.sender, chunk.data) for chunk in said.chunks), b"\n".join(said.keylog))
        yield made._replace(carrier=DTLS)


def _quic(opened: bool) -> Script:
    """A conversation over QUIC; ``opened``: with packets that hide nothing."""
    from quic_flow import QuicFlow, close_frame, tls13

    with fuzz_engine.sealed_without_tags() if opened else nullcontext():
        flow = QuicFlow()
        flow.conversation()
        flow.send(SERVER, flow.one_rtt(SERVER, close_frame(0x128, b"no")))
        flow.send(CLIENT, flow.one_rtt(CLIENT, b"\0\0\0\0", updates=1))
    connection, _ = tls13()
    said = script(((chunk.sender, chunk.data) for chunk in flow.datagrams), _keylog(connection))
    return said._replace(carrier=QUIC, options=SEALS_NOTHING if opened else 0)


def _datagrams(data: bytes) -> Iterator[bytes]:
    """One record of DTLS a datagram; what is none goes with the last."""
    while data:
        header = dtls.record_header(data)
        end = header.size + header.length if header is not None else len(data)
        yield data[:end]
        data = data[end:]


def captured() -> Iterator[Script]:
    """What the engines were given for the sample captures; nothing without tshark."""
    for tape in samples.tapes():
        steps = tuple(step for item in tape.inputs for step in _steps(item))
        yield Script(0, _keylog(tape.play()), steps)


def _steps(item: Input) -> Iterator[Step]:
    side = item.sender == SERVER
    if isinstance(item, Chunk):
        yield from script([(item.sender, item.data)]).steps
    elif isinstance(item, Gap):
        yield Step(GAP | side, min(item.length, 0xFFFF))
    elif isinstance(item, Mark):
        yield Step(MARK | side, MARKS.index(item.kind))


def unsealed(made: Script, options: int = 0) -> bytes:
    """The same connection with the plaintext of each record where its ciphertext was, for an engine that opens it so.

    The records of other ciphers than AEADs stay as they are.
    """
    connection = fuzz_engine.follow(made, made.inputs())
    steps: list[Step] = []
    for record in connection.records:
        data = record.buffer.data
        protection = record.protection
        if record.plaintext is not None and protection is not None and protection.nonce and protection.tag:
            data = data[: record.header.end - 2] + _open_form(record)
        steps.append(Step(CHUNK | (record.sender == SERVER), len(data), data))
    return made._replace(options=options | SEALS_NOTHING, steps=tuple(steps)).dump()


def _open_form(record: Record) -> bytes:
    """Length and fragment of a record whose AEAD hides nothing."""
    assert record.plaintext is not None and record.protection is not None
    explicit = record.plaintext.pieces[0].parent_start - record.header.end
    start = record.header.end
    inner = record.plaintext.data
    if record.content_type == 23 and record.inner_type is not None and not explicit:
        inner += bytes([record.inner_type])
    made = record.buffer.data[start : start + explicit] + inner + bytes(len(record.protection.tag or b""))
    return len(made).to_bytes(2, "big") + made


def _keylog(connection: Connection) -> bytes:
    hello = next(iter(connection.messages_of("client_hello")), None)
    if hello is None or hello.buffer is None:
        return b""
    client_random = hello.buffer.data[6:38].hex()
    lines = [f"{label} {client_random} {value.hex()}" for label, value in connection.every_secret]
    return "\n".join(lines).encode()[:KEYLOG_SIZE]


def _messages(connection: Connection) -> Iterator[bytes]:
    """Each message, for every decoder that may meet its like."""
    version = connection.version.code if connection.version else None
    suite = connection.cipher_suite.code if connection.cipher_suite else None
    for message in connection.messages:
        if message.buffer is None:
            continue
        known = suite if suite in fuzz_decoders.SUITES else 0xC02F
        context = Context(message.sender, version, known, connection.transport == "dtls")
        data = message.buffer.data
        if message.content_type == "handshake":
            yield seed("handshake", data, context)
            yield seed("with_header", data[dtls.MESSAGE_HEADER if context.dtls else 4 :], context, data[0])
        else:
            yield seed("content", data, context, {"alert": 21, "heartbeat": 24}.get(message.content_type, 20))
        block = message.tree.child("extensions") if message.tree else None
        if block is not None and message.type in fuzz_decoders.MESSAGES:
            yield seed("extensions", data[block.start : block.end], context, fuzz_decoders.MESSAGES.index(message.type))
    for sent in connection.certificates:
        yield seed("certificates", sent.der)
        for kind in range(len(DER_KINDS)):
            yield seed("der", sent.der, kind=kind)
    yield seed("keylog", _keylog(connection))


def _files(*folders: Path) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and 0 < path.stat().st_size <= LARGEST
    ]


def _fragments(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 5:
        end = 5 + int.from_bytes(data[3:5], "big")
        yield data[0], data[5:end]
        data = data[end:]


def _transcript(path: Path) -> Iterator[tuple[Sender, bytes]]:
    """A Go transcript: hex dumps of what each side sent in turn; nothing of another file."""
    sender: Sender = CLIENT
    data = b""
    for line in path.read_text("latin-1").splitlines():
        if line.startswith(">>>"):
            if data:
                yield sender, data
            sender, data = (CLIENT if "client to server" in line else SERVER), b""
        elif line[8:10] == "  ":
            data += bytes.fromhex(line[10:58])
    if data:
        yield sender, data


def _hello() -> bytes:
    """A small ClientHello in its record."""
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x06\x13\x01\xc0\x2f\0\x9c" + b"\x01\0"
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def _oddities() -> Script:
    """A greeting, a hello, every mark, and holes."""
    greeting = ((SERVER, b"220 mail ESMTP\r\n"), (CLIENT, b"STARTTLS\r\n"), (SERVER, b"220 go\r\n"))
    said = script((*greeting, (CLIENT, _hello()), (SERVER, b"\x15\x03\x01\0\x02\x02\x28")))
    marks = (Step(MARK | number & 1, number) for number in range(len(MARKS)))
    return said._replace(steps=(*said.steps, Step(GAP, 9), Step(GAP | 1, 9), *marks))


def write(folder: Path, seeds: Iterator[bytes], most: int) -> int:
    """Writes each distinct seed that is not too long to a file; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted({data for data in seeds if len(data) <= most}, key=len)
    for number, data in enumerate(found):
        (folder / f"seed-{number:04}").write_bytes(data)
    return len(found)


def some(seeds: Iterator[bytes], count: int) -> list[bytes]:
    """So many of them, the same ones each time."""
    found = list(seeds)
    return found if len(found) <= count else random.Random(8446).sample(found, count)
