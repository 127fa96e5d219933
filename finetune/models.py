"""The model of a run: a CharBERT, or a plain checkpoint as itself."""

from dataclasses import replace
from typing import Any

from transformers import AutoTokenizer

from charbert.auto import MODELS
from charbert.backbones import BACKBONES
from charbert.checkpoints import read_checkpoint, read_config
from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError, first_line
from charbert.loading import backbone_tokenizer, has_tokens
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import Vocabulary
from finetune.probe import probe_of
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task

CHARBERT, RELEASED, PLAIN = "charbert", "released", "plain"


def load(settings: FinetuneSettings, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The settings' model with a head for the task, and its tokenizer.

    Raises:
        CharBertError: the checkpoint cannot be read, or is none that this can train.
    """
    if settings.probe:
        model, tokenizer = load(replace(settings, probe=None), task)
        return probe_of(model, settings.probe, task, settings.probe_size), tokenizer
    ours, source = MODELS[task.auto_class], settings.source
    config = read_config(source)
    if settings.backbone:
        tokenizer = _spelling_tokenizer(settings, config)
        return ours.from_backbone(source, tokenizer=tokenizer, **task.model_settings), tokenizer
    kind = _kind_of(source, config)
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
    return _plain(source, named, task)


def load_finetuned(folder: str, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The model and the tokenizer of the output folder of a run.

    Raises:
        CharBertError: they cannot be read.
    """
    if _kind_of(folder, read_config(folder)) == CHARBERT:
        return MODELS[task.auto_class].from_pretrained(folder), CharBertTokenizer.from_pretrained(folder)
    return _plain(folder, folder, task)


def _kind_of(source: Any, config: dict[str, Any]) -> str:
    model_type = config.get("model_type")
    if model_type == CharBertConfig.model_type:
        return CHARBERT
    # The released folders say that they are BERT or RoBERTa; their weights tell.
    may_be_released = model_type is None or model_type in BACKBONES
    return RELEASED if may_be_released and read_checkpoint(source, config).has_character_channel else PLAIN


def _spelling_tokenizer(settings: FinetuneSettings, config: dict[str, Any]) -> CharBertTokenizer:
    source = settings.tokenizer or settings.source
    characters = settings.character_vocabulary
    return CharBertTokenizer.from_stock(
        backbone_tokenizer(source, config.get("model_type", "bert")),
        characters=Vocabulary.load(characters) if characters else None,
    )


def _plain(source: Any, named: str, task: Task[Any, Any]) -> tuple[Any, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(named)
        model = task.auto_class.from_pretrained(source, ignore_mismatched_sizes=True, **task.model_settings)
    except (OSError, ValueError, KeyError) as error:
        raise CharBertError(f"{source}: no model that can be read ({first_line(error)})") from error
    if not has_tokens(tokenizer):
        raise CharBertError(f"{named}: no tokenizer there; name its folder or hub id with --tokenizer")
    if not tokenizer.is_fast:
        raise CharBertError(f"{named}: its tokenizer is a slow one, which does not tell where tokens stand")
    return model, tokenizer
