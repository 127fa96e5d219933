"""Tagged sentences in columns: the files of the CoNLL shared tasks, and CoNLL-U."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from charbert.compression import text_ending
from data.examples.base import CONLLU_COLUMNS, Columns, Reader
from data.examples.lines import line_end, read_all_lines
from data.examples.rows import BadRows, RowError, require_one
from data.examples.tags import is_entity_tag
from data.examples.types import AttackedExamples, Example, TaggedExample, unify_iob

CONLLU = ".conllu"
ENDINGS = (CONLLU, ".txt", ".conll", ".bio", ".iob", ".iob2")
"""By which data of one's own are known to be in columns; official files may have any."""
_BLANKS = re.compile(" +")  # no other white space: words hold no-break spaces
_COMMENTS = ("# ", "#\t")
_HEAD = 10_000  # lines that show the columns of a file
_CONLLU_CELLS = 10
_NUMBER = re.compile(r"(?P<word>\d+)|(?P<first>\d+)-(?P<last>\d+)|\d+\.\d+", re.ASCII)
_TEXT = re.compile(r"#\s*text\s*=")
_NO_SPACE = "SpaceAfter=No"
_TREE = slice(6, 9)  # the cells of the head of a word, of its relation, and of the graph
_UNSPECIFIED = "_"
Value = TypeVar("Value")


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
        sentences = read_sentences(path, bad, _find_format(columns, path))
        return unify_iob(sentences) if labelled else (example.without_label() for example in sentences)

    def write_attacked(
        self, columns: Columns, path: Path, output: IO[bytes], attacked: AttackedExamples
    ) -> None:
        """As `Reader.write_attacked`. Comments, blank lines and those that begin a document stay."""
        changes = zip(attacked.pairs(), attacked.sources, strict=True)
        new = {old.location: (example, sources) for (old, example), sources in changes}
        form, end = _find_format(columns, path), line_end(path, columns.encoding)
        comments: list[str] = []
        for block in _blocks(path, BadRows(skip=True), form):
            if isinstance(block, str):
                comments.append(block)
                if block.strip(" \t"):
                    continue
                lines = comments
            else:
                location = f"{path}: row {_words(block)[0].number}"
                lines = form.replace_words(block, *new[location]) if location in new else []
                lines = [*form.renew_comments(comments, block, lines), *lines]
            output.writelines((line + end).encode() for line in lines)
            comments = []
        output.writelines((line + end).encode() for line in comments)


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
    untagged: frozenset[str] = frozenset()
    """What all tags of a sentence without tags are."""
    encoding: str | None = None  # as of `read_lines`

    def __init__(self, word_column: int, tag_column: int | None) -> None:
        self.word_column, self.tag_column = word_column, tag_column

    def learn_columns(self, lines: Sequence[str]) -> None:  # noqa: B027 - a format may know its columns
        """Learn from the first lines of a file what its columns are."""

    @abstractmethod
    def is_comment(self, line: str, is_first: bool) -> bool:
        """Whether a line that begins no document is no row.

        Args:
            line: not a blank one.
            is_first: no row of its sentence is before it.
        """

    @abstractmethod
    def split(self, number: int, line: str, before: Sequence[_Row] | None = None) -> _Row:
        """The cells of a line, and where rows of its sentence before it are given, whether it goes on there.

        Raises:
            RowError: it has other cells than the format.
        """

    def renew_comments(self, comments: list[str], rows: list[_Row], lines: list[str]) -> list[str]:
        """The comments before a sentence of rows that has become these lines."""
        return comments

    def replace_words(self, rows: Sequence[_Row], new: TaggedExample, sources: Sequence[int]) -> list[str]:
        """The lines of a sentence with new words.

        Args:
            rows: of the sentence.
            new: the words and their tags.
            sources: for each of them the number of the old one that it comes from.
        """
        old = _words(rows)
        copies = [list(old[source].cells) for source in sources]
        tags = new.tags_in_file or new.tags
        if self.tag_column is not None and tags is not None:
            for cells, tag in zip(copies, tags, strict=True):
                cells[self.tag_column] = tag
        for cells, word in zip(copies, new.words, strict=True):
            cells[self.word_column] = word
        return [old[source].separator.join(cells) for cells, source in zip(copies, sources, strict=True)]


