"""Loading models for fine-tuning and after it, and `task.json`, which says what a model was trained for."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from charbert.auto import MODELS
from charbert.backbones import BACKBONES
from charbert.checkpoints import read_checkpoint, read_config
from charbert.commands.results import whole_file
from charbert.commands.settings import restore_settings
from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError, first_line
from charbert.loading import backbone_tokenizer, has_tokens
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import Vocabulary
from finetune.probe import build_probe, register_probe
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import make_task

TASK_FILE = "task.json"
CHARBERT, RELEASED, PLAIN = "charbert", "released", "plain"


def load(settings: FinetuneSettings, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The settings' model with a head for the task, and its tokenizer.

    Raises:
        CharBertError: the checkpoint cannot be read, or is none that this can train.
    """
    if settings.probe:
        if task.auto_class is not AutoModelForTokenClassification:
            raise CharBertError("probe: labels words, and this task has a label for each text; leave it out")
        model, tokenizer = load(replace(settings, probe=None), task)
        return build_probe(model, settings.probe, settings.probe_size), tokenizer
    ours, source = MODELS[task.auto_class], settings.source
    config = read_config(source)
    if settings.backbone:
        tokenizer = _spelling_tokenizer(settings, config)
        return ours.from_backbone(source, tokenizer=tokenizer, **task.model_settings), tokenizer
    kind = _find_kind(source, config)
    if kind == RELEASED:
        if not settings.character_vocabulary:
            raise CharBertError(
                f"{source}: a released CharBERT, whose folder holds no characters; give their file with "
                "--character_vocabulary"
            )
        tokenizer = _spelling_tokenizer(settings, config)
        model = ours.from_pretrained(source, **task.model_settings)
        model.set_spelling(tokenizer)
        return model, tokenizer
    named = settings.tokenizer or source
    if kind == CHARBERT:
        model = ours.from_pretrained(source, ignore_mismatched_sizes=True, **task.model_settings)
        return model, CharBertTokenizer.from_pretrained(named)
    return _load_plain(source, named, task)


def load_finetuned(folder: str, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The model of the output folder of a run, to predict with on the device at hand, and its tokenizer.

    Raises:
        CharBertError: they cannot be read.
    """
    if _find_kind(folder, read_config(folder)) == CHARBERT:
        model = MODELS[task.auto_class].from_pretrained(folder)
        tokenizer = CharBertTokenizer.from_pretrained(folder)
    else:
        model, tokenizer = _load_plain(folder, folder, task)
    return model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu")).eval(), tokenizer


def save_task(settings: FinetuneSettings, task: Task[Any, Any], folder: Path) -> None:
    """Write what a model was trained for into its folder, to predict with it."""
    content = {"settings": asdict(settings), "labels": task.labels, "threshold": task.threshold}
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
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        content = json.loads((folder / TASK_FILE).read_bytes())
        settings = restore_settings(FinetuneSettings, {**content["settings"], **given})
        task = make_task(settings.task, content["labels"], vars(settings), content["threshold"])
        return settings, task
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise CharBertError(
            f"{folder}: has no {TASK_FILE} that can be read; give the output folder of a fine-tuning run"
        ) from error


def _find_kind(source: Any, config: dict[str, Any]) -> str:
    model_type = config.get("model_type")
    if model_type == CharBertConfig.model_type:
        return CHARBERT
    # The released folders say that they are BERT or RoBERTa; their weights show it.
    may_be_released = model_type is None or model_type in BACKBONES
    return RELEASED if may_be_released and read_checkpoint(source, config).has_character_channel else PLAIN


def _spelling_tokenizer(settings: FinetuneSettings, config: dict[str, Any]) -> CharBertTokenizer:
    source = settings.tokenizer or settings.source
    characters = settings.character_vocabulary
    return CharBertTokenizer.from_stock(
        backbone_tokenizer(source, config.get("model_type", "bert")),
        characters=Vocabulary.load(characters) if characters else None,
    )


def _load_plain(source: Any, named: str, task: Task[Any, Any]) -> tuple[Any, Any]:
    register_probe()
    try:
        tokenizer = AutoTokenizer.from_pretrained(named)
        model = task.auto_class.from_pretrained(source, ignore_mismatched_sizes=True, **task.model_settings)
    except (OSError, ValueError, KeyError) as error:
        raise CharBertError(f"{source}: no model that can be read ({first_line(error)})") from error
    if not has_tokens(tokenizer):
        raise CharBertError(f"{named}: no tokenizer there; name its folder or hub id with --tokenizer")
    if not tokenizer.is_fast:
        raise CharBertError(f"{named}: its tokenizer is a slow one, which gives no positions of tokens")
    return model, tokenizer
