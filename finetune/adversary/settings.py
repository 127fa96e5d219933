"""Settings of `python -m finetune worst-case`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from charbert.commands.paths import DATA, FILE, MODEL, NAMED_FOLDER
from charbert.commands.settings import ALWAYS, REQUIRED, dashed, option, positional
from charbert.errors import CharBertError
from charbert.noise import EDITS, KEYBOARDS
from data.examples.readers import READERS, Columns
from finetune.settings import BATCH_TOKENS, OVERWRITE, SKIP_BAD_ROWS


@dataclass(kw_only=True)
class WorstCaseSettings(Columns):
    """Settings of a search for worst cases; columns that are not given are those of the run."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        **Columns.RENAMED,
        "batch_size": "batch_tokens",
        "beam": "beam_size",
        "limit": "searched_examples",
    }

    model: str = positional(
        "output folder of a fine-tuning run, or its export; with --task, folder or hub id of any model of "
        "transformers that has a head for it",
        MODEL,
    )
    file: str = positional(
        "labelled data, as the run read it; columns that are not given are those of the run", DATA
    )
    task: str | None = option(  # type: ignore[assignment]  # None: that of the run
        None, "task of a model that no run here has made; if not given, the run's", choices=READERS
    )
    labels: list[str] | None = option(
        None,
        "with --task: the model's classes in order, as FILE names them; if not given, those it names",
        section="inputs",
    )
    output: str = option(REQUIRED, "JSON file for the scores and each example", writes=FILE, section="output")
    budgets: list[int] = option(
        [1, 2], "words of an example that may be edited, each once", minimum=1, section="search"
    )
    beam_size: int = option(1, "candidates that are edited further; 1 is the greedy search", minimum=1)
    edits: list[str] = option(list(EDITS), "kinds of edits", choices=EDITS)
    language: str = option("en", "whose keyboard is used", choices=KEYBOARDS)
    variants: int | None = option(
        None,
        "variants of a word at most, drawn by --seed; if not given, all: some 150 of a word of six letters, "
        "so that each edit of a text of 20 words costs 1,600 queries; give 20 for long texts",
        minimum=1,
    )
    searched_examples: int | None = option(
        None, "examples that are searched at most, drawn by --seed; if not given, all", minimum=1
    )
    recognizer: str | None = option(
        None,
        "folder of a word recogniser, or of a pre-trained CharBERT, which corrects the text before the model",
        reads=NAMED_FOLDER,
    )
    batch_tokens: int | None = option(
        None, BATCH_TOKENS, minimum=1, may_differ=ALWAYS, section="model and data"
    )
    max_length: int | None = option(
        None, "tokens of a text or window; if not given, the run's, else the task's", minimum=16
    )
    seed: int = option(0, "seed of what is drawn")
    skip_bad_rows: bool = option(False, SKIP_BAD_ROWS)
    resume: bool = option(False, "continue a search that was interrupted", section="output")
    overwrite: bool = option(False, OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task is None:
            for name in ("labels", "label_kind"):
                if name in self.given:
                    raise CharBertError(
                        f"--{dashed(name)}: the model of a run knows its own; give it with --task alone"
                    )
