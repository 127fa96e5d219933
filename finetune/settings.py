"""Every setting of a fine-tuning run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, ClassVar

from charbert.commands.settings import described
from charbert.errors import CharBertError
from charbert.noise import KEYBOARDS, KINDS
from data.examples.conll import CONLLU_COLUMNS
from data.examples.readers import Columns
from finetune.probe import FEATURES
from finetune.probe import UNITS as PROBE_SIZE
from finetune.tasks.texts import PROBLEMS

LEAST = {
    **dict.fromkeys(("batch_size", "eval_batch_size", "gradient_accumulation_steps"), 1),
    **dict.fromkeys(("evaluations", "logging_steps", "max_answer_length", "n_best", "probe_size"), 1),
    **dict.fromkeys(("num_workers", "early_stopping", "augmentation"), 0),
    "max_length": 16,
}

NOT_NEGATIVE = ("epochs", "learning_rate", "weight_decay", "max_grad_norm")
SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt")
_COLUMNS = {field.name: field for field in fields(Columns)}


def _column(name: str) -> Any:
    """A setting that is a field of `Columns`."""
    return described(_COLUMNS[name].default, _COLUMNS[name].metadata["help"])


@dataclass
class FinetuneSettings:
    """Keys of a config file; the defaults are the paper's where it gives one."""

    RENAMED: ClassVar[Mapping[str, str]] = {"kind": "label_kind"}

    task: str = field(
        metadata={
            "help": "cola sst2 mrpc qqp stsb mnli qnli rte wnli squad squad2 ner pos, or "
            "text tagging qa for data of your own"
        }
    )
    output: str = field(metadata={"help": "folder for checkpoints, logs, the model and results.json"})
    model: str | None = described(
        None, "folder or hub id: a CharBERT, a released one, or a plain BERT or RoBERTa as itself"
    )
    backbone: str | None = described(
        None, "instead: a plain BERT or RoBERTa that gets a fresh character channel"
    )
    tokenizer: str | None = described(None, "its tokenizer, where it stands elsewhere")
    character_vocabulary: str | None = described(None, "file of characters, for a released CharBERT")

    data: str | None = described(None, "folder with the task's files under their official names")
    train: str | None = described(None, "training data; for text, tagging, qa also a dataset of the hub")
    dev: str | None = described(None, "data to choose the best checkpoint by")
    test: str | None = described(None, "data to evaluate once, or, where it has no labels, to predict")
    dev_fraction: float = described(0.1, "share of the training data kept as dev where there is none")
    text_column: str = _column("text_column")
    pair_column: str | None = _column("pair_column")
    label_column: str = _column("label_column")
    label_kind: str = _column("label_kind")
    separator: str = _column("separator")
    words_column: str = _column("words_column")
    tags_column: str = _column("tags_column")
    word_number: int = _column("word_number")
    tag_number: int = _column("tag_number")
    conllu_column: str = _column("conllu_column")
    question_column: str = _column("question_column")
    context_column: str = _column("context_column")
    answers_column: str = _column("answers_column")
    skip_bad_rows: bool = described(False, "leave rows out that cannot be used, and name them")

    max_length: int | None = described(
        None, "tokens of a text or window; if not given, 384 for answers and 128 for the rest"
    )
    stride: int = described(128, "answers: tokens that neighbouring windows share")
    max_answer_length: int = described(30, "answers: tokens of the longest")
    n_best: int = described(20, "answers: how many are kept for each question")
    unanswerable: bool = described(False, "qa: a question may have no answer")

    augmentation: int = described(
        0, "copies of the training data with noise in their words, trained on beside it"
    )
    augmentation_kind: str = described("paper", f"kind of that noise: {', '.join(KINDS)}")
    augmentation_rate: float = described(1.0, "share of the words that get it, of those that can")
    augmentation_language: str = described("en", f"whose keyboard its typos use: {', '.join(KEYBOARDS)}")
    augmentation_misspellings: str | None = described(
        None, "file of misspellings for its kind natural; without one, codespell's"
    )
    augmentation_contexts: bool = described(False, "answers: noise in contexts too, not in questions alone")

    batch_size: int = described(16, "examples per device and step")
    eval_batch_size: int = described(64, "examples per device where nothing is trained")
    gradient_accumulation_steps: int = described(1, "steps whose gradients are summed")
    epochs: float = described(3, "passes over the training data; 2 to 6 in the paper")
    learning_rate: float = described(3e-5, "peak learning rate; 2e-5 or 3e-5 in the paper")
    lr_scheduler_type: str = described("linear", f"of the rate: {', '.join(SCHEDULES)}")
    warmup_ratio: float = described(0.1, "share of the steps up to the peak")
    weight_decay: float = described(0.01, "weight decay of AdamW")
    layer_decay: float = described(1.0, "a layer learns at this share of the rate of the one above it")
    max_grad_norm: float = described(1.0, "norm to which gradients are clipped")
    class_weights: bool = described(False, "weigh classes by how rare they are in training")
    probe: str | None = described(
        None,
        f"train a Bi-LSTM on these features of the frozen model instead: {', '.join(FEATURES)}; wants a "
        "learning_rate of some 1e-3",
    )
    probe_size: int = described(PROBE_SIZE, "units of the probe in each direction")
    evaluations: int = described(1, "evaluations on dev per epoch")
    early_stopping: int = described(0, "stop after so many evaluations without a better one; 0: never")
    bf16: bool = described(False, "mixed precision")
    torch_compile: bool = described(False, "compile the model for training")
    gradient_checkpointing: bool = described(False, "compute layers again for their gradients")
    num_workers: int = described(0, "processes that make batches")
    logging_steps: int = described(50, "steps between two lines of the log")
    seeds: list[int] = described([42], "seeds of order, dropout and fresh weights; a run for each")
    word_split: bool = described(
        False, "ner: also score words apart that the tokenizer keeps whole or splits"
    )
    report: bool = described(False, "scores of each label, and the confusion of labels as a figure")
    resume: bool = described(False, "go on from the last checkpoint")
    overwrite: bool = described(False, "write into a folder that holds another run")

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise CharBertError(f"{name}={getattr(self, name)} must be at least {least}")
        if self.epochs <= 0:
            raise CharBertError(f"epochs={self.epochs} must be above 0")
        if bool(self.model) == bool(self.backbone):
            raise CharBertError("give one of --model (as it is) and --backbone (to make a CharBERT of)")
        if self.resume and self.overwrite:
            raise CharBertError("resume and overwrite exclude each other")
        if self.label_kind not in PROBLEMS:
            raise CharBertError(
                f"label_kind={self.label_kind!r} is unknown; choose one of {', '.join(PROBLEMS)}"
            )
        if self.probe is not None and self.probe not in FEATURES:
            raise CharBertError(f"probe={self.probe!r} is unknown; choose one of {', '.join(FEATURES)}")
        if self.conllu_column not in CONLLU_COLUMNS:
            raise CharBertError(
                f"conllu_column={self.conllu_column!r} is unknown; choose one of {', '.join(CONLLU_COLUMNS)}"
            )
        if not 0 < self.dev_fraction < 1:
            raise CharBertError(f"dev_fraction={self.dev_fraction} must lie between 0 and 1")
        for name in NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < inf:
                raise CharBertError(f"{name}={getattr(self, name)} must be a number of at least 0")
        if self.lr_scheduler_type not in SCHEDULES:
            raise CharBertError(
                f"lr_scheduler_type={self.lr_scheduler_type!r} is unknown; choose of {', '.join(SCHEDULES)}"
            )
        if not 0 <= self.warmup_ratio < 1:
            raise CharBertError(f"warmup_ratio={self.warmup_ratio} must be at least 0, and below 1")
        if not 0 < self.layer_decay <= 1:
            raise CharBertError(f"layer_decay={self.layer_decay} must lie above 0, and not above 1")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise CharBertError(f"seeds={self.seeds}: give one at least, and none twice")
        if not all(0 <= seed < 2**32 for seed in self.seeds):
            raise CharBertError(f"seeds={self.seeds} must lie between 0 and 4294967295")

    @property
    def source(self) -> str:
        """The folder or hub id that the weights come from."""
        source = self.model or self.backbone
        assert source is not None  # one of them is
        return source
