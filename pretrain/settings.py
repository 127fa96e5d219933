"""Settings of pre-training, of the training of a word recogniser, and of the quickstart."""

from dataclasses import dataclass
from typing import Literal

from charbert.backbones import BACKBONES
from charbert.commands.paths import DATA, FILE, FOLDER, MODEL, NAMED_FOLDER
from charbert.commands.settings import (
    ALWAYS,
    REPORT_TO,
    REQUIRED,
    TENSORBOARD,
    TRACKERS,
    Settings,
    check_trackers,
    option,
)
from charbert.distillation.settings import DistillationSettings
from charbert.errors import CharBertError
from charbert.noise import EDITS, KINDS, PRETRAINING_EDITS
from pretrain.noise_schedule import Noise, NoisePoint, NoiseSchedule

SCHEDULES = (
    *("linear", "cosine", "cosine_with_restarts", "polynomial"),
    *("constant", "constant_with_warmup", "inverse_sqrt"),
)
CHANNELS = {"token": "hidden_states", "character": "char_hidden_states"}
"""Names of the channels -> of the outputs with their states."""


@dataclass(kw_only=True)
class StepTrainingSettings(Settings):
    """Settings of a training on token blocks whose length is counted in steps.

    Subclasses give other defaults to the same fields.
    """

    data: str = option(REQUIRED, "dataset of `python -m data tokenize`", reads=FOLDER, section="inputs")
    tokenizer: str = option(REQUIRED, "tokenizer folder of `python -m data vocabulary`", reads=NAMED_FOLDER)
    output: str = option(
        REQUIRED, "folder for checkpoints, logs, the model and results.json", writes=FOLDER, section="output"
    )

    noise_probability: float = option(
        0.15, "share of words that get a typo", minimum=0, maximum=1, section="noise and masking"
    )
    noise_edits: list[str] = option(list(EDITS), f"kinds of typos, of {', '.join(EDITS)}", choices=EDITS)
    eval_examples: int = option(
        1000, "blocks at the end of the data that are kept for evaluation", minimum=1, section="training"
    )

    learning_rate: float = option(5e-5, "peak learning rate", minimum=0)
    lr_scheduler_type: str = option("linear", "learning-rate schedule", choices=SCHEDULES)
    warmup_steps: int = option(0, "steps up to the peak", minimum=0)
    weight_decay: float = option(0.01, "weight decay of AdamW", minimum=0)
    max_grad_norm: float = option(1.0, "gradients are clipped to this norm; 0: never", minimum=0)
    batch_size: int = option(32, "examples of a step on each device", minimum=1, may_differ=ALWAYS)
    max_steps: int = option(20_000, "steps of training", minimum=1)
    eval_steps: int = option(2_000, "steps between evaluations", minimum=1, may_differ=ALWAYS)
    save_steps: int = option(2_000, "steps between checkpoints", minimum=1, may_differ=ALWAYS)
    save_total_limit: int = option(2, "checkpoints kept", minimum=1, may_differ=ALWAYS)
    logging_steps: int = option(100, "steps between log lines", minimum=1, may_differ=ALWAYS)
    report_to: list[str] = option([TENSORBOARD], REPORT_TO, choices=TRACKERS, unique=True, may_differ=ALWAYS)
    num_workers: int = option(2, "data loading processes of each device", minimum=0, may_differ=ALWAYS)
    seed: int = option(0, "seed of everything random", minimum=0, below=2**32)
    resume: bool = option(False, "go on from the last checkpoint in the output folder", section="output")
    overwrite: bool = option(False, "start anew in an output folder that holds a run")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.noise_edits:
            raise CharBertError(f"--noise-edits: give some of {', '.join(EDITS)}")

    def check_paths(self) -> None:
        super().check_paths()
        check_trackers(self.report_to)

    def noise(self, probability: float | None = None) -> Noise:
        """The noise of training, or the same at another probability."""
        return Noise(self.noise_probability if probability is None else probability, tuple(self.noise_edits))


