"""From a certificate's field to its bytes in the message that carried it."""

from __future__ import annotations

from dataclasses import replace

from tlsviz.ui.selection import Scene, Selection
from tlsviz.wire.chunks import Sender
from tlsviz.wire.nodes import Node, Path, lookup


def at_certificate_field(scene: Scene, sender: Sender, index: int, field: str) -> Scene:
    """The scene with a field of a sent certificate selected; ``field``: its dotted path in the tree of DER.

    Where the field is not there, the nearest that holds it is selected.
    """
    there = scene.at_certificate(sender, index)
    tree, path = there.tree, there.selection.path
    if tree is None or path is None:
        return there
    found = (*path, *descend(lookup(tree, path), field))
    node = lookup(tree, found)
    return replace(there, selection=Selection(there.selection.step, found, node.start, node.end))


def descend(node: Node, field: str) -> Path:
    """The path to a dotted field below a node, as far as it goes."""
    path: list[int] = []
    for part in filter(None, field.split(".")):
        at = next((at for at, inner in enumerate(node.children) if inner.name == part), None)
        if at is None:
            break
        path.append(at)
        node = node.children[at]
    return tuple(path)
