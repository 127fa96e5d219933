"""Counting words and characters of a text: over processes, in bounded memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import lru_cache
from itertools import chain, repeat

from tokenizers import Tokenizer

from charbert.spelling import byte_letters, is_byte_level
from data.corpus.files import Document, cut_text
from data.corpus.parallel import ordered_map
from data.corpus.sources import batches
from data.vocabulary.tokenizers import spaces_divide

MOST_UNITS = 5_000_000
_REMEMBERED = 1 << 18


class UnitCounts:
    """How often each unit of a tokenizer's pre-tokenisation stands in a text, the space before it included.

    No more than `MOST_UNITS` are held, which takes about a gigabyte: beyond that the rarest ones go, until
    half are left. One that went and comes again is counted anew, so that the counts of rare words can be too
    small. Characters and the number of all words stay exact. Units go between batches of text, so that the
    same ones go whatever the number of processes.
    """

    def __init__(self, backend: Tokenizer) -> None:
        self.units: Counter[str] = Counter()
        self.pruned_words = 0
        self._pruned_characters: Counter[str] = Counter()
        self._pruned_inside: set[str] = set()
        self._byte_level = is_byte_level(backend)

    def add(self, counts: Counter[str]) -> None:
        """Add the counts of more text."""
        self.units.update(counts)
        if len(self.units) > MOST_UNITS:
            self._prune()

    def words(self) -> Counter[str]:
        """The units in lower case, space apart."""
        words: Counter[str] = Counter()
        for unit, count in self.units.items():
            words[unit.strip().lower()] += count
        del words[""]
        return words

    def characters(self) -> Counter[str]:
        """What the tokenizer's pieces are made of: characters of normalised text, or letters for bytes."""
        characters = self._pruned_characters + _characters(self.units)
        if not self._byte_level:
            return characters
        letters: Counter[str] = Counter()
        for character, count in characters.items():
            for letter in byte_letters(character):
                letters[letter] += count
        return letters

    def inner_characters(self) -> set[str]:
        """The characters that continue a unit."""
        return self._pruned_inside.union(chain.from_iterable(unit[1:] for unit in self.units))

    def _prune(self) -> None:
        left, most = len(self.units), 0
        for count, units in sorted(Counter(self.units.values()).items()):
            if left <= MOST_UNITS // 2:
                break
            left, most = left - units, count
        rare = Counter({unit: count for unit, count in self.units.items() if count <= most})
        self.units = Counter({unit: count for unit, count in self.units.items() if count > most})
        self.pruned_words += sum(count for unit, count in rare.items() if unit.strip())
        self._pruned_characters += _characters(rare)
        self._pruned_inside.update(chain.from_iterable(unit[1:] for unit in rare))


def count_units(backend: Tokenizer, documents: Iterable[Document], workers: int) -> UnitCounts:
    """Count the units of all documents. The result is the same for any number of processes."""
    counts = UnitCounts(backend)
    tokenizer = backend.to_str()
    pieces = (document._replace(text=text) for document in documents for text in cut_text(document.text))
    items = ((tokenizer, [piece.text for piece in batch]) for batch in batches(pieces))
    with closing(ordered_map(_count_batch, items, workers)) as counted:
        for batch_counts in counted:
            counts.add(batch_counts)
    return counts


class UnitCounter:
    """Counts the units of texts.

    Most words stand in a text again and again. Where no unit reaches over a space, what stands between spaces
    is counted first, and then pre-tokenised once.
    """

    def __init__(self, backend: Tokenizer) -> None:
        self._normalizer = backend.normalizer
        self._pre_tokenizer = backend.pre_tokenizer
        self._spaces_divide = spaces_divide(backend)
        self._remembered_units = lru_cache(_REMEMBERED)(self._units)

    def __call__(self, texts: Iterable[str]) -> Counter[str]:
        units: Counter[str] = Counter()
        units_of = self._remembered_units if self._spaces_divide else self._units
        for chunk, count in _chunks(texts) if self._spaces_divide else zip(texts, repeat(1), strict=False):
            for unit in units_of(chunk):
                units[unit] += count
        return units

    def _units(self, text: str) -> tuple[str, ...]:
        if self._normalizer is not None:
            text = self._normalizer.normalize_str(text)
        return tuple([text[start:end] for _, (start, end) in self._pre_tokenizer.pre_tokenize_str(text)])


def _chunks(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The texts cut before each space and line feed, with how often each piece stands in them."""
    followers: Counter[str] = Counter()
    for text in texts:
        first, *others = text.replace("\n", " \n").split(" ")
        yield first, 1
        followers.update(others)
    for chunk, count in followers.items():
        yield chunk if chunk.startswith("\n") else f" {chunk}", count


def _count_batch(item: tuple[str, list[str]]) -> Counter[str]:
    tokenizer, texts = item
    return _load_counter(tokenizer)(texts)


@lru_cache(maxsize=1)  # a process gets batches of one tokenizer, and keeps what it remembers of its words
def _load_counter(tokenizer: str) -> UnitCounter:
    return UnitCounter(Tokenizer.from_str(tokenizer))


def _characters(units: Counter[str]) -> Counter[str]:
    characters: Counter[str] = Counter()
    for unit, count in units.items():
        for character in unit:
            characters[character] += count
    return characters
