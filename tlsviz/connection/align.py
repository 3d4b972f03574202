"""Two connections laid beside each other: which step goes with which, and which field of a message with which.

Pure, total and bounded: what is longer than `MAX_STEPS` or `MAX_FIELDS` is compared up to there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Literal, NamedTuple

from tlsviz.connection.ladder import Step, steps
from tlsviz.connection.model import Connection
from tlsviz.tls.registry import is_grease
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.nodes import Deferred, Node

MAX_STEPS = 400
"""Of a longer ladder so many steps are aligned: handshakes come first, and data goes on for ever."""
MAX_FIELDS = 4_000

Standing = Literal["same", "differs", "fresh", "moved", "gone", "new"]
"""gone: only on the left; new: only on the right; fresh: differs because it is made anew for every connection."""

_ALIKE = {"encrypted_handshake": "finished", "compressed_certificate": "certificate"}
"""Types that stand for another: what cannot be read behind ChangeCipherSpec is a Finished."""

_FRESH = frozenset(
    (
        *("random", "legacy_session_id", "legacy_session_id_echo", "key_exchange", "verify_data", "signature"),
        *("challenge", "connection_id", "ticket", "ticket_nonce", "ticket_age_add", "identity", "binder"),
        *("obfuscated_ticket_age", "cookie", "pubkey", "ecdh_Yc", "point", "encrypted_pre_master_secret", "payload"),
        *("dh_Ys", "dh_Yc", "enc", "config_id", "opaque"),
    )
)
"""Fields (and all inside of them) that differ between any two connections."""


class StepPair(NamedTuple):
    """A place on both ladders; None where the other has a step more."""

    left: Step | None
    right: Step | None
    standing: Standing


class FieldPair(NamedTuple):
    """A field of both messages; ``depth`` below the message's root, whose children have depth 0."""

    depth: int
    left: Node | None
    right: Node | None
    standing: Standing

    @property
    def name(self) -> str:
        node = self.left or self.right
        return node.name if node is not None else ""


