"""Saved deltas: what was trained of a model, in a folder that says what it was trained on."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedConfig
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME, WEIGHTS_INDEX_NAME, WEIGHTS_NAME

import charbert
from charbert.backbones import is_charbert
from charbert.checkpoints import DELTA, DELTA_WEIGHTS, find_delta, read_checkpoint, read_config
from charbert.commands.output import whole_file
from charbert.commands.settings import restore_settings
from charbert.configuration import save_config
from charbert.errors import CharBertError, name_failures, reading
from charbert.hub.cards import Facts, write_card
from charbert.loading import HUB_OPTIONS, without_report
from charbert.loading import logger as loading_log
from charbert.tokenization import CharBertTokenizer
from charbert.tuning.delta import PEFT_CONFIG, check_shapes, unwrap
from charbert.tuning.methods import find_tuning
from charbert.tuning.model import HEAD_SETTINGS, Deltas, copy_values, insert, require_delta
from charbert.tuning.settings import TuningSettings

FORMAT = 1
"""Of a saved delta; one of another format is refused."""
_WHOLE = (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_NAME, WEIGHTS_INDEX_NAME)
_OF_THE_FOLDER = (
    *("config", "revision", "subfolder", "trust_remote_code", "adapter_kwargs"),
    *("output_loading_info", "ignore_mismatched_sizes"),
)
"""Arguments of `from_pretrained` that say nothing of the base."""


def save_delta(model: Any, folder: str | Path, *, resumable: bool = False) -> None:
    """Save what is trained of a model, and what it was trained on, into a folder.

    `delta.json` describes it; where peft has the method, `adapter_config.json` and the names of the tensors
    are its own, so that `PeftModel.from_pretrained(base, folder)` loads it too.

    Args:
        resumable: as it is trained, where a method would be folded otherwise.

    Raises:
        CharBertError: no delta is on, more than it is trained, or the folder cannot be written.
    """
    model = unwrap(model)
    deltas = require_delta(model)
    folder, delta = Path(folder), deltas.delta
    if strays := deltas.strays(model):
        raise CharBertError(
            f"{folder}: {', '.join(strays)} would be lost: no part of the delta, and not frozen; save all of "
            "the model after merge_delta, or, if it was not trained, freeze it by requires_grad_(False)"
        )
    if any((folder / name).exists() for name in _WHOLE):
        raise CharBertError(f"{folder}: holds a whole model; save the delta into a folder of its own")
    tensors = {name: weight.detach().cpu().contiguous() for name, weight in deltas.tensors(model).items()}
    if not resumable:
        tensors = delta.fold(tensors)
    base = _base_of(model)
    description = {
        "format": FORMAT,
        "charbert_version": charbert.__version__,
        "method": delta.settings.tuning,
        "settings": _plain_settings(delta.settings),
        "folded": delta.folded or not resumable,
        "base": base,
        "base_fingerprint": deltas.fingerprint(model, delta),
        "model_class": type(model).__name__,
    }
    with name_failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / DELTA_WEIGHTS) as partial:
            save_file(tensors, partial, metadata={"format": "pt"})
        (folder / PEFT_CONFIG).unlink(missing_ok=True)  # not every method leaves one
        save_config(model, folder)
        delta.write_config(model, folder, base)
        with whole_file(folder / DELTA) as partial:
            partial.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        if not resumable:
            write_card(folder, Facts(parameters=model.num_parameters()))


def load_delta(model: Any, folder: str | Path, name: str = "default") -> None:
    """Put a saved delta on its base; others of the model are off then.

    Args:
        model: the base, with a head of the same kind and number of labels.
        folder: where `save_delta` saved it, or the hub id of such a folder.
        name: of this delta among those of the model.

    Raises:
        CharBertError: the folder holds none that this version can read, or one of another base or head.
    """
    model, folder = unwrap(model), find_delta(folder) or Path(folder)
    description = read_description(folder)
    settings = restore_settings(TuningSettings, description["settings"])
    if description["model_class"] != type(model).__name__:
        raise CharBertError(
            f"{folder}: is a delta of a {description['model_class']}, not of a {type(model).__name__}"
        )
    with reading(folder, "a delta"):
        tensors = load_file(folder / DELTA_WEIGHTS)
    delta = find_tuning(settings.tuning).delta_class(settings, description["folded"])

    def check_base(deltas: Deltas) -> None:
        fingerprint = deltas.fingerprint(model, delta)
        if fingerprint != description["base_fingerprint"]:
            raise CharBertError(
                f"{folder}: was trained on weights {description['base_fingerprint']} "
                f"({description.get('base') or 'without a name'}), and {_base_of(model) or 'this model'} has "
                f"{fingerprint}{' in float16' * (model.dtype == torch.float16)}; give the base that it was "
                "trained on, in float32 or bfloat16"
            )

    own = insert(model, delta, name, check_base, lambda own: check_shapes(folder, own, tensors))
    copy_values(tensors, own)
    head = _head_settings(folder)
    if len(head["id2label"]) == model.config.num_labels:
        for key, value in head.items():
            setattr(model.config, key, value)


def restore_delta(model: Any, folder: str | Path) -> None:
    """Copy the values of a saved delta into the one that is on, as a checkpoint of the same training.

    Raises:
        CharBertError: it is another one.
    """
    deltas = require_delta(model)
    with reading(folder, "a delta"):
        tensors = load_file(Path(folder) / DELTA_WEIGHTS)
    own = deltas.tensors(model)
    check_shapes(folder, own, tensors)
    copy_values(tensors, own)


def is_delta(source: Any) -> bool:
    """Whether a folder or hub id holds a saved delta."""
    return find_delta(source) is not None


def refuse_delta(source: Any) -> None:
    """Refuse a saved delta where all weights of a model are to be trained.

    Raises:
        CharBertError: `source` is one.
    """
    if is_delta(source):
        raise CharBertError(
            f"{source}: holds a delta, not a whole model; give its base, or a run with --merge"
        )


def from_delta(model_class: Any, source: str | PathLike[str], **kwargs: Any) -> Any:
    """The base of a saved delta, loaded from where it was, with the delta on it.

    Args:
        model_class: of a CharBERT, or an Auto class of `transformers` for a plain model.
        source: folder or hub id of the delta.
        kwargs: of its `from_pretrained`, for the base.

    Raises:
        CharBertError: the base is not there any more, or another one; or as of `load_delta`.
    """
    hub = {name: kwargs[name] for name in HUB_OPTIONS if name in kwargs}
    folder = find_delta(source, **hub) or Path(source)
    base = read_description(folder).get("base")
    if not base:
        raise CharBertError(
            f"{folder}: does not say where its base is; load that and then this by load_delta"
        )
    given = _given_for_base(folder, kwargs)
    in_half = given.get("dtype") in (torch.float16, "float16")
    if in_half:  # in which its fingerprint is another one
        del given["dtype"]
    with _without_news():
        try:
            model = _load_base(model_class, base, source, folder, _head_settings(folder) | given)
        except CharBertError as error:
            raise CharBertError(f"{folder}: its base cannot be loaded; {error}") from error
    load_delta(model, folder)
    for name in given.keys() & {*HEAD_SETTINGS}:
        setattr(model.config, name, given[name])
    return (model.half() if in_half else model).eval()


def _for_base(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in kwargs if name not in _OF_THE_FOLDER and name[0] != "_"}


def _given_for_base(folder: Path, kwargs: dict[str, Any]) -> dict[str, Any]:
    given = _for_base(kwargs)
    if "torch_dtype" in given:
        given["dtype"] = given.pop("torch_dtype")
    if (config := kwargs.get("config")) is not None:  # by an Auto class, with what was asked to differ
        saved = type(config).from_pretrained(folder).to_dict()
        asked = (name for name, value in config.to_dict().items() if saved.get(name) != value)
        given |= _for_base({name: getattr(config, name) for name in asked})
    return given


def from_adapter(model_class: Any, source: Any, config_file: str, **kwargs: Any) -> Any:
    """The base that an adapter of peft's own names, with the adapter on it, as `transformers` loads it.

    Args:
        model_class: of a CharBERT.
        source: folder or hub id.
        config_file: its `adapter_config.json`.
        kwargs: of `from_pretrained`; what says nothing of the adapter is for the base, such as `num_labels`,
            which no adapter says.

    Raises:
        CharBertError: the base is not there, or the adapter does not fit it.
    """
    with reading(config_file, "an adapter"):
        base = json.loads(Path(config_file).read_bytes())["base_model_name_or_path"]
    given = _for_base(kwargs)
    with _without_news():
        model = model_class.from_pretrained(base, ignore_mismatched_sizes="head", **given)
    with reading(source, "an adapter"):
        hub = {name: kwargs[name] for name in HUB_OPTIONS if name in kwargs}
        model.load_adapter(str(source), adapter_kwargs=hub)
    return model.eval()


def _load_base(model_class: Any, base: str, source: Any, folder: Path, kwargs: dict[str, Any]) -> Any:
    refuse_delta(base)
    if not is_charbert(read_config(folder)):
        with reading(base, "a model"):
            return model_class.from_pretrained(base, ignore_mismatched_sizes=True, **kwargs)
    config = read_config(base)
    if is_charbert(config):
        return model_class.from_pretrained(base, ignore_mismatched_sizes="head", **kwargs)
    tokenizer = CharBertTokenizer.from_pretrained(source)  # released models and plain ones have no characters
    if not read_checkpoint(base, config).has_character_channel:
        return model_class.from_backbone(base, tokenizer=tokenizer, **kwargs)
    model = model_class.from_pretrained(base, ignore_mismatched_sizes="head", **kwargs)
    model.set_spelling(tokenizer)
    return model


@contextmanager
def _without_news() -> Iterator[None]:
    """Leave out what is logged of parts that a checkpoint lacks, which come from a delta then."""
    before = loading_log.level
    loading_log.setLevel(logging.ERROR)
    try:
        with without_report():
            yield
    finally:
        loading_log.setLevel(before)


def read_description(folder: Path) -> dict[str, Any]:
    """What `delta.json` says of a saved delta.

    Raises:
        CharBertError: it is not there, damaged, or of a format that this version does not read.
    """
    try:
        found = json.loads((folder / DELTA).read_bytes())
        other_format = found["format"] != FORMAT
        kinds = {"settings": dict, "base_fingerprint": str, "model_class": str, "folded": bool}
        if not other_format and not all(isinstance(found[key], kind) for key, kind in kinds.items()):
            raise TypeError("a value of another type")
    except Exception as error:  # a file that holds anything raises almost anything
        raise CharBertError(
            f"{folder}: has no {DELTA} that can be read; give a folder that save_delta or a run of "
            "fine-tuning with --tuning has written"
        ) from error
    if other_format:
        raise CharBertError(
            f"{folder / DELTA}: was saved by charbert {found.get('charbert_version')} in format "
            f"{found['format']}; this version, {charbert.__version__}, reads format {FORMAT}"
        )
    return found


def _head_settings(folder: Path) -> dict[str, Any]:
    """What the `config.json` of a saved delta has of its head, and where it has nothing, the defaults."""
    saved = read_config(folder)
    config = PreTrainedConfig(**{name: saved[name] for name in HEAD_SETTINGS if name in saved})
    return {name: getattr(config, name) for name in HEAD_SETTINGS}


def _plain_settings(settings: TuningSettings) -> dict[str, Any]:
    """Those of the method alone, without those of a command that has them among others."""
    own = {field.name for field in fields(TuningSettings)}
    return {name: value for name, value in asdict(settings).items() if name in own}


def _base_of(model: Any) -> str | None:
    """The folder, as an absolute path, or the hub id that a model was loaded from."""
    source = model.name_or_path
    if not source:
        return None
    return str(Path(source).resolve()) if Path(source).is_dir() else str(source)
