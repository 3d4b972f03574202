"""Typed values out of trees: what the connection engine asks of a message.

Total: a damaged message gives what is there of it; missing numbers are 0 (or None where the field may be absent),
missing lists ().
"""

from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.tls.registry import is_grease
from tlsviz.wire.nodes import Node, Path
from tlsviz.wire.text import shorten

SUPPORTED_VERSIONS = "supported_versions"
ALPN = "application_layer_protocol_negotiation"


class ClientHello(NamedTuple):
    """A ClientHello's offer in wire order, GREASE included.

    ``versions``: supported_versions, () when it was not sent. An SSL 2 compatible hello gives its challenge as
    ``random``, padded in front to 32 bytes (RFC 5246 E.2).
    """

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher_suites: tuple[int, ...]
    compression_methods: tuple[int, ...]
    extensions: tuple[tuple[int, bytes], ...]
    server_name: str | None
    alpn: tuple[str, ...]
    versions: tuple[int, ...]
    groups: tuple[int, ...]
    signature_schemes: tuple[int, ...]
    key_share_groups: tuple[int, ...]
    point_formats: tuple[int, ...]
    psk_identities: tuple[bytes, ...]
    psk_modes: tuple[int, ...]
    has_early_data: bool


class ServerHello(NamedTuple):
    """``version`` is the selected one: of supported_versions if there, else ``legacy_version``."""

    legacy_version: int
    version: int
    random: bytes
    session_id: bytes
    cipher_suite: int
    compression_method: int
    extensions: tuple[tuple[int, bytes], ...]
    group: int | None
    selected_psk: int | None
    alpn: str | None
    is_retry: bool


class CompressedCertificate(NamedTuple):
    """``size`` of the message before it was compressed; ``packed`` starts at ``start`` in the message."""

    algorithm: int
    size: int
    packed: bytes
    start: int


class SessionTicket(NamedTuple):
    """``nonce``: b"" before TLS 1.3."""

    nonce: bytes
    ticket: bytes


def header_length(tree: Node) -> int:
    """Bytes before the body of a handshake message: 4, and in DTLS 12."""
    return 12 if len(tree.children) > 2 and tree.children[2].name == "message_seq" else 4


def client_hello(tree: Node, data: bytes) -> ClientHello:
    """The view of a ``client_hello`` or ``ssl2_client_hello`` tree."""
    if tree.name.startswith("ssl2"):
        return _ssl2_client_hello(tree, data)
    known = _by_name(tree)
    names = _elements(known.get("server_name"), "server_name_list")
    return ClientHello(
        legacy_version=_number(tree.child("legacy_version")) or 0,
        random=_bytes(tree.child("random"), data),
        session_id=_content(tree.child("legacy_session_id"), data),
        cipher_suites=_numbers(tree.child("cipher_suites")),
        compression_methods=_numbers(tree.child("legacy_compression_methods")),
        extensions=extension_list(tree, data),
        server_name=next((_text(_content(host, data)) for name in names if (host := name.child("host_name"))), None),
        alpn=_protocols(known.get(ALPN), data),
        versions=_list(known.get(SUPPORTED_VERSIONS), "versions"),
        groups=_list(known.get("supported_groups"), "named_group_list"),
        signature_schemes=_list(known.get("signature_algorithms"), "supported_signature_algorithms"),
        key_share_groups=tuple(
            group
            for entry in _elements(_key_share(known), "client_shares")
            if (group := _number(entry.child("group"))) is not None
        ),
        point_formats=_list(known.get("ec_point_formats"), "ec_point_format_list"),
        psk_identities=tuple(
            _content(identity.child("identity"), data)
            for identity in _elements(known.get("pre_shared_key"), "identities")
            if identity.name == "psk_identity"
        ),
        psk_modes=_list(known.get("psk_key_exchange_modes"), "ke_modes"),
        has_early_data="early_data" in known,
    )


def _ssl2_client_hello(tree: Node, data: bytes) -> ClientHello:
    specs = tree.child("cipher_specs")
    codes = [spec.value for spec in specs.children if isinstance(spec.value, int)] if specs else []
    return ClientHello(
        legacy_version=_number(tree.child("version")) or 0,
        random=_bytes(tree.child("challenge"), data).rjust(32, b"\0"),
        session_id=_bytes(tree.child("session_id"), data),
        cipher_suites=tuple(code for code in codes if code <= 0xFFFF),
        compression_methods=(0,),
        extensions=(),
        server_name=None,
        alpn=(),
        versions=(),
        groups=(),
        signature_schemes=(),
        key_share_groups=(),
        point_formats=(),
        psk_identities=(),
        psk_modes=(),
        has_early_data=False,
    )


def server_hello(tree: Node, data: bytes) -> ServerHello:
    """The view of a ``server_hello`` or ``hello_retry_request`` tree."""
    known = _by_name(tree)
    legacy = _number(tree.child("legacy_version") or tree.child("server_version")) or 0
    share = _key_share(known)
    group = (share.get("server_share.group") or share.child("selected_group")) if share else None
    return ServerHello(
        legacy_version=legacy,
        version=_inner_number(known.get(SUPPORTED_VERSIONS), "selected_version") or legacy,
        random=_bytes(tree.child("random"), data),
        session_id=_content(tree.child("legacy_session_id_echo"), data),
        cipher_suite=_number(tree.child("cipher_suite")) or 0,
        compression_method=_number(tree.child("legacy_compression_method")) or 0,
        extensions=extension_list(tree, data),
        group=_number(group),
        selected_psk=_inner_number(known.get("pre_shared_key"), "selected_identity"),
        alpn=next(iter(_protocols(known.get(ALPN), data)), None),
        is_retry=tree.name == "hello_retry_request",
    )


