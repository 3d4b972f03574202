"""Making what a peer wrote safe to print: no terminal codes, no invisible direction changes."""

from __future__ import annotations


def safe(text: str) -> str:
    """The text with every control, format, private, unassigned and line-separating character escaped.

    ``ESC`` becomes ``\\x1b``, a right-to-left override ``\\u202e``: visible, harmless, and nothing is lost.
    """
    if text.isprintable():  # of all separators, a blank alone is
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, width: int) -> str:
    """The safe text, cut to ``width`` characters with an ellipsis."""
    text = safe(text)
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def plural(count: int, word: str, words: str | None = None) -> str:
    """``1 byte``, ``2 bytes``, ``1,550 bytes``."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def times(count: int) -> str:
    """``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def clock(seconds: float) -> str:
    """``85 µs``, ``0.4 ms``, ``22.9 ms``, ``1.25 s``, ``2:05 min``, ``3:20 h``, ``12 days``."""
    if seconds < 0.00009995:
        if seconds < 0:
            return "-" + clock(-seconds)
        # Less than that is what is left of subtracting times of now.
        return f"{seconds * 1e6:.0f} µs" if seconds >= 5e-7 else "0.0 ms"
    if seconds < 0.99995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 99.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d} h" if hours < 48 else f"{hours // 24} days"