@dataclass(kw_only=True)
class PretrainSettings(DistillationSettings, StepTrainingSettings):
    """The defaults are the paper's where it gives one."""

    RENAMED = {**Settings.RENAMED, "noise_curriculum": "noise_schedule"}

    data: str = option(
        REQUIRED, "dataset of `python -m data tokenize`; under streaming, for evaluation", reads=FOLDER
    )
    stream: list[str] = option(
        [],
        "train on this text instead, tokenised as it is read: folders, files, hub",
        reads=DATA,
        section="inputs",
    )
    block_size: int = option(
        328, "stream: tokens of a block with its two special tokens, before noise", minimum=3
    )

    backbone: str | None = option(
        None, "plain BERT or RoBERTa to start from: folder or hub id", reads=MODEL, section="model"
    )
    model: str | None = option(None, "CharBERT to go on from: folder or hub id", reads=MODEL)
    plain: bool = option(
        False,
        "train the backbone alone, with masked LM on the same noised text (AdvBERT); settings of the "
        "character channel and of restored words are not used",
    )
    architecture: str = option("bert", "from scratch: the backbone's kind", choices=BACKBONES)
    hidden_size: int = option(768, "from scratch: units of a layer", minimum=1)
    num_hidden_layers: int = option(12, "from scratch: layers", minimum=1)
    num_attention_heads: int = option(12, "from scratch: attention heads", minimum=1)
    intermediate_size: int = option(3072, "from scratch: units of the feed-forward part", minimum=1)
    dropout: float = option(0.1, "from scratch: dropout rate everywhere", minimum=0, maximum=1)
    longest_input: int | None = option(
        None, "from scratch: tokens for which the model has positions; if not given, max_length", minimum=3
    )
    char_embedding_size: int = option(256, "width of a character's embedding", minimum=1)
    char_encoder: str = option("gru", "from characters to tokens", choices=("gru", "embedding"))
    interaction: str = option("released", "how the channels are fused", choices=("released", "paper", "none"))
    interaction_per_layer: bool = option(False, "an interaction for each layer, not a shared one")
    interaction_offset: float = option(
        0.0,
        "from a backbone: constant that the interaction adds before its norm and takes off in it; at 4 or "
        "more the token channel begins as the backbone",
        minimum=0,
    )

    noise_edits: list[str] = option(
        list(PRETRAINING_EDITS),
        f"kinds of noise, of {', '.join(KINDS)}; one that stands twice is drawn twice as often",
        choices=KINDS,
    )
    misspellings: str | None = option(
        None,
        "natural: list of misspellings, as of `python -m data misspellings`",
        reads=FILE,
        section="noise and masking",
    )
    noise_schedule: list[str] = option(
        [],
        "noise over training instead: points STEP:PROBABILITY or STEP:PROBABILITY:EDIT+EDIT; a PROBABILITY "
        "such as 0-0.6 is drawn for each batch",
        metavar="POINT",
    )
    clean_label_probability: float = option(
        0.0, "share of the words without noise and mask that the noisy LM names too", minimum=0, maximum=1
    )
    label_unknown_words: bool = option(False, "restore words outside the word vocabulary as <unk>")
    mlm_probability: float = option(
        0.10, "share of tokens that are masked, by whole words", minimum=0, maximum=1
    )
    max_length: int = option(384, "tokens of an example", minimum=3)  # two special tokens around one

    alignment_weight: float = option(
        0.0,
        "weight of a loss that pulls the states of words towards those of the frozen starting weights on "
        "the clean text; one minus their cosine",
        minimum=0,
        section="alignment",
    )
    alignment_channels: list[str] = option(
        list(CHANNELS), "channels that are pulled", choices=tuple(CHANNELS), unique=True
    )
    alignment_layers: list[int] = option(
        [-1], "layers whose states are pulled, counted from 1, or from the end if negative", unique=True
    )
    alignment_masked: bool = option(False, "pull masked words too")

    warmup_steps: int = option(10_000, "steps up to the peak", minimum=0)
    fresh_learning_rate: float | None = option(
        None,
        "peak learning rate of what a backbone does not bring: character encoder, interaction, noisy-LM "
        "head; if not given, that of the rest",
        minimum=0,
        section="training",
    )
    adam_beta2: float = option(0.999, "second-moment decay of AdamW", minimum=0, below=1)
    gradient_accumulation_steps: int = option(
        1, "batches of a step on each device", minimum=1, may_differ=ALWAYS
    )
    max_steps: int = option(320_000, "steps of training", minimum=1)
    eval_steps: int = option(5_000, "steps between evaluations", minimum=1, may_differ=ALWAYS)
    save_steps: int = option(5_000, "steps between checkpoints", minimum=1, may_differ=ALWAYS)
    bf16: bool = option(False, "bfloat16 autocast", section="speed and memory")
    gradient_checkpointing: bool = option(False, "less memory for more computing")
    torch_compile: bool = option(False, "compile the model for training")
    fsdp: bool = option(
        False, "shard parameters, gradients and optimiser over the processes (FSDP2), for large backbones"
    )

    def __post_init__(self) -> None:
        if self.teacher is not None:
            # Whatever an ordinary run of the same config starts from.
            self.model, self.backbone = (None, self.teacher) if self.plain else (self.teacher, None)
        super().__post_init__()
        if self.longest_input is not None and self.longest_input < self.max_length:
            raise CharBertError(
                f"--longest-input: {self.longest_input} must be at least --max-length, {self.max_length}"
            )
        if self.backbone and self.model:
            raise CharBertError("--backbone and --model exclude each other: give one to start from")
        if self.plain and self.model:
            raise CharBertError(
                "--model names a CharBERT, and --plain trains a BERT or RoBERTa: give that, or the output of "
                "a plain run, with --backbone"
            )
        if self.alignment_weight and not (self.backbone or self.model):
            raise CharBertError("--alignment-weight: needs --backbone or --model to start from")
        if self.alignment_weight and not (self.alignment_channels and self.alignment_layers):
            raise CharBertError(
                "--alignment-weight: needs one of --alignment-channels and --alignment-layers"
            )
        if self.hidden_size % self.num_attention_heads:
            raise CharBertError(
                f"--hidden-size: {self.hidden_size} must be a multiple of --num-attention-heads, "
                f"{self.num_attention_heads}"
            )
        drawn = sorted(self.read_noise_schedule().edits.union(self.noise_edits))
        takers = [name for name in drawn if KINDS[name].takes_misspellings]
        if takers and self.misspellings is None:
            raise CharBertError(f"--noise-edits {takers[0]}: needs a list with --misspellings")

    @property
    def aligned_words(self) -> Literal["none", "unmasked", "all"]:
        """The words whose states are pulled towards those of the clean text."""
        if not self.alignment_weight:
            return "none"
        return "all" if self.alignment_masked else "unmasked"

    def read_noise_schedule(self) -> NoiseSchedule:
        """The noise of each step of training."""
        noise = self.noise()._replace(labelled=self.clean_label_probability)
        try:
            points = [NoisePoint.parse(text, noise) for text in self.noise_schedule]
            return NoiseSchedule(points) if points else NoiseSchedule.constant(noise)
        except CharBertError as error:
            raise CharBertError(f"--noise-schedule: {error}") from error


