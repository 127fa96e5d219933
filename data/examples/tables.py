"""Tables of labelled data: CSV, TSV, JSON lines, Parquet (read and written), and datasets of the hub."""

import codecs
import csv
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.compression import text_ending
from charbert.errors import CharBertError
from data.corpus import hub
from data.corpus.files import BATCH_ROWS, decode_line, open_parquet
from data.examples.cells import dump_json, unique_cells
from data.examples.lines import FOUND, Dialect, find_delimiter, line_end, raw_lines, read_lines, row_location
from data.examples.rows import BadRows, Row, RowError

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

_LARGEST_CELL = 2**31 - 1  # the most that a C long holds everywhere; the default is 128 KiB
Cells = Sequence[str]
Lines = Iterator[tuple[str, Cells]]  # of a table: the location and the cells of each, also of the header
NewCells = Callable[[Row], dict[str, Any] | None]
ENDINGS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
FORMATS = ".csv, .tsv, .jsonl, .json (each also .gz, .bz2, .xz), .parquet"


def read_table(source: str, bad: BadRows, dialect: Dialect = FOUND) -> Iterator[Row]:
    """Read a table row by row.

    Args:
        source: one of
            a `.csv` or `.tsv` file with a header; only in the first do quotes mean anything;
            a `.jsonl` or `.json` file, a JSON object on each line;
            all these compressed as `.gz`, `.bz2` or `.xz`;
            a `.parquet` file;
            a folder that `save_to_disk` of `datasets` wrote, or of several splits one, `FOLDER/SPLIT`;
            a dataset of the hub, `owner/name`, `owner/name:config` or `owner/name:config:split`.
            What exists as a path is read from there.
        bad: gets the rows that cannot be read.
        dialect: of a file of text.

    Raises:
        CharBertError: there is no such source, it is of another kind, empty or damaged.
    """
    path = Path(source)
    if path.is_dir():
        if not hub.is_saved(path):
            raise CharBertError(f"{source}: no folder that `save_to_disk` wrote; name a file {FORMATS}")
        return _dataset_rows(hub.load_saved_dataset(path), source, bad)
    is_parquet = path.suffix.lower() == ".parquet"
    reader = _parquet_rows if is_parquet else _TEXT_ROWS.get(text_ending(path))
    if path.exists() and reader is None:
        raise CharBertError(f"{source}: no table that can be read; give a file {FORMATS}")
    if reader is None and hub.NAME.fullmatch(source):
        return _dataset_rows(hub.load_named_dataset(source), source, bad)
    if reader is None or not path.exists():
        raise CharBertError(f"{source}: no such file or folder")
    return reader(path, bad, dialect)


def _csv_rows(path: Path, bad: BadRows, dialect: Dialect) -> Iterator[Row]:
    """The rows of a CSV file with a header, quoted as in RFC 4180; blank lines are none."""
    return _under_header(_csv_cells(path, bad, dialect), bad)


def tsv_rows(path: Path, bad: BadRows, dialect: Dialect = FOUND, unnamed: Cells = ()) -> Iterator[Row]:
    """The rows of a file with tabs between cells, in which a quote is a character like any other.

    Args:
        path: the file.
        bad: gets the rows that have more or fewer cells than the header.
        dialect: of the file.
        unnamed: the columns of a file that may lack its header.

    Raises:
        CharBertError: a column without a name, or two of one name; the file cannot be read.
    """
    return _under_header(_tsv_cells(path, bad, dialect), bad, unnamed)


def _json_rows(path: Path, bad: BadRows, dialect: Dialect) -> Iterator[Row]:
    """The rows of a file with a JSON object on each line; blank lines are none."""
    for number, line in read_lines(path, bad, dialect.encoding):
        if number == 1 and line.lstrip().startswith("["):
            raise CharBertError(f"{path}: is one JSON list; write each of its objects on a line of its own")
        if not line.strip():
            continue
        location = f"{path}: row {number}"
        try:
            cells = json.loads(line, object_pairs_hook=unique_cells)
        except (ValueError, RecursionError) as error:
            bad.add(location, f"is not JSON ({error})")
            continue
        if isinstance(cells, dict):
            yield Row(location, cells)
        else:
            bad.add(location, "is no JSON object")


