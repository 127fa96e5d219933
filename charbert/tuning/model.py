"""Deltas of a model: add, save, load, switch and merge them, and count what is trained."""

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file

import charbert
from charbert.commands.output import whole_file
from charbert.commands.settings import restore_settings
from charbert.errors import CharBertError, name_failures, reading
from charbert.tuning.delta import Delta, Tensors, check_shapes, encoder_of, head_names
from charbert.tuning.methods import TUNINGS, find_tuning
from charbert.tuning.settings import TuningSettings

FORMAT = 1
"""Of a saved delta; one of another format is refused."""
DESCRIPTION, WEIGHTS = "delta.json", "adapter_model.safetensors"
PEFT_CONFIG = "adapter_config.json"
FILES = (DESCRIPTION, WEIGHTS, PEFT_CONFIG)
_POOLERS = ("pooler.", "backbone.pooler.")


class Part(NamedTuple):
    """How much of a module is trained, in parameters."""

    module: str
    trainable: int
    total: int

    @property
    def percent(self) -> float:
        return 100 * self.trainable / max(1, self.total)


class _Deltas:
    """The deltas of a model, of which at most one is on: its modules are in the model, its values too."""

    def __init__(self, model: Any) -> None:
        self.digests = _digests(model)
        self.required = {name: weight.requires_grad for name, weight in model.named_parameters()}
        self.base: Tensors = {}  # of the parameters that a delta trains in place
        self.deltas: dict[str, Delta] = {}
        self.values: dict[str, Tensors] = {}  # of those that are off
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
        self.trained = [*head_names(model), *delta.trained(model)]
        for each in self.trained:
            self.base.setdefault(each, weights[each].detach().to("cpu", copy=True))
        delta.attach(model)
        model.train(model.training)  # what was added too: its dropout
        known = {id(weight) for weight in weights.values()}
        self.added = [each for each, weight in model.named_parameters() if id(weight) not in known]
        self.active = name
        for each, weight in model.named_parameters():
            weight.requires_grad_(each in self.trained or id(weight) not in known)
        if values is not None:
            _copy(values, self.tensors(model))

    def take_off(self, model: Any) -> None:
        if self.active is None:
            return
        self.values[self.active] = {
            name: weight.detach().clone() for name, weight in self.tensors(model).items()
        }
        self.delta.detach(model)
        weights = dict(model.named_parameters())
        _copy({name: self.base[name] for name in self.trained}, weights)
        self.leave(model)

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

    def fingerprint(self, model: Any, delta: Delta) -> str:
        """Of the weights that a delta was trained on: of the encoder, but for those that it replaces."""
        replaced = {_encoder_name(model, name) for name in delta.trained(model)}
        lines = [f"{name} {digest}" for name, digest in self.digests.items() if name not in replaced]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def add_delta(model: Any, settings: TuningSettings, name: str = "default") -> None:
    """Freeze a model but for its head and what a method of delta tuning trains; others of it are off then.

    The model stays of its class and is called, trained and moved as before. It is changed in place.

    Args:
        model: a CharBERT, or a plain BERT or RoBERTa, with a head or without.
        settings: the method, as `TuningSettings(tuning="lora")`, and its options.
        name: of this delta among those of the model.

    Raises:
        CharBertError: the model cannot take the method, nothing is left to train, or the name is taken.
    """
    _add(model, settings, name)


def save_delta(model: Any, folder: str | Path, *, resumable: bool = False) -> None:
    """Save what is trained of a model, and what it was trained on, into a folder.

    `delta.json` describes it; where peft has the method, `adapter_config.json` and the names of the tensors
    are its own, so that `PeftModel.from_pretrained(base, folder)` loads it too.

    Args:
        resumable: as it is trained, where a method would be folded otherwise.

    Raises:
        CharBertError: no delta is on, or the folder cannot be written.
    """
    deltas = _require_delta(model)
    folder, delta = Path(folder), deltas.delta
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
        "id2label": model.config.id2label,
    }
    with name_failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / WEIGHTS) as partial:
            save_file(tensors, partial, metadata={"format": "pt"})
        delta.write_config(model, folder, base)
        with whole_file(folder / DESCRIPTION) as partial:
            partial.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_delta(model: Any, folder: str | Path, name: str = "default") -> None:
    """Put a saved delta on its base; others of the model are off then.

    Args:
        model: the base, with a head of the same kind and number of labels.
        folder: where `save_delta` saved it.
        name: of this delta among those of the model.

    Raises:
        CharBertError: the folder holds none that this version can read, or one of another base or head.
    """
    folder = Path(folder)
    description = read_description(folder)
    settings = restore_settings(TuningSettings, description["settings"])
    if description["model_class"] != type(model).__name__:
        raise CharBertError(
            f"{folder}: is a delta of a {description['model_class']}, not of a {type(model).__name__}"
        )
    with reading(folder, "a delta"):
        tensors = load_file(folder / WEIGHTS)
    _add(model, settings, name, folder, description, tensors)


