"""Tagged sentences in columns: the files of the CoNLL shared tasks, and CoNLL-U."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from data.corpus.files import text_ending
from data.examples.base import CONLLU_COLUMNS, Columns, OfficialReader, refuse_tables
from data.examples.rows import BadRows, RowError, line_end, read_all_lines, require_one
from data.examples.tags import carry_tags, to_iob2
from data.examples.types import AttackedExamples, Example, TaggedExample

CONLLU = ".conllu"
ENDINGS = (CONLLU, ".txt", ".conll", ".bio", ".iob", ".iob2")
"""By which data of one's own are known to be in columns; official files may have any."""
_DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")  # no other white space: words hold no-break spaces
_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b")
_CONLLU_CELLS = 10
_NUMBER = re.compile(r"(?P<word>\d+)|\d+-\d+|\d+\.\d+", re.ASCII)
_FORM, _TREE = 1, slice(6, 9)  # the cells of a word, and of its head, its relation and its place in the graph
_UNSPECIFIED = "_"


class ConllReader(OfficialReader):
    """Reads columns, and CoNLL-U where the name says so; IOB1 becomes IOB2."""

    own_task = "tagging"

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        refuse_tables(columns.task, source, self.own_task)
        path = Path(source)
        for example in read_sentences(path, bad, _find_format(columns, path)):
            yield example if example.tags is None else example._replace(tags=to_iob2(example.tags))

    def write_attacked(
        self,
        columns: Columns,
        path: Path,
        output: IO[bytes],
        originals: Sequence[Any],
        attacked: AttackedExamples,
    ) -> None:
        """As `Reader.write_attacked`. Comments, blank lines and those that begin a document stay."""
        changes = zip(originals, attacked.examples, attacked.sources, strict=True)
        new = {old.location: (example.words, sources) for old, example, sources in changes}
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
    """What a line is, where its word and its tag are, and how a sentence gets other words."""

    untagged: frozenset[str] = frozenset()
    """What all tags of a sentence without tags are."""

    @abstractmethod
    def begins_document(self, line: str) -> bool:
        """Whether a line is no row of a sentence, but the beginning of a document."""

    def is_comment(self, line: str) -> bool:
        return False

    @abstractmethod
    def split(self, number: int, line: str) -> _Row:
        """The cells of a line.

        Raises:
            RowError: it has other cells than the format.
        """

    @abstractmethod
    def word(self, row: _Row) -> str: ...

    @abstractmethod
    def tag(self, row: _Row) -> str | None: ...

    @abstractmethod
    def replace_words(self, rows: Sequence[_Row], words: Sequence[str], sources: Sequence[int]) -> list[str]:
        """The lines of a sentence with new words.

        Args:
            rows: of the sentence.
            words: the new ones.
            sources: for each of them the number of the old one that it comes from.
        """


class ColumnFormat(ConllFormat):
    """A word on each line, its columns separated by blanks or tabs; -DOCSTART- begins a document.

    A file whose first row is a word alone has no tags.

    Args:
        word_column: number of the column of words from 0, from the end if below 0.
        tag_column: number of the column of tags.
    """

    def __init__(self, word_column: int = 0, tag_column: int = -1) -> None:
        self._word, self._tag = word_column, tag_column
        self._needed = max(
            2, *(number + 1 if number >= 0 else -number for number in (word_column, tag_column))
        )
        self._tagged: bool | None = None  # until the first row shows it

    def begins_document(self, line: str) -> bool:
        return line.startswith(_DOCUMENT)

    def split(self, number: int, line: str) -> _Row:
        line = line.strip(" \t")
        cells, separator = _BLANKS.split(line), _BLANKS.search(line)
        if self._tagged is None:
            self._tagged = len(cells) > 1
        if not self._tagged and len(cells) > 1:
            raise RowError(f"has {len(cells)} columns, and the first row is a word alone")
        if self._tagged and len(cells) < self._needed:
            raise RowError(f"has too few columns for a word and its tag ({len(cells)}, not {self._needed})")
        return _Row(number, cells, separator[0] if separator else "")

    def word(self, row: _Row) -> str:
        return row.cells[self._word if self._tagged else 0]

    def tag(self, row: _Row) -> str | None:
        return row.cells[self._tag] if self._tagged else None

    def replace_words(self, rows: Sequence[_Row], words: Sequence[str], sources: Sequence[int]) -> list[str]:
        if not self._tagged:
            return list(words)
        lines = []
        tags = carry_tags([row.cells[self._tag] for row in rows], sources)
        for word, source, tag in zip(words, sources, tags, strict=True):
            cells = list(rows[source].cells)
            cells[self._tag], cells[self._word] = tag, word
            lines.append(rows[source].separator.join(cells))
        return lines


class ConlluFormat(ConllFormat):
    """Ten cells separated by tabs; words are the syntactic ones, without ranges of several and empty nodes.

    Where words are split or joined, all are numbered anew, and ranges, empty nodes and the tree are left out.

    Args:
        column: of the tags, `xpos` or `upos`. A sentence in which all of them are `_` has none.
    """

    untagged = frozenset((_UNSPECIFIED,))

    def __init__(self, column: str = "xpos") -> None:
        self._tag = CONLLU_COLUMNS[column]

    def begins_document(self, line: str) -> bool:
        return _NEW_DOCUMENT.match(line) is not None

    def is_comment(self, line: str) -> bool:
        return line.startswith("#")

    def split(self, number: int, line: str) -> _Row:
        cells = line.split("\t")
        if len(cells) != _CONLLU_CELLS:
            raise RowError(f"has {len(cells)} columns, not the {_CONLLU_CELLS} of CoNLL-U")
        match = _NUMBER.fullmatch(cells[0])
        if match is None:
            raise RowError(f"begins with {cells[0]!r}, which is no number of a word in CoNLL-U")
        return _Row(number, cells, "\t", is_word=match["word"] is not None)

    def word(self, row: _Row) -> str:
        return row.cells[_FORM]

    def tag(self, row: _Row) -> str | None:
        return row.cells[self._tag]

    def replace_words(self, rows: Sequence[_Row], words: Sequence[str], sources: Sequence[int]) -> list[str]:
        old = _words(rows)
        if list(sources) == list(range(len(old))):
            new = iter(words)
            cells = [list(row.cells) for row in rows]
            for row, copy in zip(rows, cells, strict=True):
                if row.is_word:
                    copy[_FORM] = next(new)
        else:
            tags = carry_tags([row.cells[self._tag] for row in old], sources)
            cells = [list(old[source].cells) for source in sources]
            for number, (copy, word, tag) in enumerate(zip(cells, words, tags, strict=True), start=1):
                copy[_TREE] = [_UNSPECIFIED] * len(copy[_TREE])
                copy[self._tag] = tag
                copy[:2] = str(number), word
        return ["\t".join(copy) for copy in cells]


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
            document += form.begins_document(block)
            continue
        words = _words(block)
        tags = tuple(tag for tag in map(form.tag, words) if tag is not None)
        yield TaggedExample(
            id=str(count),
            words=tuple(map(form.word, words)),
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
        elif not line.strip(" \t") or form.begins_document(line):
            if usable and _words(rows):
                yield rows
            rows, usable = [], True
            yield line
        elif form.is_comment(line):
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