def _parquet_rows(path: Path, bad: BadRows, _: Dialect) -> Iterator[Row]:
    """The rows of a Parquet file, counted from 1."""
    with open_parquet(path) as file:
        _check_names(file.schema_arrow.names, str(path))
        features = _features(file.schema_arrow)
        rows = chain.from_iterable(map(_cells_of_batch, file.iter_batches(BATCH_ROWS)))
        for number, cells in enumerate(rows, start=1):
            location = f"{path}: row {number}"
            if cells is None:
                bad.add(location, "is not UTF-8")
            else:
                yield from _named_row(location, cells, features, bad)


def _dataset_rows(dataset: "Dataset | IterableDataset", source: str, bad: BadRows) -> Iterator[Row]:
    """The rows of a dataset, counted from 1, with the names of its classes for their numbers."""
    features = dataset.features.to_dict() if dataset.features else {}  # a stream may not say what it holds
    for number, cells in enumerate(hub.iterate_rows(dataset.with_format(None), source), start=1):
        yield from _named_row(f"{source}: row {number}", cells, features, bad)


def _tsv_cells(path: Path, bad: BadRows, dialect: Dialect) -> Lines:
    for number, line in read_lines(path, bad, dialect.encoding):
        if "\r" in line:  # where other readers end the row
            bad.add(f"{path}: row {number}", "holds a carriage return")
        else:
            yield f"{path}: row {number}", line.split(dialect.delimiter or "\t")


