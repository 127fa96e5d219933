"""Tagged sentences in columns: the files of the CoNLL shared tasks, and CoNLL-U."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from data.corpus.files import text_ending
from data.examples.base import CONLLU_COLUMNS, Columns, Reader
from data.examples.rows import BadRows, RowError, line_end, read_all_lines, require_one
from data.examples.tags import carry_tags
from data.examples.types import AttackedExamples, Example, TaggedExample

CONLLU = ".conllu"
ENDINGS = (CONLLU, ".txt", ".conll", ".bio", ".iob", ".iob2")
"""By which data of one's own are known to be in columns; official files may have any."""
_BLANKS = re.compile(r"[ \t]+")  # no other white space: words hold no-break spaces
_CONLLU_CELLS = 10
_NUMBER = re.compile(r"(?P<word>\d+)|\d+-\d+|\d+\.\d+", re.ASCII)
_TREE = slice(6, 9)  # the cells of the head of a word, of its relation, and of the graph
_UNSPECIFIED = "_"


class ConllReader(Reader):
    """Reads columns, and CoNLL-U where the name says so; IOB1 becomes IOB2.

    Args:
        files: for each split the names of its file, as in `official_files`.
    """

    own_task = "tagging"

    def __init__(self, files: Mapping[str, Sequence[str]]) -> None:
        self.official_files = {split: {"": names} for split, names in files.items()}

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        path = Path(source)
        for example in read_sentences(path, bad, _find_format(columns, path)):
            yield example.as_iob2()

    def write_attacked(
        self, columns: Columns, path: Path, output: IO[bytes], attacked: AttackedExamples
    ) -> None:
        """As `Reader.write_attacked`. Comments, blank lines and those that begin a document stay."""
        changes = zip(attacked.pairs(), attacked.sources, strict=True)
        new = {old.location: (example.words, sources) for (old, example), sources in changes}
        form, end = _find_format(columns, path), line_end(path)
        for block in _blocks(path, BadRows(skip=True), form):
            if isinstance(block, str):
                lines = [block]
            else:
                location = f"{path}: row {_words(block)[0].number}"
                lines = form.replace_words(block, *new[location]) if location in new else []
            output.writelines((line + end).encode() for line in lines)


class _Row(NamedTuple):
    """A line of a sentence."""

    number: int
    cells: Sequence[str]
    separator: str
    is_word: bool = True


class ConllFormat(ABC):
    """What a line is, where its word and its tag are, and how a sentence gets other words.

    Args:
        word_column: number of the column of words from 0, from the end if below 0.
        tag_column: number of the column of tags; None without tags.
    """

    document: re.Pattern[str]
    """Of a line that begins a document, and is no row."""
    comment: re.Pattern[str]
    """Of another line that is no row."""
    untagged: frozenset[str] = frozenset()
    """What all tags of a sentence without tags are."""

    def __init__(self, word_column: int, tag_column: int | None) -> None:
        self.word_column, self.tag_column = word_column, tag_column

    @abstractmethod
    def split(self, number: int, line: str) -> _Row:
        """The cells of a line.

        Raises:
            RowError: it has other cells than the format.
        """

    def replace_words(self, rows: Sequence[_Row], words: Sequence[str], sources: Sequence[int]) -> list[str]:
        """The lines of a sentence with new words.

        Args:
            rows: of the sentence.
            words: the new ones.
            sources: for each of them the number of the old one that it comes from.
        """
        old = _words(rows)
        copies = [list(old[source].cells) for source in sources]
        if self.tag_column is not None:
            tags = carry_tags([row.cells[self.tag_column] for row in old], sources)
            for cells, tag in zip(copies, tags, strict=True):
                cells[self.tag_column] = tag
        for cells, word in zip(copies, words, strict=True):
            cells[self.word_column] = word
        return [old[source].separator.join(cells) for cells, source in zip(copies, sources, strict=True)]


class ColumnFormat(ConllFormat):
    """A word on each line, its columns separated by blanks or tabs; -DOCSTART- begins a document.

    A file whose first row is a word alone has no tags.
    """

    document = re.compile("-DOCSTART-")
    comment = re.compile("(?!)")  # none is

    def __init__(self, word_column: int = 0, tag_column: int = -1) -> None:
        super().__init__(word_column, tag_column)
        needed = (number + 1 if number >= 0 else -number for number in (word_column, tag_column))
        self._needed = max(2, *needed)
        self._is_first = True

    def split(self, number: int, line: str) -> _Row:
        line = line.strip(" \t")
        cells, separator = _BLANKS.split(line), _BLANKS.search(line)
        if self._is_first and len(cells) == 1:
            self.word_column, self.tag_column = 0, None
        self._is_first = False
        if self.tag_column is None and len(cells) > 1:
            raise RowError(f"has {len(cells)} columns, and the first row is a word alone")
        if self.tag_column is not None and len(cells) < self._needed:
            raise RowError(f"has too few columns for a word and its tag ({len(cells)}, not {self._needed})")
        return _Row(number, cells, separator[0] if separator else "")