class ColumnFormat(ConllFormat):
    """A word on each line, its columns separated by blanks or tabs; -DOCSTART- begins a document.

    Where most of the first rows have tabs, blanks separate nothing. Each row has as many columns as most of
    the first have. A file of words alone, or with an empty cell for each tag, has no tags.
    """

    document = re.compile("-DOCSTART-")

    def __init__(self, word_column: int = 0, tag_column: int = -1) -> None:
        super().__init__(word_column, tag_column)
        needed = (number + 1 if number >= 0 else -number for number in (word_column, tag_column))
        self._needed = max(2, *needed)
        self._has_tabs = False
        self._columns = 0
        self._empty: int | None = None  # the column where tags would be
        self._tags: set[str] = set()

    def learn_columns(self, lines: Sequence[str]) -> None:
        rows = [line for line in lines if line.strip(" \t") and not self.document.match(line)]
        rows = [line for line in rows if not line.startswith(_COMMENTS)] or rows
        if not rows:
            return
        self._has_tabs = _most_frequent("\t" in line for line in rows)
        split = list(map(self._cells, rows))
        self._columns = _most_frequent(map(len, split))
        if self._columns == 1:
            self.word_column, self.tag_column = 0, None
        if self.tag_column is None or self._columns < self._needed:
            return
        tags = [cells[self.tag_column].strip() for cells in split if len(cells) == self._columns]
        self._tags = set(tags)
        if not _most_frequent(map(bool, tags)):
            self._empty, self.tag_column = self.tag_column % self._columns, None

    def is_comment(self, line: str, is_first: bool) -> bool:
        """Before a sentence's first row, what begins with `# ` and lacks the columns of a row, or its tag.

        After `#` and a tab, it is what lacks both: `#` is a word, too.
        """
        if not is_first or not line.startswith(_COMMENTS):
            return False
        cells = self._cells(line)
        is_row = len(cells) == self._columns
        tag = cells[self.tag_column if is_row and self.tag_column is not None else -1].strip()
        is_tagged = self.tag_column is None or tag in self._tags or is_entity_tag(tag)
        return not (is_row and is_tagged) if line[1] == " " else not (is_row or is_tagged)

    def split(self, number: int, line: str, before: Sequence[_Row] | None = None) -> _Row:
        cells = self._cells(line)
        if self.tag_column is not None and len(cells) < self._needed:
            raise RowError(f"has too few columns for a word and its tag ({len(cells)}, not {self._needed})")
        if len(cells) != self._columns:
            raise RowError(f"has {len(cells)} columns, and most rows {self._columns}")
        if not self._has_tabs and "\t" in line and " " in line.strip(" "):
            raise RowError("has blanks and tabs between its columns")
        for column, cell in enumerate(cells):
            if not cell and column != self._empty:
                raise RowError(f"has nothing in column {column}, counted from 0")
            if cell and column == self._empty:
                raise RowError(f"has {cell!r} in column {column}, counted from 0, and most rows have no tag")
        separator = _BLANKS.search(line.strip(" "))
        return _Row(number, cells, "\t" if "\t" in line else separator[0] if separator else "")

    def _cells(self, line: str) -> list[str]:
        if self._has_tabs or "\t" in line:
            return [cell.strip(" ") for cell in line.split("\t")]
        return _BLANKS.split(line.strip(" "))


class ConlluFormat(ConllFormat):
    """Ten cells separated by tabs; words are the syntactic ones, without ranges of several and empty nodes.

    Other words change what repeats them: the form of a range, that of an empty node, and `# text`. Where
    words are split or joined, all are numbered anew, and ranges, empty nodes and the tree are left out.

    Args:
        column: of the tags, `xpos` or `upos`. A sentence in which all of them are `_` has none.
    """

    document = re.compile(r"#\s*newdoc\b")
    untagged = frozenset((_UNSPECIFIED,))

    def __init__(self, column: str = "xpos") -> None:
        super().__init__(1, CONLLU_COLUMNS[column])

    def is_comment(self, line: str, is_first: bool) -> bool:
        return line.startswith("#")

    def split(self, number: int, line: str, before: Sequence[_Row] | None = None) -> _Row:
        cells = line.split("\t")
        if len(cells) != _CONLLU_CELLS:
            raise RowError(f"has {len(cells)} columns, not the {_CONLLU_CELLS} of CoNLL-U")
        match = _NUMBER.fullmatch(cells[0])
        if match is None:
            raise RowError(f"begins with {cells[0]!r}, which is no number of a word in CoNLL-U")
        if not all(cell.strip(" ") for cell in cells):
            raise RowError("has an empty cell; CoNLL-U has _ where there is nothing")
        last = next((_range(row)[1] for row in reversed(before or ()) if row.is_word), 0)
        if match["word"] and before is not None and int(match["word"]) != last + 1:
            raise RowError(f"has the number {match['word']} after {last}; is an empty line missing?")
        return _Row(number, cells, "\t", is_word=match["word"] is not None)

    def replace_words(self, rows: Sequence[_Row], new: TaggedExample, sources: Sequence[int]) -> list[str]:
        old = _words(rows)
        changed = [line.split("\t") for line in super().replace_words(rows, new, sources)]
        if list(sources) == list(range(len(old))):
            lines = self._lines_around(rows, changed)
        else:
            spaces = _spaces(rows)
            lines = []
            for number, (cells, source) in enumerate(zip(changed, sources, strict=True), start=1):
                following = [*sources, len(old)][number]
                is_spaced = following == source or spaces[following - 1]
                cells[0], cells[_TREE] = str(number), [_UNSPECIFIED] * len(cells[_TREE])
                cells[-1] = _with_space(cells[-1], is_spaced)
                lines.append(cells)
        return ["\t".join(cells) for cells in lines]

    def _lines_around(self, rows: Sequence[_Row], new: Sequence[list[str]]) -> list[list[str]]:
        """The rows of all kinds, with the new words."""
        old = _words(rows)
        forms = {row.cells[1]: cells[1] for row, cells in zip(old, new, strict=True)}
        left, lines = list(new), []
        for row in rows:
            if row.is_word:
                lines.append(left.pop(0))
                continue
            cells, (first, last) = list(row.cells), _range(row)
            inside = [at for at, each in enumerate(old) if first <= _range(each)[0] <= last]
            if any(old[at].cells[1] != new[at][1] for at in inside):
                cells[1] = "".join(new[at][1] for at in inside)
            elif not inside:  # an empty node, which may repeat a word
                cells[1] = forms.get(cells[1], cells[1])
            lines.append(cells)
        return lines

    def renew_comments(self, comments: list[str], rows: list[_Row], lines: list[str]) -> list[str]:
        """As in `ConllFormat`. The text is put together from the lines."""
        if not lines or lines == ["\t".join(row.cells) for row in rows]:
            return comments
        text = _text([self.split(0, line) for line in lines])
        return [f"# text = {text}" if _TEXT.match(comment) else comment for comment in comments]


