"""What an attack gives: the new texts and words, and where everything went."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from charbert.noise.words import Words
from charbert.ragged import Array


class Edit(NamedTuple):
    """`text[start:end]` became `new_text[new_start:new_end]`; what is between two edits stayed."""

    start: int
    end: int
    new_start: int
    new_end: int


class AttackedText(NamedTuple):
    """A text after an attack, with its number of words, of those eligible, and of those changed."""

    text: str
    words: int
    eligible: int
    changed: int
    edits: tuple[Edit, ...]

    def map_position(self, position: int) -> int:
        """Where a position of the old text lies in the new one.

        The ends of an edit go to the ends of what it gave; a position inside stays as far from the start, or
        goes to the end.
        """
        number = bisect_left(self.edits, position, key=lambda edit: edit.start) - 1
        if number < 0:
            return position
        edit = self.edits[number]
        if position >= edit.end:
            return position + edit.new_end - edit.end
        return min(position + edit.new_start - edit.start, edit.new_end)


class AttackedWords(NamedTuple):
    """The words of a sentence after an attack.

    `sources` has for each the number of the old word that it begins with; `eligible` and `changed` count old
    words.
    """

    words: tuple[str, ...]
    sources: tuple[int, ...]
    eligible: int
    changed: int


class Changes(NamedTuple):
    """C changes in the order of the text, each of another word: `starts` to `ends` becomes `new`.

    A word is split by a blank put between two characters, and joined with the next one by nothing in place of
    what lies between them.
    """

    rows: Array
    """(C,) the numbers of the words."""
    starts: Array
    ends: Array
    new: list[str]


def changed_cores(words: Words, rows: Array, new: Sequence[str]) -> Changes:
    """These words with these cores, without those whose core is the same as before."""
    pairs = zip(words.cores(rows), new, strict=True)
    changed = [number for number, (old, core) in enumerate(pairs) if old != core]
    rows = rows[changed]
    return Changes(rows, words.core_starts[rows], words.core_ends[rows], [new[each] for each in changed])


def attacked_texts(words: Words, eligible: Array, changes: Changes) -> list[AttackedText]:
    """The texts with the changes made."""
    counts, eligibles, bounds = _counts(words, eligible, changes)
    changed = list(zip(changes.starts.tolist(), changes.ends.tolist(), changes.new, strict=True))
    text_bounds = words.text_starts.tolist()
    attacked = []
    for number, (start, end) in enumerate(pairwise(text_bounds)):
        of_text = changed[bounds[number] : bounds[number + 1]]
        text, edits = _edited(words.text, start, end, of_text)
        attacked.append(AttackedText(text, counts[number], eligibles[number], len(of_text), edits))
    return attacked


def _edited(
    text: str, start: int, end: int, changes: Sequence[tuple[int, int, str]]
) -> tuple[str, tuple[Edit, ...]]:
    """The part from `start` to `end` with the changes made, and where each lies in it."""
    pieces: list[str] = []
    edits: list[Edit] = []
    done, shift = start, 0
    for old_start, old_end, new in changes:
        pieces += text[done:old_start], new
        new_start = old_start - start + shift
        edits.append(Edit(old_start - start, old_end - start, new_start, new_start + len(new)))
        shift += len(new) - (old_end - old_start)
        done = old_end
    pieces.append(text[done:end])
    return "".join(pieces), tuple(edits)


def attacked_sentences(
    sentences: Sequence[Sequence[str]], words: Words, eligible: Array, changes: Changes
) -> list[AttackedWords]:
    """The sentences with the changes made."""
    _, eligibles, bounds = _counts(words, eligible, changes)
    offsets = words.starts[changes.rows]
    changed = list(
        zip(
            words.numbers[changes.rows].tolist(),
            (changes.starts - offsets).tolist(),
            (changes.ends - offsets).tolist(),
            changes.new,
            strict=True,
        )
    )
    attacked = []
    for number, sentence in enumerate(sentences):
        of_sentence = changed[bounds[number] : bounds[number + 1]]
        new_words, sources = list(sentence), tuple(range(len(sentence)))
        for place, start, end, new in of_sentence:
            new_words[place] = new_words[place][:start] + new + new_words[place][end:]
        attacked.append(AttackedWords(tuple(new_words), sources, eligibles[number], len(of_sentence)))
    return attacked


def respaced_sentences(
    sentences: Sequence[Sequence[str]], words: Words, eligible: Array, changes: Changes
) -> list[AttackedWords]:
    """The sentences with words split, and joined with the next one."""
    _, eligibles, bounds = _counts(words, eligible, changes)
    places = (changes.starts - words.starts[changes.rows]).tolist()
    changed = list(zip(words.numbers[changes.rows].tolist(), places, changes.new, strict=True))
    attacked = []
    for number, sentence in enumerate(sentences):
        of_sentence = changed[bounds[number] : bounds[number + 1]]
        cuts = {place: cut for place, cut, new in of_sentence if new}
        joined = {place + 1 for place, _, new in of_sentence if not new}
        new_words: list[str] = []
        sources: list[int] = []
        for place, word in enumerate(sentence):
            parts = [word[: cuts[place]], word[cuts[place] :]] if place in cuts else [word]
            if place in joined:
                new_words[-1] += parts.pop(0)
            new_words += parts
            sources += [place] * len(parts)
        attacked.append(AttackedWords(tuple(new_words), tuple(sources), eligibles[number], len(of_sentence)))
    return attacked


def _counts(words: Words, eligible: Array, changes: Changes) -> tuple[list[int], list[int], list[int]]:
    """Of each text its words and those eligible; and the bounds of its changes."""
    texts = len(words.text_keys)
    counts = np.bincount(words.owners, minlength=texts).tolist()
    eligibles = np.bincount(words.owners[eligible], minlength=texts).tolist()
    changed = np.bincount(words.owners[changes.rows], minlength=texts).tolist()
    return counts, eligibles, [0, *accumulate(changed)]
