"""Resuming a training: the settings that it began with, and its newest checkpoint that is whole."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from charbert.checkpoints import DELTA_WEIGHTS
from charbert.commands.cache import content_stamp
from charbert.commands.output import whole_file
from charbert.commands.results import read_object
from charbert.commands.settings import ALWAYS, NEVER, default_value, shown_name
from charbert.errors import CharBertError, first_line

RECORD, STATE = "run.json", "trainer_state.json"
WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json", "pytorch_model_fsdp.bin"),
    DELTA_WEIGHTS,  # of a model whose other weights are those of its base
)
OPTIMIZERS = ("optimizer.pt", "optimizer.bin")
EVERYWHERE = ("output", "resume", "overwrite")
"""Settings that may differ in every command."""
LENGTHS = ("max_steps", "epochs")
"""Settings that say how long a run trains."""
_CHECKPOINT = re.compile(rf"{PREFIX_CHECKPOINT_DIR}-\d+")
_RANDOM_STATE = re.compile(r"rng_state(_(\d+))?\.pth")


def describe_settings(settings: Any) -> dict[str, Any]:
    """In plain JSON the `settings`, and the `contents` of the files and folders that they name."""
    contents = {
        field.name: _stamps(getattr(settings, field.name))
        for field in fields(settings)
        if field.metadata.get("reads")
    }
    return {"settings": json.loads(json.dumps(asdict(settings))), "contents": contents}


def decisive_settings(settings: Any) -> dict[str, Any]:
    """The settings that a result depends on, with contents instead of paths; for keys of a cache."""
    described = describe_settings(settings)
    names = [field.name for field in fields(settings) if not _may_differ(field, finished=True)]
    return {name: {**described["settings"], **described["contents"]}[name] for name in names}


def describe_run(settings: Any, seed: int) -> dict[str, Any]:
    """Everything that a run of training depends on, in plain JSON."""
    return {
        **describe_settings(settings),
        "seed": seed,
        "examples_of_a_step": int(os.environ.get("WORLD_SIZE", "1"))
        * settings.batch_size
        * getattr(settings, "gradient_accumulation_steps", 1),
    }


def write_record(output: Path, record: Mapping[str, Any]) -> None:
    """Write what `read_record` reads."""
    with whole_file(output / RECORD) as partial:
        partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read_record(output: Path, results: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What `describe_run` gave when the run of a folder began.

    Args:
        output: the folder.
        results: its `results.json`, where earlier versions kept the settings, of finished runs alone.

    Raises:
        CharBertError: the record is damaged.
    """
    if (output / RECORD).exists():
        return read_object(output / RECORD, settings=dict, contents=dict)
    if results is not None:
        return {"settings": results["settings"], "contents": {}, "seed": results.get("seed")}
    return None