class ConlluFormat(ConllFormat):
    """Ten cells separated by tabs; words are the syntactic ones, without ranges of several and empty nodes.

    Where words are split or joined, all are numbered anew, and ranges, empty nodes and the tree are left out.

    Args:
        column: of the tags, `xpos` or `upos`. A sentence in which all of them are `_` has none.
    """

    document = re.compile(r"#\s*newdoc\b")
    comment = re.compile("#")
    untagged = frozenset((_UNSPECIFIED,))

    def __init__(self, column: str = "xpos") -> None:
        super().__init__(1, CONLLU_COLUMNS[column])

    def split(self, number: int, line: str) -> _Row:
        cells = line.split("\t")
        if len(cells) != _CONLLU_CELLS:
            raise RowError(f"has {len(cells)} columns, not the {_CONLLU_CELLS} of CoNLL-U")
        match = _NUMBER.fullmatch(cells[0])
        if match is None:
            raise RowError(f"begins with {cells[0]!r}, which is no number of a word in CoNLL-U")
        return _Row(number, cells, "\t", is_word=match["word"] is not None)

    def replace_words(self, rows: Sequence[_Row], words: Sequence[str], sources: Sequence[int]) -> list[str]:
        lines = super().replace_words(rows, words, sources)
        if list(sources) == list(range(len(_words(rows)))):
            new = iter(lines)
            return [next(new) if row.is_word else "\t".join(row.cells) for row in rows]
        renewed = []
        for number, line in enumerate(lines, start=1):
            cells = line.split("\t")
            cells[0], cells[_TREE] = str(number), [_UNSPECIFIED] * len(cells[_TREE])
            renewed.append("\t".join(cells))
        return renewed


def read_sentences(path: Path, bad: BadRows, form: ConllFormat) -> Iterator[TaggedExample]:
    """The sentences of a file, each ended by a blank line, with the tags as they are.

    Args:
        path: the file.
        bad: gets the rows that cannot be used; their sentences are left out with them.
        form: made anew for each file.

    Raises:
        CharBertError: the file cannot be read, or has no sentence that can be used.
    """
    return require_one(_sentences(path, bad, form), path, bad)


def _find_format(columns: Columns, path: Path) -> ConllFormat:
    if text_ending(path) == CONLLU:
        return ConlluFormat(columns.conllu_column)
    return ColumnFormat(columns.word_number, columns.tag_number)


def _sentences(path: Path, bad: BadRows, form: ConllFormat) -> Iterator[TaggedExample]:
    document = count = 0
    for block in _blocks(path, bad, form):
        if isinstance(block, str):
            document += form.document.match(block) is not None
            continue
        words, column = _words(block), form.tag_column
        tags = () if column is None else tuple(row.cells[column] for row in words)
        yield TaggedExample(
            id=str(count),
            words=tuple(row.cells[form.word_column] for row in words),
            tags=None if form.untagged.issuperset(tags) else tags,
            document=document,
            location=f"{path}: row {words[0].number}",
        )
        count += 1


def _blocks(path: Path, bad: BadRows, form: ConllFormat) -> Iterator[str | list[_Row]]:
    """The rows of each sentence of which every line can be used, and each line that is no row.

    A comment within a sentence comes before it.
    """
    rows: list[_Row] = []
    usable = True
    for number, line in read_all_lines(path, bad):
        if line is None:
            usable = False
        elif not line.strip(" \t") or form.document.match(line):
            if usable and _words(rows):
                yield rows
            rows, usable = [], True
            yield line
        elif form.comment.match(line):
            yield line
        else:
            try:
                rows.append(form.split(number, line))
            except RowError as error:
                bad.add(f"{path}: row {number}", f"{error}; its sentence cannot be used")
                usable = False
    if usable and _words(rows):
        yield rows


def _words(rows: Sequence[_Row]) -> list[_Row]:
    return [row for row in rows if row.is_word]
