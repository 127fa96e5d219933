"""`python -m finetune predict MODEL FILE --output FILE`: predictions of a fine-tuned model for a file."""

import io
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

from charbert.commands.output import output_file
from charbert.commands.paths import STANDARD, standard_input
from charbert.commands.progress import progress_bar
from charbert.compression import compression_ending, text_ending
from charbert.errors import CharBertError
from data.examples.cells import as_text, dump_json, is_nothing, write_labels
from data.examples.lines import Dialect, find_delimiter
from data.examples.readers import find_reader, read_examples
from data.examples.rows import BadRows, Row, RowError
from data.examples.tables import csv_writer
from finetune.inference import Predictor
from finetune.models import load_finetuned, load_task
from finetune.settings import FinetuneSettings, PredictSettings
from finetune.tasks.base import Task

CHUNK = 1000  # examples in memory
TABLES = (".jsonl", ".csv", ".tsv")
_ONLY_IN_JSON = ("n_best",)


class _Input(NamedTuple):
    path: str
    """A file whose name says its format, or a dataset."""
    shown: str
    """Its name in messages."""


def run(settings: PredictSettings) -> None:
    """Write a prediction for each example of a file."""
    given = {"delimiter": settings.delimiter, "encoding": settings.encoding}
    run_settings, task = load_task(Path(settings.model), **given)
    task = _with_threshold(task, settings.threshold)
    ending = _output_ending(settings, task)
    bad = BadRows(settings.skip_bad_rows)
    with _open_input(settings) as source:
        if settings.output == STANDARD:
            if isinstance(sys.stdout, io.TextIOWrapper):  # as files, whatever the locale and the system are
                sys.stdout.reconfigure(encoding="utf-8", newline="")
            with TemporaryDirectory() as folder:
                partial = Path(folder) / "predictions"
                _predict(settings, run_settings, task, source, ending, bad, partial, sys.stdout)
        else:
            with output_file(settings) as partial, partial.open("w", encoding="utf-8", newline="") as file:
                _predict(settings, run_settings, task, source, ending, bad, partial, file)
        if bad:
            print(str(bad.summary()).replace(*source), file=sys.stderr)
    if settings.output != STANDARD:
        print(f"predictions in {settings.output}")


def _predict(
    settings: PredictSettings,
    columns: FinetuneSettings,
    task: Task[Any, Any],
    source: _Input,
    ending: str,
    bad: BadRows,
    partial: Path,
    file: IO[str],
) -> None:
    """Write predictions as a table into `file`, or in the form of a scorer, which comes from `partial`."""
    model, tokenizer = load_finetuned(settings.model, task, settings.device)
    predictor = Predictor(task, model, tokenizer, settings.batch_tokens or 0, bf16=columns.bf16)
    examples = read_examples(columns, source.path, bad, labelled=False)
    # GLUE's server takes no other columns than its own.
    is_table = ending in TABLES and not (ending == task.ending and find_reader(columns.task).official_files)
    if not is_table:
        found = [pair for chunk in _chunks(examples) for pair in zip(chunk, predictor(chunk), strict=True)]
        task.write([example for example, _ in found], [prediction for _, prediction in found], partial)
        if file is sys.stdout:
            file.write(partial.read_text(encoding="utf-8"))
        return
    table = _Table(file, ending, columns, source.path)
    rows = find_reader(columns.task).table_rows(columns, source.path)
    for chunk in _chunks(examples):
        for example, record in zip(chunk, task.records(chunk, predictor(chunk)), strict=True):
            row = next((row for row in rows if row.location == example.location), None)
            table.write(row or Row(example.location, {}), record)
        file.flush()