def _range(row: _Row) -> tuple[int, int]:
    """The first and the last word of a row of CoNLL-U; the first is behind the last for an empty node."""
    match = _NUMBER.fullmatch(row.cells[0])
    assert match is not None  # it was split
    if match["word"]:
        return int(match["word"]), int(match["word"])
    return (int(match["first"]), int(match["last"])) if match["first"] else (1, 0)


def _is_spaced(row: _Row) -> bool:
    """Whether a space follows a row of CoNLL-U in the text."""
    return _NO_SPACE not in row.cells[-1].split("|")


def _spaces(rows: Sequence[_Row]) -> list[bool]:
    """Of each word of CoNLL-U, whether a space follows it where it is a row without its range."""
    ends = {last: _is_spaced(row) for row in rows for first, last in [_range(row)] if first < last}
    return [ends.get(_range(row)[1], _is_spaced(row)) for row in _words(rows)]


def _with_space(notes: str, is_spaced: bool) -> str:
    """The last cell of a word of CoNLL-U that a space follows, or not."""
    kept = [note for note in notes.split("|") if note not in (_NO_SPACE, _UNSPECIFIED)]
    return "|".join([*kept, *[_NO_SPACE] * (not is_spaced)]) or _UNSPECIFIED


def _text(rows: Sequence[_Row]) -> str:
    """The text of a sentence of CoNLL-U."""
    text, end = "", 0
    for row in rows:
        first, last = _range(row)
        if end < first <= last:  # no word of a range before it, and no empty node
            text, end = text + row.cells[1] + " " * _is_spaced(row), last
    return text.strip()


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
    plain, conllu = ColumnFormat(columns.word_number, columns.tag_number), ConlluFormat(columns.conllu_column)
    form: ConllFormat = conllu if text_ending(path) == CONLLU else plain
    form.encoding = columns.encoding
    return form


def _sentences(path: Path, bad: BadRows, form: ConllFormat) -> Iterator[TaggedExample]:
    document = count = 0
    for block in _blocks(path, bad, form):
        if isinstance(block, str):
            document += form.document.match(block) is not None
            continue
        words, column = _words(block), form.tag_column
        tags = () if column is None else tuple(row.cells[column].strip() for row in words)
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
    head = islice(read_all_lines(path, BadRows(skip=True), form.encoding), _HEAD)
    form.learn_columns([line for _, line in head if line is not None])
    rows: list[_Row] = []
    usable = True
    for number, line in read_all_lines(path, bad, form.encoding):
        if line is None:
            usable = False
        elif not line.strip(" \t") or form.document.match(line):
            if usable and _words(rows):
                yield rows
            rows, usable = [], True
            yield line
        elif "\r" in line:  # where other readers end the row
            bad.add(f"{path}: row {number}", "holds a carriage return; its sentence cannot be used")
            usable = False
        elif form.is_comment(line, is_first=usable and not rows):
            yield line
        else:
            try:
                rows.append(form.split(number, line, rows))
            except RowError as error:
                bad.add(f"{path}: row {number}", f"{error}; its sentence cannot be used")
                usable = False
    if usable and _words(rows):
        yield rows


def _words(rows: Sequence[_Row]) -> list[_Row]:
    return [row for row in rows if row.is_word]


def _most_frequent(values: Iterable[Value]) -> Value:
    """Of equally frequent ones the first."""
    return Counter(values).most_common(1)[0][0]
