"""Typos: edits on words, and attacks on texts and sentences whose labels go on holding.

- `noise_words`, `noise_word`: one edit on each word (`EDITS`), as in pre-training; `list_variants`: all that
  an edit could make of a word.
- `Attack`: a kind of noise (`KINDS`) on a share of the words of texts or of sentences.
- `KEYBOARDS`: the languages whose neighbouring keys are known.

The kinds of attack, each one change in a word; a word's core is what is left of it without the punctuation
around it:

- `"paper"`: a character dropped, added, swapped with the next one or replaced by a neighbouring key, drawn
  evenly, inside of every core that is letters only and has at least four; `"drop"`, `"add"`, `"swap"` and
  `"keyboard"`: that one alone.
- `"natural"`: a misspelling that people made, for every core that the list has.
- `"ocr"`: a shape taken for another, as in print, in every core of at least two characters that has one.
- `"case"`: small letters, capitals, a capital first, or one letter flipped, where a letter has two cases.
- `"space"`: a blank inside, or none behind the word, for the words that `"paper"` changes.
- `"unicode"`: a letter of another script that looks the same, an accent, or a character without a width.
"""

from charbert.noise.attack import Attack
from charbert.noise.attacked import AttackedText, AttackedWords, Edit
from charbert.noise.edits import (
    EDITS,
    NEIGHBOURS,
    PRETRAINING_EDITS,
    SHORTEST_EDITED,
    noise_word,
    noise_words,
)
from charbert.noise.keyboards import KEYBOARDS
from charbert.noise.kinds import KINDS
from charbert.noise.variants import list_variants

__all__ = [
    "EDITS",
    "KEYBOARDS",
    "KINDS",
    "NEIGHBOURS",
    "PRETRAINING_EDITS",
    "SHORTEST_EDITED",
    "Attack",
    "AttackedText",
    "AttackedWords",
    "Edit",
    "list_variants",
    "noise_word",
    "noise_words",
]
