"""Bytes to every decoder, and what must hold for all that comes out.

The first four bytes of an input say which decoder, for which kind of thing, in which context (two of them); the others
are what it reads.
"""

from __future__ import annotations

from collections.abc import Callable

from soundness import assert_printable, assert_sound

from tlsviz.crypto.keylog import KeyLog
from tlsviz.pki import certificate, transparency
from tlsviz.pki.graph import graph
from tlsviz.tls import dtls, suites, views
from tlsviz.tls.context import Context
from tlsviz.tls.decompress import decompress
from tlsviz.tls.der import kinds
from tlsviz.tls.der.node import DerNode, der_rest
from tlsviz.tls.extensions import extension_block
from tlsviz.tls.handshake import decode_certificate, decode_content, decode_handshake, decode_ssl2, message_type
from tlsviz.tls.quic import frames, packets
from tlsviz.tls.records import decode_record_header, decode_ssl2_record_header
from tlsviz.tls.sct import sct_list
from tlsviz.tls.ssl2 import ssl2_message_type
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node, leaves, notes, path_at, walk
from tlsviz.wire.reader import Reader, decode

HEADER = 4
VERSIONS = (
    None,
    0x0002,
    0x0300,
    0x0301,
    0x0302,
    0x0303,
    0x0304,
    0x0101,
    0x7F12,
    0x7F1C,
    0xFEFF,
    0xFEFD,
    0xFEFC,
    0x0305,
)
SUITES = (None, 0x1301, 0x1302, 0xC02F, 0x009E, 0x002F, 0x0003, 0x001E, 0x008B, 0x00AA, 0xC033, 0xC01E, 0xC100, 0xC0FF)
SUITES += (0x0081, 0xC0B0, 0xE013, 0xFFFF)
"""At least one of every kind of key exchange."""
BEGINNING = Context(CLIENT)
MESSAGES = (
    "client_hello",
    "server_hello",
    "hello_retry_request",
    "encrypted_extensions",
    "certificate",
    "certificate_request",
    "new_session_ticket",
)
DER_KINDS: tuple[type[DerNode], ...] = (
    kinds.CertificateNode,
    kinds.NameNode,
    kinds.PublicKeyNode,
    kinds.SignatureNode,
    kinds.OcspResponseNode,
    kinds.GostKeyTransportNode,
    kinds.ResponderIdNode,
    kinds.ExtensionsNode,
    kinds.AnyNode,
)

Decoder = Callable[[bytes, int, Context], None]


def context_of(choice: int) -> Context:
    """One of all contexts; the number is reduced to fit."""
    choice, sender = divmod(choice, 2)
    choice, carrier = divmod(choice, 2)
    suite, version = divmod(choice, len(VERSIONS))
    return Context((CLIENT, SERVER)[sender], VERSIONS[version], SUITES[suite % len(SUITES)], bool(carrier))


def choice_of(context: Context) -> int:
    """The other way round, for seeds; raises ValueError for a version or suite that is not among those tried."""
    version, suite = VERSIONS.index(context.version), SUITES.index(context.cipher_suite)
    return ((suite * len(VERSIONS) + version) * 2 + context.dtls) * 2 + (context.sender == SERVER)


def check_tree(tree: Node, data: bytes) -> None:
    """The tree is sound, and what reads trees reads it."""
    assert_sound(tree, data)
    if data:
        middle = len(data) // 2
        path = path_at(tree, middle)
        assert path is not None
    assert sum(leaf.length for leaf in leaves(tree)) == len(data)
    assert sum(1 for _ in notes(tree)) <= sum(1 for _ in walk(tree))


def handshake(data: bytes, _: int, context: Context) -> None:
    tree = decode_handshake(data, context)
    assert tree.name == message_type(data, dtls.MESSAGE_HEADER if context.dtls else 4)
    check_tree(tree, data)
    check_views(tree, data)


def with_header(data: bytes, kind: int, context: Context) -> None:
    """A body of the message type that the second byte says, behind a header that fits."""
    size = len(data).to_bytes(3, "big")
    handshake(bytes([kind]) + size + (bytes(5) + size) * context.dtls + data, kind, context)


def check_views(tree: Node, data: bytes) -> None:
    """Every view of every message: total for any tree."""
    hello = views.client_hello(tree, data)
    assert_printable(filter(None, (hello.server_name, *hello.alpn)))
    answer = views.server_hello(tree, data)
    assert_printable(filter(None, (answer.alpn,)))
    views.session_ticket(tree, data)
    views.selected_protocol(tree, data)
    views.key_exchange_group(tree)
    views.signature_scheme(tree)
    views.extension_list(tree, data)
    for der, path in views.certificates(tree, data):
        node = tree
        for index in path:
            node = node.children[index]
        assert data[node.start : node.end] == der
    packed = views.compressed_certificate(tree, data)
    if packed is not None:
        made = decompress(packed.algorithm, packed.packed, packed.size)
        check_tree(decode_certificate(made.data, Context(SERVER, 0x0304)), made.data)


