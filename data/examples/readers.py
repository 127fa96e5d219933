"""The examples of a file, read as the task wants that they are for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError
from data.corpus.files import text_ending
from data.examples.conll import CONLLU_COLUMNS, has_conllu_name, read_conll, read_conllu
from data.examples.glue import GLUE, read_glue
from data.examples.rows import BadRows
from data.examples.squad import read_squad
from data.examples.tables import FORMS, question_examples, read_table, tagged_examples, text_examples
from data.examples.tags import to_iob2
from data.examples.types import QuestionExample, TaggedExample, TextExample

Example = TextExample | TaggedExample | QuestionExample
# What `qa` reads as SQuAD's form, and `tagging` by columns; all else is a table.
SQUAD_ENDING = ".json"
CONLL_ENDINGS = (".txt", ".conll", ".bio", ".iob", ".iob2")
ANSWERS = ("squad", "squad2", "qa")
TAGS = ("ner", "pos", "tagging")
OWN = ("text", "tagging", "qa")
_TABLES = (".csv", ".jsonl", ".json", ".parquet")  # which no official file is, but for SQuAD's
LABEL_KINDS = ("classification", "regression", "multi_label")
TASK_HELP = "a task"
TASKS = (*GLUE, "squad", "squad2", "ner", "pos", *OWN)


@dataclass(kw_only=True)
class Columns(Settings):
    """A task, and the columns of its data; official files have columns of their own."""

    RENAMED: ClassVar[Mapping[str, str]] = {**Settings.RENAMED, "kind": "label_kind"}

    task: str = option(REQUIRED, TASK_HELP)
    text_column: str = option("text", "text: column of the text")
    pair_column: str | None = option(None, "text: column of the second text of a pair")
    label_column: str = option("label", "text: column of the label")
    label_kind: str = option("classification", f"text: {', '.join(LABEL_KINDS)}", choices=LABEL_KINDS)
    separator: str = option(",", "text: what separates labels in a cell")
    words_column: str = option("words", "tagging: column of the words")
    tags_column: str = option("tags", "tagging: column of the tags")
    word_number: int = option(0, "CoNLL files: number of the words' column, from 0")
    tag_number: int = option(-1, "CoNLL files: number of the tags' column; -1 is the last")
    conllu_column: str = option(
        "xpos", f"tags of CoNLL-U files: {' or '.join(CONLLU_COLUMNS)}", choices=CONLLU_COLUMNS
    )
    question_column: str = option("question", "qa: column of the question")
    context_column: str = option("context", "qa: column of the text with the answer")
    answers_column: str = option("answers", "qa: column of the answers")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.separator:
            raise CharBertError("--separator: is empty; give what separates two labels in a cell")


def read(columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
    """The examples of a source, in order.

    Args:
        columns: the task, and what it reads.
        source: a file, or what else `read_table` reads.
        bad: gets the rows that cannot be used.
        labelled: read the columns of labels in data of one's own; files in an official form tell themselves.

    Raises:
        CharBertError: it cannot be read, or is a table and the task reads official files.
    """
    _check_form(columns.task, Path(source))
    if columns.task in GLUE:
        return read_glue(columns.task, Path(source), bad)
    if columns.task in ANSWERS:
        if has_squad_form(columns.task, source):
            return read_squad(Path(source), bad)
        return question_examples(
            source,
            question=columns.question_column,
            context=columns.context_column,
            answers=columns.answers_column if labelled else None,
            bad=bad,
        )
    if columns.task in TAGS:
        return _tagged(columns, source, bad, labelled)
    return text_examples(
        source,
        text=columns.text_column,
        pair=columns.pair_column,
        label=columns.label_column if labelled else None,
        kind=columns.label_kind,
        bad=bad,
        separator=columns.separator,
    )


def has_labels(columns: Columns, source: str) -> bool:
    """Whether data of one's own has the column of labels; files in an official form tell by themselves.

    Raises:
        CharBertError: as `read`.
    """
    _check_form(columns.task, Path(source))
    named = {"text": columns.label_column, "tagging": columns.tags_column, "qa": columns.answers_column}
    if columns.task not in named or is_official(columns.task, source):
        return True
    first = next(iter(read_table(source, BadRows(skip=True))), None)
    return first is None or named[columns.task] in first.cells


def is_official(task: str, source: str) -> bool:
    """Whether a source has a form of its task's own, and is no table with columns to name."""
    path = Path(source)
    if task in ANSWERS:
        return has_squad_form(task, source)
    if task in TAGS:
        return task != "tagging" or has_conllu_name(path) or text_ending(path) in CONLL_ENDINGS
    return task in GLUE


