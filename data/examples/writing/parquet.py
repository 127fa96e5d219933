"""Parquet files, written anew."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.errors import CharBertError
from data.corpus.files import opened_parquet
from data.examples.rows import Row
from data.examples.writing.cells import NewCells


def rewrite_parquet(path: Path, out: Path, new_cells: NewCells, left_out: Collection[str]) -> None:
    """Write the file with new cells, in the same groups of rows, types and compression.

    Args:
        path: the file.
        out: the file to write.
        new_cells: what changes in a row.
        left_out: the places of rows that are not written.

    Raises:
        CharBertError: a column cannot hold its new cells.
    """
    number = 0
    with opened_parquet(path) as file, pq.ParquetWriter(out, file.schema_arrow, **_settings(file)) as writer:
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group)
            places = [f"{path}: row {number + row}" for row in range(1, len(table) + 1)]
            number += len(table)
            kept = [row for row, place in enumerate(places) if place not in left_out]
            if len(kept) < len(places):
                table = table.take(kept)
            rows = [Row(places[row], cells) for row, cells in zip(kept, table.to_pylist(), strict=True)]
            writer.write_table(_with_cells(table, [new_cells(row) for row in rows], path))


def _with_cells(table: pa.Table, changes: list[dict[str, object]], path: Path) -> pa.Table:
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


def _settings(file: pq.ParquetFile) -> dict[str, str]:
    """How the file is compressed, where that shows."""
    if not file.metadata.num_row_groups:
        return {}
    codec = file.metadata.row_group(0).column(0).compression
    return {"compression": "none" if codec == "UNCOMPRESSED" else codec.lower()}
