"""A quick look at a capture file's own frame: how many packets, whether it is whole, which secrets it carries.

Packets are not decoded here, that is tshark's work. pcapng files can hold Decryption Secrets Blocks
(draft-ietf-opsawg-pcapng, section 4.7), which tshark uses but does not hand out.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

from tlsviz.errors import TargetError
from tlsviz.wire.text import safe, shorten

Kind = Literal["pcap", "pcapng", "other"]

SECTION_HEADER = 0x0A0D0D0A
PACKET_BLOCKS = (2, 3, 6)  # the obsolete, the simple and the enhanced packet block
DECRYPTION_SECRETS = 10
TLS_KEY_LOG = 0x544C534B

PCAP_MAGICS = (0xA1B2C3D4, 0xA1B23C4D)  # microseconds, nanoseconds
PCAP_MODIFIED = 0xA1B2CD34  # Kuznetzov's: 8 more bytes before each packet

MOST_SECRETS = 64 << 20
LONGEST_BLOCK = 128 << 20  # as tshark has it
_BUFFER = 1 << 20


@dataclass(slots=True)
class Survey:
    """What a capture file's frame says.

    ``packets`` counts the whole packets, None in formats not read here. ``cut``: the file ends inside a packet or
    block; ``damaged``: a length in it cannot be right, and what follows was not looked at. ``secrets`` are the
    texts of the TLS key logs inside, in order.
    """

    kind: Kind = "other"
    size: int = 0
    packets: int | None = None
    cut: bool = False
    damaged: bool = False
    secrets: list[bytes] = field(default_factory=list)


class _Cut(Exception):  # noqa: N818 - never leaves this module
    """The file ends before what should be there."""


def require_file(path: Path) -> int:
    """The size of a file that can be read as a capture; raises `TargetError` if it is none, or empty."""
    shown = shorten(path.name or str(path), 80)
    try:
        if path.is_dir():
            raise TargetError(f"{shown} is a directory", "a capture is a file", "Name a file inside it.")
        if not path.exists():
            raise TargetError(f"{shown} is not there", f"no file {safe(str(path))}", "Check the name.")
        if not path.is_file():
            raise TargetError(f"{shown} is not a file", "captures are read twice", "Save it to a file first.")
        size = path.stat().st_size
        if size == 0:
            raise TargetError(f"{shown} is empty", "the file has no bytes", "Capture again, to a file that has room.")
        with path.open("rb"):
            return size
    except OSError as error:
        why = error.strerror or str(error)
        raise TargetError(f"Cannot read {shown}", why, "Check the file and its permissions.") from None


def survey(path: Path) -> Survey:
    """Looks through a capture file, compressed by gzip or zstd or not.

    Raises `TargetError` at once for what is no readable file or is empty.
    """
    found = Survey(size=require_file(path))
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            _look(_unpacked(file), found)
    except OSError as error:
        why = error.strerror or str(error)
        raise TargetError(f"Cannot read {shorten(path.name, 80)}", why, "Check the file.") from None
    return found


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if start == b"\x28\xb5\x2f\xfd":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return file


def _look(file: IO[bytes], found: Survey) -> None:
    try:
        magic = _read(file, 4)
        if int.from_bytes(magic, "big") == SECTION_HEADER:
            found.kind, found.packets = "pcapng", 0
            _pcapng(file, found)
            return
        for order in "<>":
            number = struct.unpack(order + "I", magic)[0]
            if number in PCAP_MAGICS or number == PCAP_MODIFIED:
                found.kind, found.packets = "pcap", 0
                _pcap(file, found, order, 24 if number == PCAP_MODIFIED else 16)
    except (_Cut, EOFError):
        found.cut = True
    except Exception as error:
        if not isinstance(error, (gzip.BadGzipFile, zlib.error)) and type(error).__module__ != "zstd":
            raise
        found.damaged = True


def _read(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        data += file.read(size - len(data)) if data else b""
        if len(data) < size:
            raise _Cut
    return data


def _pcap(file: IO[bytes], found: Survey, order: str, header_size: int) -> None:
    """Counts packets; the file's 24-byte header has been read up to its magic number."""
    _read(file, 20)
    unpack = struct.Struct(order + "8xI").unpack_from
    count = 0
    try:
        while header := file.read(header_size):
            if len(header) < header_size:
                raise _Cut
            size = unpack(header)[0]
            if size > LONGEST_BLOCK:
                found.damaged = True
                return
            if len(file.read(size)) < size:
                raise _Cut
            count += 1
    finally:
        found.packets = count


def _pcapng(file: IO[bytes], found: Survey) -> None:
    """Walks the blocks of every section; the first block's type has been read."""
    order = _section(file, found)
    while order is not None:
        head = file.read(8)
        if not head:
            return
        if len(head) < 8:
            raise _Cut
        kind, size = struct.unpack(order + "II", head)
        if kind == SECTION_HEADER:
            order = _section(file, found, head[4:])
            continue
        if not 12 <= size <= LONGEST_BLOCK:
            found.damaged = True
            return
        body = _read(file, (size + 3 & ~3) - 8)
        if kind in PACKET_BLOCKS:
            found.packets = (found.packets or 0) + 1
        elif kind == DECRYPTION_SECRETS:
            take_secrets(body[:-4], order, found)


def _section(file: IO[bytes], found: Survey, size_field: bytes | None = None) -> str | None:
    """Reads a section header behind its type; returns the section's byte order, None if it has none."""
    size_field = size_field or _read(file, 4)
    magic = _read(file, 4)
    order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(magic)
    size = struct.unpack((order or ">") + "I", size_field)[0]
    if order is None or not 28 <= size <= LONGEST_BLOCK:
        found.damaged = True
        return None
    _read(file, (size + 3 & ~3) - 12)
    return order


def take_secrets(body: bytes, order: str, found: Survey) -> None:
    if len(body) < 8:
        return
    kind, size = struct.unpack_from(order + "II", body)
    held = sum(map(len, found.secrets))
    if kind == TLS_KEY_LOG and held + size <= MOST_SECRETS:
        found.secrets.append(body[8 : 8 + size])
