"""What everything means: the words (data) and the narration of one connection. No Textual, no I/O."""

from tlsviz.explain.narrate import narrate, narrate_step
from tlsviz.explain.overview import overview
from tlsviz.explain.render import render
from tlsviz.explain.scene import Narration, Sentence
from tlsviz.explain.search import search
from tlsviz.explain.words import Words, lookup_field, words

__all__ = [
    "Narration",
    "Sentence",
    "Words",
    "lookup_field",
    "narrate",
    "narrate_step",
    "overview",
    "render",
    "search",
    "words",
]
