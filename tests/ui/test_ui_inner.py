"""A compressed certificate on the screen: its fields behind the message's own, lit in the decompressed bytes."""

from __future__ import annotations

from compressed_trace import CompressedHandshake, certificate_message

from tlsviz.ui.selection import Scene, scene
from tlsviz.ui.widgets.byte_view import sections
from tlsviz.wire.nodes import lookup, walk

MADE = CompressedHandshake(2)


def compressed() -> Scene:
    """The scene with the CompressedCertificate selected."""
    made = scene(MADE.engine().connection())
    index = made.connection.messages_of("compressed_certificate")[0].index
    return made.at_message(index)


def inside(made: Scene, name: str) -> Scene:
    """The scene with the first field of that name selected that is in the decompressed message."""
    assert made.tree is not None and made.message is not None and made.message.tree is not None
    own = len(made.message.tree.children)
    path = next(path for path, node in walk(made.tree) if path[:1] == (own,) and node.name == name)
    return made.at_path(path)


def test_the_fields_inside_follow_the_messages_own() -> None:
    made = compressed()
    assert made.tree is not None
    assert [node.name for node in made.tree.children[-2:]] == ["compressed_certificate_message", "certificate"]
    assert made.tree.children[-1].label == f"decompressed to {len(certificate_message(MADE.der)):,} bytes"


def test_a_field_inside_lights_the_decompressed_bytes() -> None:
    outside, chosen = compressed(), inside(compressed(), "cert_data")
    (own,) = sections(outside, records=False)
    assert own.buffer.kind != "decompressed"
    (section,) = sections(chosen, records=False)
    assert section.buffer.data == certificate_message(MADE.der)
    assert section.title.startswith("Certificate in CompressedCertificate")
    ((start, end),) = section.lit
    assert section.buffer.data[start:end] == len(MADE.der).to_bytes(3, "big") + MADE.der
    assert any(part.lit for part in sections(chosen, records=True))


def test_a_byte_inside_finds_its_field_and_a_certificate_its_place() -> None:
    chosen = inside(compressed(), "cert_data")
    again = chosen.at_byte(1)
    assert again.node is not None and again.node.end <= 4 and again.inner is not None
    found = compressed().at_certificate("server", 0)
    assert found.node is not None and found.buffer is not None and found.selection.path is not None
    assert found.buffer.data[found.node.start : found.node.end] == MADE.der
    assert lookup(found.tree, found.selection.path) == found.node if found.tree else False


def test_fields_are_walked_from_the_message_into_it() -> None:
    made = compressed()
    assert made.message is not None and made.message.tree is not None
    last = made.at_path((len(made.message.tree.children) - 1, 1))
    following = last.next_field(1)
    assert following.inner is not None and following.selection.path == (len(made.message.tree.children),)
    assert following.next_field(-1).inner is None