def matches(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The longest common subsequence, as pairs of places. Time and memory grow with the product of the lengths."""
    head = 0
    while head < min(len(left), len(right)) and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    middle = _longest(left[head : len(left) - tail], right[head : len(right) - tail])
    found = [(place, place) for place in range(head)]
    found += [(head + one, head + other) for one, other in middle]
    return found + [(len(left) - back, len(right) - back) for back in range(tail, 0, -1)]


def _longest(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    best = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for one in range(len(left) - 1, -1, -1):
        row, below = best[one], best[one + 1]
        for other in range(len(right) - 1, -1, -1):
            alike = left[one] == right[other]
            row[other] = below[other + 1] + 1 if alike else max(below[other], row[other + 1])
    found: list[tuple[int, int]] = []
    one = other = 0
    while one < len(left) and other < len(right):
        if left[one] == right[other]:
            found.append((one, other))
            one, other = one + 1, other + 1
        elif best[one + 1][other] >= best[one][other + 1]:
            one += 1
        else:
            other += 1
    return found


def step_pairs(left: Connection, right: Connection) -> tuple[StepPair, ...]:
    """Both ladders step by step: by sender and type, in order. ``standing`` compares what the steps carried."""
    ours, theirs = steps(left)[:MAX_STEPS], steps(right)[:MAX_STEPS]
    pairs = matches([_key(left, step) for step in ours], [_key(right, step) for step in theirs])
    found: list[StepPair] = []
    one = other = 0
    for mine, its in [*pairs, (len(ours), len(theirs))]:
        found += [StepPair(step, None, "gone") for step in ours[one:mine]]
        found += [StepPair(None, step, "new") for step in theirs[other:its]]
        if mine < len(ours) and its < len(theirs):
            same = _told(left, ours[mine]) == _told(right, theirs[its])
            found.append(StepPair(ours[mine], theirs[its], "same" if same else "differs"))
        one, other = mine + 1, its + 1
    return tuple(found)


def _key(connection: Connection, step: Step) -> tuple[str, ...]:
    """What a step must share with another to stand beside it."""
    if step.kind == "message":
        kind = connection.messages[step.index].type
        return "message", step.sender, _ALIKE.get(kind, kind)
    if step.kind == "mark":
        return "mark", step.sender, connection.marks[step.index].mark.kind
    # The body of an answer in the clear stands beside no record of TLS.
    return step.kind, step.sender, connection.plain or ""


def _told(connection: Connection, step: Step) -> tuple[object, ...]:
    """What is compared of two steps beside each other: times are not."""
    if step.kind == "message":
        message = connection.messages[step.index]
        shape = _shape(message.tree, message.buffer) if message.tree and message.buffer else message.length
        return step.encrypted, step.provenance == "inferred", step.proof, step.note, shape
    return step.title if step.kind != "data" else "", step.note


def _shape(tree: Node, buffer: Buffer) -> tuple[object, ...]:
    """A message without what is fresh in every connection."""
    found: list[object] = []
    pending = [tree]
    while pending and len(found) < MAX_FIELDS:
        node = pending.pop()
        if node.name in _FRESH:
            found.append(node.name)
        elif inner := node.children:
            found.append(node.name)
            pending.extend(reversed(inner))
        elif node.label == "GREASE":
            found.append((node.name, "GREASE"))
        elif node.name != "length":
            found.append((node.name, buffer.data[node.start : node.end]))
    return tuple(found)


def field_pairs(left: Node, left_data: bytes, right: Node, right_data: bytes) -> tuple[FieldPair, ...]:
    """The fields of two messages (or of any two trees) beside each other, parents before children."""
    found: list[FieldPair] = []
    for pair in _fields(left, left_data, right, right_data, 0, False):
        found.append(pair)
        if len(found) >= MAX_FIELDS:
            break
    return tuple(found)


def _fields(
    left: Node, left_data: bytes, right: Node, right_data: bytes, depth: int, fresh: bool
) -> Iterator[FieldPair]:
    for one, other, moved in _siblings(left.children, left_data, right.children, right_data):
        if one is None or other is None:
            yield from _alone(one, other, depth)
            continue
        new = fresh or one.name in _FRESH
        equal = _grease(one) and _grease(other)
        equal = equal or left_data[one.start : one.end] == right_data[other.start : other.end]
        standing: Standing = "moved" if moved else "same" if equal else "fresh" if new else "differs"
        below = tuple(_fields(one, left_data, other, right_data, depth + 1, new))
        if standing == "differs" and below and all(pair.standing in ("same", "fresh") for pair in below):
            standing = "fresh"
        yield FieldPair(depth, one, other, standing)
        yield from below


def _grease(node: Node) -> bool:
    return node.label == "GREASE" or (isinstance(node.value, int) and node.length == 2 and is_grease(node.value))


def _alone(one: Node | None, other: Node | None, depth: int) -> Iterator[FieldPair]:
    """A field that only one of both has, with everything in it."""
    yield FieldPair(depth, one, other, "gone" if one is not None else "new")
    node = one or other
    # What opens only when asked, such as a whole certificate, stays closed.
    for child in node.children if node is not None and not isinstance(node, Deferred) else ():
        yield from _alone(child if one is not None else None, None if one is not None else child, depth + 1)


Siblings = Iterator[tuple[Node | None, Node | None, bool]]


def _siblings(left: Sequence[Node], left_data: bytes, right: Sequence[Node], right_data: bytes) -> Siblings:
    """Children in pairs, in the left's order with the right's own among them; whether a pair stands elsewhere."""
    left, right = left[:MAX_FIELDS], right[:MAX_FIELDS]
    ours, theirs = _keys(left, left_data, right), _keys(right, right_data, left)
    places = {key: place for place, key in enumerate(theirs)}
    both = [key for key in ours if key in places]
    known = set(both)
    order = [places[key] for key in both]
    kept = {order[place] for place in _rising(order)}
    at = 0
    for node, key in zip(left, ours, strict=True):
        place = places.get(key)
        if place is None:
            yield node, None, False
            continue
        if place in kept:
            while at < place:
                if theirs[at] not in known:
                    yield None, right[at], False
                at += 1
            at = place + 1
        yield node, right[place], place not in kept
    for place in range(at, len(right)):
        if theirs[place] not in known:
            yield None, right[place], False


def _keys(nodes: Sequence[Node], data: bytes, others: Sequence[Node]) -> list[Hashable]:
    """What makes siblings each other's: the name; of elements of a list what tells them apart; and how often."""
    names = [node.name for node in nodes]
    listed = {name for name in names if names.count(name) > 1} if len(names) < 64 else set(names)
    rest = [node.name for node in others]
    listed |= {name for name in rest if rest.count(name) > 1} if len(rest) < 64 else set(rest)
    seen: dict[Hashable, int] = {}
    found: list[Hashable] = []
    for node in nodes:
        key: Hashable = (node.name, _mark(node, data) if node.name in listed else None)
        seen[key] = seen.get(key, 0) + 1
        found.append((key, seen[key]))
    return found


def _mark(node: Node, data: bytes) -> Hashable:
    """What tells an element of a list from its neighbours: its value, else its first number, else nothing."""
    if _grease(node):
        return "GREASE"
    if not node.children:
        return data[node.start : node.end]
    first = node.children[0]
    if isinstance(first.value, int) and first.name not in ("length", f"{node.name}_length"):
        return "GREASE" if _grease(first) else first.value
    return None


def _rising(order: Sequence[int]) -> list[int]:
    """The places of a longest rising run of numbers: what kept its order."""
    from bisect import bisect_left

    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, value in enumerate(order):
        spot = bisect_left(tails, value)
        before.append(ends[spot - 1] if spot else -1)
        if spot == len(tails):
            tails.append(value)
            ends.append(place)
        else:
            tails[spot], ends[spot] = value, place
    found: list[int] = []
    place = ends[-1] if ends else -1
    while place >= 0:
        found.append(place)
        place = before[place]
    return found[::-1]
