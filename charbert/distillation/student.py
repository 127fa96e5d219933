"""The student of a distillation: a copy of its teacher with some of the layers."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from torch import nn
from transformers.utils import logging

from charbert.backbones import backbone_of, layers_of
from charbert.errors import CharBertError
from charbert.loading import new_parts
from charbert.tuning.model import has_delta

logger = logging.get_logger(f"transformers.{__name__}")


def refuse_new_parts(model: Any, source: Any, info: Mapping[str, Iterable[Any]]) -> None:
    """Refuse a teacher that knows less than its student is to learn.

    Args:
        model: with heads.
        source: where it was loaded from.
        info: what `from_pretrained(output_loading_info=True)` gives.

    Raises:
        CharBertError: a part of the model does not come from there.
    """
    if parts := new_parts(model, info):
        raise CharBertError(
            f"--teacher: {source}: holds no {', '.join(parts)} of this size; give a trained one"
        )


def find_layers(model: Any) -> nn.ModuleList:
    """The layers of a CharBERT, or of a plain model that has them where BERT has.

    Raises:
        CharBertError: it has none there.
    """
    layers = layers_of(model)
    if not isinstance(layers, nn.ModuleList):
        raise CharBertError(
            f"--teacher: {model.name_or_path or type(model).__name__}: has no layers as BERT has them, for a "
            "student to take"
        )
    return layers


def choose_layers(count: int, wanted: int) -> list[int]:
    """The numbers of the layers that a student takes: evenly spaced, with the first and the last.

    Of 12 layers 6 are 0, 2, 4, 7, 9, 11, as in the code of DistilBERT (Section 3, "student initialization").

    Args:
        count: layers of the teacher.
        wanted: those of the student.

    Raises:
        CharBertError: the teacher has fewer.
    """
    if wanted > count:
        raise CharBertError(f"--student-layers: {wanted}, but the teacher has {count}; give no more")
    gaps = max(1, wanted - 1)
    return [(2 * number * (count - 1) + gaps) // (2 * gaps) for number in range(wanted)]


def make_student(teacher: Any, layers: int) -> Any:
    """A copy of the teacher with so many of its layers, each with its own interaction where it has one.

    Embeddings, character channel, shared interaction and heads are copied whole.

    Args:
        teacher: a CharBERT or a plain BERT or RoBERTa, with any head; it is not changed.
        layers: as of `choose_layers`.

    Raises:
        CharBertError: the teacher has fewer layers, or none that can be taken, or a delta on.
    """
    if has_delta(teacher):
        raise CharBertError("a student cannot be made of a teacher with a delta on; call merge_delta before")
    kept = choose_layers(len(find_layers(teacher)), layers)
    logger.info(
        "layers of the student: %s of %s",
        ", ".join(map(str, kept)),
        teacher.name_or_path or type(teacher).__name__,
    )
    student = deepcopy(teacher).requires_grad_(True)  # the teacher may teach another one already
    base = student.base_model
    backbone_of(student).encoder.layer = _take(find_layers(student), kept)
    base.config.num_hidden_layers = layers
    if getattr(base.config, "interaction_per_layer", False) and base.interactions:
        base.interactions = _take(base.interactions, kept)
    return student


def _take(modules: Any, numbers: list[int]) -> nn.ModuleList:
    return nn.ModuleList(modules[number] for number in numbers)