class _Table:
    """Writes predictions beside the cells of their rows, as JSON lines, CSV or TSV.

    Args:
        file: gets them.
        ending: says the format.
        columns: how the source is read. A CSV gets the delimiter of a CSV.
        source: what is read.
    """

    def __init__(self, file: IO[str], ending: str, columns: FinetuneSettings, source: str) -> None:
        self._file, self._ending, self._separator = file, ending, columns.separator
        dialect = Dialect(columns.delimiter, columns.encoding)
        is_csv = text_ending(Path(source)) == ".csv"
        self._write_cells = csv_writer(file, find_delimiter(Path(source), dialect) if is_csv else ",")
        self._header: list[str] = []

    def write(self, row: Row, record: Mapping[str, Any]) -> None:
        """Write a prediction.

        Raises:
            CharBertError: a cell cannot be held by the format, or has a column that the first row lacks.
        """
        own = {name: None if is_nothing(cell) else cell for name, cell in row.cells.items()}
        named = {"id": record["id"]} if own.get("id") in (None, "") else {}
        new = {name: value for name, value in record.items() if name != "id"}
        if self._ending == ".jsonl":
            self._file.write(dump_json({"id": record["id"], **own, **named, **new}) + "\n")
            return
        cells = {"id": record["id"], **own, **named, **self._flat(new)}
        if not self._header:
            self._header = list(cells)
            self._write_line(row, self._header)
        if more := cells.keys() - set(self._header):
            raise CharBertError(
                f"{row.location}: has the column {min(more)!r}, which the first row lacks; write .jsonl"
            )
        self._write_line(row, [_cell_text(cells.get(name)) for name in self._header])

    def _flat(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A prediction as cells: a column for the probability of each class, words and tags as texts."""
        found: dict[str, Any] = {}
        for name, value in record.items():
            if isinstance(value, dict):
                found |= {f"probability_{label}": share for label, share in value.items()}
            elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
                found[name] = write_labels(value, self._separator if name == "prediction" else " ")
            elif name not in _ONLY_IN_JSON:
                found[name] = value
        return found

    def _write_line(self, row: Row, cells: list[str]) -> None:
        for name, cell in zip(self._header, cells, strict=True):
            try:
                as_text(cell, name)
            except RowError as error:
                raise CharBertError(f"{row.location}: {error}; write .jsonl") from error
            if self._ending == ".tsv" and any(mark in cell for mark in "\t\r\n"):
                raise CharBertError(
                    f"{row.location}: column {name!r} holds a tab or a line break, which .tsv cannot; write "
                    ".csv or .jsonl"
                )
        if self._ending == ".csv":
            self._write_cells(cells)
            return
        self._file.write("\t".join(cells) + "\n")


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    # What JSON has no form for, such as a date of Parquet, would be a text in quotes there.
    return dump_json(value) if isinstance(value, bool | int | float | list | tuple | dict) else str(value)


def _with_threshold(task: Task[Any, Any], threshold: float | None) -> Task[Any, Any]:
    if threshold is None:
        return task
    if not task.has_threshold:
        raise CharBertError(
            "--threshold: this model has none; it is for several labels at once and for questions that may "
            "have no answer"
        )
    return task.with_threshold(threshold)


def _output_ending(settings: PredictSettings, task: Task[Any, Any]) -> str:
    """The ending that stands for the format of the output."""
    known = dict.fromkeys((*TABLES, task.ending))
    if settings.output_format:
        ending = f".{settings.output_format}"
    elif settings.output == STANDARD:
        ending = f".{settings.format}"
        ending = ending if ending in known else ".jsonl"
    else:
        ending = Path(settings.output).suffix
    if ending not in known:
        *others, last = known
        shown = settings.output if settings.output_format is None else f"--output-format {ending[1:]}"
        raise CharBertError(f"{shown}: must end in {', '.join(others)} or {last}")
    return ending


@contextmanager
def _open_input(settings: PredictSettings) -> Iterator[_Input]:
    """FILE, or standard input, which is read to its end, under a name that says its format."""
    given, is_standard = settings.file, settings.file == STANDARD
    if settings.format is None:
        yield _Input(given, given)
        return
    with TemporaryDirectory() as folder:
        compressed = compression_ending(Path(given))
        # What is found out about a file is said with its name.
        name = "standard-input" if is_standard else Path(given).name.removesuffix(compressed)
        path = Path(folder) / f"{name}.{settings.format}{compressed}"
        if is_standard:
            with path.open("wb") as file:
                shutil.copyfileobj(standard_input(), file)
        else:
            path.symlink_to(Path(given).resolve())
        source = _Input(str(path), "standard input" if is_standard else given)
        try:
            yield source
        except CharBertError as error:
            raise CharBertError(str(error).replace(*source)) from error


def _chunks(examples: Iterator[Any]) -> Iterator[list[Any]]:
    with progress_bar(desc="predicting", unit=" examples") as bar:
        while chunk := list(islice(examples, CHUNK)):
            yield chunk
            bar.update(len(chunk))
