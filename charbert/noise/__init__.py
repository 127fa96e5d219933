"""Noise: typos, misspellings, OCR errors and other damage to words, in texts whose labels stay valid.

- `Attack`, `load_attack`: one kind of noise on a share of the words of texts or sentences.
- `KINDS`, `find_kind`, `describe_kinds`: the kinds of noise; `Kind`, `register_kind`: how to add one.
- `noise_words`, `noise_word`: one edit on each word (`EDITS`), as in pre-training; `list_variants`: all that
  an edit could make of a word.
- `KEYBOARDS`: the languages whose neighbouring keys are known.
"""

from charbert.noise.attack import Attack, AttackedText, AttackedWords, Edit, load_attack
from charbert.noise.base import Changes, Kind, replace_cores
from charbert.noise.edits import (
    EDITS,
    PRETRAINING_EDITS,
    SHORTEST_EDITED,
    list_variants,
    noise_word,
    noise_words,
)
from charbert.noise.keyboards import KEYBOARDS
from charbert.noise.kinds import KINDS, describe_kinds, find_kind, register_kind
from charbert.noise.misspellings import read_misspellings
from charbert.noise.word_arrays import Words, split_sentences, split_texts

__all__ = [
    "EDITS",
    "KEYBOARDS",
    "KINDS",
    "PRETRAINING_EDITS",
    "SHORTEST_EDITED",
    "Attack",
    "AttackedText",
    "AttackedWords",
    "Changes",
    "Edit",
    "Kind",
    "Words",
    "describe_kinds",
    "find_kind",
    "list_variants",
    "load_attack",
    "noise_word",
    "noise_words",
    "read_misspellings",
    "register_kind",
    "replace_cores",
    "split_sentences",
    "split_texts",
]
