"""What must fit together inside of one hello: fields and extensions that say something about each other."""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.tls.context import TLS_1_3, layout
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader

_LEGACY = (0x0303, 0xFEFD)
_RETRIES = {"key_share", "cookie", "encrypted_client_hello", "extended_random"}
"""What a retry can ask for; the last is key_share under the number that drafts gave it."""


def check_client_hello(r: Reader) -> None:
    """Notes what contradicts an offer of TLS 1.3 (RFC 8446 4.1.2), and key shares unlike the groups (4.2.8)."""
    extensions = _extensions(r)
    methods = _numbers(_named(r, "legacy_compression_methods"), 1)
    offered = extensions.get("supported_versions")
    versions = _numbers(offered.child("versions") if offered else None, 1)
    offers_13 = any(_is_13(code) for code in versions or ())
    if methods is not None and methods and 0 not in methods:
        _note(r, "legacy_compression_methods", "must contain null (0)")
    elif offers_13 and methods and methods != [0]:
        _note(r, "legacy_compression_methods", "must be null alone when TLS 1.3 is offered (RFC 8446 4.1.2)")
    version = _number(_named(r, "legacy_version"))
    if offers_13 and version is not None and version not in _LEGACY:
        _note(r, "legacy_version", "must be 0x0303 when TLS 1.3 is offered (RFC 8446 4.1.2)")
    if (fault := _shares_fault(extensions)) is not None:
        _note_inside(r, "key_share", "client_shares", fault)


def check_server_hello(r: Reader, retry: bool) -> None:
    """Notes what contradicts the choice of TLS 1.3 (RFC 8446 4.1.3), and a retry that changes nothing (4.1.4)."""
    extensions = _extensions(r)
    chosen = extensions.get("supported_versions")
    if chosen is None or not _is_13(_number(chosen.child("selected_version"))):
        return
    if _number(_named(r, "legacy_version")) not in (None, *_LEGACY):
        _note(r, "legacy_version", "must be 0x0303 in TLS 1.3 (RFC 8446 4.1.3)")
    if _number(_named(r, "legacy_compression_method")) not in (None, 0):
        _note(r, "legacy_compression_method", "must be 0 in TLS 1.3 (RFC 8446 4.1.3)")
    if retry and not _RETRIES & extensions.keys():
        _note(r, "extensions", "asks for nothing to change (RFC 8446 4.1.4)")


def _is_13(version: int | None) -> bool:
    like = layout(version)
    return like is not None and TLS_1_3 <= like < 0x0400


def _shares_fault(extensions: dict[str, Node]) -> str | None:
    shares, groups = extensions.get("key_share"), extensions.get("supported_groups")
    entries = shares.child("client_shares") if shares else None
    listed = _numbers(groups.child("named_group_list") if groups else None, 1)
    if entries is None or listed is None:
        return None
    sent = [number for entry in entries.children[1:] if (number := _number(entry.child("group"))) is not None]
    if not set(sent) <= set(listed):
        return "a group that is not among supported_groups (RFC 8446 4.2.8)"
    if [group for group in dict.fromkeys(listed) if group in sent] != list(dict.fromkeys(sent)):
        return "not in the order of supported_groups (RFC 8446 4.2.8)"
    return None


def _extensions(r: Reader) -> dict[str, Node]:
    block = _named(r, "extensions")
    return {node.name: node for node in reversed(block.children)} if block else {}


def _named(r: Reader, name: str) -> Node | None:
    return next((node for node in r.nodes if node.name == name), None)


def _number(node: Node | None) -> int | None:
    return node.value if node is not None and isinstance(node.value, int) else None


def _numbers(vector: Node | None, skip: int) -> list[int] | None:
    """The elements of a vector of code points behind its length; None when there is no vector."""
    if vector is None:
        return None
    return [child.value for child in vector.children[skip:] if isinstance(child.value, int)]


def _note(r: Reader, name: str, text: str) -> None:
    """Notes the field of that name among those read."""
    for index, node in enumerate(r.nodes):
        if node.name == name:
            r.nodes[index] = _noted(node, text)


def _note_inside(r: Reader, extension: str, field: str, text: str) -> None:
    """Notes a field of an extension."""
    for index, block in enumerate(r.nodes):
        if block.name == "extensions":
            r.nodes[index] = _changed(block, extension, lambda node: _changed(node, field, lambda it: _noted(it, text)))


def _changed(parent: Node, name: str, change: Callable[[Node], Node]) -> Node:
    """A node with the first child of that name changed."""
    for index, child in enumerate(parent.children):
        if child.name == name:
            children = (*parent.children[:index], change(child), *parent.children[index + 1 :])
            return parent._replace(children=children)
    return parent


def _noted(node: Node, text: str) -> Node:
    return node._replace(note=f"{node.note}; {text}" if node.note else text)