def hello_random(tree: Node, data: bytes) -> bytes:
    """The random of a hello of either side, without the rest of its view."""
    if tree.name.startswith("ssl2"):
        return _bytes(tree.child("challenge"), data).rjust(32, b"\0")
    return _bytes(tree.child("random"), data)


def chosen(tree: Node) -> tuple[int, int]:
    """The version and the cipher suite that a ``server_hello`` or ``hello_retry_request`` selects."""
    legacy = _number(tree.child("legacy_version") or tree.child("server_version")) or 0
    version = _inner_number(_named(tree, SUPPORTED_VERSIONS), "selected_version") or legacy
    return version, _number(tree.child("cipher_suite")) or 0


def selected_psk(tree: Node) -> int | None:
    """The place of the pre-shared key that a ``server_hello`` chose; None without one."""
    return _inner_number(_named(tree, "pre_shared_key"), "selected_identity")


def session_ticket(tree: Node, data: bytes) -> SessionTicket:
    """The view of a ``new_session_ticket`` tree."""
    return SessionTicket(_content(tree.child("ticket_nonce"), data), _content(tree.child("ticket"), data))


def selected_protocol(tree: Node, data: bytes) -> str | None:
    """The protocol that ALPN chose in a ServerHello or EncryptedExtensions, as safe text."""
    return next(iter(_protocols(_by_name(tree).get(ALPN), data)), None)


def certificates(tree: Node, data: bytes) -> list[tuple[bytes, Path]]:
    """Each whole certificate of a ``certificate`` message, with the path of the leaf that is its DER."""
    found: list[tuple[bytes, Path]] = []
    for outer, block in enumerate(tree.children):
        if block.name != "certificate_list":
            continue
        for index, entry in enumerate(block.children):
            if entry.name == "certificate":
                path: Path = (outer, index)
                holder: Node | None = entry
            else:
                path = (outer, index, 0)
                holder = entry.child("cert_data")
            if holder and holder.note is None and len(holder.children) > 1:  # the length, then the DER
                found.append((_bytes(holder.children[1], data), (*path, 1)))
    return found


def compressed_certificate(tree: Node, data: bytes) -> CompressedCertificate | None:
    """What a ``compressed_certificate`` message says; None if it is another message, or cut short."""
    packed = tree.child("compressed_certificate_message")
    algorithm, size = _number(tree.child("algorithm")), _number(tree.child("uncompressed_length"))
    if tree.name != "compressed_certificate" or packed is None or algorithm is None or size is None:
        return None
    content = packed.children[1] if len(packed.children) > 1 else packed._replace(start=packed.end)
    return CompressedCertificate(algorithm, size, _bytes(content, data), content.start)


def key_exchange_group(tree: Node) -> int | None:
    """The named curve of a ServerKeyExchange."""
    return _number(tree.get("params.curve_params.namedcurve"))


def signature_scheme(tree: Node) -> int | None:
    """The algorithm of a ServerKeyExchange's or CertificateVerify's signature; None before TLS 1.2."""
    return _number(tree.child("algorithm"))


def extension_list(tree: Node, data: bytes) -> tuple[tuple[int, bytes], ...]:
    """Type and body of every extension of a message, in wire order; () when it has no block."""
    return tuple(
        (code, data[node.children[1].end : node.end] if len(node.children) > 1 else b"")
        for code, node in _extensions(tree)
    )


def extension_codes(tree: Node) -> tuple[int, ...]:
    """The type of every extension of a message, in wire order."""
    return tuple([code for code, _ in _extensions(tree)])


def _extensions(tree: Node) -> Iterator[tuple[int, Node]]:
    block = tree.child("extensions")
    for node in block.children if block else ():
        if node.children and isinstance(code := node.children[0].value, int):
            yield code, node


def _by_name(tree: Node) -> dict[str, Node]:
    """The first extension of each name."""
    found: dict[str, Node] = {}
    for _, node in _extensions(tree):
        found.setdefault(node.name, node)
    return found


def _named(tree: Node, name: str) -> Node | None:
    """The first extension of that name."""
    return next((node for _, node in _extensions(tree) if node.name == name), None)


def _key_share(known: dict[str, Node]) -> Node | None:
    """key_share, or the extension whose number it had in drafts of TLS 1.3."""
    return known.get("key_share") or known.get("extended_random")


def _number(node: Node | None) -> int | None:
    return node.value if node and isinstance(node.value, int) else None


def _inner_number(node: Node | None, name: str) -> int | None:
    return _number(node.child(name)) if node else None


def _bytes(node: Node | None, data: bytes) -> bytes:
    return data[node.start : node.end] if node else b""


def _content(node: Node | None, data: bytes) -> bytes:
    """What stands behind the length of a vector."""
    return data[node.children[0].end : node.end] if node and node.children else b""


def _numbers(vector: Node | None) -> tuple[int, ...]:
    """The elements of a vector of code points."""
    if vector is None:
        return ()
    return tuple([child.value for child in vector.children[1:] if isinstance(child.value, int)])


def _list(extension: Node | None, name: str) -> tuple[int, ...]:
    return _numbers(extension.child(name)) if extension else ()


def _elements(extension: Node | None, name: str) -> tuple[Node, ...]:
    """The elements of an extension's vector of structures."""
    vector = extension.child(name) if extension else None
    return vector.children[1:] if vector else ()


def _text(raw: bytes) -> str:
    return shorten(raw.decode("utf-8", "backslashreplace"), 255)


def _protocols(extension: Node | None, data: bytes) -> tuple[str, ...]:
    names = [_content(node, data) for node in _elements(extension, "protocol_name_list")]
    return tuple(
        "GREASE" if len(name) == 2 and is_grease(int.from_bytes(name, "big")) else _text(name) for name in names
    )
