"""Numbers of finished runs and of their robustness reports: a record each, in one file of JSON lines."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from charbert.commands.output import whole_file
from charbert.commands.results import read_numbers, read_object
from charbert.errors import CharBertError

Record = dict[str, Any]
RUN, REPORT = "run", "report"
_SPREAD = ("_std", "_low", "_high")  # of one seed they say nothing
_DIGITS = 4


def gather_records(folder: Path) -> list[Record]:
    """A record of every run and every report below a folder, with the keys what, task, model, seed.

    Args:
        folder: with `TASK/MODEL/seed-N` of `python -m finetune`, and `robust/TASK/MODEL/seed-N` of
            `python -m finetune robustness`, which may compare several models.

    Raises:
        CharBertError: there is none of either.
    """
    records = []
    for path, task, model, seed in _find(folder, "results.json"):
        numbers = {key: value for key, value in read_numbers(path).items() if not key.endswith(_SPREAD)}
        records.append(_record(RUN, task, model, seed, numbers))
    for path, task, _, seed in _find(folder / "robust", "report.json"):
        for found in read_object(path / "report.json", models=list)["models"]:
            records.append(_record(REPORT, task, found["name"], seed, _read_model(found)))
    if {record["what"] for record in records} != {RUN, REPORT}:
        raise CharBertError(f"{folder}: lacks runs, TASK/MODEL/seed-N, or reports, robust/TASK/MODEL/seed-N")
    return records


def write_records(records: list[Record], path: Path) -> None:
    """Write them, a line each."""
    with whole_file(path) as partial:
        partial.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")


def read_records(path: Path) -> list[Record]:
    """What `write_records` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _find(folder: Path, name: str) -> Iterator[tuple[Path, str, str, str]]:
    for path in sorted(folder.glob(f"*/*/seed-*/{name}")):
        task, model, seed = path.parts[-4:-1]
        yield path.parent, task, model, seed.removeprefix("seed-")


def _record(what: str, task: str, model: str, seed: str, numbers: Mapping[str, Any]) -> Record:
    """Numbers with four digits behind the point."""
    rounded = {
        key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in numbers.items()
    }
    return {"what": what, "task": task, "model": model, "seed": seed, **rounded}


def _read_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Of a model of a report, under flat names: scores by attack, of words, sensitivity, and worst cases."""
    numbers = {"clean": model["clean"]["mean"]}
    for scores in (model["kinds"], model["files"]):
        numbers |= {name: found["score"]["mean"] for name, found in scores.items()}
    for condition, found in (model["word_split"] or {}).items():
        numbers |= {f"{condition}_{name}": found[name] for name in ("word_f1", "subword_f1")}
    for channel, found in model["sensitivity"].items():
        if isinstance(found, Mapping):
            numbers[f"sensitivity_{channel}"] = found["all"]
    for row in (model["worst_case"] or {"by_edits": []})["by_edits"]:
        numbers[f"worst_case_{row['edits']}"] = row["robust_accuracy"]
    return numbers
