"""Loading models for fine-tuning and after it, and `task.json`, which says what a model was trained for."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from transformers import AutoModelForTokenClassification, AutoTokenizer

from charbert.auto import MODELS
from charbert.backbones import BACKBONES, is_charbert
from charbert.checkpoints import read_checkpoint, read_config
from charbert.commands.devices import find_device
from charbert.commands.output import whole_file
from charbert.commands.settings import restore_settings
from charbert.errors import CharBertError, reading
from charbert.export import TASK_FILE, is_exported
from charbert.export.session import ExportedModel
from charbert.loading import (
    HEAD,
    backbone_tokenizer,
    encoder_faults,
    fit_tokenizer,
    has_tokens,
    refuse_partial,
    say_what_is_new,
    without_report,
)
from charbert.tokenization import CharBertTokenizer
from charbert.tuning.model import add_delta, has_delta, merge_delta
from charbert.tuning.saving import from_delta, is_delta, refuse_delta
from charbert.vocabulary import Vocabulary
from finetune.probe import build_probe, register_probe
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import make_task

CHARBERT, RELEASED, PLAIN = "charbert", "released", "plain"


def load_teacher(folder: str, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The model of the output folder of a run, to teach a student the same task, and its tokenizer.

    Raises:
        CharBertError: it cannot be read, or does not teach this.
    """
    settings, known = load_task(Path(folder))
    if is_exported(folder):
        raise CharBertError(f"--teacher: {folder}: an exported model; give the run that it comes from")
    if (type(known), known.variant) != (type(task), task.variant):
        variant = f" ({known.variant})" if known.variant else ""
        raise CharBertError(
            f"--teacher: {folder}: was trained for {settings.task}{variant}; give one of this task"
        )
    if known.labels != task.labels:
        theirs, ours = (", ".join(labels[:10]) for labels in (known.labels, task.labels))
        raise CharBertError(f"--teacher: {folder}: has the labels {theirs}, and the training data {ours}")
    if settings.probe:
        raise CharBertError(f"--teacher: {folder}: a probe on a frozen model; give a model that was trained")
    model, tokenizer = load_finetuned(folder, task, "cpu")
    if has_delta(model):
        try:
            merge_delta(model)
        except CharBertError as error:
            raise CharBertError(
                f"--teacher: {folder}: holds a delta that cannot be merged ({error})"
            ) from error
    return model, tokenizer