def restore_delta(model: Any, folder: str | Path) -> None:
    """Copy the values of a saved delta into the one that is on, as a checkpoint of the same training.

    Raises:
        CharBertError: it is another one.
    """
    deltas = _require_delta(model)
    with reading(folder, "a delta"):
        tensors = load_file(Path(folder) / WEIGHTS)
    own = deltas.tensors(model)
    check_shapes(folder, own, tensors)
    _copy(tensors, own)


def use_delta(model: Any, name: str | None) -> None:
    """Switch a model to one of its deltas, or with None to its base; values of the others are kept.

    Raises:
        CharBertError: it has none of this name.
    """
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
    deltas = _require_delta(model)
    check_mergeable(deltas.delta.settings)
    if others := [name for name in deltas.deltas if name != deltas.active]:
        raise CharBertError(f"merging would leave {', '.join(others)} without a base; load this delta alone")
    deltas.delta.merge(model)
    deltas.leave(model)
    del model._deltas


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


def deltas_of(model: Any) -> _Deltas | None:
    """The deltas of a model, if it has any."""
    return getattr(model, "_deltas", None)


def has_delta(model: Any) -> bool:
    """Whether a delta is on."""
    deltas = deltas_of(model)
    return deltas is not None and deltas.active is not None


def read_description(folder: Path) -> dict[str, Any]:
    """What `delta.json` says of a saved delta.

    Raises:
        CharBertError: it is not there, damaged, or of a format that this version does not read.
    """
    try:
        found = json.loads((folder / DESCRIPTION).read_bytes())
        other_format = found["format"] != FORMAT
        kinds = {"settings": dict, "base_fingerprint": str, "model_class": str, "folded": bool}
        if not other_format and not all(isinstance(found[key], kind) for key, kind in kinds.items()):
            raise TypeError("a value of another type")
    except Exception as error:  # a file that holds anything raises almost anything
        raise CharBertError(
            f"{folder}: has no {DESCRIPTION} that can be read; give a folder that save_delta or a run of "
            "fine-tuning with --tuning has written"
        ) from error
    if other_format:
        raise CharBertError(
            f"{folder / DESCRIPTION}: was saved by charbert {found.get('charbert_version')} in format "
            f"{found['format']}; this version, {charbert.__version__}, reads format {FORMAT}"
        )
    return found


def _add(
    model: Any,
    settings: TuningSettings,
    name: str,
    folder: Path | None = None,
    description: dict[str, Any] | None = None,
    tensors: Tensors | None = None,
) -> None:
    """A new delta, or one that was saved, put on."""
    deltas = deltas_of(model)
    if deltas is not None and name in deltas.deltas:
        raise CharBertError(f"this model has a delta {name!r} already; give it another name")
    before = None if deltas is None else deltas.active
    use_delta(model, None)
    deltas = deltas or _Deltas(model)
    delta = find_tuning(settings.tuning).delta_class(settings, bool(description and description["folded"]))
    try:
        delta.check(model)
        if description is not None:
            _check_base(model, deltas.fingerprint(model, delta), folder, description)
    except CharBertError:
        use_delta(model, before)
        raise
    model._deltas = deltas
    deltas.deltas[name] = delta
    deltas.put_on(model, name, None)
    own = deltas.tensors(model)
    try:
        if not own:
            raise CharBertError(f"--tuning {settings.tuning}: leaves nothing to train of this model")
        if tensors is not None:
            check_shapes(folder, own, tensors)
    except CharBertError:
        use_delta(model, before)
        del deltas.deltas[name], deltas.values[name]
        raise
    if tensors is not None and description is not None:
        _copy(tensors, own)
        labels = {int(number): label for number, label in (description.get("id2label") or {}).items()}
        if len(labels) == model.config.num_labels:
            model.config.id2label = labels
            model.config.label2id = {label: number for number, label in labels.items()}


def _check_base(model: Any, fingerprint: str, folder: Any, description: dict[str, Any]) -> None:
    if fingerprint != description["base_fingerprint"]:
        raise CharBertError(
            f"{folder}: was trained on weights {description['base_fingerprint']} "
            f"({description.get('base') or 'without a name'}), and {_base_of(model) or 'this model'} has "
            f"{fingerprint}; give the base that it was trained on"
        )


def _require_delta(model: Any) -> _Deltas:
    deltas = deltas_of(model)
    if deltas is None or deltas.active is None:
        raise CharBertError("no delta is on; add_delta, load_delta or use_delta puts one on a model")
    return deltas


@torch.no_grad()
def _copy(values: Tensors, weights: Tensors) -> None:
    for name, value in values.items():
        weights[name].copy_(value)


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