def _csv_cells(path: Path, bad: BadRows, dialect: Dialect) -> Lines:
    """The rows of a CSV file; of one whose quotes are wrong, the line that it begins in is left out."""
    # A row may be several lines: which of them is not UTF-8 must not change where the row ends.
    left = (
        (number, line.decode(errors="surrogateescape")) for number, line in raw_lines(path, dialect.encoding)
    )
    delimiter = find_delimiter(path, dialect)
    again: deque[tuple[int, str]] = deque()
    row: list[tuple[int, str]] = []

    def lines() -> Iterator[str]:
        while line := again.popleft() if again else next(left, None):
            row.append(line)
            yield line[1]

    reader = csv.reader(lines(), strict=True, delimiter=delimiter)
    record = 0
    while True:
        row.clear()
        record += 1
        try:
            cells = _next_cells(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = str(error).partition(" - ")[0]
            location = row_location(path, record, row[0][0])
            bad.add(location, f"is not CSV: a quote or line break is out of place ({reason})")
            again.extendleft(reversed(row[1:]))
            reader = csv.reader(lines(), strict=True, delimiter=delimiter)
            continue
        location = row_location(path, record, row[0][0])
        try:
            decode_line("".join(cells).encode(errors="surrogateescape"))
        except ValueError as error:
            bad.add(location, str(error))
        else:
            yield location, cells


def _next_cells(reader: Iterator[Cells]) -> Cells:
    """The next row, with cells of any length: the limit of the module `csv` holds for a whole process."""
    limit = csv.field_size_limit(_LARGEST_CELL)
    try:
        return next(reader)
    finally:
        csv.field_size_limit(limit)


def _under_header(lines: Lines, bad: BadRows, unnamed: Cells = ()) -> Iterator[Row]:
    first = next((line for line in lines if line[1]), None)
    if first is None:
        return
    location, header = first
    if _lacks_header(header, unnamed):
        yield Row(location, dict(zip(unnamed, header, strict=True)))
        header = unnamed
    _check_names(header, location)
    for location, cells in lines:
        if len(cells) == len(header):
            yield Row(location, dict(zip(header, cells, strict=True)))
        elif not _is_blank(cells):
            bad.add(location, f"has {len(cells)} cells, and the header {len(header)}")


def _is_blank(cells: Cells) -> bool:
    return len(cells) < 2 and not "".join(cells).strip(" ")


def _lacks_header(first: Cells, unnamed: Cells) -> bool:
    return len(first) == len(unnamed) and not set(first) & set(unnamed)


def _check_names(names: Cells, location: str) -> None:
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise CharBertError(f"{location}: column {number} has no name; give it one")
        if name in names[: number - 1]:
            raise CharBertError(f"{location}: two columns have the name {name!r}; rename one")


def _cells_of_batch(batch: Any) -> list[dict[str, Any] | None]:
    """The cells of each row of a record batch; None for one that is not UTF-8."""
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [None]
    return [cells for row in range(batch.num_rows) for cells in _cells_of_batch(batch.slice(row, 1))]


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """What `datasets` noted in a Parquet file of each of its columns, such as the names of classes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def _named_row(location: str, cells: dict[str, Any], features: Any, bad: BadRows) -> Iterator[Row]:
    """The row with the names of its classes; none if it has another class than these."""
    try:
        yield Row(location, _map_classes(cells, features, _class_name))
    except RowError as error:
        bad.add(location, str(error))


def _map_classes(cell: Any, feature: Any, change: Callable[[Any, Sequence[str]], Any]) -> Any:
    """A cell with each class in it changed, which may be in lists and structs.

    Args:
        cell: of a row.
        feature: what `datasets` knows of it, in the form that it has as JSON.
        change: takes a class and the names of all.
    """
    if isinstance(feature, list):
        feature = {"_type": "List", "feature": feature[0]}
    kind = feature.get("_type") if isinstance(feature, dict) else ""
    if kind == "ClassLabel":
        return change(cell, feature.get("names") or ())
    if isinstance(kind, str):
        inner = feature.get("feature") if kind else None
        if isinstance(cell, list):
            return [_map_classes(each, inner, change) for each in cell]
        if not isinstance(inner, dict):
            return cell
        feature = {name: [each] for name, each in inner.items()}  # a list of structs, kept as one of lists
    if isinstance(cell, dict):
        return {name: _map_classes(each, feature.get(name), change) for name, each in cell.items()}
    return cell


def _class_name(cell: Any, names: Sequence[str]) -> Any:
    """The name of a class by its number; None for -1, which stands for "unknown"."""
    if not isinstance(cell, int) or not names:
        return cell
    if cell >= len(names):
        raise RowError(f"has the class {cell}, and the file names {len(names)}, from 0")
    return names[cell] if cell >= 0 else None


def _class_number(cell: Any, names: Sequence[str]) -> Any:
    """The number of a class by its name."""
    return names.index(cell) if cell in names else cell


_TEXT_ROWS = {".csv": _csv_rows, ".tsv": tsv_rows, ".jsonl": _json_rows, ".json": _json_rows}


def write_table(
    path: Path, output: IO[bytes], new_cells: NewCells, dialect: Dialect = FOUND, unnamed: Cells = ()
) -> None:
    """Write a table with new cells in the format of another one, in UTF-8; one with another ending is TSV.

    Args:
        path: the other one.
        output: gets the table.
        new_cells: a row of the other one -> its new cells by column, without those that stay; None for a row
            that is left out.
        dialect: of the other one.
        unnamed: as of `tsv_rows`.

    Raises:
        CharBertError: a column of a Parquet file cannot hold its new cells.
    """
    match text_ending(path):
        case ".parquet":
            _write_parquet(path, output, new_cells)
        case ".jsonl" | ".json":
            end = line_end(path, dialect.encoding)
            for row in _json_rows(path, BadRows(skip=True), dialect):
                cells = new_cells(row)
                if cells is not None:
                    output.write((dump_json({**row.cells, **cells}) + end).encode())
        case ".csv":
            lines = _csv_cells(path, BadRows(skip=True), dialect)
            _write_cells(lines, _csv_writer(path, output, dialect), new_cells)
        case _:
            end, delimiter = line_end(path, dialect.encoding), dialect.delimiter or "\t"
            _write_cells(
                _tsv_cells(path, BadRows(skip=True), dialect),
                lambda cells: output.write((delimiter.join(cells) + end).encode()),
                new_cells,
                unnamed,
            )


def _write_cells(
    lines: Lines, write: Callable[[Cells], object], new_cells: NewCells, unnamed: Cells = ()
) -> None:
    """Write the lines of a table with its header; blank ones stay, unless they are rows of one empty cell."""
    header: Cells = ()
    for location, cells in lines:
        if not header and cells:
            header = unnamed if _lacks_header(cells, unnamed) else cells
            if header is cells:
                write(cells)
                continue
        new = new_cells(Row(location, dict(zip(header, cells, strict=False))))
        if new is not None:
            write([new.get(column, cell) for column, cell in zip(header, cells, strict=True)])
        elif _is_blank(cells) and len(cells) != len(header):
            write(cells)


def _csv_writer(path: Path, output: IO[bytes], dialect: Dialect) -> Callable[[Cells], object]:
    """Writes rows; cells get quotes where they need them, or all if all of the header have them."""
    first, end = next(raw_lines(path, dialect.encoding))[1].strip(), line_end(path, dialect.encoding)
    delimiter = find_delimiter(path, dialect)
    mark = delimiter.encode()
    all_quoted = first[:1] == b'"' == first[-1:] and first.count(mark) == first.count(b'"%b"' % mark)
    return csv_writer(codecs.getwriter("utf-8")(output), delimiter, end, all_quoted)


def csv_writer(
    file: Any, delimiter: str = ",", end: str = "\n", all_quoted: bool = False
) -> Callable[[Cells], object]:
    """Writes rows of CSV into a file of text."""
    plain = csv.writer(file, lineterminator=end, delimiter=delimiter)
    quoted = csv.writer(file, lineterminator=end, delimiter=delimiter, quoting=csv.QUOTE_ALL)

    def write(cells: Cells) -> None:
        # The module does not see that a carriage return must be quoted where lines end without one.
        needs_quotes = all_quoted or any("\r" in cell for cell in cells)
        (quoted if needs_quotes else plain).writerow(cells)

    return write


def _write_parquet(path: Path, output: IO[bytes], new_cells: NewCells) -> None:
    """In the same types, compression and size of row groups."""
    with open_parquet(path) as file:
        table, groups = file.read(), file.metadata.num_row_groups
        group = file.metadata.row_group(0) if groups else None
    features = _features(table.schema)
    rows = chain.from_iterable(map(_cells_of_batch, table.to_batches()))
    new: list[Any] = []
    for number, cells in enumerate(rows, start=1):
        named = _named_row(f"{path}: row {number}", cells or {}, features, BadRows(skip=True))
        changed = [_map_classes(new_cells(row), features, _class_number) for row in named if cells]
        new.extend(changed or [None])
    kept = [index for index, cells in enumerate(new) if cells is not None]
    if len(kept) < len(new):
        table = table.take(pa.array(kept, pa.int64()))
    table = _replace_cells(table, [cells for cells in new if cells is not None], path)
    codec = group.column(0).compression.lower() if group else "snappy"
    codec = "none" if codec == "uncompressed" else codec
    pq.write_table(table, output, compression=codec, row_group_size=group.num_rows if group else None)


def _replace_cells(table: pa.Table, changes: Sequence[Mapping[str, Any]], path: Path) -> pa.Table:
    for number, field in enumerate(table.schema):
        if not any(field.name in cells for cells in changes):
            continue
        values = table.column(number).to_pylist()
        values = [cells.get(field.name, value) for cells, value in zip(changes, values, strict=True)]
        try:
            column = pa.array(values, field.type)
        except pa.ArrowException as error:
            raise CharBertError(
                f"{path}: column {field.name!r} of type {field.type} cannot hold texts with typos ({error})"
            ) from error
        table = table.set_column(number, field, column)
    return table
