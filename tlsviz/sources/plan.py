"""What is to be read of a capture file: which frames, in which ranges of the file, and what was only counted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tlsviz.sources.frames import Framing
from tlsviz.sources.pcapng import Survey
from tlsviz.sources.segment_log import Bare
from tlsviz.sources.segments import Carved
from tlsviz.sources.taken import Taken


@dataclass(slots=True)
class Plan:
    """What the first pass found: which frames to read (``keep``: a byte each), and what was counted instead.

    ``carved``: of each flow, by the frame number of its first packet, what each side sent (the sender of that packet
    first). ``flows``: the frames of these flows; ``randoms``: their clients' randoms. ``starts`` and ``ends``: where
    each frame is in the file. ``bare``: by the same number, bare acknowledgements of any flow, and ``taken``
    segments, which tshark does not read.
    """

    framing: Framing
    keep: bytearray
    starts: array[int]
    ends: array[int]
    carved: dict[int, tuple[list[Carved], list[Carved]]] = field(default_factory=dict)
    flows: dict[int, array[int]] = field(default_factory=dict)
    randoms: dict[int, bytes] = field(default_factory=dict)
    bare: dict[int, list[Bare]] = field(default_factory=dict)
    taken: dict[int, Taken] = field(default_factory=dict)

    @property
    def survey(self) -> Survey:
        """What the file's frame says."""
        return self.framing.found

    @property
    def size(self) -> int:
        """Bytes of the frames to read, here or by tshark, about."""
        at = len(self.keep)
        wanted = self.keep.count(1) + sum(map(len, self.taken.values()))
        return (self.ends[at - 1] - self.starts[0]) * wanted // at if at else 0

    def spare(self, known: Callable[[bytes], bool]) -> None:
        """Leaves the flows whole whose client's random is ``known``: what can be decrypted is not only counted."""
        for first in [first for first, random in self.randoms.items() if known(random)]:
            for number in self.flows.pop(first):
                self.keep[number - 1] = 1
            del self.carved[first], self.randoms[first]
            self.bare.pop(first, None)
            self.taken.pop(first, None)

    def only(self, firsts: Iterable[int]) -> Plan:
        """A plan that reads all frames of the flows that begin with these frames, and no others."""
        keep = bytearray(len(self.keep))
        for first in firsts:
            for number in self.flows[first]:
                keep[number - 1] = 1
        return Plan(self.framing, keep, self.starts, self.ends)

    def ranges(self) -> list[tuple[int, int]]:
        """The parts of the file to read, in order: what stands between frames, and the frames that are kept."""
        found = list(self.framing.others)
        at = self.keep.find(1)
        while at >= 0:
            until = self.keep.find(0, at)
            until = len(self.keep) if until < 0 else until
            found.extend(_joined(self.starts, self.ends, at, until))
            at = self.keep.find(1, until)
        found.sort()
        return found

    def numbers(self) -> array[int]:
        """The frame numbers of the frames that are kept, in order."""
        return array("L", (number for number, kept in enumerate(self.keep, 1) if kept))


def _joined(starts: array[int], ends: array[int], at: int, until: int) -> list[tuple[int, int]]:
    """The ranges of frames ``[at, until)``: one, if nothing stands between them."""
    if ends[until - 1] - starts[at] == sum(ends[at:until]) - sum(starts[at:until]):
        return [(starts[at], ends[until - 1])]
    return list(zip(starts[at:until], ends[at:until], strict=True))
