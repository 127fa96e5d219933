"""LoRA (also DoRA and rsLoRA) and IA3, as peft has them, on the layers, the interaction and the GRU."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from torch import nn

from charbert.errors import CharBertError, first_line
from charbert.tuning.delta import ADAPTER, Delta, encoder_of, head_modules, require_layers
from charbert.tuning.methods import IA3_FEEDFORWARD, IA3_TARGETS, LORA_TARGETS
from charbert.tuning.settings import TuningSettings

GROUPS = {
    "layers": ("query", "key", "value", "dense"),
    "interaction": ("token_projection", "char_projection", "convolution", "token_output", "char_output"),
    "gru": (),
}
"""Names that stand for several modules."""
_WRAPPED = (nn.Linear, nn.Conv1d, nn.Embedding)
_GRU = [
    f"char_encoder.{direction}_gru.{weight}"
    for direction in ("forward", "backward")
    for weight in ("weight_ih_l0", "weight_hh_l0")
]
# Of a model of transformers, by the class of its head's output.
_TASKS = {
    "ForTokenClassification": "TOKEN_CLS",
    "ForSequenceClassification": "SEQ_CLS",
    "ForQuestionAnswering": "QUESTION_ANS",
}


class _PeftDelta(Delta, ABC):
    """A method of peft that wraps modules of a model."""

    mergeable = True

    def __init__(self, settings: TuningSettings, folded: bool = False) -> None:
        super().__init__(settings, folded)
        import_peft()
        self._tuner: Any = None

    @abstractmethod
    def config(self, model: Any) -> Any:
        """What peft is given."""

    @abstractmethod
    def tuner_class(self) -> Any:
        """What of peft wraps the modules."""

    def attach(self, model: Any) -> None:
        self._tuner = self.tuner_class()(model, self.config(model), ADAPTER)
        self._tuner._cast_adapter_dtype(ADAPTER)

    def detach(self, model: Any) -> None:
        self._tuner.unload()
        self._tuner = None

    def merge(self, model: Any) -> None:
        uses = Counter(id(weight) for _, weight in model.named_parameters(remove_duplicate=False))
        for name in self._tuner.targeted_module_names:
            if uses[id(model.get_submodule(name).base_layer.weight)] > 1:
                raise CharBertError(
                    f"merging would change the head too, which has the weights of {name}; leave "
                    f"{name.rpartition('.')[2]} out of --lora-targets"
                )
        self._tuner.merge_and_unload(safe_merge=True)
        self._tuner = None

    def write_config(self, model: Any, folder: Path, base: str | None) -> None:
        if getattr(model, "_tied_weights_keys", None):
            return  # peft asks for all weights of a head, those of the token embeddings too
        config = deepcopy(self._tuner.peft_config[ADAPTER])
        config.base_model_name_or_path = base
        config.inference_mode = True
        config.exclude_modules = None
        config.modules_to_save = [name.rpartition(".")[2] for name in head_modules(model)] or None
        config.save_pretrained(folder)


class Lora(_PeftDelta):
    """W + (alpha / r) B A for a weight W, with A and B of rank r and B zero at first."""

    def tuner_class(self) -> Any:
        return import_peft().LoraModel

    def config(self, model: Any) -> Any:
        given = self.settings
        modules, parameters = _split_targets(model, given.lora_targets)
        return import_peft().LoraConfig(
            r=given.lora_rank,
            lora_alpha=given.lora_alpha,
            lora_dropout=given.lora_dropout,
            use_dora=given.dora,
            use_rslora=given.rank_stabilized,
            target_modules=modules,
            target_parameters=parameters or None,
            exclude_modules=_inside_head(model) or None,
            task_type=task_type(model),
        )

    def check(self, model: Any) -> None:
        require_layers(model)
        _, parameters = _split_targets(model, self.settings.lora_targets)
        if parameters and (self.settings.dora or self.settings.lora_dropout):
            option = "--dora" if self.settings.dora else "--lora-dropout"
            raise CharBertError(
                f"{option}: the weights of the GRU cannot have it; leave gru out of --lora-targets"
            )

    def file_name(self, name: str) -> str:
        return super().file_name(name.replace(f"magnitude_vector.{ADAPTER}.weight", "magnitude_vector"))


class Ia3(_PeftDelta):
    """A factor for each unit of the keys, the values and the inputs of the layers' last maps."""

    def tuner_class(self) -> Any:
        return import_peft().IA3Model

    def config(self, model: Any) -> Any:
        return import_peft().IA3Config(
            target_modules=list(IA3_TARGETS),
            feedforward_modules=list(IA3_FEEDFORWARD),
            exclude_modules=_inside_head(model) or None,
            task_type=task_type(model),
        )

    def check(self, model: Any) -> None:
        require_layers(model)
        if missing := [name for name in IA3_TARGETS if not _narrowed(model, name)]:
            raise CharBertError(f"--tuning ia3: {type(model).__name__} has no {' and no '.join(missing)}")


