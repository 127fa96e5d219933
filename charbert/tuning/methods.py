"""Methods of delta tuning: their registry by name, and which settings each of them reads."""

from pkgutil import resolve_name
from typing import Any, NamedTuple

from charbert.errors import CharBertError

# Of peft, by the ends of modules' names: what LoRA and IA3 adapt of a CharBERT where nothing else is said.
LORA_TARGETS = ("query", "value", "token_projection", "char_projection", "convolution")
IA3_TARGETS = ("key", "value", "output.dense")
IA3_FEEDFORWARD = ("output.dense",)


class Tuning(NamedTuple):
    """One method."""

    delta: Any
    """Its subclass of `charbert.tuning.Delta`, or the name of that as `package.module.Name`."""
    description: str
    """What it trains beside the head."""
    options: tuple[str, ...] = ()
    """The fields of `TuningSettings` that it reads."""

    @property
    def delta_class(self) -> Any:
        return resolve_name(self.delta) if isinstance(self.delta, str) else self.delta


TUNINGS: dict[str, Tuning] = {}


def register_tuning(name: str, delta: Any, description: str, options: tuple[str, ...] = ()) -> None:
    """Make a method known under a name, in code and to `python -m finetune --tuning`."""
    TUNINGS[name] = Tuning(delta, description, options)


def find_tuning(name: str | None) -> Tuning:
    """The entry of a method.

    Raises:
        CharBertError: there is none.
    """
    if name not in TUNINGS:
        raise CharBertError(f"no tuning method {name!r}; choose one of {', '.join(TUNINGS)}")
    return TUNINGS[name]


register_tuning(
    "lora",
    "charbert.tuning.low_rank.Lora",
    "matrices of low rank beside linear maps and convolutions",
    ("lora_rank", "lora_alpha", "lora_dropout", "lora_targets", "dora", "rank_stabilized"),
)
register_tuning("ia3", "charbert.tuning.low_rank.Ia3", "a factor for each key, value and unit of the layers")
register_tuning(
    "adapter",
    "charbert.tuning.adapters.Adapters",
    "bottlenecks inside of the layers",
    ("adapter", "bottleneck"),
)
register_tuning("bitfit", "charbert.tuning.subsets.BitFit", "all biases")
register_tuning("freeze", "charbert.tuning.subsets.Freeze", "what is not frozen", ("freeze",))
register_tuning(
    "prompt",
    "charbert.tuning.prompts.PromptTuning",
    "vectors before the tokens, from the first layer on",
    ("virtual_tokens",),
)
register_tuning(
    "p-tuning",
    "charbert.tuning.prompts.PTuning",
    "vectors before the tokens, from the first layer on, by an MLP",
    ("virtual_tokens", "prompt_units"),
)
register_tuning(
    "prefix",
    "charbert.tuning.prompts.PrefixTuning",
    "keys and values before those of the tokens in every layer, by an MLP",
    ("virtual_tokens", "prompt_units"),
)
register_tuning(
    "p-tuning-v2",
    "charbert.tuning.prompts.PTuningV2",
    "keys and values before those of the tokens in every layer",
    ("virtual_tokens",),
)
