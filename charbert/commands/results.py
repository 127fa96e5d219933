"""`results.json`: what a command did, as flat keys and plain numbers, with how it was done beside them."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from charbert import __version__
from charbert.commands.output import is_main_process, output_folder, whole_file
from charbert.commands.tables import format_table
from charbert.errors import CharBertError
from charbert.hub import CARD, is_kept

RESULTS = "results.json"
BESIDE_NUMBERS = ("settings", "versions", "seed")
_KINDS: dict[type, str] = {dict: "object", list: "list", str: "text"}


def write_results(
    folder: str | Path, numbers: Mapping[str, Any], settings: Mapping[str, Any], seed: int | None = None
) -> Path:
    """Write `results.json` into a folder: the numbers, then `settings`, `versions` and `seed`.

    A number that is not finite, which JSON has no form for, is null.
    """
    content = {
        **{name: None if _is_endless(number) else number for name, number in numbers.items()},
        "settings": dict(settings),
        "versions": versions(),
        "seed": seed,
    }
    path = Path(folder) / RESULTS
    with whole_file(path) as partial:
        partial.write_text(
            json.dumps(content, indent=2, default=str, allow_nan=False) + "\n", encoding="utf-8"
        )
    return path


def _is_endless(number: Any) -> bool:
    return isinstance(number, float) and not math.isfinite(number)


@contextmanager
def new_folder(settings: Any) -> Iterator[Path]:
    """A folder to write in what becomes the output folder of a command at the end, `results.json` last.

    An interruption before that leaves the output folder as it was.

    Raises:
        CharBertError: as `output_folder`.
    """
    with (
        output_folder(settings) as output,
        TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as made,
    ):
        whole = Path(made) / output.resolve().name  # by which a model card calls the model
        whole.mkdir(exist_ok=True)
        yield whole
        (output / RESULTS).unlink(missing_ok=True)  # results stand for a folder that is complete
        for path in sorted(whole.iterdir(), key=lambda path: path.name == RESULTS):
            if path.name != CARD or not is_kept(output / CARD):
                path.replace(output / path.name)


def print_results(numbers: Mapping[str, Any], output: str | Path) -> None:
    """Print the numbers of a run, and where it is."""
    if is_main_process():
        print(f"{format_table(('', ''), list(numbers.items()))}\nresults and model in {output}")


def format_numbers(numbers: Mapping[str, float]) -> str:
    """Numbers with their names on one line, as a command prints them at its end."""
    return ", ".join(
        f"{name} {value:,.1f}" if isinstance(value, float) else f"{name} {value:,}"
        for name, value in numbers.items()
    )


def versions() -> dict[str, str]:
    """The versions on which results depend."""
    packages = ("torch", "transformers", "tokenizers")
    return {"charbert": __version__, **{name: metadata.version(name) for name in packages}}


def read_results(folder: str | Path) -> dict[str, Any]:
    """The content of the `results.json` of a folder.

    Raises:
        CharBertError: as `read_object`.
    """
    return read_object(Path(folder) / RESULTS)


def read_numbers(folder: str | Path) -> dict[str, Any]:
    """The numbers of the `results.json` of a folder, without what stands beside them."""
    return select_numbers(read_results(folder))


def select_numbers(results: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a `results.json`, without what stands beside them."""
    return {name: value for name, value in results.items() if name not in BESIDE_NUMBERS}


def read_object(path: Path, **kinds: type) -> dict[str, Any]:
    """The object in a file of JSON.

    Args:
        path: the file.
        kinds: keys that it must have, and the types of their values.

    Raises:
        CharBertError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise CharBertError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CharBertError(f"{path}: is damaged or no JSON ({error})") from error
    if not isinstance(content, dict):
        raise CharBertError(f"{path}: holds JSON of another kind, no object")
    for name, kind in kinds.items():
        if not isinstance(content.get(name), kind):
            raise CharBertError(f"{path}: is of another kind: {name!r} is no {_KINDS[kind]}")
    return content
