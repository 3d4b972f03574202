"""Faults of the environment, as people meet them: what, why, what to do.

A peer's faults are findings, not exceptions; bugs raise. Everything that the user's machine, files or network
can do wrong is a subclass of `TlsvizError`, printed as one short paragraph, never as a traceback.
"""


class TlsvizError(Exception):
    """Something outside tlsviz is in the way.

    ``title`` says what in a few words, ``message`` why, ``hint`` what to do about it. ``exit_status`` is the
    process's exit status (the command line contract: 2 wrong usage, 3 something missing here, 4 the target
    cannot be read or reached).
    """

    exit_status = 4

    def __init__(self, title: str, message: str = "", hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """One paragraph: title, message and hint."""
        first = f"{self.title}: {self.message}" if self.message else self.title
        return f"{first.rstrip('.')}. {self.hint}".strip() if self.hint else first


class UsageError(TlsvizError):
    """The command line or an option's value is wrong."""

    exit_status = 2


class MissingError(TlsvizError):
    """Something is missing on this machine: tshark, a permission, a library."""

    exit_status = 3


class TargetError(TlsvizError):
    """The target cannot be read or reached."""

    exit_status = 4


class CancelledError(TlsvizError):
    """The user stopped it."""

    exit_status = 4
