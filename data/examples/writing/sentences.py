"""Files of tagged sentences, written anew."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from charbert.errors import CharBertError
from data.corpus.files import BYTE_ORDER_MARK, byte_lines
from data.examples.conll import DOCUMENT
from data.examples.tags import carry_tags

_ESCAPE = "surrogateescape"  # a sentence with a row that is not UTF-8 is left out, but goes by here
_LINE = re.compile(r"(?P<text>.*?)(?P<end>\r?\n?)", re.DOTALL)
_BLANKS = re.compile(r"([ \t]+)")
_NUMBERED = re.compile(r"\d+\t", re.ASCII)
_FORM, _TREE = 1, slice(6, 9)  # the cells of a word, and of its head, its relation, its place in the graph
_NOTHING = "_"


class Words(NamedTuple):
    words: Sequence[str]
    sources: Sequence[int]


class NewSentence(NamedTuple):
    """What becomes of a sentence of so many words."""

    size: int
    part: Words


class SentenceForm(Protocol):
    """What the lines of a form are, and a sentence with other words in it. Lines come without their ends."""

    def stands_between(self, line: str) -> bool:
        """Whether a line that is not blank is no part of a sentence."""

    def is_word(self, line: str) -> bool:
        """Whether a line of a sentence is one of its words."""

    def rewritten(self, lines: Sequence[str], part: Words) -> list[str]:
        """The lines of a sentence with its new words."""


class _Line(NamedTuple):
    location: str
    mark: str
    text: str
    end: str


def rewritten_sentences(
    path: Path, form: SentenceForm, new: Mapping[str, NewSentence], left_out: Collection[str]
) -> Iterator[bytes]:
    """The content of the file piece by piece, with new words.

    Args:
        path: the file.
        form: what its lines are.
        new: the sentences by the places of their first words; others are not written.
        left_out: the places of rows that cannot be used, and are not written.

    Raises:
        CharBertError: a sentence is interrupted by what is no part of it.
    """

    def is_between(line: _Line) -> bool:
        return not line.text.strip(" \t") or form.stands_between(line.text)

    for between, group in groupby(_lines(path), key=is_between):
        lines = [line for line in group if line.location not in left_out]
        words = [line.location for line in lines if form.is_word(line.text)]
        if not between:
            sentence = new.get(words[0]) if words else None
            if sentence is None:
                continue
            if len(words) != sentence.size:
                raise CharBertError(f"{words[0]}: a remark stands within this sentence; move it to the front")
            lines = _with_texts(lines, form.rewritten([line.text for line in lines], sentence.part))
        yield "".join(line.mark + line.text + line.end for line in lines).encode(errors=_ESCAPE)


def _lines(path: Path) -> Iterator[_Line]:
    for number, content in byte_lines(path):
        line = content.decode(errors=_ESCAPE)
        mark = BYTE_ORDER_MARK if number == 1 and line.startswith(BYTE_ORDER_MARK) else ""
        found = _LINE.fullmatch(line, len(mark))
        assert found is not None  # every line is of this form
        yield _Line(f"{path}: row {number}", mark, *found.groups())


def _with_texts(lines: Sequence[_Line], texts: Sequence[str]) -> list[_Line]:
    """These texts with the ends of the lines; where they are more or fewer, the last end stays the last."""
    ends = [line.end for line in lines]
    if len(texts) != len(lines):
        ends = [ends[0] or "\n"] * (len(texts) - 1) + ends[-1:]
    marks = [lines[0].mark] + [""] * (len(texts) - 1)
    return [_Line("", *parts) for parts in zip(marks, texts, ends, strict=True)]


class ColumnLines:
    """A word on each line, its columns apart by blanks or tabs; their numbers are those of `read_conll`."""

    def __init__(self, word_column: int, tag_column: int) -> None:
        self._word_column, self._tag_column = word_column, tag_column

    def stands_between(self, line: str) -> bool:
        return line.startswith(DOCUMENT)

    def is_word(self, line: str) -> bool:
        return True

    def rewritten(self, lines: Sequence[str], part: Words) -> list[str]:
        """The lines of the words from which the new ones come, with these and the tags that go with them."""
        rows = [_BLANKS.split(line) for line in lines]
        # Blanks before the first cell and behind the last one have an empty piece on their other side.
        cells = [[place for place, piece in enumerate(row) if piece and place % 2 == 0] for row in rows]
        tagged = len(cells[0]) > 1
        old_tags = [
            row[places[self._tag_column if tagged else 0]] for row, places in zip(rows, cells, strict=True)
        ]
        renewed = []
        for word, source, tag in zip(
            part.words, part.sources, carry_tags(old_tags, part.sources), strict=True
        ):
            row, places = list(rows[source]), cells[source]
            if tagged:
                row[places[self._tag_column]] = tag
            row[places[self._word_column if tagged else 0]] = word
            renewed.append("".join(row))
        return renewed


class ConlluLines:
    """Lines of ten cells; where words are split or joined, all are numbered anew, and the tree is left out.

    So are then the ranges of several words, and the empty nodes.

    Args:
        tag_column: number of the cell of tags.
    """

    def __init__(self, tag_column: int) -> None:
        self._tag_column = tag_column

    def stands_between(self, line: str) -> bool:
        return line.startswith("#")

    def is_word(self, line: str) -> bool:
        return _NUMBERED.match(line) is not None

    def rewritten(self, lines: Sequence[str], part: Words) -> list[str]:
        rows = [line.split("\t") for line in lines]
        words = [row for line, row in zip(lines, rows, strict=True) if self.is_word(line)]
        if tuple(part.sources) == tuple(range(len(words))):
            for row, word in zip(words, part.words, strict=True):
                row[_FORM] = word
        else:
            tags = carry_tags([row[self._tag_column] for row in words], part.sources)
            rows = [list(words[source]) for source in part.sources]
            for number, (row, word, tag) in enumerate(zip(rows, part.words, tags, strict=True), start=1):
                row[_TREE] = [_NOTHING] * len(row[_TREE])
                row[self._tag_column] = tag
                row[:2] = str(number), word
        return ["\t".join(row) for row in rows]