def has_grown(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a run is to go on for longer, which is so only where its learning rate stays constant."""
    return _grown(before["settings"], now["settings"]) is not None


def find_differences(
    before: Mapping[str, Any], now: Mapping[str, Any], settings: Any, *, finished: bool
) -> list[str]:
    """In words, what makes a run another one than that of a folder.

    The batch of a step must be the same, not how it is divided; paths may differ where their content is the
    same; a run under a constant learning rate may become longer.

    Args:
        before, now: as of `describe_run`.
        settings: of the run now.
        finished: the run of the folder has its results.
    """
    renamed = getattr(settings, "RENAMED", {})
    there = {renamed.get(name, name): value for name, value in before["settings"].items()}
    found = []
    for field in fields(settings):
        name = field.name
        if _may_differ(field, finished):
            continue
        new = now["settings"][name]
        old = _as_list(there.get(name, default_value(field)), new)
        if name in before["contents"]:
            content = now["contents"][name]
            if _as_list(before["contents"][name], content) != content:
                found.append(
                    f"{shown_name(field)} {_shown(old)}"
                    + (f", not {_shown(new)}" if old != new else " of other content")
                )
        elif old != new and name != _grown(there, now["settings"]):
            why = " (it can grow under a constant learning rate alone)" if name in LENGTHS else ""
            found.append(f"{shown_name(field)} {_shown(old)}, not {_shown(new)}{why}")
    for name in ("seed", "examples_of_a_step"):
        if name in now and name not in there and before.get(name, now[name]) != now[name]:
            found.append(f"{name.replace('_', ' ')} {before[name]}, not {now[name]}")
    return found


def refuse_differences(output: Path, differences: Sequence[str]) -> None:
    """Refuse to go on with what is there.

    Raises:
        CharBertError: there are differences.
    """
    if differences:
        raise CharBertError(
            f"{output}: was made with {', '.join(differences)}; go on with the same, or give another output "
            "or --overwrite"
        )


def find_checkpoints(output: Path) -> list[Path]:
    """The checkpoints of a Trainer's folder, the newest first."""
    found = output.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
    named = (path for path in found if path.is_dir() and _CHECKPOINT.fullmatch(path.name))
    return sorted(named, key=checkpoint_step, reverse=True)


def remove_checkpoints(output: Path) -> None:
    """Remove all checkpoints of a Trainer's folder."""
    for folder in find_checkpoints(output):
        shutil.rmtree(folder, ignore_errors=True)


def checkpoint_step(checkpoint: Path) -> int:
    """The step after which a checkpoint was written, by its name."""
    return int(checkpoint.name.rpartition("-")[2])


def find_fault(checkpoint: Path) -> str | None:
    """Why a run cannot go on from a checkpoint as if it had never stopped; None if it can."""
    for names in (WEIGHTS, OPTIMIZERS, ("scheduler.pt",), (STATE,)):
        if not any((checkpoint / name).is_file() for name in names):
            return f"{names[0]} is missing"
    ranks = [match[2] for path in checkpoint.iterdir() if (match := _RANDOM_STATE.fullmatch(path.name))]
    if not ranks or (None not in ranks and {*map(int, filter(None, ranks))} != {*range(len(ranks))}):
        return "a random state is missing"
    for path in sorted(checkpoint.iterdir()):
        if (fault := _find_damage(path)) is not None:
            return f"{path.name} is damaged ({fault})"
    state = read_object(checkpoint / STATE)
    if state.get("global_step") != checkpoint_step(checkpoint):
        return f"{STATE} is that of another checkpoint"
    best = state.get("best_model_checkpoint")
    if best is not None and Path(best).name != checkpoint.name:
        path = checkpoint.with_name(Path(best).name)
        saved = next((path / name for name in (WEIGHTS[0], DELTA_WEIGHTS) if (path / name).is_file()), None)
        if saved is None or _find_damage(saved) is not None:
            return f"the best one until then, {path.name}, is damaged or missing"
    return None


def check_weights(checkpoint: Path, model: Any) -> None:
    """Refuse to go on with a model of other tensors than those of a checkpoint.

    Raises:
        CharBertError: names or shapes differ.
    """
    if not (checkpoint / WEIGHTS[0]).is_file():
        return
    own = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    with safe_open(checkpoint / WEIGHTS[0], "pt") as file:
        saved = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    others = [name for name, shape in saved.items() if own.get(name) != shape]
    others += sorted(own.keys() - saved.keys() - set(model.all_tied_weights_keys))
    if others:
        raise CharBertError(f"{checkpoint}: holds another model, as {others[0]} shows; go on with the same")


def _may_differ(field: Any, finished: bool) -> bool:
    may_differ = field.metadata.get("may_differ", NEVER)
    return field.name in EVERYWHERE or may_differ == ALWAYS or (may_differ != NEVER and not finished)


def _grown(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    schedule = now.get("lr_scheduler_type")
    # A share of the steps for warm-up makes the rate depend on how many there are.
    if schedule != "constant" and (schedule != "constant_with_warmup" or now.get("warmup_ratio")):
        return None
    return next((name for name in LENGTHS if name in now and now[name] > before.get(name, now[name])), None)


def _find_damage(path: Path) -> str | None:
    """What is wrong with a file of a checkpoint, as far as its kind shows it."""
    try:
        if path.suffix == ".json":
            read_object(path)
        elif path.suffix == ".safetensors":
            with safe_open(path, "pt"):
                pass
        elif path.suffix in (".pt", ".pth", ".bin"):
            with zipfile.ZipFile(path) as file:
                return file.testzip()
    except (OSError, ValueError, SafetensorError, zipfile.BadZipFile) as error:
        return first_line(error)
    return None


def _as_list(old: Any, new: Any) -> Any:
    """What an earlier version knew one of, where there may be several now."""
    return [old] if isinstance(new, list) and not isinstance(old, list | None) else old


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) and value else str(value)


def _stamps(value: Any) -> Any:
    """The stamps of the files and folders that a setting names; what is none stands for itself."""
    if isinstance(value, list):
        return [_stamps(each) for each in value]
    return content_stamp(Path(value)) if value is not None and os.path.exists(value) else value
