"""Deltas of a model: add, switch and merge them, and count what is trained."""

import hashlib
from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import torch

from charbert.errors import CharBertError
from charbert.tuning.delta import Delta, Tensors, encoder_of, head_names, unwrap
from charbert.tuning.methods import TUNINGS, find_tuning
from charbert.tuning.settings import TuningSettings

HEAD_SETTINGS = ("id2label", "label2id", "problem_type")
"""Of a configuration: what the head of a delta has of its own."""
_POOLERS = ("pooler.", "backbone.pooler.")


class Part(NamedTuple):
    """How much of a module is trained, in parameters."""

    module: str
    trainable: int
    total: int

    @property
    def percent(self) -> float:
        return 100 * self.trainable / max(1, self.total)


class Deltas:
    """The deltas of a model, of which at most one is on: its modules are in the model, its values too."""

    def __init__(self, model: Any) -> None:
        self.digests = _digests(model)
        self.required = {name: weight.requires_grad for name, weight in model.named_parameters()}
        self.base: Tensors = {}  # of the parameters that a delta trains in place
        self.deltas: dict[str, Delta] = {}
        self.values: dict[str, Tensors] = {}  # of those that are off
        # Their HEAD_SETTINGS, and under None those of the base.
        self.heads: dict[str | None, dict[str, Any]] = {}
        self.active: str | None = None
        self.trained: list[str] = []
        self.added: list[str] = []

    @property
    def delta(self) -> Delta:
        assert self.active is not None
        return self.deltas[self.active]

    def put_on(self, model: Any, name: str, values: Tensors | None) -> None:
        delta = self.deltas[name]
        weights = dict(model.named_parameters())
        self.trained = list(dict.fromkeys([*head_names(model), *delta.trained(model)]))
        for each in self.trained:
            self.base.setdefault(each, weights[each].detach().to("cpu", copy=True))
        delta.attach(model)
        model.train(model.training)  # what was added too: its dropout
        known = {id(weight) for weight in weights.values()}
        self.added = [each for each, weight in model.named_parameters() if id(weight) not in known]
        self._switch_head(model, name)
        for each, weight in model.named_parameters():
            weight.requires_grad_(each in self.trained or id(weight) not in known)
        if values is not None:
            copy_values(values, self.tensors(model))

    def take_off(self, model: Any) -> None:
        if self.active is None:
            return
        self.values[self.active] = {
            name: weight.detach().clone() for name, weight in self.tensors(model).items()
        }
        self.delta.detach(model)
        weights = dict(model.named_parameters())
        copy_values({name: self.base[name] for name in self.trained}, weights)
        self._switch_head(model, None)
        self.leave(model)

    def _switch_head(self, model: Any, name: str | None) -> None:
        """Keep the labels of what was on, which belong to its head, and restore those of `name`."""
        # Copies: labels may be edited in their dict, which would be that of all heads.
        self.heads[self.active] = {key: copy(getattr(model.config, key)) for key in HEAD_SETTINGS}
        self.active = name
        for key, value in self.heads.get(name, {}).items():
            setattr(model.config, key, value)

    def leave(self, model: Any) -> None:
        """The model without any delta on."""
        self.active, self.trained, self.added = None, [], []
        for name, weight in model.named_parameters():
            weight.requires_grad_(self.required.get(name, True))

    def tensors(self, model: Any) -> Tensors:
        """What the delta that is on consists of, by names of files."""
        weights = dict(model.named_parameters())
        own = {f"base_model.model.{name}": weights[name] for name in self.trained}
        return own | {self.delta.file_name(name): weights[name] for name in self.added}

    def strays(self, model: Any) -> list[str]:
        """Modules with parameters that are trained but no part of the delta that is on."""
        own = {*self.trained, *self.added}
        names = [name for name, weight in model.named_parameters() if weight.requires_grad]
        return sorted({name.rpartition(".")[0] for name in names if name not in own})

    def fingerprint(self, model: Any, delta: Delta) -> str:
        """Of the weights that a delta was trained on: of the encoder, but for those that it replaces."""
        replaced = {_encoder_name(model, name) for name in delta.trained(model)}
        lines = [f"{name} {digest}" for name, digest in self.digests.items() if name not in replaced]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def add_delta(model: Any, settings: TuningSettings | str, name: str = "default") -> None:
    """Freeze a model but for its head and what a method of delta tuning trains; others of it are off then.

    The model stays of its class and is called, trained and moved as before. It is changed in place.

    Args:
        model: a CharBERT, or a plain BERT or RoBERTa, with a head or without.
        settings: the method and its options, as `TuningSettings(tuning="lora", lora_rank=16)`; or its name.
        name: of this delta among those of the model.

    Raises:
        CharBertError: the model cannot take the method, nothing is left to train, or the name is taken.
    """
    if isinstance(settings, str):
        settings = TuningSettings(tuning=settings)
    insert(unwrap(model), find_tuning(settings.tuning).delta_class(settings), name)


