"""Settings of delta tuning: the method, and the options of each."""

import re
from dataclasses import dataclass, fields

from charbert.commands.settings import Settings, default_value, option, shown_name
from charbert.errors import CharBertError
from charbert.tuning.methods import TUNINGS, find_tuning

ADAPTERS = ("houlsby", "pfeiffer")
FREEZE = re.compile(r"head|layers:\d+|all-but-characters")


@dataclass(kw_only=True)
class TuningSettings(Settings):
    """A method of delta tuning; beside what it says, each trains the head.

    Raises:
        CharBertError: a value out of its range, or an option that the method does not read.
    """

    tuning: str | None = option(
        None,
        "train and save a fraction of the model by this method, at a higher --learning-rate; without one, "
        "all of it",
        choices=TUNINGS,
        section="delta tuning",
    )
    lora_rank: int = option(8, "lora: rank of the matrices", minimum=1)
    lora_alpha: float = option(16.0, "lora: their product counts this, divided by the rank", above=0)
    lora_dropout: float = option(0.0, "lora: dropout of their inputs", minimum=0, below=1)
    lora_targets: list[str] = option(
        [],
        "lora: names of modules, and `layers`, `interaction`, `gru` for all of these; if not given, query, "
        "value and interaction",
        unique=True,
    )
    dora: bool = option(False, "lora: learn magnitudes of the weights apart (DoRA)")
    rank_stabilized: bool = option(False, "lora: divide by the root of the rank instead (rsLoRA)")
    adapter: str = option(
        "houlsby", "adapter: two bottlenecks in a layer, or one after its feed-forward part", choices=ADAPTERS
    )
    bottleneck: int = option(64, "adapter: units of a bottleneck", minimum=1)
    virtual_tokens: int = option(
        20, "prompt, p-tuning, prefix, p-tuning-v2: virtual tokens of each channel", minimum=1
    )
    prompt_units: int = option(512, "p-tuning, prefix: units of the MLP that they are trained by", minimum=1)
    freeze: str = option(
        "head", "freeze: `head` (all but it), `layers:K` (the lowest K and below), `all-but-characters`"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not FREEZE.fullmatch(self.freeze):
            raise CharBertError(
                f"--freeze: {self.freeze!r} is unknown; choose one of head, layers:K, all-but-characters"
            )
        self._refuse_unread()

    def _refuse_unread(self) -> None:
        read = find_tuning(self.tuning).options if self.tuning else ()
        for field in fields(TuningSettings):
            name = field.name
            if name == "tuning" or name in read or getattr(self, name) == default_value(field):
                continue
            readers = " or ".join(method for method, tuning in TUNINGS.items() if name in tuning.options)
            reason = f"is not for {self.tuning}" if self.tuning else "is given without a method"
            raise CharBertError(f"{shown_name(field)}: {reason}; it goes with --tuning {readers}")
