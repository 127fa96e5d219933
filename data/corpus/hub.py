"""Text that the library `datasets` reads: what `save_to_disk` wrote, and the datasets of the hub."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from charbert.errors import CharBertError, first_line
from data.corpus.files import COLUMNS, Row, check_length

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

NAME = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[^:/]*))?(?::(?P<split>[^:/]+))?")
DEFAULT_SPLIT = "train"
_MOST_SHARDS = 64


class Loaded(NamedTuple):
    """A dataset with a column of text, and how many rows it has where that is known."""

    dataset: "Dataset | IterableDataset"
    rows: int | None


def import_datasets(source: str) -> Any:
    """The library `datasets`, which few machines that only read files need.

    Raises:
        CharBertError: it is not installed.
    """
    try:
        return importlib.import_module("datasets")
    except ModuleNotFoundError as error:
        raise CharBertError(f"{source}: is read with `datasets`; install it: pip install datasets") from error


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote this folder."""
    return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))


def load_saved_dataset(folder: Path) -> "Dataset":
    """What `save_to_disk` wrote; of several splits, `train`.

    Raises:
        CharBertError: it is damaged, or has no split `train`.
    """
    datasets = import_datasets(str(folder))
    try:
        dataset = datasets.load_from_disk(folder)
    except (OSError, ValueError, KeyError) as error:
        raise CharBertError(f"{folder}: no dataset that can be read ({first_line(error)})") from error
    if isinstance(dataset, datasets.DatasetDict):
        if DEFAULT_SPLIT not in dataset:
            one_of = ", ".join(str(folder / split) for split in dataset)
            raise CharBertError(f"{folder}: has no split {DEFAULT_SPLIT!r}; give one of {one_of}")
        dataset = dataset[DEFAULT_SPLIT]
    return dataset


def load_saved(folder: Path) -> Loaded:
    """The documents of `load_saved_dataset`.

    Raises:
        CharBertError: as there, and where it has no column of text.
    """
    dataset = load_saved_dataset(folder)
    return Loaded(_with_text(dataset, str(folder)), len(dataset))


def load_named_dataset(source: str) -> "IterableDataset":
    """A dataset of the hub, by `owner/name`, `owner/name:config` or `owner/name:config:split`; streamed.

    Raises:
        CharBertError: it cannot be reached, or has no such configuration or split.
    """
    datasets = import_datasets(source)
    name, config, split = _parts_of_name(source)
    try:
        return datasets.load_dataset(name, config, split=split, streaming=True)
    except Exception as error:  # of the network, the hub, the formats: an open list
        raise CharBertError(
            f"{source}: no such file or folder here, and no dataset of the hub that can be read "
            f"({first_line(error)}); give a path, or owner/name:config:split"
        ) from error


def load_named(source: str) -> Loaded:
    """The documents of `load_named_dataset`.

    Raises:
        CharBertError: as there, and where it has no column of text.
    """
    dataset = load_named_dataset(source)
    splits, (_, _, split) = dataset.info.splits or {}, _parts_of_name(source)
    rows = splits[split].num_examples if split in splits else None
    return Loaded(_with_text(dataset, source), rows or None)


def _parts_of_name(source: str) -> tuple[str, str | None, str]:
    match = NAME.fullmatch(source)
    assert match is not None  # the caller asks for such names only
    return match["name"], match["config"] or None, match["split"] or DEFAULT_SPLIT


def read_rows(loaded: Loaded, source: str, start: int = 0) -> Iterator[Row]:
    """The rows of a dataset, without the first `start`.

    Raises:
        CharBertError: when a row is reached that cannot be read.
    """
    for row in iterate_rows(loaded.dataset.skip(min(start, loaded.rows or start)), source):
        yield check_length(Row(*map(row.get, COLUMNS)), source)


def iterate_rows(dataset: "Dataset | IterableDataset", source: str) -> Iterator[dict[str, Any]]:
    """The rows of a dataset, each its cells by column.

    Raises:
        CharBertError: when a row is reached that cannot be read.
    """
    try:
        yield from dataset
    except Exception as error:  # as above; what the reader of these rows raises does not come by here
        raise CharBertError(
            f"{source}: reading stopped ({first_line(error)}); run the command again"
        ) from error


def as_stream(loaded: Loaded) -> "IterableDataset":
    """The texts alone, as a stream that can be divided between processes."""
    dataset = loaded.dataset.select_columns(["text"])
    if loaded.rows is not None and hasattr(dataset, "to_iterable_dataset"):
        return dataset.to_iterable_dataset(num_shards=max(1, min(_MOST_SHARDS, loaded.rows)))
    return dataset


def _with_text(dataset: Any, source: str) -> Any:
    """The dataset with only the columns that a document is made of."""
    features = dataset.features or {}  # a stream does not always say what it holds before it is read
    names = list(features) or list(next(iter(dataset), {}))
    kind = getattr(features.get("text"), "dtype", "string")
    if "text" not in names or kind not in ("string", "large_string"):
        raise CharBertError(f"{source}: has no column 'text' of type string; its columns: {', '.join(names)}")
    return dataset.select_columns([name for name in COLUMNS if name in names])
