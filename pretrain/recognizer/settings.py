"""Every setting of the training of a word recogniser."""

from dataclasses import dataclass, field

from charbert.commands.settings import described
from charbert.errors import CharBertError
from charbert.noise import EDITS
from data.pretraining.noise_schedule import Noise

LEAST = {
    **dict.fromkeys(("batch_size", "max_steps", "embedding_size", "hidden_size", "num_hidden_layers"), 1),
    **dict.fromkeys(("eval_steps", "save_steps", "logging_steps", "eval_examples", "save_total_limit"), 1),
    **dict.fromkeys(("num_workers", "warmup_steps", "seed"), 0),
}


@dataclass
class RecognizerSettings:
    """Keys of a config file."""

    data: str = field(metadata={"help": "dataset of `python -m data tokenize`, as for pre-training"})
    tokenizer: str = field(metadata={"help": "its tokenizer folder, whose words are what is recognised"})
    output: str = field(metadata={"help": "folder for checkpoints, logs, the recogniser and results.json"})

    embedding_size: int = described(256, "width of a word's letters after a linear map")
    hidden_size: int = described(256, "units of the LSTM in each direction")
    num_hidden_layers: int = described(1, "layers of the LSTM")

    noise_probability: float = described(0.5, "share of the words of four letters or more that get a typo")
    noise_edits: list[str] = described(list(EDITS), f"kinds of typos, of {', '.join(EDITS)}")
    eval_examples: int = described(1000, "blocks at the end of the data that are kept for evaluation")

    learning_rate: float = described(1e-3, "peak learning rate")
    lr_scheduler_type: str = described("linear", "schedule, by transformers' name")
    warmup_steps: int = described(500, "steps up to the peak")
    weight_decay: float = described(0.01, "weight decay of AdamW")
    max_grad_norm: float = described(1.0, "gradients are clipped to this norm")
    batch_size: int = described(32, "blocks of a step on each device")
    max_steps: int = described(20_000, "steps of training")
    eval_steps: int = described(2_000, "steps between evaluations")
    save_steps: int = described(2_000, "steps between checkpoints")
    save_total_limit: int = described(2, "checkpoints kept")
    logging_steps: int = described(100, "steps between log lines")
    num_workers: int = described(2, "data loading processes of each device")
    seed: int = described(0, "seed of everything random")
    resume: bool = described(False, "go on from the last checkpoint in the output folder")
    overwrite: bool = described(False, "start anew in an output folder that holds a run")

    def __post_init__(self) -> None:
        if self.resume and self.overwrite:
            raise CharBertError("resume and overwrite exclude each other")
        if set(self.noise_edits) - set(EDITS) or not self.noise_edits:
            raise CharBertError(f"noise_edits={self.noise_edits}: choose some of {', '.join(EDITS)}")
        if not 0 <= self.noise_probability <= 1:
            raise CharBertError(f"noise_probability={self.noise_probability} must lie between 0 and 1")
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise CharBertError(f"{name}={getattr(self, name)} must be at least {least}")

    def noise(self, probability: float | None = None) -> Noise:
        """The noise of training, or the same at another rate."""
        return Noise(self.noise_probability if probability is None else probability, tuple(self.noise_edits))
