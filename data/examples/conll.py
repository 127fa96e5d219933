"""Tagged sentences in columns: the CoNLL shared tasks' files, and CoNLL-U."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from data.corpus.files import text_ending
from data.examples.lines import read_all_lines
from data.examples.rows import BadRows, Fault, at_least_one
from data.examples.types import TaggedExample

DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")  # no other white space: words hold no-break spaces
_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b")
_CONLLU_CELLS = 10
CONLLU_COLUMNS = {"upos": 3, "xpos": 4}
_WORD_NUMBER = re.compile(r"(?P<word>\d+)|\d+-\d+|\d+\.\d+", re.ASCII)
_UNSPECIFIED = "_"


class _Word(NamedTuple):
    text: str
    tag: str | None


class _Document:
    """A line that begins a document."""


_Line = _Word | _Document | None
"""None is a line that stands in a sentence and is no word."""


def read_conll(
    path: Path, bad: BadRows, *, word_column: int = 0, tag_column: int = -1
) -> Iterator[TaggedExample]:
    """The sentences of a file with a word on each line, its columns apart by spaces or tabs.

    A blank line ends a sentence, a line that starts with -DOCSTART- begins a document. A file whose first row
    is a word alone has no tags.

    Args:
        path: the file.
        bad: gets the rows that cannot be used; their sentences are left out with them.
        word_column: number of the column of words from 0, from the end if below 0.
        tag_column: number of the column of tags.

    Raises:
        CharBertError: the file cannot be read, or has no sentence that can be used.
    """
    needed = max(2, *(number + 1 if number >= 0 else -number for number in (word_column, tag_column)))
    tagged: bool | None = None

    def line_of(text: str) -> _Line:
        nonlocal tagged
        if text.startswith(DOCUMENT):
            return _Document()
        cells = _BLANKS.split(text.strip(" \t"))
        if tagged is None:
            tagged = len(cells) > 1
        if not tagged:
            if len(cells) > 1:
                raise Fault(f"has {len(cells)} columns, and the first row is a word alone")
            return _Word(cells[0], None)
        if len(cells) < needed:
            raise Fault(f"has too few columns for a word and its tag ({len(cells)}, not {needed})")
        return _Word(cells[word_column], cells[tag_column])

    return at_least_one(_sentences(path, bad, line_of), path, bad)


def read_conllu(path: Path, bad: BadRows, *, column: str = "xpos") -> Iterator[TaggedExample]:
    """The sentences of a CoNLL-U file: its syntactic words, without multiword and empty ones.

    A sentence whose words all have the tag `_` has none.

    Args:
        path: the file.
        bad: gets the rows that cannot be used; their sentences are left out with them.
        column: `xpos` or `upos`.

    Raises:
        CharBertError: the file cannot be read, or has no sentence that can be used.
    """
    tag_column = CONLLU_COLUMNS[column]

    def line_of(text: str) -> _Line:
        if text.startswith("#"):
            return _Document() if _NEW_DOCUMENT.match(text) else None
        cells = text.split("\t")
        if len(cells) != _CONLLU_CELLS:
            raise Fault(f"has {len(cells)} columns, not the {_CONLLU_CELLS} of CoNLL-U")
        number = _WORD_NUMBER.fullmatch(cells[0])
        if number is None:
            raise Fault(f"begins with {cells[0]!r}, which is no number of a word in CoNLL-U")
        return _Word(cells[1], cells[tag_column]) if number["word"] else None

    def all_or_none(example: TaggedExample) -> TaggedExample:
        return example._replace(tags=None) if set(example.tags or ()) == {_UNSPECIFIED} else example

    return at_least_one(map(all_or_none, _sentences(path, bad, line_of)), path, bad)


def has_conllu_name(path: Path) -> bool:
    """Whether the name says that a file is CoNLL-U, also a compressed one."""
    return text_ending(path) == ".conllu"


def _sentences(path: Path, bad: BadRows, line_of: Callable[[str], _Line]) -> Iterator[TaggedExample]:
    """The sentences of which every line can be used."""
    sentence = _Sentence(path)
    for number, text in read_all_lines(path, bad):
        if text is None:
            sentence.usable = False
            continue
        if not text.strip(" \t"):
            yield from sentence.ended()
            continue
        try:
            line = line_of(text)
        except Fault as fault:
            bad.add(f"{path}: row {number}", f"{fault}; its sentence cannot be used")
            sentence.usable = False
            continue
        if isinstance(line, _Word):
            sentence.add(line, number)
        elif isinstance(line, _Document):
            yield from sentence.ended()
            sentence.document += 1
    yield from sentence.ended()


class _Sentence:
    """The sentence that is being read, and how many sentences and documents there have been."""

    def __init__(self, path: Path) -> None:
        self.document = 0
        self.usable = True
        self._path = path
        self._count = 0
        self._first_row = 0
        self._words: list[_Word] = []

    def add(self, word: _Word, row: int) -> None:
        self._first_row = self._first_row if self._words else row
        self._words.append(word)

    def ended(self) -> Iterator[TaggedExample]:
        """The sentence, if there is one that can be used; the next one begins."""
        words, usable = self._words, self.usable
        self._words, self.usable = [], True
        if not words or not usable:
            return
        tags = tuple(word.tag for word in words if word.tag is not None)
        yield TaggedExample(
            id=str(self._count),
            words=tuple(word.text for word in words),
            tags=tags or None,
            document=self.document,
            location=f"{self._path}: row {self._first_row}",
        )
        self._count += 1