def load(settings: FinetuneSettings, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The settings' model with a head for the task, and its tokenizer.

    Raises:
        CharBertError: the checkpoint cannot be read, or is none that this can train.
    """
    if settings.probe and task.auto_class is not AutoModelForTokenClassification:
        raise CharBertError("--probe: labels words, and this task has a label a text; leave it out")
    refuse_delta(settings.source)
    model, tokenizer = _load_for_training(settings, task)
    tokenizer = fit_tokenizer(tokenizer, model)
    if settings.tuning:
        add_delta(model, settings)
    if settings.probe:
        model = build_probe(model, settings.probe, settings.probe_size)
    return model, tokenizer


def _load_for_training(settings: FinetuneSettings, task: Task[Any, Any]) -> tuple[Any, Any]:
    ours, source = MODELS[task.auto_class], settings.source
    config = read_config(source)
    if settings.backbone:
        if is_charbert(config):
            raise CharBertError(f"{source}: this is a CharBERT already; give it with --model")
        tokenizer = _spelling_tokenizer(settings, config)
        return ours.from_backbone(source, tokenizer=tokenizer, **task.model_settings), tokenizer
    kind = _find_kind(source, config)
    if kind == RELEASED:
        if not settings.character_vocabulary:
            raise CharBertError(
                f"{source}: a released CharBERT, whose folder holds no characters; give their file with "
                "--character-vocabulary"
            )
        tokenizer = _spelling_tokenizer(settings, config)
        model = ours.from_pretrained(source, ignore_mismatched_sizes=HEAD, **task.model_settings)
        model.set_spelling(tokenizer)
        return model, tokenizer
    named = settings.tokenizer or source
    if kind == CHARBERT:
        model = ours.from_pretrained(source, ignore_mismatched_sizes=HEAD, **task.model_settings)
        return model, CharBertTokenizer.from_pretrained(named)
    model, info = _load_plain(source, task.auto_class, **task.model_settings)
    say_what_is_new(model, source, info)
    return model, _load_plain_tokenizer(named)


def load_finetuned(folder: str, task: Task[Any, Any], device: str | None = None) -> tuple[Any, Any]:
    """The model of the output folder of a run, or of its export, to predict with, and its tokenizer.

    Args:
        folder: of the run, or what `charbert export` wrote.
        task: what it was trained for.
        device: of the model; None: a GPU where there is one, of an exported model always the CPU.

    Raises:
        CharBertError: they cannot be read, or a part of the model is not there; there is no such device.
    """
    if is_exported(folder):
        return _load_exported(folder, task, device)
    target = find_device(device)
    if _find_kind(folder, read_config(folder)) == CHARBERT:
        model, info = MODELS[task.auto_class].from_pretrained(folder, output_loading_info=True)
    elif is_delta(folder):
        model, info = from_delta(task.auto_class, folder), {"missing_keys": (), "mismatched_keys": ()}
    else:
        model, info = _load_plain(folder, task.auto_class)
    refuse_partial(folder, info["missing_keys"], [str(name) for name, *_ in info["mismatched_keys"]])
    _check_labels(folder, task, model.config)
    return model.to(target).eval(), fit_tokenizer(load_tokenizer(folder), model)


def _load_exported(folder: str, task: Task[Any, Any], device: str | None) -> tuple[Any, Any]:
    if device not in (None, "cpu"):
        raise CharBertError(f"--device: {device!r}, and an exported model runs on the cpu; leave it out")
    model = ExportedModel(folder)
    _check_labels(folder, task, model.config)
    return model, CharBertTokenizer.from_pretrained(folder)


def _check_labels(folder: str, task: Task[Any, Any], config: Any) -> None:
    labels = task.model_settings.get("id2label", {})
    if labels and len(labels) != config.num_labels:
        raise CharBertError(
            f"{folder}: {TASK_FILE} has {len(labels)} labels, and the model scores {config.num_labels}"
        )


def load_tokenizer(folder: str) -> Any:
    """The tokenizer of the output folder of a run.

    Raises:
        CharBertError: it cannot be read.
    """
    if is_charbert(read_config(folder)):
        return CharBertTokenizer.from_pretrained(folder)
    return _load_plain_tokenizer(folder)


def save_task(settings: FinetuneSettings, task: Task[Any, Any], folder: Path) -> None:
    """Write what a model was trained for into its folder, to predict with it."""
    ordinary = {field.name for field in fields(FinetuneSettings)}
    known = {name: value for name, value in asdict(settings).items() if name in ordinary}
    content = {"settings": known, "labels": task.labels, "threshold": task.threshold}
    with whole_file(folder / TASK_FILE) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_task(folder: Path, **changes: Any) -> tuple[FinetuneSettings, Task[Any, Any]]:
    """What the model of a folder was trained for.

    Args:
        folder: output of a fine-tuning run.
        changes: other values of settings; None leaves what the run had.

    Raises:
        CharBertError: there is no such folder, or it is not the output of a fine-tuning run.
    """
    if not folder.is_dir():
        raise CharBertError(f"{folder}: no such folder; give the output folder of a fine-tuning run")
    seeds = sorted(folder.glob(f"seed-*/{TASK_FILE}"))
    if seeds and not (folder / TASK_FILE).exists():
        raise CharBertError(
            f"{folder}: holds a run for each seed; give one of them, such as {seeds[0].parent}"
        )
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        content = json.loads((folder / TASK_FILE).read_bytes())
        labels, threshold = content["labels"], content["threshold"]
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise TypeError(f"labels={labels!r}")
        if not isinstance(threshold, int | float | None):
            raise TypeError(f"threshold={threshold!r}")
        settings = restore_settings(FinetuneSettings, {**content["settings"], **given})
        return settings, make_task(settings.task, labels, vars(settings), threshold)
    except CharBertError as error:
        raise CharBertError(f"{folder / TASK_FILE}: {error}") from error
    except Exception as error:  # a file that holds anything raises almost anything
        raise CharBertError(
            f"{folder}: has no {TASK_FILE} that can be read; give the output folder of a fine-tuning run"
        ) from error


def _find_kind(source: Any, config: dict[str, Any]) -> str:
    if is_charbert(config):
        return CHARBERT
    if is_delta(source):
        return PLAIN
    # The released folders say that they are BERT or RoBERTa; their weights show it.
    may_be_released = config.get("model_type") in (None, *BACKBONES)
    return RELEASED if may_be_released and read_checkpoint(source, config).has_character_channel else PLAIN


def _spelling_tokenizer(settings: FinetuneSettings, config: dict[str, Any]) -> CharBertTokenizer:
    source = settings.tokenizer or settings.source
    characters = settings.character_vocabulary
    return CharBertTokenizer.from_stock(
        backbone_tokenizer(source, config.get("model_type", "bert")),
        characters=Vocabulary.load(characters) if characters else None,
    )


def _load_plain(source: Any, auto_class: Any, **settings: Any) -> tuple[Any, Any]:
    """A plain model or a probe, and what of it was in the checkpoint: the whole encoder, at least."""
    register_probe()
    with reading(source, "a model"), without_report():
        model, info = auto_class.from_pretrained(
            source, ignore_mismatched_sizes=True, output_loading_info=True, **settings
        )
    refuse_partial(source, *encoder_faults(model, info))
    return model, info


def _load_plain_tokenizer(named: str) -> Any:
    with reading(named, "a tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(named)
    if not has_tokens(tokenizer):
        raise CharBertError(f"{named}: no tokenizer there; name its folder or hub id with --tokenizer")
    if not tokenizer.is_fast:
        raise CharBertError(f"{named}: its tokenizer is a slow one, which gives no positions of tokens")
    return tokenizer
