"""Every setting of a pre-training run."""

from dataclasses import dataclass, field

from charbert.commands.settings import described
from charbert.errors import CharBertError
from charbert.noise import EDITS, PRETRAINING_EDITS
from data.pretraining.noise_schedule import Noise, NoisePoint, NoiseSchedule

LEAST = {
    **dict.fromkeys(("batch_size", "gradient_accumulation_steps", "max_steps"), 1),
    **dict.fromkeys(("eval_steps", "save_steps", "logging_steps", "eval_examples", "save_total_limit"), 1),
    **dict.fromkeys(("num_workers", "warmup_steps", "seed"), 0),
    "block_size": 3,
    "max_length": 3,  # two special tokens around one
}


@dataclass
class PretrainSettings:
    """Keys of a config file; the defaults are the paper's where it gives one."""

    data: str = field(
        metadata={"help": "dataset of `python -m data tokenize`; under streaming, for evaluation"}
    )
    tokenizer: str = field(metadata={"help": "tokenizer folder of `python -m data vocabulary`"})
    output: str = field(metadata={"help": "folder for checkpoints, logs, the model and results.json"})

    stream: list[str] = described(
        [], "train on this text instead, tokenised as it is read: folders, files, hub"
    )
    block_size: int = described(328, "stream: tokens of a block with its two special tokens, before noise")

    backbone: str | None = described(None, "plain BERT or RoBERTa to start from: folder or hub id")
    model: str | None = described(None, "CharBERT to go on from: folder or hub id")
    plain: bool = described(
        False,
        "train the backbone alone, with masked LM on the same noised text (AdvBERT); what is said of the "
        "character channel and of restored words is not used",
    )
    architecture: str = described("bert", "from scratch: bert or roberta")
    hidden_size: int = described(768, "from scratch: units of a layer")
    num_hidden_layers: int = described(12, "from scratch: layers")
    num_attention_heads: int = described(12, "from scratch: attention heads")
    intermediate_size: int = described(3072, "from scratch: units of the feed-forward part")
    dropout: float = described(0.1, "from scratch: dropout rate everywhere")
    char_embedding_size: int = described(256, "width of a character's embedding")
    char_encoder: str = described("gru", "gru or embedding")
    interaction: str = described("released", "released, paper or none")
    interaction_per_layer: bool = described(False, "an interaction for each layer, not a shared one")

    noise_probability: float = described(0.15, "share of words that get a typo")
    noise_edits: list[str] = described(list(PRETRAINING_EDITS), f"kinds of typos, of {', '.join(EDITS)}")
    noise_curriculum: list[str] = described(
        [], "noise over training instead: points STEP:PROBABILITY or STEP:PROBABILITY:EDIT+EDIT"
    )
    label_unknown_words: bool = described(False, "restore words outside the word vocabulary as <unk>")
    mlm_probability: float = described(0.10, "share of tokens that are masked, by whole words")
    max_length: int = described(384, "tokens of an example")
    eval_examples: int = described(1000, "blocks at the end of the data that are kept for evaluation")

    learning_rate: float = described(5e-5, "peak learning rate")
    lr_scheduler_type: str = described("linear", "schedule, by transformers' name")
    warmup_steps: int = described(10_000, "steps up to the peak")
    weight_decay: float = described(0.01, "weight decay of AdamW")
    adam_beta2: float = described(0.999, "second-moment decay of AdamW")
    max_grad_norm: float = described(1.0, "gradients are clipped to this norm")
    batch_size: int = described(32, "examples of a step on each device")
    gradient_accumulation_steps: int = described(1, "batches of a step on each device")
    max_steps: int = described(320_000, "steps of training")
    eval_steps: int = described(5_000, "steps between evaluations")
    save_steps: int = described(5_000, "steps between checkpoints")
    save_total_limit: int = described(2, "checkpoints kept")
    logging_steps: int = described(100, "steps between log lines")
    num_workers: int = described(2, "data loading processes of each device")
    bf16: bool = described(False, "bfloat16 autocast")
    gradient_checkpointing: bool = described(False, "less memory for more computing")
    torch_compile: bool = described(False, "compile the model for training")
    fsdp: bool = described(
        False, "shard parameters, gradients and optimiser over the processes (FSDP2), for large backbones"
    )
    seed: int = described(0, "seed of everything random")
    resume: bool = described(False, "go on from the last checkpoint in the output folder")
    overwrite: bool = described(False, "start anew in an output folder that holds a run")

    def __post_init__(self) -> None:
        if self.backbone and self.model:
            raise CharBertError("backbone and model exclude each other: give one to start from")
        if self.plain and self.model:
            raise CharBertError(
                "model names a CharBERT, and plain trains a BERT or RoBERTa: name that, or what a plain run "
                "left, with backbone"
            )
        if self.architecture not in ("bert", "roberta"):
            raise CharBertError(f"architecture={self.architecture!r} is unknown; choose bert or roberta")
        if self.resume and self.overwrite:
            raise CharBertError("resume and overwrite exclude each other")
        unknown = set(self.noise_edits) - set(EDITS)
        if unknown or not self.noise_edits:
            raise CharBertError(f"noise_edits={self.noise_edits}: choose some of {', '.join(EDITS)}")
        for name in ("noise_probability", "mlm_probability", "dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise CharBertError(f"{name}={getattr(self, name)} must lie between 0 and 1")
        if self.num_attention_heads < 1 or self.hidden_size % self.num_attention_heads:
            raise CharBertError(
                f"hidden_size={self.hidden_size} must be a multiple of "
                f"num_attention_heads={self.num_attention_heads}"
            )
        self.curriculum()
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise CharBertError(f"{name}={getattr(self, name)} must be at least {least}")

    def noise(self) -> Noise:
        """The noise of training without a curriculum, and of evaluation."""
        return Noise(self.noise_probability, tuple(self.noise_edits))

    def curriculum(self) -> NoiseSchedule:
        """The noise of training."""
        points = [NoisePoint.parse(text, self.noise()) for text in self.noise_curriculum]
        return NoiseSchedule(points) if points else NoiseSchedule.constant(self.noise())
