"""Tables in lines of text, written anew: TSV, CSV and JSON lines."""

import csv
import json
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from data.corpus.files import BYTE_ORDER_MARK, byte_lines
from data.examples.rows import BadRows, Row
from data.examples.table_files import csv_rows, json_rows, tsv_rows
from data.examples.writing.cells import NewCells
from data.examples.writing.style import json_style

_ESCAPE = "surrogateescape"  # a row that is not UTF-8 is left out, but goes by here
_MARK = BYTE_ORDER_MARK.encode()
# RFC 4180; a quote within a cell that does not begin with one is a character like any other.
_CSV_CELL = re.compile(r'("(?:[^"]|"")*"|[^,]*)(?:,|$)', re.DOTALL)
_NEEDS_QUOTES = re.compile(r'^"|[,\r\n]')
"""Of a text in a CSV file."""


class Form(NamedTuple):
    """A form of table in lines."""

    rows: Callable[..., Iterator[Row]]
    """What reads it."""
    contents: Callable[[Path], Iterator[tuple[int, str]]]
    """The text of each row, of the header and of all else between, with the number of its first line."""
    renewed: Callable[[str, Row, dict[str, Any]], str]
    """The text of a row without its line end, the row, new cells -> its new text."""


def rewritten_table(
    path: Path, form: Form, new_cells: NewCells, left_out: Collection[str], **reading: Any
) -> Iterator[bytes]:
    """The content of the file piece by piece, with new cells.

    Args:
        path: the file.
        form: of `FORMS`.
        new_cells: what changes in a row.
        left_out: the places of rows that are not written.
        reading: further arguments of the form's reader.
    """
    rows = form.rows(path, BadRows(skip=True), **reading)
    row = next(rows, None)
    for number, content in form.contents(path):
        place = f"{path}: row {number}"
        here = None
        if row is not None and row.location == place:
            here, row = row, next(rows, None)
        if place in left_out:
            continue
        cells = new_cells(here) if here else {}
        if here and cells:
            mark = BYTE_ORDER_MARK if number == 1 and content.startswith(BYTE_ORDER_MARK) else ""
            text = content.removeprefix(mark).removesuffix("\n").removesuffix("\r")
            end = content[len(mark) + len(text) :]
            content = mark + form.renewed(text, here, cells) + end
        yield content.encode(errors=_ESCAPE)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in byte_lines(path):
        yield number, line.decode(errors=_ESCAPE)


def _csv_contents(path: Path) -> Iterator[tuple[int, str]]:
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for number, line in _lines(path):
            taken.append(line)
            yield line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line

    reader = csv.reader(lines(), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            next(reader)
        except StopIteration:
            return
        except csv.Error:
            pass  # the row is left out
        yield number, "".join(taken)
        taken.clear()


def _renewed_tsv(text: str, row: Row, cells: dict[str, Any]) -> str:
    return "\t".join(cells.get(column, cell) for column, cell in row.cells.items())


def _renewed_csv(text: str, row: Row, cells: dict[str, Any]) -> str:
    given = _CSV_CELL.findall(text)[: len(row.cells)]
    return ",".join(
        _csv_cell(cells[column], quoted=old.startswith('"')) if column in cells else old
        for column, old in zip(row.cells, given, strict=True)
    )


def _csv_cell(text: str, quoted: bool) -> str:
    return '"' + text.replace('"', '""') + '"' if quoted or _NEEDS_QUOTES.search(text) else text


def _renewed_json(text: str, row: Row, cells: dict[str, Any]) -> str:
    return json.dumps({**row.cells, **cells}, **json_style(text))


FORMS = {
    ".tsv": Form(tsv_rows, _lines, _renewed_tsv),
    ".csv": Form(csv_rows, _csv_contents, _renewed_csv),
    ".jsonl": Form(json_rows, _lines, _renewed_json),
    ".json": Form(json_rows, _lines, _renewed_json),
}