@dataclass(kw_only=True)
class RecognizerSettings(StepTrainingSettings):
    """Settings of the training of a word recogniser."""

    tokenizer: str = option(
        REQUIRED, "the tokenizer folder of the data; its words are those recognised", reads=NAMED_FOLDER
    )
    embedding_size: int = option(
        256, "width of a word's letters after a linear map", minimum=1, section="model"
    )
    hidden_size: int = option(256, "units of the LSTM in each direction", minimum=1)
    num_hidden_layers: int = option(1, "layers of the LSTM", minimum=1)
    noise_probability: float = option(
        0.5, "share of the words of four letters or more that get a typo", minimum=0, maximum=1
    )
    learning_rate: float = option(1e-3, "peak learning rate", minimum=0)
    warmup_steps: int = option(500, "steps up to the peak", minimum=0)


@dataclass(kw_only=True)
class QuickstartSettings(Settings):
    """Settings of the quickstart."""

    output: str = option(REQUIRED, "folder for everything", writes=FOLDER)
    dump: str | None = option(None, "a Wikipedia dump; without one, that of the package gensim", reads=FILE)
    max_pages: int | None = option(None, "pages to read, if not all", minimum=1)
    max_steps: int | None = option(None, "steps of training, if not the config's", minimum=1)
    overwrite: bool = option(False, "write into a folder that holds something")