def has_squad_form(task: str, source: str) -> bool:
    """Whether a source of questions is in the JSON of SQuAD."""
    return task != "qa" or text_ending(Path(source)) == SQUAD_ENDING


def _check_form(task: str, path: Path) -> None:
    own = "tagging" if task in TAGS else "qa" if task in ANSWERS else "text"
    ending = text_ending(path)
    if task != own and ending in _TABLES and (own, ending) != ("qa", SQUAD_ENDING):
        raise CharBertError(
            f"{path}: is a table by its name, which {task} does not read; the task {own} does"
        )
    is_known = ending in (*_TABLES, ".tsv") or is_official(task, str(path))
    if task == "tagging" and path.is_file() and not is_known:
        raise CharBertError(
            f"{path}: is neither a table, {FORMS}, nor a file in columns by its name, "
            f".conllu, {', '.join(CONLL_ENDINGS)}; the tasks ner and pos read columns under any name"
        )


def _tagged(columns: Columns, source: str, bad: BadRows, labelled: bool) -> Iterator[TaggedExample]:
    path = Path(source)
    if has_conllu_name(path):
        examples = read_conllu(path, bad, column=columns.conllu_column)
    elif is_official(columns.task, source):
        examples = read_conll(path, bad, word_column=columns.word_number, tag_column=columns.tag_number)
    else:
        examples = tagged_examples(
            source, words=columns.words_column, tags=columns.tags_column if labelled else None, bad=bad
        )
    for example in examples:
        yield example if example.tags is None else example._replace(tags=to_iob2(example.tags))


class ShimReader(NamedTuple):
    task: str

    @property
    def labels(self) -> Any:
        return GLUE[self.task].labels if self.task in GLUE else None

    @property
    def is_own_data(self) -> bool:
        return self.task in OWN

    def files(self, folder: Path, split: str) -> dict[str, str]:
        from data.examples.glue import split_files

        if self.is_own_data:
            raise CharBertError(
                f"{self.task} is data of your own: name its files with --train, --dev, --test"
            )
        if self.task in GLUE:
            return {
                ("" if name == "matched" else name): str(path)
                for name, path in split_files(self.task, folder, split)
            }
        patterns = FILES[self.task].get(split, ())
        found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
        if found:
            return {"": str(found[0])}
        if split == "test" or not patterns:
            return {}
        raise CharBertError(f"{folder}: has no {' or '.join(patterns)}; name the file with --{split}")


READERS = {name: ShimReader(name) for name in TASKS}
SPLITS = ("train", "dev", "test")
FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "ner": {
        "train": ("eng.train", "train.txt", "train.conll"),
        "dev": ("eng.testa", "valid.txt", "dev.txt", "dev.conll"),
        "test": ("eng.testb", "test.txt", "test.conll"),
    },
    "pos": {split: (f"*{split}.conllu", f"{split}.txt", f"{split}.conll") for split in SPLITS},
    "squad": {"train": ("train-v1.1.json",), "dev": ("dev-v1.1.json",)},
    "squad2": {"train": ("train-v2.0.json",), "dev": ("dev-v2.0.json",)},
}


def register_reader(task: str, reader: Any) -> None:
    """Add the data of a task."""
    READERS[task] = reader


def find_reader(task: str) -> Any:
    """The reader of a task.

    Raises:
        CharBertError: there is no such task.
    """
    if task not in READERS:
        raise CharBertError(f"--task: {task!r} is unknown; choose one of {', '.join(READERS)}")
    return READERS[task]


read_examples = read