def import_peft() -> Any:
    """The library peft.

    Raises:
        CharBertError: it is not installed, or too old for the version of transformers.
    """
    try:
        import peft
    except ImportError as error:
        raise CharBertError(
            f'--tuning: needs the library peft ({first_line(error)}); pip install "charbert[tuning]"'
        ) from error
    return peft


def _split_targets(model: Any, names: list[str]) -> tuple[list[str], list[str]]:
    """Names of modules and of parameters, as peft matches them.

    Raises:
        CharBertError: a name matches nothing in the model.
    """
    if not names:
        found = [name for name in LORA_TARGETS if _narrowed(model, name)]
        return found or _refuse_target(model, "query"), []
    modules: list[str] = []
    for name in names:
        if name != "gru":
            group = [each for target in GROUPS.get(name, (name,)) for each in _narrowed(model, target)]
            modules += group or _refuse_target(model, name)
    parameters = [name for name, _ in encoder_of(model).named_parameters() if name in _GRU]
    if "gru" in names and not parameters:
        _refuse_target(model, "gru")
    return list(dict.fromkeys(modules)), parameters if "gru" in names else []


def _modules(model: Any) -> Iterator[tuple[str, Any]]:
    """Those of the encoder by name, without a plain model's pooler, which is part of the head."""
    return (
        (name, each) for name, each in encoder_of(model).named_modules() if not name.startswith("pooler.")
    )


def _adaptable(model: Any) -> list[str]:
    """Names of the modules that can be adapted; positions cannot, since models ask for their number."""
    return [
        name
        for name, module in _modules(model)
        if isinstance(module, _WRAPPED) and not name.endswith("position_embeddings")
    ]


def _matching(names: Iterable[str], target: str) -> list[str]:
    """The names that a target is, or the end of which it is."""
    return [name for name in names if f".{name}".endswith(f".{target}")]


def _narrowed(model: Any, target: str) -> list[str]:
    """A target, or the names that it matches in full where peft would match others by it too."""
    found = _matching(_adaptable(model), target)
    others = _matching((name for name, _ in _modules(model)), target)
    return found if len(found) < len(others) else [target] * bool(found)


def _refuse_target(model: Any, name: str) -> Any:
    found = {each.rpartition(".")[2] for each in _adaptable(model)}
    groups = [group for group, members in GROUPS.items() if found & set(members)]
    if any(each in _GRU for each, _ in encoder_of(model).named_parameters()):
        groups.append("gru")
    raise CharBertError(
        f"--lora-targets: {name!r} matches no module of this model that can be adapted; choose of "
        f"{', '.join([*groups, *sorted(found)])}, or the end of a module's full name"
    )


def _inside_head(model: Any) -> list[str]:
    """Full names of the modules of a head, whose names may be those of the layers."""
    return [
        name
        for head in head_modules(model)
        for name, _ in model.named_modules()
        if f".{head}." in f".{name}." and not name.startswith("charbert.")
    ]


def task_type(model: Any) -> str | None:
    """The name that peft has for the task of a model's head."""
    name = type(model).__name__
    return next((task for ending, task in _TASKS.items() if name.endswith(ending)), None)
