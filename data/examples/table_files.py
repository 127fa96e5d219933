"""Rows with named cells, out of each form of table."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charbert.errors import CharBertError
from data.corpus import hub
from data.corpus.files import BATCH_ROWS, decoded, opened_parquet
from data.examples.lines import raw_lines, read_lines
from data.examples.rows import BadRows, Row

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

_LARGEST_CELL = 2**31 - 1  # the most that a C long holds everywhere; the default is 128 KiB
Cells = Sequence[str]


def csv_rows(path: Path, bad: BadRows) -> Iterator[Row]:
    """The rows of a CSV file with a header, quoted as in RFC 4180; blank lines are none.

    Raises:
        CharBertError: a column without a name, or two of one name; the file cannot be read.
    """
    return _under_header(_csv_cells(path, bad), bad)


def tsv_rows(path: Path, bad: BadRows, unnamed: Cells = ()) -> Iterator[Row]:
    """The rows of a file with tabs between cells, in which a quote is a character like any other.

    Args:
        path: the file.
        bad: gets the rows that have more or fewer cells than the header.
        unnamed: the columns of a file that may lack its header.

    Raises:
        CharBertError: as `csv_rows`.
    """
    lines = ((f"{path}: row {number}", line.split("\t")) for number, line in read_lines(path, bad))
    return _under_header(lines, bad, unnamed)


def json_rows(path: Path, bad: BadRows) -> Iterator[Row]:
    """The rows of a file with a JSON object on each line; blank lines are none.

    Raises:
        CharBertError: it holds one list instead; the file cannot be read.
    """
    for number, line in read_lines(path, bad):
        if number == 1 and line.lstrip().startswith("["):
            raise CharBertError(f"{path}: is one JSON list; write each of its objects on a line of its own")
        if not line.strip():
            continue
        place = f"{path}: row {number}"
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:
            bad.add(place, f"is not JSON ({error})")
            continue
        if isinstance(cells, dict):
            yield Row(place, cells)
        else:
            bad.add(place, "is no JSON object")


def parquet_rows(path: Path, bad: BadRows) -> Iterator[Row]:
    """The rows of a Parquet file, counted from 1.

    Raises:
        CharBertError: two columns have one name; the file is damaged or cannot be read.
    """
    number = 0
    with opened_parquet(path) as file:
        _check_names(file.schema_arrow.names, str(path))
        for batch in file.iter_batches(BATCH_ROWS):
            for cells in _cells_of_batch(batch):
                number += 1
                if cells is None:
                    bad.add(f"{path}: row {number}", "is not UTF-8")
                else:
                    yield Row(f"{path}: row {number}", cells)


def dataset_rows(dataset: "Dataset | IterableDataset", source: str) -> Iterator[Row]:
    """The rows of a dataset, counted from 1, with the names of its classes for their numbers.

    Raises:
        CharBertError: when a row is reached that cannot be read.
    """
    features = dataset.features or {}  # a stream does not always say what it holds
    for number, cells in enumerate(hub.cells_of(dataset.with_format(None), source), start=1):
        named = {name: _with_class_names(cell, features.get(name)) for name, cell in cells.items()}
        yield Row(f"{source}: row {number}", named)


def _csv_cells(path: Path, bad: BadRows) -> Iterator[tuple[str, Cells]]:
    csv.field_size_limit(_LARGEST_CELL)
    # A row may be several lines: which of them is not UTF-8 must not change where the row ends.
    lines = (line.decode(errors="surrogateescape") for _, line in raw_lines(path))
    reader = csv.reader(lines, strict=True)
    while True:
        place = f"{path}: row {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = str(error).partition(" - ")[0]
            bad.add(place, f"is not CSV: a quote or line break is out of place ({reason})")
            continue
        try:
            decoded("".join(cells).encode(errors="surrogateescape"))
        except ValueError as error:
            bad.add(place, str(error))
            continue
        if cells:
            yield place, cells


def _under_header(lines: Iterator[tuple[str, Cells]], bad: BadRows, unnamed: Cells = ()) -> Iterator[Row]:
    first = next(lines, None)
    if first is None:
        return
    place, header = first
    if len(header) == len(unnamed) and not set(header) & set(unnamed):
        header = unnamed
        yield Row(place, dict(zip(header, first[1], strict=True)))
    _check_names(header, place)
    for place, cells in lines:
        if len(cells) == len(header):
            yield Row(place, dict(zip(header, cells, strict=True)))
        elif "".join(cells).strip() or len(cells) > 1:
            bad.add(place, f"has {len(cells)} cells, and the header {len(header)}")


def _check_names(names: Cells, place: str) -> None:
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise CharBertError(f"{place}: column {number} has no name; give it one")
        if name in names[: number - 1]:
            raise CharBertError(f"{place}: two columns have the name {name!r}; rename one")


def _cells_of_batch(batch: Any) -> list[dict[str, Any] | None]:
    """The cells of each row of a record batch; None for one that is not UTF-8."""
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [None]
    return [cells for row in range(batch.num_rows) for cells in _cells_of_batch(batch.slice(row, 1))]


def _with_class_names(cell: Any, feature: Any) -> Any:
    """A cell with the names of classes for their numbers; None for -1, which stands for "unknown"."""
    if hasattr(feature, "int2str") and isinstance(cell, int):
        return feature.int2str(cell) if cell >= 0 else None
    if isinstance(cell, list) and hasattr(feature, "feature"):
        return [_with_class_names(each, feature.feature) for each in cell]
    return cell