def use_delta(model: Any, name: str | None) -> None:
    """Switch a model to one of its deltas, or with None to its base; values of the others are kept.

    Raises:
        CharBertError: it has none of this name.
    """
    model = unwrap(model)
    deltas = deltas_of(model)
    if name is not None and (deltas is None or name not in deltas.deltas):
        known = ", ".join(deltas.deltas) if deltas else "none"
        raise CharBertError(f"no delta {name!r}; this model has {known}")
    if deltas is None or name == deltas.active:
        return
    deltas.take_off(model)
    if name is not None:
        deltas.put_on(model, name, deltas.values.pop(name))


def merge_delta(model: Any) -> None:
    """Make a plain model with the same outputs of a model and the delta that is on.

    Raises:
        CharBertError: the method cannot be merged, or other deltas of the model would lose their base.
    """
    model = unwrap(model)
    deltas = require_delta(model)
    check_mergeable(deltas.delta.settings)
    if others := [name for name in deltas.deltas if name != deltas.active]:
        raise CharBertError(f"merging would leave {', '.join(others)} without a base; load this delta alone")
    deltas.delta.merge(model)
    deltas.leave(model)
    del model._deltas
    model.name_or_path = ""  # a delta of what it is now is none of what it was loaded from


def check_mergeable(settings: TuningSettings) -> None:
    """Refuse to merge what cannot be.

    Raises:
        CharBertError: the method's outputs are those of no plain model.
    """
    if not find_tuning(settings.tuning).delta_class.mergeable:
        able = [name for name, tuning in TUNINGS.items() if tuning.delta_class.mergeable]
        raise CharBertError(
            f"--merge: {settings.tuning} gives outputs that no plain model can; merge {', '.join(able)}"
        )


def trainable_table(model: Any) -> list[Part]:
    """How much of each module is trained, and in the last row of all."""
    model = unwrap(model)
    encoder = encoder_of(model)
    inside = {id(weight) for weight in encoder.parameters()}
    prefix = "" if encoder is model else f"{model.base_model_prefix}."
    counts: dict[str, list[int]] = {}
    for name, weight in model.named_parameters():
        depth = 1
        if id(weight) in inside:
            name = name.removeprefix(prefix)
            depth = 2 if name.startswith("backbone.") else 1
        count = counts.setdefault(".".join(name.split(".")[:depth]), [0, 0])
        count[0] += weight.numel() * weight.requires_grad
        count[1] += weight.numel()
    rows = [Part(module, *count) for module, count in counts.items()]
    return [*rows, Part("all", sum(row.trainable for row in rows), sum(row.total for row in rows))]


def deltas_of(model: Any) -> Deltas | None:
    """The deltas of a model, if it has any."""
    return getattr(model, "_deltas", None)


def has_delta(model: Any) -> bool:
    """Whether a delta is on."""
    deltas = deltas_of(model)
    return deltas is not None and deltas.active is not None


def insert(
    model: Any,
    delta: Delta,
    name: str,
    check: Callable[[Deltas], Any] = lambda _: None,
    check_tensors: Callable[[Tensors], Any] = lambda _: None,
) -> Tensors:
    """Put a delta on, under a new name, once nothing is against it; else the model is as it was.

    Args:
        check: what else is to be checked before it is put on.
        check_tensors: and of its tensors.

    Returns:
        its tensors, by names of files.
    """
    deltas = deltas_of(model)
    if deltas is not None and name in deltas.deltas:
        raise CharBertError(f"this model has a delta {name!r} already; give it another name")
    before = None if deltas is None else deltas.active
    use_delta(model, None)
    deltas = deltas or Deltas(model)
    try:
        if hasattr(model, "peft_config"):
            raise CharBertError(
                f"{type(model).__name__}: has adapters of peft on it; merge_and_unload() them first"
            )
        delta.check(model)
        check(deltas)
        model._deltas = deltas
        deltas.deltas[name] = delta
        deltas.put_on(model, name, None)
        tensors = deltas.tensors(model)
        if not tensors:
            raise CharBertError(f"--tuning {delta.settings.tuning}: leaves nothing of this model to train")
        check_tensors(tensors)
    except Exception:
        if deltas.active is None:
            deltas.leave(model)
        use_delta(model, before)
        for kept in (deltas.deltas, deltas.values, deltas.heads):
            kept.pop(name, None)  # type: ignore[attr-defined]
        raise
    return tensors


def require_delta(model: Any) -> Deltas:
    """The deltas of a model of which one is on.

    Raises:
        CharBertError: none is.
    """
    deltas = deltas_of(model)
    if deltas is None or deltas.active is None:
        raise CharBertError("no delta is on; add_delta, load_delta or use_delta puts one on a model")
    return deltas


@torch.no_grad()
def copy_values(values: Tensors, weights: Tensors) -> None:
    """Copy values into the weights of the same names."""
    for name, value in values.items():
        weights[name].copy_(value)


def _encoder_name(model: Any, name: str) -> str:
    encoder = encoder_of(model)
    return name if encoder is model else name.removeprefix(f"{model.base_model_prefix}.")


def _digests(model: Any) -> dict[str, str]:
    """A hash of each of the encoder's weights, rounded to bf16, so that it may be loaded in either type."""
    return {
        name: hashlib.sha256(
            weight.detach().to(torch.bfloat16).cpu().contiguous().view(torch.int16).numpy().tobytes()
        ).hexdigest()
        for name, weight in sorted(encoder_of(model).named_parameters())
        if not name.startswith(_POOLERS)
    }
