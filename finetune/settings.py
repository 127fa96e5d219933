"""Settings of `python -m finetune`: a fine-tuning run, predictions of a model, scores of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

from charbert.commands.paths import DATA, FILE, FOLDER, MODEL, STANDARD, check_exists, expand_patterns
from charbert.commands.settings import (
    ALWAYS,
    REPORT_TO,
    REQUIRED,
    TENSORBOARD,
    TRACKERS,
    UNFINISHED,
    Settings,
    check_trackers,
    option,
    positional,
)
from charbert.distillation.settings import STUDENT_LAYERS, DistillationSettings
from charbert.errors import CharBertError, UsageError
from charbert.noise import KEYBOARDS, KINDS
from charbert.tuning.settings import TuningSettings
from data.examples.base import check_delimiter, check_encoding
from data.examples.readers import Columns, find_reader

FEATURES = ("token", "character", "sum", "concatenation")
"""Of a frozen model, for a probe: its last states of one channel, or of both."""
PROBE_SIZE = 768  # of the paper
SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt")
SKIP_BAD_ROWS = "leave rows out that cannot be used, and name them"
CPU_TOKENS, GPU_TOKENS = 1024, 32768
BATCH_TOKENS = (
    f"tokens of a batch, padding included; if not given, {GPU_TOKENS} on a GPU, {CPU_TOKENS} elsewhere"
)
FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "conll", "conllu")
OVERWRITE = "write over a file that is there"


@dataclass(kw_only=True)
class FinetuneSettings(TuningSettings, Columns):
    """Keys of a config file; the defaults are the paper's where it gives one."""

    model: str | None = option(
        None,
        "folder or hub id: a CharBERT, a released one, or a plain BERT or RoBERTa as itself",
        reads=MODEL,
        section="model",
    )
    backbone: str | None = option(
        None, "instead: a plain BERT or RoBERTa that gets a fresh character channel", reads=MODEL
    )
    tokenizer: str | None = option(None, "its tokenizer, where that is in another folder", reads=MODEL)
    character_vocabulary: str | None = option(None, "file of characters, for a released CharBERT", reads=FILE)

    data: str | None = option(
        None, "folder with the task's files under their official names", reads=FOLDER, section="inputs"
    )
    train: list[str] | None = option(
        None,
        "training data: one or several files, also patterns such as 'data/*.csv'; for text, tagging, qa also "
        "a dataset of the hub",
        reads=DATA,
    )
    dev: str | None = option(None, "data to choose the best checkpoint by", reads=DATA)
    test: str | None = option(
        None, "data to evaluate once, or, where it has no labels, to predict", reads=DATA
    )
    dev_fraction: float = option(
        0.1, "share of the training data kept as dev where there is none", above=0, below=1
    )
    skip_bad_rows: bool = option(False, SKIP_BAD_ROWS)

    max_length: int | None = option(
        None,
        "tokens of a text or window; if not given, 384 for answers and 128 for the rest",
        minimum=16,
        section="lengths and answers",
    )
    stride: int = option(128, "answers: tokens that neighbouring windows share")
    max_answer_length: int = option(30, "answers: tokens of the longest", minimum=1)
    n_best: int = option(20, "answers: how many are kept for each question", minimum=1)
    unanswerable: bool = option(False, "qa: a question may have no answer")

    augmentation: int = option(
        0,
        "copies of the training data with noise in their words, trained on beside it",
        minimum=0,
        section="augmentation with noise",
    )
    augmentation_kind: str = option("paper", "kind of that noise", choices=KINDS)
    augmentation_rate: float = option(
        1.0, "share of the words that get it, of those that can", minimum=0, maximum=1
    )
    augmentation_language: str = option("en", "whose keyboard its typos use", choices=KEYBOARDS)
    augmentation_misspellings: str | None = option(
        None, "file of misspellings for its kind natural; without one, codespell's", reads=FILE
    )
    augmentation_contexts: bool = option(False, "answers: noise in contexts too, not in questions alone")

    batch_size: int = option(
        16, "examples per device and step", minimum=1, may_differ=ALWAYS, section="training"
    )
    eval_batch_size: int = option(
        64, "examples per device where nothing is trained", minimum=1, may_differ=ALWAYS
    )
    gradient_accumulation_steps: int = option(
        1, "steps whose gradients are summed", minimum=1, may_differ=ALWAYS
    )
    epochs: float = option(3, "passes over the training data; 2 to 6 in the paper", above=0)
    learning_rate: float = option(3e-5, "peak learning rate; 2e-5 or 3e-5 in the paper", minimum=0)
    lr_scheduler_type: str = option("linear", "schedule of the rate", choices=SCHEDULES)
    warmup_ratio: float = option(0.1, "share of the steps up to the peak", minimum=0, below=1)
    weight_decay: float = option(0.01, "weight decay of AdamW", minimum=0)
    layer_decay: float = option(
        1.0, "a layer learns at this share of the rate of the one above it", above=0, maximum=1
    )
    max_grad_norm: float = option(1.0, "norm to which gradients are clipped", minimum=0)
    class_weights: bool = option(False, "weigh classes by how rare they are in training")
    probe: str | None = option(
        None,
        "train a Bi-LSTM on these features of the frozen model instead; needs a --learning-rate of some 1e-3",
        choices=FEATURES,
    )
    probe_size: int = option(PROBE_SIZE, "units of the probe in each direction", minimum=1)
    evaluations: int = option(1, "evaluations on dev per epoch", minimum=1, may_differ=UNFINISHED)
    early_stopping: int = option(
        0, "stop after so many evaluations without a better one; 0: never", minimum=0
    )
    seeds: list[int] = option(
        [42],
        "seeds of order, dropout and fresh weights; a run for each",
        minimum=0,
        below=2**32,
        unique=True,
        may_differ=ALWAYS,
    )
    bf16: bool = option(False, "mixed precision", section="speed and memory")
    torch_compile: bool = option(False, "compile the model for training")
    gradient_checkpointing: bool = option(False, "compute layers again for their gradients")
    num_workers: int = option(0, "processes that make batches", minimum=0, may_differ=ALWAYS)
    output: str = option(
        REQUIRED, "folder for checkpoints, logs, the model and results.json", writes=FOLDER, section="output"
    )
    save_steps: int | None = option(
        None,
        "steps between two checkpoints to resume from; if not given, one at each evaluation",
        minimum=1,
        may_differ=ALWAYS,
    )
    logging_steps: int = option(50, "steps between two lines of the log", minimum=1, may_differ=ALWAYS)
    report_to: list[str] = option([TENSORBOARD], REPORT_TO, choices=TRACKERS, unique=True, may_differ=ALWAYS)
    word_split: bool = option(False, "ner: also score words apart that the tokenizer keeps whole or splits")
    report: bool = option(False, "scores of each label, and the confusion of labels as a figure")
    resume: bool = option(False, "go on from the last checkpoint")
    overwrite: bool = option(False, "write into a folder that holds another run")
    merge: bool = option(
        False, "leave a plain model in place of what was trained of it", section="delta tuning"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train is not None:
            self.train = expand_patterns("--train", self.train)
        if bool(self.model) == bool(self.backbone):
            raise CharBertError("give one of --model (as it is) and --backbone (to make a CharBERT of)")
        if self.merge and not self.tuning:
            raise CharBertError("--merge: needs --tuning; without it a plain model is what a run leaves")
        if self.tuning and self.probe:
            raise CharBertError("--tuning and --probe exclude each other; give one of them")
        if self.tuning and self.backbone and self.freeze != "all-but-characters":
            raise CharBertError(
                f"--tuning {self.tuning}: would leave the fresh character channel of --backbone untrained; "
                "give a pre-trained CharBERT with --model, or --tuning freeze --freeze all-but-characters"
            )
        if not self.seeds:
            raise CharBertError("--seeds: give one at least")

    def check_paths(self) -> None:
        super().check_paths()
        check_trackers(self.report_to)
        reader = find_reader(self.task)
        for split in ("train", "dev", "test"):
            given = getattr(self, split)
            sources = given if isinstance(given, list) else [] if given is None else [given]
            if sources and reader.own_task is not None:
                for source in sources:
                    check_exists(f"--{split}", source, FILE)  # official files are on no hub
            elif not sources and self.data is not None:
                reader.files(Path(self.data), split)
        if self.train is None and self.data is None:
            raise CharBertError(f"{self.task}: nothing to train on; give --train FILE, or --data FOLDER")

    @property
    def source(self) -> str:
        """The folder or hub id that the weights come from."""
        source = self.model or self.backbone
        assert source is not None  # one of them is
        return source


@dataclass(kw_only=True)
class DistillSettings(DistillationSettings, FinetuneSettings):
    """A fine-tuning run whose model is a student of a teacher that was fine-tuned before."""

    HIDDEN = (
        *("model", "backbone", "tokenizer", "character_vocabulary", "probe", "probe_size", "merge"),
        *(field.name for field in fields(TuningSettings)),
    )

    teacher: str = option(
        REQUIRED,
        "output folder of a fine-tuning run of the same task; the student starts from it, in place of model "
        "or backbone",
        reads=FOLDER,
    )
    student_layers: int = option(REQUIRED, STUDENT_LAYERS, minimum=1)

    def __post_init__(self) -> None:
        # Whatever an ordinary run of the same config starts from.
        self.model, self.backbone, self.tokenizer, self.character_vocabulary = self.teacher, None, None, None
        super().__post_init__()
        if self.probe:
            raise CharBertError("--probe: its model stays as it is, so it learns nothing from a teacher")
        if self.tuning:
            raise CharBertError("--tuning: a student is new, and no base that a delta could be put on")


@dataclass(kw_only=True)
class PredictSettings(Settings):
    """What `predict` reads and writes."""

    RENAMED: ClassVar[Mapping[str, str]] = {**Settings.RENAMED, "batch_size": "batch_tokens"}

    model: str = positional("output folder of a fine-tuning run, or its export", FOLDER)
    file: str = positional("data as the run read it, or without its labels; -: standard input", DATA)
    format: str | None = option(
        None,
        "of FILE; if not given, its name says it; of - it must be given",
        choices=FORMATS,
        section="input",
    )
    delimiter: str | None = option(None, "of columns in FILE; if not given, as the run had it")
    encoding: str | None = option(None, "of FILE; if not given, as the run had it")
    skip_bad_rows: bool = option(False, SKIP_BAD_ROWS)
    threshold: float | None = option(
        None,
        "several labels: the least probability of each; questions: what the score of no answer must exceed; "
        "if not given, what scored best on dev",
        section="prediction",
    )
    device: str | None = option(None, "such as cpu or cuda:1; if not given, a GPU where there is one")
    batch_tokens: int | None = option(None, BATCH_TOKENS, minimum=1)
    output: str = option(
        REQUIRED,
        "file to write, in the order of FILE: a table with its columns (.jsonl, .csv, .tsv), or the form "
        "that the field's scorer reads (.conll, .json, of GLUE .tsv); -: standard output",
        writes=FILE,
        section="output",
    )
    output_format: str | None = option(
        None,
        "of the output; if not given, its name says it, or --format that of standard output",
        choices=("jsonl", "csv", "tsv", "conll", "json"),
    )
    overwrite: bool = option(False, OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.file == STANDARD and self.format is None:
            raise UsageError("--format: missing; say what standard input holds, such as csv or jsonl")
        self.delimiter = check_delimiter(self.delimiter)
        check_encoding(self.encoding)


@dataclass(kw_only=True)
class ScoreSettings(Columns):
    """What `score` reads."""

    RENAMED = {
        **Columns.RENAMED,
        "word_column": "word_number",
        "tag_column": "tag_number",
        "predicted_word_column": "predicted_word_number",
        "prediction_column": "predicted_tag_number",
    }

    gold: str = positional("the right answers, in the format of the task's data", DATA)
    predictions: str = positional(
        'answers: JSON {"id": "text"}; tags: columns, the predicted tag in the last; else a table with a '
        "column `prediction` and perhaps `index`, or one prediction a line"
    )
    predicted_word_number: int = option(
        0, "number of the words' column, from 0", section="columns of PREDICTIONS"
    )
    predicted_tag_number: int = option(-1, "number of the tags' column; -1 is the last")
    na_probs: str | None = option(
        None, 'squad2, qa: file of JSON {"id": probability of no answer}', reads=FILE
    )
    na_threshold: float = option(1.0, "squad2, qa: above it a question counts as not answered")
    output: str = option(
        "-",
        "file for the scores, which are printed as well; -: print them only",
        metavar=FILE,
        section="output",
    )
    skip_bad_rows: bool = option(False, SKIP_BAD_ROWS)
    overwrite: bool = option(False, OVERWRITE)
