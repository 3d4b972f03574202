"""What everything means: the words (data) and the narration of one connection. No Textual, no I/O."""

from tlsviz.explain.words import Words, lookup_field, words

__all__ = ["Words", "lookup_field", "words"]
