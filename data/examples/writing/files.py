"""A labelled file with what became of its examples, in the form of the old one."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any

from charbert.commands.progress import passing_bar
from data.corpus.files import text_ending
from data.examples.conll import CONLLU_COLUMNS, has_conllu_name
from data.examples.glue import GLUE
from data.examples.readers import TAGS, Columns, is_official
from data.examples.types import AttackedExamples
from data.examples.writing.cells import new_cells
from data.examples.writing.lines import FORMS, rewritten_table
from data.examples.writing.parquet import rewrite_parquet
from data.examples.writing.sentences import ColumnLines, ConlluLines, NewSentence, Words, rewritten_sentences
from data.examples.writing.squad import rewritten_squad

PARQUET = ".parquet"
_COMPRESSED: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": partial(gzip.GzipFile, "", "wb", 9, mtime=0),  # without name and time, which would differ
    ".bz2": partial(bz2.BZ2File, mode="wb"),
    ".xz": partial(lzma.LZMAFile, mode="wb"),
}


def rewrite_file(
    columns: Columns,
    path: Path,
    out: Path,
    unfinished: Path,
    examples: Sequence[Any],
    made: AttackedExamples,
    left_out: Collection[str],
) -> None:
    """Write a file that reads as the new examples where the other reads as the old ones.

    Args:
        columns: the task and the columns by which the examples were read.
        path: the file that they were read from.
        out: the name of the file to write, which says how it is compressed.
        unfinished: where to write it.
        examples: as they were read.
        made: what became of them.
        left_out: the places of rows that could not be used; they are not written.

    Raises:
        CharBertError: a column or sentence cannot hold its new words.
    """
    if path.suffix.lower() == PARQUET and not is_official(columns.task, str(path)):
        rewrite_parquet(path, unfinished, new_cells(columns, examples, made), left_out)
        return
    pieces = _pieces(columns, path, examples, made, left_out)
    with _opened(unfinished, out.suffix) as file:
        for piece in passing_bar(pieces, desc="writing", unit=" rows"):
            file.write(piece)


def _pieces(
    columns: Columns, path: Path, examples: Sequence[Any], made: AttackedExamples, left_out: Collection[str]
) -> Iterator[bytes]:
    if columns.task in GLUE:
        cells = new_cells(columns, examples, made)
        return rewritten_table(path, FORMS[".tsv"], cells, left_out, unnamed=GLUE[columns.task].unnamed)
    if not is_official(columns.task, str(path)):
        return rewritten_table(path, FORMS[text_ending(path)], new_cells(columns, examples, made), left_out)
    if columns.task not in TAGS:
        return iter([rewritten_squad(path, made.examples, made.contexts).encode()])
    form = (
        ConlluLines(CONLLU_COLUMNS[columns.conllu_column])
        if has_conllu_name(path)
        else ColumnLines(columns.word_number, columns.tag_number)
    )
    sentences = {
        old.location: NewSentence(len(old.words), Words(new.words, sources))
        for old, new, sources in zip(examples, made.examples, made.sources, strict=True)
    }
    return rewritten_sentences(path, form, sentences, left_out)


@contextmanager
def _opened(path: Path, ending: str) -> Iterator[IO[bytes]]:
    """A file to write, compressed as the ending of its name says."""
    with path.open("wb") as file, _COMPRESSED.get(ending.lower(), nullcontext)(file) as opened:
        yield opened