def content(data: bytes, kind: int, context: Context) -> None:
    check_tree(decode_content(kind, data, context), data)


def ssl2(data: bytes, _: int, context: Context) -> None:
    tree = decode_ssl2(data, context)
    assert tree.name == ssl2_message_type(data)
    check_tree(tree, data)
    check_views(tree, data)


def extensions(data: bytes, kind: int, _: Context) -> None:
    message = MESSAGES[kind % len(MESSAGES)]
    check_tree(decode("block", data, lambda r: extension_block(r, message, bool(kind & 0x80))), data)


def record_headers(data: bytes, _: int, __: Context) -> None:
    check_tree(decode_record_header(data), data)
    check_tree(decode_ssl2_record_header(data), data)


def der(data: bytes, kind: int, _: Context) -> None:
    chosen = DER_KINDS[kind % len(DER_KINDS)]

    def body(r: Reader) -> None:
        der_rest(r, "element", chosen)

    check_tree(decode("der", data, body), data)


def scts(data: bytes, _: int, __: Context) -> None:
    check_tree(decode("scts", data, sct_list), data)
    for one in transparency.timestamps(data):
        transparency.signed(one, b"")


def certificates(data: bytes, _: int, __: Context) -> None:
    """What the judges of certificates read, and the picture of a chain of pieces of the input."""
    found = certificate.read(data)
    texts = (found.subject, found.issuer, found.serial, found.key, *found.names)
    assert_printable(text for text in texts if text)
    transparency.embedded(data)
    cut = len(data) // 2
    graph([data, data[:cut], data[cut:], data])


def keylog(data: bytes, _: int, __: Context) -> None:
    log = KeyLog()
    log.add_text(data)
    assert_printable(log.problems)
    assert len(log.problems) <= 100
    for random in log.client_randoms():
        assert len(random) == 32
        assert log.labels(random)


def packed(data: bytes, kind: int, _: Context) -> None:
    made = decompress(kind % 5, data, int.from_bytes(data[:3], "big"))
    assert len(made.data) <= max(1 << 16, 100 * len(data))


def codes(data: bytes, kind: int, _: Context) -> None:
    """Suites taken apart: any code point."""
    for place in range(0, len(data) - 1, 2):
        suites.suite(int.from_bytes(data[place : place + 2], "big"))


def dtls_headers(data: bytes, kind: int, context: Context) -> None:
    """Headers of DTLS records as the engine cuts them, and messages with DTLS's header."""
    found = dtls.record_header(data, kind & 0x1F)
    if found is not None and found.size <= len(data):
        check_tree(dtls.decode_record_header(data[: found.size]), data[: found.size])
    check_tree(dtls.decode_record_header(data), data)


def quic_frames(data: bytes, _: int, __: Context) -> None:
    tree = frames.decode_frames(data)
    check_tree(tree, data)
    for piece in frames.crypto(tree):
        assert 0 <= piece.start <= piece.end <= len(data)
    for start, end in frames.application(tree):
        assert 0 <= start <= end <= len(data)
    closing = frames.closing(tree)
    if closing is not None:
        frames.close_alert(closing)
        assert_printable([frames.close_words(closing)])


def quic_packets(data: bytes, kind: int, _: Context) -> None:
    found, rest = packets.packets(data, kind % 21 if kind & 0x80 else None)
    assert b"".join(packet.data for packet in found) + rest == data
    for packet in found:
        header = packets.decode_header(packet)
        check_tree(header, packet.data[: header.end])


DECODERS: dict[str, Decoder] = {
    "handshake": handshake,
    "with_header": with_header,
    "content": content,
    "ssl2": ssl2,
    "extensions": extensions,
    "record_headers": record_headers,
    "der": der,
    "scts": scts,
    "certificates": certificates,
    "keylog": keylog,
    "packed": packed,
    "codes": codes,
    "dtls_headers": dtls_headers,
    "quic_frames": quic_frames,
    "quic_packets": quic_packets,
}
_ORDER = tuple(DECODERS.values())


def one_input(data: bytes) -> None:
    """Decodes what an input of the fuzzer says; raises what is wrong."""
    if len(data) < HEADER:
        return
    chosen = _ORDER[data[0] % len(_ORDER)]
    chosen(data[HEADER:], data[1], context_of(data[2] << 8 | data[3]))


def seed(decoder: str, data: bytes, context: Context = BEGINNING, kind: int = 0) -> bytes:
    """An input that gives ``data`` to a decoder; in that context, if it is among those tried."""
    known = context.version in VERSIONS and context.cipher_suite in SUITES
    choice = choice_of(context) if known else 0
    return bytes([list(DECODERS).index(decoder), kind, choice >> 8, choice & 0xFF]) + data
