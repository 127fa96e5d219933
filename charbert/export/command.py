"""`charbert export`: a model folder -> an ONNX graph with its tokenizer, compared with PyTorch."""

import shutil
from dataclasses import asdict
from typing import Any

import torch
from transformers.utils import cached_file

from charbert.auto import find_class
from charbert.backbones import is_charbert
from charbert.checkpoints import find_delta, read_config
from charbert.commands.results import new_folder, write_results
from charbert.errors import CharBertError
from charbert.export import MODEL_FILE, TASK_FILE
from charbert.export.folder import export_onnx
from charbert.export.graph import check_packages
from charbert.settings import ExportSettings
from charbert.tokenization import CharBertTokenizer
from charbert.tuning.saving import read_description


def run(settings: ExportSettings) -> None:
    """Export a model, and say how far the graph is from it.

    Raises:
        CharBertError: as `export_onnx`; the folder holds no CharBERT with a head that is known.
    """
    check_packages()
    with new_folder(settings) as made:
        model, tokenizer = load(settings.model)
        errors = export_onnx(model, tokenizer, made, settings.int8, settings.opset, settings.reduce_range)
        if task := find_task(settings.model):
            shutil.copyfile(task, made / TASK_FILE)
        numbers = {f"error_{name}": error for name, error in errors.items()}
        numbers["bytes"] = sum(path.stat().st_size for path in made.glob(f"{MODEL_FILE}*"))
        write_results(made, numbers, asdict(settings))
    shown = ", ".join(f"{name} {error:.1g}" for name, error in errors.items())
    print(f"{type(model).__name__} exported to {settings.output}; largest errors: {shown}")


def find_task(source: str) -> str | None:
    """The file of a folder or hub id that says what its model was fine-tuned for, if there is one."""
    return cached_file(
        source,
        TASK_FILE,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )


def load(source: str) -> tuple[Any, CharBertTokenizer]:
    """The model of a folder or hub id with the head that its configuration names, and its tokenizer.

    Raises:
        CharBertError: it is none in this project's format, or its head is unknown.
    """
    config = read_config(source)
    if not is_charbert(config):
        raise CharBertError(
            f"{source}: is no CharBERT in this project's format; charbert convert makes one of a released "
            "checkpoint"
        )
    if (delta := find_delta(source)) is not None:  # an earlier config.json has the class of its base
        config["architectures"] = [read_description(delta)["model_class"]]
    model = find_class(source, config).from_pretrained(
        source, dtype=torch.float32, attn_implementation="sdpa"
    )
    if model.base_model.spelling is None or model.base_model.spelling.is_empty:
        raise CharBertError(
            f"{source}: its model has no spelling table; charbert convert makes it of --character-vocabulary"
        )
    return model, CharBertTokenizer.from_pretrained(source)
